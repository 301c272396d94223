"""The encoding of a text file: its mark, what to try instead, and reading it."""

from __future__ import annotations

import codecs
from typing import NamedTuple

from disaster_tweets.tables.errors import EncodingError

UTF8 = "utf-8"

# The longest first: the mark of UTF-16 begins that of UTF-32.
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF8: UTF8,
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
# They spell one text in many ways, or a part of it only.
_UNFIT = {"idna", "punycode", "raw-unicode-escape", "unicode-escape", "utf-7"}
_WIDE = ("utf-16", "utf-32")
_BY_ENDIANNESS = {"utf-16": "utf-16-le", "utf-32": "utf-32-le"}


class Encoding(NamedTuple):
    """How a file is encoded.

    Attributes:
        name: As Python knows it.
        mark: The bytes that mark it at the beginning of the file, or nothing.
    """

    name: str
    mark: bytes = b""


def encoding_of(beginning: bytes, wanted: str | None, title: str) -> Encoding:
    """Return how a file is encoded that begins so.

    Args:
        beginning: Its first bytes, some thousands if there are.
        wanted: The encoding that was asked for; None for UTF-8. A mark says it for sure.
        title: What messages call the file.

    Raises:
        EncodingError: ``wanted`` is no encoding of text, or the bytes look like UTF-16 and have
            no mark.
    """
    for mark, name in _MARKS.items():
        if beginning.startswith(mark):
            return Encoding(name, mark)
    if wanted is not None:
        name = canonical(wanted, title)
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
    """Decodes a file piece by piece, into a text that gives the same bytes again.

    Args:
        encoding: That of the file.
        title: What messages call the file.
        end: What ends a line.

    Attributes:
        lines: Line ends so far.
    """

    def __init__(self, encoding: Encoding, title: str, end: str = "\n") -> None:
        self._name, self._title, self._end = encoding.name, title, end
        self._decoder = codecs.getincrementaldecoder(encoding.name)("strict")
        self._encoder = codecs.getincrementalencoder(encoding.name)("strict")
        self._unmatched = b""  # what was read, and not yet spelled again
        self.lines = 0

    def decode(self, piece: bytes) -> str:
        """Return the text of the next bytes; no bytes are the end.

        Raises:
            EncodingError: They are not in this encoding, or spell something in another way
                than it would.
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
        # Both coders may hold back bytes of a character, or of a change of the character set.
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
    """Return an encoding's name as Python knows it; EncodingError where it is none of text."""
    try:
        found = codecs.lookup(name)
        if found.name in ("utf-8-sig", "utf_8_sig"):
            return UTF8
        "".encode(found.name)  # LookupError where it encodes something else than text
        if found.name.replace("_", "-") in _UNFIT:
            raise LookupError
        # Lines are found by their ends, which EBCDIC, for one, has elsewhere.
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
    """Return the encodings to try for a line that is not UTF-8, the likeliest first."""
    candidates = ["mac_roman"] if carriage_returns else []
    try:
        line.decode("cp1252")
        candidates.append("cp1252")
    except UnicodeDecodeError:
        candidates.append("latin-1")
    return candidates


def _without_mark(beginning: bytes) -> str | None:
    """Return the UTF-16 that bytes look like: of Latin letters, every other one is 0."""
    sample = beginning[: 4096 // 2 * 2]
    zeros = [sample[first::2].count(0) for first in (0, 1)]
    most = max(zeros)
    if len(sample) < 4 or most * 4 < len(sample) // 2 * 3 or min(zeros) * 8 > most:
        return None
    return "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"
