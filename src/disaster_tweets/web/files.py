"""The templates and the static files of the page, also of a package that lies in a zip."""

from __future__ import annotations

import hashlib
import io
import mimetypes

import importlib_resources
from flask import Flask, Response, send_file
from jinja2 import FunctionLoader
from werkzeug.exceptions import NotFound


def register(app: Flask) -> None:
    """Let an application without a static folder serve the package's templates and files."""
    app.jinja_loader = FunctionLoader(_template)
    app.add_url_rule("/static/<path:filename>", "static", _static)


def _template(name: str) -> str | None:
    content = _content("templates", name)
    return None if content is None else content.decode("utf-8")


def _static(filename: str) -> Response:
    content = _content("static", filename)
    if content is None:
        raise NotFound
    return send_file(
        io.BytesIO(content),
        mimetype=mimetypes.guess_type(filename)[0] or "application/octet-stream",
        etag=hashlib.sha256(content).hexdigest(),
    )


def _content(folder: str, name: str) -> bytes | None:
    """Return the content of a file; None if there is no such file in the folder itself."""
    for file in (importlib_resources.files(__package__) / folder).iterdir():
        if file.name == name:
            return file.read_bytes()
    return None
