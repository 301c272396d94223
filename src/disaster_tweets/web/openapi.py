"""The description of the service in OpenAPI 3.1, made from the routes and the schemas."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from importlib.metadata import version
from typing import Any, TypeVar

from flask import Flask
from werkzeug.http import HTTP_STATUS_CODES

from disaster_tweets.bundle import bundled_manifest
from disaster_tweets.errors import DISTRIBUTION
from disaster_tweets.topic import QUESTION
from disaster_tweets.web import problems
from disaster_tweets.web.schema import Schema, components

_View = TypeVar("_View", bound=Callable[..., Any])

_operations: dict[Callable[..., Any], dict[str, Any]] = {}  # by view


def describe(
    response: str | None = None,
    *,
    media_type: str = "application/json",
    request: str | None = None,
    errors: Iterable[int] = (),
) -> Callable[[_View], _View]:
    """Add a view to the description. Its docstring gives the summary and the description.

    Args:
        response: Name of the schema of the answer; None if the answer has none.
        media_type: Media type of the answer.
        request: Name of the schema of the body, in JSON; None if the view takes no body.
        errors: The statuses of the problems that the view may answer with.
    """

    def decorate(view: _View) -> _View:
        summary, _, description = inspect.cleandoc(view.__doc__ or "").partition("\n\n")
        body = {"required": True, "content": _content("application/json", request)}
        _operations[view] = {
            "operationId": view.__name__,
            "summary": summary,
            "description": " ".join(description.split()),
            **({} if request is None else {"requestBody": body}),
            "responses": {
                "200": {"description": "OK", "content": _content(media_type, response)},
                **{
                    str(status): {
                        "description": HTTP_STATUS_CODES[status],
                        "content": _content(problems.MEDIA_TYPE, "Problem"),
                    }
                    for status in errors
                },
            },
        }
        return view

    return decorate


def _content(media_type: str, schema: str | None) -> dict[str, Any]:
    if schema is None:
        return {media_type: {}}
    return {media_type: {"schema": {"$ref": f"#/components/schemas/{schema}"}}}


def schemas(app: Flask) -> dict[str, Schema]:
    """Return the schemas of an application, with the limits in its settings.

    Raises:
        ArtifactError: The manifest of the model is missing or malformed.
    """
    if __name__ not in app.extensions:
        app.extensions[__name__] = components(app.config, bundled_manifest()["labels"])
    known: dict[str, Schema] = app.extensions[__name__]
    return known


def document(app: Flask, root: str) -> dict[str, Any]:
    """Return the OpenAPI document of an application.

    Args:
        app: The application.
        root: The path at which the application is mounted; empty for the root of the host.

    Raises:
        ArtifactError: The manifest of the model is missing or malformed.
    """
    return {
        "openapi": "3.1.0",
        "info": {
            "title": DISTRIBUTION,
            "summary": QUESTION,
            "description": (
                "The answer to a failed request has a status of 400 or more, and a Problem. "
                "Only a request that is not HTTP, or whose address or headers are too long, "
                "gets status 400, 414 or 431 and no body."
            ),
            "version": version(DISTRIBUTION),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": root or "/"}],
        "paths": {
            rule.rule: {method.lower(): _operations[view]}
            for rule in app.url_map.iter_rules()
            if (view := app.view_functions[rule.endpoint]) in _operations
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
        },
        "components": {"schemas": schemas(app)},
    }
