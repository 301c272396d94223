"""Detect, decode and name the encoding of a text file."""

from __future__ import annotations

import codecs
from typing import NamedTuple

from disaster_tweets.tables.errors import EncodingError

UTF8 = "utf-8"

# The longest first, because the UTF-16 mark is the beginning of the UTF-32 mark.
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF8: UTF8,
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
# These encodings spell one text in several ways, or encode only some texts.
_UNFIT = {"idna", "punycode", "raw-unicode-escape", "unicode-escape", "utf-7"}
_WIDE = ("utf-16", "utf-32")
_BY_ENDIANNESS = {"utf-16": "utf-16-le", "utf-32": "utf-32-le"}


class Encoding(NamedTuple):
    """The encoding of a file.

    Attributes:
        name: The encoding's name in Python.
        mark: The byte order mark at the beginning of the file, or nothing.
    """

    name: str
    mark: bytes = b""


def encoding_of(beginning: bytes, requested: str | None, title: str) -> Encoding:
    """Return the encoding of a file, given its first bytes.

    Args:
        beginning: The first bytes of the file.
        requested: The encoding that the user asked for; None for UTF-8. A byte order mark wins.
        title: The name of the file in messages.

    Raises:
        EncodingError: ``requested`` is no text encoding, or the bytes look like UTF-16 without
            a mark.
    """
    for mark, name in _MARKS.items():
        if beginning.startswith(mark):
            return Encoding(name, mark)
    if requested is not None:
        name = canonical(requested, title)
        return Encoding(_BY_ENDIANNESS.get(name, name))
    order = _without_mark(beginning)
    if order is not None:
        raise EncodingError(
            "looks like UTF-16 without a mark of its byte order, not UTF-8",
            file=title,
            line=1,
            candidates=[order],
        )
    return Encoding(UTF8)


class Decoder:
    """Decodes a file piece by piece, and checks that the text encodes to the same bytes.

    Args:
        encoding: The encoding of the file.
        title: The name of the file in messages.
        end: The line end.

    Attributes:
        lines: Number of line ends so far.
    """

    def __init__(self, encoding: Encoding, title: str, end: str = "\n") -> None:
        self._name, self._title, self._end = encoding.name, title, end
        self._decoder = codecs.getincrementaldecoder(encoding.name)("strict")
        self._encoder = codecs.getincrementalencoder(encoding.name)("strict")
        self._unmatched = b""  # bytes that were read and not yet compared
        self.lines = 0

    def decode(self, piece: bytes) -> str:
        """Return the text of the next bytes; no bytes mean the end of the file.

        Raises:
            EncodingError: The bytes are not in this encoding, or the text does not encode to
                the same bytes.
        """
        try:
            text = self._decoder.decode(piece, not piece)
        except UnicodeDecodeError as error:
            before = error.object[: error.start].decode(self._name, "replace")
            near = error.object[max(error.start - 200, 0) :][:400]
            raise EncodingError(
                f"not valid {'UTF-8' if self._name == UTF8 else self._name}",
                file=self._title,
                line=self.lines + before.count(self._end) + 1,
                candidates=likely(near) if self._name == UTF8 else [UTF8],
            ) from None
        if self._name != UTF8:
            self._spell_again(piece, text)
        self.lines += text.count(self._end)
        return text

    def _spell_again(self, piece: bytes, text: str) -> None:
        # Both coders may hold back a part of a character, or of a change of the character set.
        read, again = self._unmatched + piece, self._encoder.encode(text, not piece)
        self._unmatched = read[len(again) :]
        if not read.startswith(again) or (not piece and self._unmatched):
            raise EncodingError(
                f"{self._name} spells something here in more than one way, so that the rows "
                "could not come back as they are; convert the file to UTF-8",
                file=self._title,
                line=self.lines + 1,
            )


def canonical(name: str, title: str | None = None) -> str:
    """Return the name of an encoding in Python; EncodingError if it is no text encoding."""
    try:
        found = codecs.lookup(name)
        if found.name in ("utf-8-sig", "utf_8_sig"):
            return UTF8
        "".encode(found.name)  # raises LookupError for a codec that does not encode text
        if found.name.replace("_", "-") in _UNFIT:
            raise LookupError
        # Lines end at fixed bytes, which mean something else in encodings such as EBCDIC.
        if not found.name.startswith(_WIDE) and "\r\n".encode(found.name) != b"\r\n":
            raise LookupError
    except (LookupError, UnicodeError, ValueError):
        raise EncodingError(
            f"{name!r} is not an encoding of text that can be read here",
            file=title,
            candidates=["utf-8", "utf-16", "cp1252", "latin-1", "mac_roman"],
        ) from None
    return found.name


def likely(line: bytes, carriage_returns: bool = False) -> list[str]:
    """Return encodings to suggest for a line that is not UTF-8, the most likely first."""
    candidates = ["mac_roman"] if carriage_returns else []
    try:
        line.decode("cp1252")
        candidates.append("cp1252")
    except UnicodeDecodeError:
        candidates.append("latin-1")
    return candidates


def _without_mark(beginning: bytes) -> str | None:
    """Return the UTF-16 variant of the bytes, if any: in Latin text every other byte is 0."""
    sample = beginning[: 4096 // 2 * 2]
    zeros = [sample[first::2].count(0) for first in (0, 1)]
    most = max(zeros)
    if len(sample) < 4 or most * 4 < len(sample) // 2 * 3 or min(zeros) * 8 > most:
        return None
    return "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"
