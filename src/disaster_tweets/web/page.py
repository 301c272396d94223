"""The web page: its forms and their answers. The page also works without a script."""

from __future__ import annotations

import io
import re
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
from disaster_tweets.counting import plural
from disaster_tweets.errors import DISTRIBUTION
from disaster_tweets.explanation import Explanation, strength, strongest
from disaster_tweets.tables.errors import ColumnError, SheetError, TableError, TakenError
from disaster_tweets.tables.rows import NONE, STANDARD
from disaster_tweets.web import results, upload
from disaster_tweets.web.results import Row, View

blueprint = Blueprint("page", __name__)

DEFAULTS = {
    "MAX_UPLOAD_LENGTH": 5_000_000,  # bytes of a request with a file
    "MAX_UPLOAD_ROWS": 50_000,
    "MAX_UNPACKED_LENGTH": 50_000_000,  # bytes of a compressed file or a workbook, unpacked
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
    """Score one text, or each line of several, and show the result."""
    try:
        text, texts = _texts()
    except _RefusedError as error:
        return _page(text=error.text, text_error=str(error)), error.status
    classifier = bundled_classifier()
    view = View.of(request.form, classifier)
    if len(texts) == 1:
        explanation = results.explain(classifier, texts[0], view)
        return _page(text=text, view=view, single=explanation)
    explained = request.form.get("explain", type=int)
    scored = results.score(classifier, texts, view, explained)
    return _page(text=text, view=view, results=scored)


@blueprint.get("/scored")
def scored_form() -> AnyResponse:
    """Redirect a GET to the form, which posts to this address for a download."""
    return redirect(url_for(".index"))


@blueprint.post("/scored")
def download() -> AnyResponse | tuple[str, int]:
    """Return the lines that the form selects as CSV, with their scores."""
    try:
        _, texts = _texts()
    except _RefusedError as error:
        return _page(text=error.text, text_error=str(error)), error.status
    classifier = bundled_classifier()
    content = results.score(classifier, texts, View.of(request.form, classifier)).as_csv()
    response = Response(content, content_type="text/csv; charset=utf-8")
    _attach(response, f"{topic.TEXTS.replace(' ', '-')}-scored.csv")
    return response


class _RefusedError(Exception):
    """A text cannot be scored; the message gives the reason.

    Attributes:
        text: The text that was sent; None if it was not read.
        status: The status of the answer.
    """

    def __init__(self, problem: str, text: str | None = None, status: int = 422) -> None:
        super().__init__(problem)
        self.text, self.status = text, status


def _texts() -> tuple[str, list[str]]:
    """Return the text that was sent, and its lines that are not blank.

    Raises:
        _RefusedError: The lines cannot be scored.
    """
    request.max_form_memory_size = request.max_content_length
    try:
        text = _text()
    except RequestEntityTooLarge:
        most = request.max_content_length or 0
        too_large = f"More than {_megabytes(most)} of text: send less, or a file."
        raise _RefusedError(_too_many_fields(most) or too_large, status=413) from None
    texts = [line for line in _LINE_END.split(text) if line.strip()]
    problem = _problem(texts)
    if problem is not None:
        raise _RefusedError(problem, text)
    return text, texts


def _text() -> str:
    """Return the chosen example, all examples as lines, or the text that was sent."""
    if request.form.get("example") == "all":
        return "\n".join(topic.EXAMPLES)
    example = request.form.get("example", type=int)
    if example is not None and 0 <= example < len(topic.EXAMPLES):
        return topic.EXAMPLES[example]
    return request.form.get("text", "")


def _problem(texts: list[str]) -> str | None:
    """Return the reason why texts cannot be scored, or None."""
    most = current_app.config["MAX_TEXTS"]
    allowed = current_app.config["MAX_EXPLAINED_LENGTH"]
    longest = max(map(len, texts), default=0)
    if not texts:
        return "Nothing to score yet: write something first."
    if len(texts) > most:
        fit = "fits" if most == 1 else "fit"
        return f"{len(texts):,} lines, and {most:,} {fit} at once: send fewer, or a file."
    if longest > allowed:
        return f"One line has {longest:,} characters, and {allowed:,} are allowed: shorten it."
    return None


@blueprint.get("/file")
def file_form() -> AnyResponse:
    """Redirect a GET to the form, which posts files to this address."""
    return redirect(url_for(".index"))


@blueprint.post("/file")
def score_file() -> AnyResponse | tuple[str, int]:
    """Stream the file back with its scores, or return the page with an error message."""
    choices = upload.Choices()
    try:
        name, content, choices = _sent_file()
        most = current_app.config["MAX_UNPACKED_LENGTH"]
        file = upload.Upload.of(name, content, choices, most)
        found = upload.check(file, current_app.config["MAX_UPLOAD_ROWS"])
    except RequestEntityTooLarge:
        problem = _too_many_fields(current_app.config["MAX_UPLOAD_LENGTH"]) or _too_large()
        return _page(file_error=problem), 413
    except _NoFileError as error:
        return _page(file_error=str(error)), 422
    except TableError as error:
        shown: dict[str, Any] = {"file_error": upload.advised(error), "choices": choices}
        if isinstance(error, (ColumnError, TakenError)):
            shown |= {"columns": error.candidates, "column": choices.column or "text"}
        if isinstance(error, SheetError):
            shown |= {"sheets": error.candidates}
        return _page(**shown), 422
    response = Response(upload.score(file, bundled_classifier()))
    response.content_type = _MEDIA_TYPES[file.scored_format]
    _attach(response, file.scored_name)
    response.headers["Row-Count"] = str(found.rows)
    if found.lines is not None:
        response.headers["Line-Count"] = str(found.lines)
    if found.notices:
        response.headers["Notice"] = quote("; ".join(found.notices))
    return response


_MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "tsv": "text/tab-separated-values; charset=utf-8",
    "jsonl": "application/jsonl",
    "json": "application/json",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.file",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def _attach(response: Response, name: str) -> None:
    """Let a browser save a response under a name."""
    disposition = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    response.headers["Content-Disposition"] = disposition


class _NoFileError(Exception):
    """No file was sent."""


def _sent_file() -> tuple[str, bytes, upload.Choices]:
    """Return the name and the content of the file, and the choices in the form.

    Raises:
        RequestEntityTooLarge: The request is too large, or has too many fields.
        _NoFileError: No file was sent.
    """
    _, form, files = parse_form_data(
        request.environ,
        stream_factory=lambda *args, **kwargs: io.BytesIO(),  # keeps uploads off the disk
        max_content_length=current_app.config["MAX_UPLOAD_LENGTH"],
        max_form_parts=current_app.config["MAX_FORM_PARTS"],
    )
    file = files.get("file")
    if file is None or not file.filename:
        raise _NoFileError("No file yet: choose one first.")
    choices = upload.Choices(
        form.get("column") or None,
        form.get("sheet") or None,
        overwrite="overwrite" in form,
        no_header="no_header" in form,
        quoting=quoting if (quoting := form.get("quoting")) in (STANDARD, NONE) else None,
    )
    return file.filename, file.read(), choices


def _too_large() -> str:
    size = _megabytes(current_app.config["MAX_UPLOAD_LENGTH"])
    return f"Larger than {size}: score it with disaster-tweets score IN.csv -o OUT.csv"


def _too_many_fields(most_bytes: int) -> str | None:
    """Return why a form was refused that is not too large, or None if it is too large."""
    size = request.content_length
    if size is None or size > most_bytes:
        return None
    most_fields = plural(current_app.config["MAX_FORM_PARTS"], "field")
    return f"More than {most_fields} in the form: send fewer."


@blueprint.get("/card")
def card() -> str:
    """Show the model card."""
    return render_template("card.html", manifest=bundled_manifest())


def _page(**shown: Any) -> str:
    manifest = bundled_manifest()
    return render_template(
        "index.html",
        manifest=manifest,
        quotings=upload.QUOTINGS,
        formats=upload.format_titles(),
        suffixes=upload.suffixes(),
        orders=results.ORDERS,
        page_rows=results.PAGE_ROWS,
        too_large=_too_large(),
        **shown,
    )


@blueprint.app_context_processor
def _known_to_all() -> dict[str, Any]:
    return {"release": version(DISTRIBUTION), "topic": topic}


@dataclass(frozen=True)
class Piece:
    """A piece of a text and its mark.

    Attributes:
        text: The piece.
        side: ``for`` or ``against`` the label; empty without a mark.
        strength: The strength of the mark, from 1 to 3; 0 without a mark.
    """

    text: str
    side: str = ""
    strength: int = 0


@blueprint.app_template_filter()
def pieces(explanation: Explanation) -> Iterator[Piece]:
    """Cut a text into the words to be marked and the pieces between these words."""
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
def for_script(rows: list[Row]) -> list[list[Any]]:
    """Return the data of rows for the page's script, which makes table rows of it."""
    return [
        [
            row.number,
            printable(row.text),
            row.prediction.probability,
            percent(row.prediction.probability),
            row.prediction.label,
        ]
        for row in rows
    ]


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
    """Return a probability in percent, but never 0.0% or 100.0%, which would sound certain."""
    shown = f"{probability:.1%}"
    return {"100.0%": "> 99.9%", "0.0%": "< 0.1%"}.get(shown, shown)


@blueprint.app_template_filter()
def per_hundred(probability: float) -> str:
    """Return a probability times 100, without trailing zeros."""
    return f"{100 * probability:.10g}"


@blueprint.app_template_filter("megabytes")
def _megabytes(size: int) -> str:
    return f"{round(size / 1e6, 1):g} MB"
