"""The web page: what it shows for what was sent. It works as plain forms, without a script."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, current_app, redirect, render_template, request, url_for
from flask.sansio.blueprints import BlueprintSetupState
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import parse_form_data
from werkzeug.wrappers import Response as AnyResponse

from disaster_tweets import topic
from disaster_tweets.bundle import bundled_manifest
from disaster_tweets.classifier import bundled_classifier
from disaster_tweets.errors import DISTRIBUTION
from disaster_tweets.explanation import Explanation, strength, strongest
from disaster_tweets.prediction import Prediction
from disaster_tweets.tables.errors import ColumnError, TableError, TakenError
from disaster_tweets.tables.rows import NONE, STANDARD
from disaster_tweets.web import upload

blueprint = Blueprint("page", __name__)

DEFAULTS = {
    "MAX_UPLOAD_LENGTH": 5_000_000,  # bytes of a request with a file
    "MAX_UPLOAD_ROWS": 50_000,
}

_LINE_END = re.compile(r"\r\n|\r|\n")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")  # not in HTML


@blueprint.record_once
def _set_defaults(state: BlueprintSetupState) -> None:
    for name, value in DEFAULTS.items():
        state.app.config.setdefault(name, value)


@blueprint.get("/")
def index() -> str:
    """Show the empty forms."""
    return _page()


@blueprint.post("/")
def classify() -> str | tuple[str, int]:
    """Show what the model says of one text, or of each line."""
    request.max_form_memory_size = request.max_content_length
    try:
        text, explained = _text(), request.form.get("explain", type=int)
    except RequestEntityTooLarge:
        size = _megabytes(request.max_content_length or 0)
        return _page(text_error=f"More than {size} of text: send less, or a file."), 413
    texts = [line for line in _LINE_END.split(text) if line.strip()]
    problem = _problem(texts)
    if problem is not None:
        return _page(text=text, text_error=problem), 422
    if len(texts) == 1:
        return _page(text=text, single=bundled_classifier().explain(texts[0]))
    return _page(text=text, table=_table(texts, explained))


def _text() -> str:
    """Return the text that was sent, or the example that was asked for."""
    example = request.form.get("example", type=int)
    if example is not None and 0 <= example < len(topic.EXAMPLES):
        return topic.EXAMPLES[example]
    return request.form.get("text", "")


def _problem(texts: list[str]) -> str | None:
    """Say why texts are not scored, if so."""
    most = current_app.config["MAX_TEXTS"]
    allowed = current_app.config["MAX_EXPLAINED_LENGTH"]
    longest = max(map(len, texts), default=0)
    if not texts:
        return "Nothing to score yet: write something first."
    if len(texts) > most:
        fit = "fits" if most == 1 else "fit"
        return f"{len(texts):,} lines, and {most:,} {fit} at once: send fewer, or a CSV file."
    if longest > allowed:
        return f"One line has {longest:,} characters, and {allowed:,} are allowed: shorten it."
    return None


@dataclass(frozen=True)
class Row:
    """A line of many; explained where that was asked for."""

    text: str
    prediction: Prediction
    explanation: Explanation | None


def _table(texts: list[str], explained: int | None) -> list[Row]:
    classifier = bundled_classifier()
    return [
        Row(
            text,
            prediction,
            classifier.explain(text) if number == explained else None,
        )
        for number, (text, prediction) in enumerate(
            zip(texts, classifier.predict(texts), strict=True)
        )
    ]


@blueprint.get("/file")
def file_form() -> AnyResponse:
    """Lead back to the form, whose answer has this address."""
    return redirect(url_for(".index"))


@blueprint.post("/file")
def score_file() -> AnyResponse | tuple[str, int]:
    """Give a file back with its scores, as they come; or the page with what is wrong."""
    choices = upload.Choices()
    try:
        name, content, choices = _sent_file()
        file = upload.Upload.of(name, content, choices)
        found = upload.check(file, current_app.config["MAX_UPLOAD_ROWS"])
    except RequestEntityTooLarge:
        return _page(file_error=_too_large()), 413
    except _NoFileError as error:
        return _page(file_error=str(error)), 422
    except TableError as error:
        shown: dict[str, Any] = {"file_error": upload.advised(error), "choices": choices}
        if isinstance(error, (ColumnError, TakenError)):
            shown |= {"columns": error.candidates, "column": choices.column or "text"}
        return _page(**shown), 422
    response = Response(upload.score(file, bundled_classifier()))
    response.content_type = f"text/{_SUBTYPES[file.format]}; charset=utf-8"
    name = quote(file.scored_name, safe="")
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{name}"
    response.headers["Row-Count"] = str(found.rows)
    response.headers["Line-Count"] = str(found.lines)
    if found.notices:
        response.headers["Notice"] = quote("; ".join(found.notices))
    return response


_SUBTYPES = {"csv": "csv", "tsv": "tab-separated-values"}


class _NoFileError(Exception):
    """No file was sent."""


def _sent_file() -> tuple[str, bytes, upload.Choices]:
    """Return the name of the file, its content, and what the form says of it.

    Raises:
        RequestEntityTooLarge: There is more than the limit.
        _NoFileError: There is no file.
    """
    _, form, files = parse_form_data(
        request.environ,
        stream_factory=lambda *args, **kwargs: io.BytesIO(),  # nothing touches the disk
        max_content_length=current_app.config["MAX_UPLOAD_LENGTH"],
        max_form_memory_size=current_app.config["MAX_FORM_MEMORY_SIZE"],
        max_form_parts=current_app.config["MAX_FORM_PARTS"],
    )
    file = files.get("file")
    if file is None or not file.filename:
        raise _NoFileError("No file yet: choose one first.")
    choices = upload.Choices(
        form.get("column") or None,
        overwrite="overwrite" in form,
        no_header="no_header" in form,
        quoting=quoting if (quoting := form.get("quoting")) in (STANDARD, NONE) else None,
    )
    return file.filename, file.read(), choices


def _too_large() -> str:
    size = _megabytes(current_app.config["MAX_UPLOAD_LENGTH"])
    return f"Larger than {size}: score it with disaster-tweets score IN.csv -o OUT.csv"


@blueprint.get("/card")
def card() -> str:
    """Show what the model says of itself."""
    return render_template("card.html", manifest=bundled_manifest())


def _page(**shown: Any) -> str:
    manifest = bundled_manifest()
    return render_template(
        "index.html",
        manifest=manifest,
        quotings=upload.QUOTINGS,
        too_large=_too_large(),
        **shown,
    )


@blueprint.app_context_processor
def _known_to_all() -> dict[str, Any]:
    return {"release": version(DISTRIBUTION), "topic": topic}


@dataclass(frozen=True)
class Piece:
    """Some text, and how it is marked: ``for`` or ``against``, from 1 to 3; not at all if 0."""

    text: str
    side: str = ""
    strength: int = 0


@blueprint.app_template_filter()
def pieces(explanation: Explanation) -> Iterator[Piece]:
    """Cut a text into the words to be marked and what lies between them."""
    position = 0
    for word in explanation.words:
        marked = strength(word)
        if marked:
            yield Piece(explanation.text[position : word.start])
            yield Piece(word.word, "for" if word.weight > 0 else "against", marked)
            position = word.end
    yield Piece(explanation.text[position:])


blueprint.add_app_template_filter(strongest)


@blueprint.app_template_filter()
def counted(rows: list[Row]) -> Counter[str]:
    """Return how many rows have each label."""
    return Counter(row.prediction.label for row in rows)


@blueprint.app_template_filter()
def capitalized(text: str) -> str:
    """Return ``text`` with a capital letter at its start."""
    return text[:1].upper() + text[1:]


@blueprint.app_template_filter()
def printable(text: str) -> str:
    """Return ``text`` with a replacement for each character that HTML does not allow."""
    return _CONTROL.sub("\ufffd", text)


@blueprint.app_template_filter()
def percent(probability: float) -> str:
    """Return a probability in percent; never one that sounds certain."""
    shown = f"{probability:.1%}"
    return {"100.0%": "> 99.9%", "0.0%": "< 0.1%"}.get(shown, shown)


@blueprint.app_template_filter("megabytes")
def _megabytes(size: int) -> str:
    return f"{round(size / 1e6, 1):g} MB"
