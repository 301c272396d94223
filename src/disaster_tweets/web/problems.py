"""Error answers: problem details (RFC 9457) for programs, a page for browsers."""

from __future__ import annotations

import json
from urllib.parse import quote

from flask import Flask, Response, current_app, render_template, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, ServiceUnavailable
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.wrappers import Response as AnyResponse

from disaster_tweets.bundle import bundled_manifest
from disaster_tweets.counting import plural
from disaster_tweets.errors import ArtifactError

MEDIA_TYPE = "application/problem+json"


def register(app: Flask) -> None:
    """Let an application answer every error with problem details or a page."""
    app.register_error_handler(HTTPException, _answer)
    app.register_error_handler(ArtifactError, _unavailable)


def _unavailable(error: ArtifactError) -> AnyResponse:
    current_app.logger.error("%s", error)  # names folders, so clients must not see it
    return _problem(ServiceUnavailable("the model cannot be loaded; the log has the reason"))


def _answer(error: HTTPException) -> AnyResponse:
    return _page(error) if _for_a_browser() else _problem(error)


def _for_a_browser() -> bool:
    if request.blueprint == "api":
        return False
    offered = [MEDIA_TYPE, "application/json", "text/html"]
    return request.accept_mimetypes.best_match(offered) == "text/html"


def _problem(error: HTTPException) -> AnyResponse:
    status = error.code or 500
    problem = {
        "type": "about:blank",  # the status says it all (RFC 9457, 4.2.1)
        "title": _title(status),
        "status": status,
        "detail": _detail(error),
        "instance": quote(request.path),
    }
    return _with_headers_of(error, Response(json.dumps(problem), status, mimetype=MEDIA_TYPE))


def _page(error: HTTPException) -> AnyResponse:
    status = error.code or 500
    page = render_template(
        "error.html", manifest=bundled_manifest(), title=_title(status), detail=_detail(error)
    )
    return _with_headers_of(error, Response(page, status))


def _title(status: int) -> str:
    return HTTP_STATUS_CODES.get(status, "Error")


def _detail(error: HTTPException) -> str:
    if isinstance(error, MethodNotAllowed):
        allowed = ", ".join(sorted(set(error.valid_methods or ()) - {"HEAD", "OPTIONS"}))
        return f"this address takes {allowed} only"
    if error.code == 404:
        return (
            f"there is nothing at this address; {request.script_root}/docs lists all addresses"
        )
    if error.code == 413 and request.max_content_length is not None:
        return f"the body is larger than {plural(request.max_content_length, 'byte')}"
    if error.code == 500:
        return "the fault is in this service; the log has the reason"
    return error.description or ""


def _with_headers_of(error: HTTPException, response: AnyResponse) -> AnyResponse:
    """Copy the headers of an error, such as Allow and Retry-After, to its response."""
    for name, value in error.get_headers(request.environ):
        if name != "Content-Type":
            response.headers[name] = value
    return response
