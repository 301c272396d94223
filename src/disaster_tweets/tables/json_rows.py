"""Read and change rows that are JSON objects, as text: what is not changed keeps its spelling.

Where the text of an object is asked for, it is one that `parse_exactly` takes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator
from enum import Enum
from functools import lru_cache
from typing import Any, Final, NamedTuple

from disaster_tweets.tables.errors import RowError

# How far down `keys` looks: a deeper text is found, but not proposed.
_DEPTH = 4

_SPACE = " \t\n\r"
_SPACES = re.compile(f"[{_SPACE}]*")
_STRING_OR_LINE_END = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[ \t]*[\n\r][ \t\n\r]*', re.DOTALL)


class Number(str):
    """A JSON number as it is spelled, such as ``1.10``, ``1e400`` or one of 5,000 digits."""

    __slots__ = ()


class _Absent(Enum):
    ABSENT = "absent"


ABSENT: Final = _Absent.ABSENT
"""What `value_at` returns where there is no value; another process has the same one."""


class Member(NamedTuple):
    """A member of an object, and where ``"key": value`` begins and ends in its text."""

    key: str
    start: int
    end: int


_EXACT = json.JSONDecoder(parse_float=Number, parse_int=Number, parse_constant=Number)
_encode = json.JSONEncoder(ensure_ascii=False).encode


def parse(text: str) -> dict[str, Any]:
    """Read an object; of a key that is repeated, the last value counts.

    Raises:
        RowError: The text is not JSON, not an object, or has too many brackets or digits.
    """
    return _parsed(json.loads, text)


def parse_exactly(text: str) -> dict[str, Any]:
    """Read an object whose numbers become a `Number`, so that they can be written as they are.

    Raises:
        RowError: The text is not JSON, not an object, or has too many brackets.
    """
    return _parsed(_EXACT.decode, text)


def value_at(record: dict[str, Any], path: str) -> Any:
    """Return the value at a key, or at a path of keys with dots between them, or `ABSENT`.

    A key may itself contain dots; the longest one that leads to a value counts. Lists are not
    entered.
    """
    if path in record:
        return record[path]
    dot = path.rfind(".")
    while dot >= 0:
        inner = record.get(path[:dot])
        if isinstance(inner, dict):
            value = value_at(inner, path[dot + 1 :])
            if value is not ABSENT:
                return value
        dot = path.rfind(".", 0, dot)
    return ABSENT


def keys(record: dict[str, Any]) -> Iterator[str]:
    """Yield the keys, then the paths of the members of nested objects, level by level."""
    seen = set()
    level = [("", record)]
    for _ in range(_DEPTH):
        deeper = []
        for prefix, nested in level:
            for key, value in nested.items():
                path = prefix + key
                if path not in seen:
                    seen.add(path)
                    yield path
                if isinstance(value, dict):
                    deeper.append((f"{path}.", value))
        level = deeper


def members(text: str) -> list[Member]:
    """Return all members of an object in their order, those with a repeated key too.

    Raises:
        RowError: The text has too many brackets.
    """
    found = []
    at = _after_space(text, _after_space(text, 0) + 1)
    try:
        while text[at] != "}":
            key, end = _EXACT.raw_decode(text, at)
            colon = _after_space(text, end)
            _, end = _EXACT.raw_decode(text, _after_space(text, colon + 1))
            found.append(Member(key, at, end))
            at = _after_space(text, end)
            if text[at] == ",":
                at = _after_space(text, at + 1)
    except RecursionError:
        raise RowError("not JSON that can be read here") from None
    return found


def without(text: str, names: Collection[str]) -> str:
    """Return the text of an object without its members of these names.

    With a member goes the comma before it, or the one behind it if no member stays before it.

    Raises:
        RowError: The text has too many brackets.
    """
    found = members(text)
    kept = [number for number, member in enumerate(found) if member.key not in names]
    if len(kept) == len(found):
        return text
    if not kept:
        return text[: text.index("{") + 1] + text[text.rindex("}") :]
    first, *others = kept
    pieces = [text[: found[0].start], text[found[first].start : found[first].end]]
    pieces += [text[found[number - 1].end : found[number].end] for number in others]
    return "".join(pieces) + text[found[-1].end :]


def with_members(text: str, added: str) -> str:
    """Return the text of an object with members before its closing brace.

    Args:
        text: The object. White space before its brace stays before the new members, but for a
            line end and an indent, which stay before the brace.
        added: The members: ``"key": value, "key": value``.
    """
    brace = text.rindex("}")
    content = text[:brace].rstrip(_SPACE)
    space = text[len(content) : brace]
    separator = "" if content.endswith("{") else ", "
    if "\n" in space:
        return content + separator + added + space + text[brace:]
    return content + space + separator + added + text[brace:]


def on_one_line(text: str) -> str:
    r"""Return the text of a value without its line ends, which are ``\n`` and ``\r``."""
    if "\n" not in text and "\r" not in text:
        return text
    return _STRING_OR_LINE_END.sub(_string_or_space, text)


def has_repeated(text: str, record: dict[str, Any], key: str) -> bool:
    """Return whether the object has several members of this name.

    Args:
        text: The text of the object.
        record: What `parse` or `parse_exactly` made of it.
        key: The name of a member, not a path.

    Raises:
        RowError: The text has too many brackets.
    """
    if key not in record:
        return False
    # Most rows are done here: a key that is spelled once, anywhere, is not repeated.
    if "\\" in text:
        spelled = sum(1 for _ in _spellings(key).finditer(text))
    else:
        spelled = text.count(f'"{key}"')
    return spelled > 1 and sum(member.key == key for member in members(text)) > 1


def dump(value: Any) -> str:
    """Return a value as JSON, with each `Number` as it is spelled.

    A lone surrogate becomes the escape that JSON has for it. The keys of objects are strings.

    Raises:
        TypeError: JSON has no such type.
    """
    pieces: list[str] = []
    stack = [value]  # no recursion: what could be read can be written, however it is nested
    while stack:
        value = stack.pop()
        if isinstance(value, Number):
            pieces.append(value)
        elif isinstance(value, dict):
            written: list[Any] = [Number("}")]
            for key, member in reversed(value.items()):
                written += [member, Number(f", {_encode(key)}: ")]
            stack += _begun("{", written)
        elif isinstance(value, (list, tuple)):
            written = [Number("]")]
            for item in reversed(value):
                written += [item, Number(", ")]
            stack += _begun("[", written)
        else:
            pieces.append(_encode(value))
    return "".join(pieces).encode(errors="backslashreplace").decode()


def _parsed(load: Callable[[str], Any], text: str) -> dict[str, Any]:
    try:
        record = load(text)
    except json.JSONDecodeError as error:
        raise RowError(f"not JSON ({error.msg} at character {error.pos + 1})") from None
    except (ValueError, RecursionError):  # a number of thousands of digits; too many brackets
        raise RowError("not JSON that can be read here") from None
    if not isinstance(record, dict):
        raise RowError("not a JSON object")
    return record


def _after_space(text: str, at: int) -> int:
    match = _SPACES.match(text, at)
    return match.end() if match else at


def _string_or_space(match: re.Match[str]) -> str:
    if match[0].startswith('"'):
        return match[0]
    return " " if match.string[max(match.start() - 1, 0)] in ",:" else ""


@lru_cache(maxsize=16)
def _spellings(key: str) -> re.Pattern[str]:
    """Return what matches each spelling of a key in JSON, as it is and with any escapes."""
    characters = []
    for character in key:
        units = character.encode("utf-16-be", "surrogatepass").hex()
        escape = "".join(rf"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
        short = {re.escape(character), re.escape(_encode(character)[1:-1])}
        short |= {r"\\/"} if character == "/" else set()
        characters.append(f"(?:{'|'.join(sorted(short))}|(?i:{escape}))")
    return re.compile(f'"{"".join(characters)}"')


def _begun(bracket: str, written: list[Any]) -> list[Any]:
    """Open what is written, backwards, with a bracket in place of its first comma."""
    if len(written) == 1:
        return [*written, Number(bracket)]
    written[-1] = Number(bracket + written[-1].removeprefix(", "))
    return written
