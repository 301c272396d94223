"""Detect the actual content of a file, whatever its name says."""

from __future__ import annotations

import re

from disaster_tweets.tables.errors import ContentError
from disaster_tweets.tables.formats import (
    ARROW,
    CSV,
    DELIMITED,
    JSON,
    JSONL,
    PARQUET,
    TSV,
    TXT,
    XLSX,
)

# The first bytes of known contents, and each content: one of our formats, or advice.
_FORMATS = {b"PAR1": PARQUET, b"ARROW1": ARROW}
_OTHERS = {
    b"%PDF-": "a PDF document; save the texts in a table",
    b"\x89PNG\r\n\x1a\n": "a picture (PNG); send the texts in it as a table",
    b"\xff\xd8\xff": "a picture (JPEG); send the texts in it as a table",
    b"GIF8": "a picture (GIF); send the texts in it as a table",
    b"SQLite format 3\0": "an SQLite database; export the table as CSV",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": (
        "an old or protected Office file, such as .xls; save it as .xlsx or CSV"
    ),
    b"{\\rtf": "a document (RTF); save it as plain text",
    b"FEA1": "a Feather file of version 1; write it with version 2",
    b"Obj\x01": "an Avro file; convert it to Parquet",
    b"ORC": "an ORC file; convert it to Parquet",
    b"\x80\x04\x95": "a Python pickle; save the table as CSV or Parquet",
    b"\x7fELF": "a program, not a table",
    b"\x93NUMPY": "a NumPy array; save the table as CSV or Parquet",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive; unpack it first",
    b"Rar!\x1a\x07": "a RAR archive; unpack it first",
    b"version https://git-lfs.github.com/spec/": (
        "a pointer of Git LFS, not the file itself; get it with git lfs pull"
    ),
    b"version https://hawser.github.com/spec/": (
        "a pointer of Git LFS, not the file itself; get it with git lfs pull"
    ),
}
_TEXTUAL = {
    b"%PDF-",
    b"{\\rtf",
    b"version https://git-lfs.github.com/spec/",
    b"version https://hawser.github.com/spec/",
}
_GIT_ANNEX = re.compile(rb"(/annex/objects/|(\.\./)*\.git/annex/objects/)\S+\s*\Z")
_WEB_PAGE = re.compile(
    rb"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*(<!doctype\s+html|<html[\s>]|<head[\s>]|<body[\s>])",
    re.IGNORECASE | re.DOTALL,
)
_XML = re.compile(rb"\s*<\?xml[\s?]")
_TAR = slice(257, 262)
_MARK = b"\xef\xbb\xbf"

_WORDS = {
    CSV: "a CSV file",
    TSV: "a TSV file",
    JSONL: "JSON Lines",
    JSON: "JSON",
    TXT: "text",
    PARQUET: "a Parquet file",
    ARROW: "an Arrow file",
    XLSX: "an Excel workbook",
}


def check(beginning: bytes, format_: str, title: str) -> None:
    """Raise ContentError if a file certainly holds something other than its format.

    Args:
        beginning: The first bytes of the decompressed content.
        format_: The expected format.
        title: The name of the file in messages.
    """
    found = None
    if _is_binary(beginning) or format_ in (PARQUET, ARROW):
        found = next((f for magic, f in _FORMATS.items() if beginning.startswith(magic)), None)
    if found is None and beginning.startswith(b"PK\x03\x04"):
        check_zip(beginning, title, format_)
        found = XLSX if format_ == XLSX else None
    if found is not None and found != format_:
        raise _mistaken(found, format_, title)
    other = _other(beginning, plain=format_ == TXT)
    if other is not None:
        raise ContentError(f"is {other}", file=title)
    if format_ in (PARQUET, ARROW, XLSX):
        if not beginning:
            raise ContentError("is empty", file=title)
        if found is None and not _is_binary(beginning):
            raise ContentError(f"is text, not {_WORDS[format_]}", file=title, candidates=[CSV])
    text = beginning.removeprefix(_MARK).lstrip()
    if format_ in DELIMITED and _is_json(text):
        found = JSON if _DOCUMENT.match(text) else JSONL
        raise _mistaken(found, format_, title)
    if format_ == JSONL and text.startswith(b"["):
        # Only an array over several lines is a JSON document; a single line may be a broken
        # row.
        first = text.split(b"\n", 1)[0].rstrip()
        if not first.endswith(b"]") or b"\n" not in text:
            raise _mistaken(JSON, format_, title)


def check_zip(beginning: bytes, title: str, format_: str) -> None:
    """Raise ContentError if a zip is a document of an office program that is not expected."""
    if not beginning.startswith(b"PK\x03\x04"):
        return
    for part, what in (
        (b"xl/", XLSX),
        (b"word/", "a document (.docx); save the texts in a table"),
        (b"ppt/", "a presentation; save the texts in a table"),
        (
            b"mimetypeapplication/vnd.oasis.opendocument",
            "an OpenDocument file; save it as .xlsx",
        ),
    ):
        if _names(beginning, part):
            if what != XLSX:
                raise ContentError(f"is {what}", file=title)
            if format_ != XLSX:
                raise _mistaken(XLSX, format_, title)
            return
    if format_ != XLSX and b"[Content_Types].xml" in beginning[:200]:
        raise _mistaken(XLSX, format_, title)


def alike(one: str, other: str) -> bool:
    """Say whether two formats differ only in their content, such as CSV and TSV."""
    families = ({CSV, TSV}, {JSONL, JSON})
    return one == other or any({one, other} <= family for family in families)


def _names(beginning: bytes, part: bytes) -> bool:
    """Say whether an early entry of a zip has a name that begins with ``part``."""
    start = 0
    while (start := beginning.find(b"PK\x03\x04", start)) >= 0:
        if beginning.startswith(part, start + 30):
            return True
        start += 4
    return False


def _mistaken(found: str, expected: str, title: str) -> ContentError:
    return ContentError(
        f"is {_WORDS[found]}, not {_WORDS[expected]}", file=title, candidates=[found]
    )


_TEXT_CHARACTERS = bytes(range(32, 127)) + b"\t\n\r"


def _is_binary(beginning: bytes) -> bool:
    """Say whether bytes cannot be text; some binary formats begin like a valid header."""
    sample = beginning[:1024]
    return b"\0" in sample or bool(sample[:64].translate(None, _TEXT_CHARACTERS))


def _other(beginning: bytes, plain: bool) -> str | None:
    for magic, what in _OTHERS.items():
        if beginning.removeprefix(_MARK).startswith(magic) and (
            magic in _TEXTUAL or _is_binary(beginning)
        ):
            return what
    page = _WEB_PAGE.match(beginning.removeprefix(_MARK))
    if page and (not plain or b"</" in beginning or b"<!doctype" in beginning[:200].lower()):
        return "a web page (HTML), not a table; look at the address it came from"
    if _XML.match(beginning.removeprefix(_MARK)):
        return "an XML document, not a table"
    if beginning[_TAR] == b"ustar":
        return "a tar archive; unpack it first"
    if len(beginning) < 1000 and _GIT_ANNEX.match(beginning):
        return "a pointer of git-annex, not the file itself; get it with git annex get"
    return None


_DOCUMENT = re.compile(rb'\[|\{\s*"[^"]*"\s*:\s*\[\s*\{')
_JSON = re.compile(rb'[\[{]\s*("|\{|\}|\]|$)')


def _is_json(text: bytes) -> bool:
    """Say whether a text begins like JSON; a table header hardly ever does."""
    return bool(_JSON.match(text)) and (b":" in text or text.startswith(b"["))
