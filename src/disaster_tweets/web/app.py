"""The Flask application: its settings, its parts, and the headers of every answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Flask, Response, request
from flask.json.provider import DefaultJSONProvider
from werkzeug.exceptions import HTTPException

from disaster_tweets.web import access_log, api, files, page, problems
from disaster_tweets.web.proxy import TrustedProxies, parse_network

# The settings of Flask are not here. Those of uploaded files are in `page.DEFAULTS`.
DEFAULTS: dict[str, Any] = {
    "MAX_TEXTS": 1000,  # texts in one request
    "MAX_CONTENT_LENGTH": 1_000_000,  # bytes of one request without a file
    "MAX_EXPLAINED_LENGTH": 25_000,  # characters of a text to explain
    "TRUSTED_PROXIES": (),  # addresses or networks whose X-Forwarded headers count
}

# Key of the WSGI environment. Its value is the HTTPException by which the server refuses the
# request.
REFUSAL = "disaster_tweets.refusal"

_HEADERS = {
    "Cache-Control": "no-store",  # no cache may keep the answer to a text
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """Return the application: the web page and the service for programs.

    The first request that needs the model loads it, unless it is already loaded.

    Args:
        config: Settings that differ from ``disaster_tweets.web.app.DEFAULTS``.

    Raises:
        ValueError: An element of TRUSTED_PROXIES is neither an address nor a network.
    """
    app = Flask(__name__, static_folder=None)
    app.config.from_mapping(DEFAULTS)
    app.config.from_mapping(config or {})
    assert isinstance(app.json, DefaultJSONProvider)
    app.json.sort_keys = False
    files.register(app)
    access_log.register(app)
    problems.register(app)
    app.before_request(_refuse)
    app.after_request(_add_headers)
    app.register_blueprint(api.blueprint)
    app.register_blueprint(page.blueprint)
    networks = [parse_network(text) for text in app.config["TRUSTED_PROXIES"]]
    if networks:
        app.wsgi_app = TrustedProxies(app.wsgi_app, networks)  # type: ignore[method-assign]
    return app


def _refuse() -> None:
    refusal: HTTPException | None = request.environ.get(REFUSAL)
    if refusal is not None:
        raise refusal


def _add_headers(response: Response) -> Response:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response
