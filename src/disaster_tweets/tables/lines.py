"""Decode the lines of a text file, and track their positions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from disaster_tweets.tables.encoding import UTF8, Decoder, Encoding, encoding_of, likely
from disaster_tweets.tables.errors import EncodingError, RowError, SizeError
from disaster_tweets.tables.source import BEGINNING, Content, readable

LONGEST = 1 << 26  # characters of a record; limits the memory that an unclosed quote takes
_BLOCK = 1 << 16
_LINE_END = re.compile(r"\n|\r(?!\n|\r)")
_QUOTED = re.compile(r'"[^"]*("|\Z)')
_CARRIAGE_RETURN = re.compile(r"\r(?!\n|\r)")


class Undecodable(str):
    """A line that is not valid UTF-8; each invalid byte is a lone surrogate."""

    __slots__ = ()


class Lines:
    """The lines of an open text file, without their line ends.

    Attributes:
        encoding: The encoding of the file.
        title: The name of the file in messages.
        end: The line end: a line feed, or a carriage return if the file has no line feeds.
        beginning: The first lines.
        complete: ``beginning`` is the whole file.
        line: The number of lines that `skip` has skipped.
        unended: The last line was returned and has no line end.
        final: No file of the table follows, so that a last line may stay without an end.
    """

    def __init__(
        self,
        content: Content,
        encoding: str | None,
        *,
        final: bool = True,
        records: bool = False,
        quotes: bool = False,
    ) -> None:
        self.final = final
        self._content, self._file = content, content.file
        self.title = content.source.title
        self.encoding = encoding_of(content.beginning, encoding, self.title)
        self.line = 0
        self.unended = False
        self._mark = len(self.encoding.mark)
        self.beginning = self._sample(content.beginning[self._mark :])
        self.complete = len(content.beginning) < BEGINNING
        self.end = "\r" if self._has_carriage_returns(records, quotes) else "\n"
        with readable(self.title):
            self._file.read(self._mark)

    def _sample(self, first: bytes) -> str:
        # The bytes may end inside a character, and invalid bytes do not matter here.
        kept = "surrogateescape" if self.encoding.name == UTF8 else "replace"
        return first.decode(self.encoding.name, errors=kept)

    def _has_carriage_returns(self, records: bool, quotes: bool) -> bool:
        """Say whether carriage returns end the lines, as on old Macintoshes.

        Args:
            records: A record may contain a line feed, so the first line decides.
            quotes: Line feeds inside quotes belong to a record.
        """
        if not records:
            return "\n" not in self.beginning and bool(_CARRIAGE_RETURN.search(self.beginning))
        outside = _QUOTED.sub("", self.beginning) if quotes else self.beginning
        first = _LINE_END.search(outside)
        return first is not None and first[0] == "\r"

    @property
    def ending(self) -> str:
        """The end to write after the returned line."""
        return "" if self.unended and self.final else self.end

    def again(self, first: list[str], rest: Iterator[str]) -> Iterator[str]:
        """Yield the first lines, which ``rest`` has returned already, and then the rest."""
        unended, self.unended = self.unended, False
        yield from first[:-1]
        self.unended = unended
        yield from first[-1:]
        yield from rest

    def consumed(self, offset: int) -> int:
        """Return the bytes of the file that were read, given the decoded offset."""
        packed = self._content.consumed
        return offset if packed is None else packed

    def skip(self, offset: int, line: int) -> None:
        """Continue at a position from an earlier reading of the same content.

        Args:
            offset: Bytes before the position as UTF-8, including the byte order mark.
            line: Lines before the position.
        """
        if not line:
            return
        if self.encoding.name == UTF8:
            left = offset - self._mark
            with readable(self.title):
                if self._content.packed is None and self._file.seekable():
                    self._file.seek(offset)
                    left = 0
                while left > 0 and (piece := self._file.read(min(left, 1 << 20))):
                    left -= len(piece)
        else:
            lines = iter(self)
            for _ in range(line):
                next(lines, None)
            self._lines = lines
        self.line = line

    _lines: Iterator[str] | None = None

    def __iter__(self) -> Iterator[str]:
        r"""Yield each line without its line end; the carriage return of ``\r\n`` stays.

        Raises:
            SizeError: A line is too long.
            EncodingError: Bytes are invalid in an encoding other than UTF-8.
        """
        if self._lines is not None:
            return self._lines
        return self._utf8_lines() if self.encoding.name == UTF8 else self._decoded_lines()

    def _utf8_lines(self) -> Iterator[str]:
        end = self.end
        separator = end.encode()
        for block in self._blocks(separator):
            ended = block.endswith(separator)
            try:
                lines = block.decode().split(end)
            except UnicodeDecodeError:
                lines = [_decoded(line) for line in block.split(separator)]
            if ended:
                del lines[-1]
                yield from lines
            else:  # the last block of the file
                last = lines.pop()
                yield from lines
                self.unended = True
                yield last

    def _blocks(self, separator: bytes) -> Iterator[bytes]:
        """Yield blocks of whole lines."""
        rest: list[bytes] = []
        size = lines = 0
        with readable(self.title):
            while piece := self._file.read(_BLOCK):
                cut = piece.rfind(separator) + 1
                if cut:
                    block = b"".join([*rest, piece[:cut]])
                    lines += block.count(separator)
                    yield block
                    rest, size = [piece[cut:]], len(piece) - cut
                else:
                    rest.append(piece)
                    size += len(piece)
                    _check_length(size, self.title, self.line + lines)
        if size:
            yield b"".join(rest)

    def _decoded_lines(self) -> Iterator[str]:
        decoder = Decoder(self.encoding, self.title, self.end)
        rest: list[str] = []
        size, finished = 0, False
        while not finished:
            with readable(self.title):
                piece = self._file.read(_BLOCK)
            finished = not piece
            text = decoder.decode(piece)
            *whole, last = text.split(self.end)
            if whole:
                whole[0] = "".join([*rest, whole[0]])
                rest, size = [last], len(last)
                yield from whole
            else:
                rest.append(last)
                size += len(last)
                _check_length(size, self.title, decoder.lines)
        if size:
            self.unended = True
            yield "".join(rest)

    def check(self, line: str) -> None:
        """Raise RowError if a row of one line cannot be read."""
        if isinstance(line, Undecodable):
            raise RowError("not valid UTF-8", candidates=self.encodings_to_try(line))
        if self.end == "\r" and "\n" in line:
            raise RowError("a line feed, but carriage returns end the lines")

    def encodings_to_try(self, line: str) -> list[str]:
        """Return the most likely encodings of a line that is not UTF-8."""
        return likely(line.encode(UTF8, "surrogateescape"), self.end == "\r")


def encoded(text: str, encoding: Encoding, title: str) -> bytes:
    """Encode a text; a lone surrogate becomes the invalid byte it came from.

    Raises:
        EncodingError: The encoding lacks a character.
    """
    try:
        if encoding.name == UTF8:
            return text.encode(UTF8, "surrogateescape")
        return text.encode(encoding.name)
    except UnicodeEncodeError as error:
        lacks = error.object[error.start : error.start + 1]
        raise EncodingError(
            f"{encoding.name} has no {lacks!a}, which is in the name of a new column",
            file=title,
        ) from None


def size_of(line: str) -> int:
    """Return the length of a line in bytes as UTF-8."""
    return len(line) if line.isascii() else len(line.encode(UTF8, "surrogateescape"))


def _check_length(size: int, title: str, lines: int) -> None:
    if size > LONGEST:
        raise too_long(title, lines + 1)


def too_long(title: str, line: int) -> SizeError:
    """Return the error for a record that is too long for the memory."""
    return SizeError(
        f"a record of more than {LONGEST >> 20} MiB begins here; look for a quote that is "
        "never closed",
        file=title,
        line=line,
    )


def long_beginning(title: str, line: int) -> SizeError:
    """Return the error for a first record longer than the examined beginning."""
    return SizeError(
        f"the first record is longer than {BEGINNING >> 20} MiB; look for a quote that is "
        "never closed",
        file=title,
        line=line,
    )


def _decoded(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return Undecodable(line.decode(errors="surrogateescape"))
