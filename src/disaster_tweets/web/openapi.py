"""The description of the service (OpenAPI 3.1), made from its routes and their schemas."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, TypeVar

from flask import Blueprint, Flask
from werkzeug.http import HTTP_STATUS_CODES

from disaster_tweets.bundle import bundled_manifest
from disaster_tweets.errors import DISTRIBUTION
from disaster_tweets.topic import QUESTION
from disaster_tweets.web import problems
from disaster_tweets.web.schema import Schema, components

_View = TypeVar("_View", bound=Callable[..., Any])


@dataclass(frozen=True)
class Operation:
    """What is said of one route.

    Attributes:
        summary: What it is for, in a few words.
        description: What there is to know besides.
        response: Name of the schema of its answer, or a media type that has none.
        request: Name of the schema of the body that it takes.
        problems: The statuses with which it may answer instead.
    """

    summary: str
    description: str
    response: str
    request: str | None = None
    problems: tuple[int, ...] = ()


_operations: dict[str, Operation] = {}  # by endpoint


def describe(blueprint: Blueprint, operation: Operation) -> Callable[[_View], _View]:
    """Publish a view of ``blueprint`` as ``operation``."""

    def decorate(view: _View) -> _View:
        _operations[f"{blueprint.name}.{view.__name__}"] = operation
        return view

    return decorate


def schemas(app: Flask) -> dict[str, Schema]:
    """Return the schemas of an application, whose limits are its settings.

    Raises:
        ArtifactError: The manifest of the model is missing or malformed.
    """
    if __name__ not in app.extensions:
        app.extensions[__name__] = components(app.config, bundled_manifest()["labels"])
    known: dict[str, Schema] = app.extensions[__name__]
    return known


def document(app: Flask, root: str) -> dict[str, Any]:
    """Return the description of an application.

    Args:
        app: The application.
        root: The path at which it is mounted; empty where that is the root of the host.
    """
    return {
        "openapi": "3.1.0",
        "info": {
            "title": DISTRIBUTION,
            "summary": QUESTION,
            "version": version(DISTRIBUTION),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": root or "/"}],
        "paths": {
            rule.rule: {method.lower(): _operation(rule.endpoint)}
            for rule in app.url_map.iter_rules()
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
            if rule.endpoint in _operations
        },
        "components": {"schemas": schemas(app)},
    }


def _operation(endpoint: str) -> dict[str, Any]:
    operation = _operations[endpoint]
    described: dict[str, Any] = {
        "operationId": endpoint.rpartition(".")[2],
        "summary": operation.summary,
        "description": operation.description,
    }
    if operation.request is not None:
        described["requestBody"] = {
            "required": True,
            "content": _content("application/json", operation.request),
        }
    described["responses"] = {"200": _answer(operation.response)} | {
        str(status): _problem(status) for status in operation.problems
    }
    return described


def _answer(response: str) -> dict[str, Any]:
    if "/" in response:
        return {"description": "OK", "content": {response: {}}}
    return {"description": "OK", "content": _content("application/json", response)}


def _problem(status: int) -> dict[str, Any]:
    return {
        "description": HTTP_STATUS_CODES[status],
        "content": _content(problems.MEDIA_TYPE, "Problem"),
    }


def _content(media_type: str, schema: str) -> dict[str, Any]:
    return {media_type: {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
