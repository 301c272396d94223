"""Read a JSON document element by element, and keep every byte around the elements.

This module also knows the archives of social networks: the path of their texts, and posts in
HTML.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator, Sequence
from html.parser import HTMLParser
from typing import Any, Literal, NamedTuple

from disaster_tweets.tables.columns import listed
from disaster_tweets.tables.errors import ContentError, DamagedError, SizeError

Kind = Literal["array", "assignment", "object", "values"]

# Members of an object that hold its rows, even if it has other arrays: "data" in answers of
# web services, and "orderedItems" in ActivityPub, as in the outbox.json of Mastodon.
_ACTIVITIES = "orderedItems"
_WRAPPERS = ("data", _ACTIVITIES)
ARCHIVE_TEXTS = ("full_text", "text")  # names of the text in an object of an archive

_SPACE = " \t\n\r"
_SPACES = re.compile(f"[{_SPACE}]*")
_ASSIGNMENT = re.compile(rf"[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)*[{_SPACE}]*=")
_LONGEST_ASSIGNMENT = 1024
# The text that may remain where a valid document is cut off.
_CUT = re.compile(r"(?:\\?u[0-9a-fA-F]{0,4}|\.|[eE][+-]?)?")
_WORDS = ("true", "false", "null", "NaN", "Infinity", "-Infinity")
# An error this close to the end of the buffer may vanish when more is read. The distance is
# longer than any literal and any escape.
_EDGE = 16

_TAG = re.compile(r"<[^<>]*>")
_ENTITY = re.compile(r"&#?\w{1,32};")
# html.parser takes quadratic time or worse for unclosed tags, and for marked sections (<![),
# which posts do not contain.
_UNCLOSED_TAG = re.compile(r"<(?![^<>]*>)")
_MOST_UNCLOSED = 100

_decode = json.JSONDecoder().raw_decode
# Slower, but accepts integers of any length.
_decode_any = json.JSONDecoder(parse_float=str, parse_int=str).raw_decode


class Element(NamedTuple):
    """An element of a document with its original spelling.

    Attributes:
        before: The text since the end of the previous element, or since the beginning.
        text: The element as JSON; it need not be an object.
        line: The line of its beginning, from 1.
    """

    before: str
    text: str
    line: int


class Document:
    r"""The elements of a JSON document, which can be iterated once.

    The document is one of: an array; an array that JavaScript assigns, as in the archives of
    Twitter; an object with an array of objects among its members; values one after the other.
    An object without such an array is a single value. The ``before`` and ``text`` of all
    elements and `after` together are the whole text. Lines end in ``\n``, ``\r\n`` or ``\r``.

    Attributes:
        kind: The kind of the document; this and the next two are known after `begin`.
        wrapper_key: The member of an object that holds the array.
        is_activity_stream: The elements are activities, as `activity_text` takes them.
        after: The text after the last element, known after the iteration.
    """

    def __init__(
        self,
        read: Callable[[int], str],
        title: str,
        *,
        block: int = 1 << 20,
        longest: int = 1 << 26,
        largest: int = 1 << 30,
    ) -> None:
        """Take an unread document.

        Args:
            read: Returns at most that many characters; none at the end. The first character is
                no byte order mark.
            title: The name of the file in messages.
            block: The least number of characters to read at once.
            longest: The longest element, in characters.
            largest: The longest document in characters, if the document is an object and must
                be read as a whole. Other documents have no limit.
        """
        self.kind: Kind = "values"
        self.wrapper_key: str | None = None
        self.is_activity_stream = False
        self.after = ""
        self._read, self._title = read, title
        self._block, self._longest, self._largest = block, longest, largest
        self._text = ""  # the buffer
        self._ended = False  # the end of the file was reached
        self._start = 0  # the buffer was returned up to here
        self._line = 1  # the line number at ``_start``
        self._first = -1  # the begin of the array or of the first value

    def begin(self) -> None:
        """Read until the kind of the document is known.

        Raises:
            ContentError: The file is empty or not JSON, or several arrays are candidates.
            DamagedError: The file is truncated.
            SizeError: The document is an object, and too large.
        """
        if self._first >= 0:
            return
        at = self._skip(0)
        first = self._text[at : at + 1]
        if not first:
            raise ContentError("is empty", file=self._title)
        if first == "[":
            self.kind = "array"
        elif first == "{":
            at = self._begin_object(at)
        else:
            at = self._begin_other(at)
        self._first = at

    def __iter__(self) -> Iterator[Element]:
        """Yield the elements.

        Raises:
            ContentError: As in `begin`; or later text is not JSON, or not in the array.
            DamagedError: The file is truncated.
            SizeError: An element is too long, or the document is an object and too large.
        """
        self.begin()
        spans = self._values if self.kind == "values" else self._array
        for begin, end in spans(self._first):
            before, text = self._text[self._start : begin], self._text[begin:end]
            line = self._line + _line_ends(before)
            yield Element(before, text, line)
            self._start, self._line = end, line + _line_ends(text)
        if self.kind in ("array", "assignment"):
            self._check_rest()
        self.after = self._text[self._start :]

    def _begin_other(self, at: int) -> int:
        """Tell an assignment from values; return the begin of the array or first value."""
        while len(self._text) < at + _LONGEST_ASSIGNMENT and self._more(at):
            pass
        assignment = _ASSIGNMENT.match(self._text, at)
        if not assignment:
            return at
        self.kind = "assignment"
        at = self._skip(assignment.end())
        if self._text[at : at + 1] not in ("[", ""):
            message = "JavaScript that assigns something else than an array"
            raise ContentError(message, file=self._title, line=self._line_at(at))
        return at

    def _begin_object(self, at: int) -> int:
        """Tell an object with an array from values; return the begin of the array or value.

        An object is read to its end before its elements are returned.
        """
        end, arrays = self._members(at)
        rest = self._skip(end)
        if rest < len(self._text):
            if arrays and self._text[rest] != "{":
                raise self._more_behind("object", rest)
            return at
        names = [name for name, _, _ in arrays]
        wrapper = next((wrapper for wrapper in _WRAPPERS if wrapper in names), None)
        arrays = [a for a in arrays if (a[0] == wrapper if wrapper else a[2])]
        if not arrays:
            return at
        if len(arrays) > 1:
            several = list(dict.fromkeys(name for name, _, _ in arrays))
            raise ContentError(
                f"holds several arrays of objects: {listed(several)}; save the one that holds "
                "the rows as a file of its own",
                file=self._title,
                candidates=several,
            )
        ((self.wrapper_key, at, _),) = arrays
        self.kind = "object"
        self.is_activity_stream = self.wrapper_key == _ACTIVITIES
        return at

    def _members(self, at: int) -> tuple[int, list[tuple[str, int, bool]]]:
        """Scan the members of an object.

        Returns:
            The end of the object; and for each member that is an empty array or an array of
                objects: its key, its begin, and whether it has an element.
        """
        arrays: list[tuple[str, int, bool]] = []
        at = self._skip(at + 1)
        if self._text[at : at + 1] == "}":
            return at + 1, arrays
        while True:
            at = self._skip(at)
            if self._text[at : at + 1] != '"':
                raise self._problem("Expecting property name enclosed in double quotes", at)
            end = self._value_end(at)
            key = json.loads(self._text[at:end])
            at = self._skip(self._expect(":", end) + 1)
            if self._text[at : at + 1] == "[":
                first, end = "", at + 1
                for span in self._array(at):
                    first, end = first or self._text[span[0]], span[1]
                if first in ("{", ""):
                    arrays.append((key, at, first != ""))
                end = self._expect("]", end) + 1
            else:
                end = self._value_end(at)
            at = self._expect(",}", end) + 1
            if self._text[at - 1] == "}":
                return at, arrays

    def _array(self, at: int) -> Iterator[tuple[int, int]]:
        """Yield the begin and end of each element, up to the closing bracket of the array."""
        self._expect("[", at)
        at = self._skip(at + 1)
        if self._text[at : at + 1] == "]":
            return
        while True:
            at = self._skip(at)
            end = self._value_end(at)
            yield at, end
            end -= self._forget()
            at = self._expect(",]", end) + 1
            if self._text[at - 1] == "]":
                return

    def _values(self, at: int) -> Iterator[tuple[int, int]]:
        """Yield the begin and end of each value, up to the end of the file."""
        while at < len(self._text):
            end = self._value_end(at)
            yield at, end
            end -= self._forget()
            at = self._skip(end)

    def _check_rest(self) -> None:
        """Read the text after the array."""
        at = self._skip(self._text.index("]", self._start) + 1)
        if self.kind == "assignment" and self._text[at : at + 1] == ";":
            at = self._skip(at + 1)
        if at < len(self._text):
            raise self._more_behind("array", at)

    def _skip(self, at: int) -> int:
        """Return the end of white space; the end of the buffer only at the end of the file."""
        while True:
            match = _SPACES.match(self._text, at)
            end = match.end() if match else at
            if end < len(self._text) or not self._more(at):
                return end

    def _expect(self, characters: str, at: int) -> int:
        """Return the place of one of the characters after white space; otherwise raise."""
        at = self._skip(at)
        if self._text[at : at + 1] in tuple(characters):
            return at
        raise self._problem(f"Expecting {' or '.join(map(repr, characters))}", at)

    def _value_end(self, at: int) -> int:
        """Return the end of the value that begins here."""
        while True:
            try:
                end = self._decoded_end(at)
            except json.JSONDecodeError as error:
                unclosed = error.msg.startswith("Unterminated string")
                final = not unclosed and error.pos + _EDGE < len(self._text)
                if final or not self._more(at):
                    raise self._problem(error.msg, error.pos) from None
                continue
            # A number near the end of the buffer may continue.
            whole = self._text[at] in '{["' or end + _EDGE < len(self._text)
            if whole or not self._more(at):
                if end - at > self._longest:
                    raise self._too_long(at)
                return end

    def _decoded_end(self, at: int) -> int:
        try:
            try:
                return _decode(self._text, at)[1]
            except json.JSONDecodeError:
                raise
            except ValueError:  # an integer of thousands of digits
                return _decode_any(self._text, at)[1]
        except RecursionError:
            message = "nested too deeply to be read"
            raise ContentError(message, file=self._title, line=self._line_at(at)) from None

    def _more(self, at: int) -> bool:
        """Read more text, at least as much as is held, and return whether there was any.

        Args:
            at: The begin of the text that needs more.
        """
        if self._ended:
            return False
        if len(self._text) - at > self._longest:
            raise self._too_long(at)
        held = len(self._text) - self._start
        if held > self._largest:
            message = f"an object of more than {self._largest:,} characters"
            raise SizeError(message, file=self._title)
        wanted = min(max(self._block, held), self._largest + 1 - held)
        pieces = [self._text]
        while wanted > 0 and not self._ended:
            piece = self._read(min(wanted, self._block))
            pieces.append(piece)
            wanted -= len(piece)
            self._ended = not piece
        self._text = "".join(pieces)
        return len(pieces) > 2 or not self._ended

    def _forget(self) -> int:
        """Drop returned text once it is most of the buffer; return the number of characters."""
        dropped = self._start if 2 * self._start > len(self._text) else 0
        if dropped:
            self._text, self._start = self._text[dropped:], 0
        return dropped

    def _line_at(self, at: int) -> int:
        return self._line + _line_ends(self._text[self._start : at])

    def _too_long(self, at: int) -> SizeError:
        message = f"a value of more than {self._longest:,} characters"
        return SizeError(message, file=self._title, line=self._line_at(at))

    def _more_behind(self, what: str, at: int) -> ContentError:
        message = f"there is more behind the end of the {what}"
        return ContentError(message, file=self._title, line=self._line_at(at))

    def _problem(self, message: str, at: int) -> ContentError | DamagedError:
        """Return DamagedError if the JSON breaks off at the file's end, else ContentError."""
        while len(self._text) <= at + _EDGE and self._more(at):
            pass
        line = self._line_at(at)
        rest = self._text[at:].rstrip(_SPACE) if self._ended else "?"
        if message.startswith("Unterminated string") or (
            _CUT.fullmatch(rest) or any(word.startswith(rest) for word in _WORDS)
        ):
            message = f"the file breaks off inside its JSON ({message})"
            return DamagedError(message, file=self._title, line=line)
        return ContentError(f"not JSON ({message})", file=self._title, line=line)


def archive_text_path(records: Sequence[dict[str, Any]]) -> str | None:
    """Return the path of the texts if each record is an object inside an object.

    Args:
        records: Some rows, such as ``{"post": {"full_text": "..."}}``.

    Returns:
        The dotted path, such as ``post.full_text``; None if the records do not share exactly
        one key, or hold no known text key inside.
    """
    common = set(records[0]).intersection(*records[1:]) if records else set()
    if len(common) != 1:
        return None
    (key,) = common
    inner = [record[key] for record in records]
    if not all(isinstance(value, dict) for value in inner):
        return None
    for name in ARCHIVE_TEXTS:
        if any(isinstance(value.get(name), str) for value in inner):
            return f"{key}.{name}"
    return None


def activity_text(record: dict[str, Any]) -> object:
    """Return the text of a post in an ActivityPub outbox, or None if it is no post.

    Args:
        record: An activity. An activity that shares another's post has no text.
    """
    post = record.get("object")
    if record.get("type") == "Announce" or not isinstance(post, dict):
        return None
    content = post.get("content")
    return text_of_html(content) if isinstance(content, str) else content


def text_of_html(source: str) -> str:
    """Return the text of a post in HTML, which may be malformed.

    Line breaks and ends of paragraphs become line ends. The parts of a link that Mastodon
    hides are kept, so the text has the whole address.
    """
    slow = "<![" in source or len(_UNCLOSED_TAG.findall(source)) > _MOST_UNCLOSED
    try:
        text = _without_tags(source) if slow else _TextParser().text_of(source)
    except (AssertionError, ValueError):  # a broken declaration, or an entity of many digits
        text = _without_tags(source)
    return text.rstrip("\r\n")


def _without_tags(source: str) -> str:
    return _ENTITY.sub(lambda entity: html.unescape(entity[0]), _TAG.sub("", source))


class _TextParser(HTMLParser):
    """Collects the text of a post."""

    BLOCKS = frozenset(("div", "h1", "h2", "h3", "h4", "h5", "h6", "li", "p", "pre"))
    UNSEEN = frozenset(("script", "style"))

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._unseen: str | None = None

    def text_of(self, source: str) -> str:
        """Return the text."""
        self.feed(source)
        self.close()
        return "".join(self.pieces)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Start a line, or start to ignore the content of a tag."""
        if tag == "br":
            self.pieces.append("\n")
        elif tag in self.UNSEEN:
            self._unseen = tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Start a line at a break; other empty tags do not matter."""
        if tag == "br":
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        """End a line, or stop ignoring content."""
        if tag == self._unseen:
            self._unseen = None
        elif tag in self.BLOCKS:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        """Keep the text, unless it is ignored."""
        if self._unseen is None:
            self.pieces.append(data)


def _line_ends(text: str) -> int:
    returns = text.count("\r")
    return text.count("\n") + (returns - text.count("\r\n") if returns else 0)
