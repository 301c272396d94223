"""Read and edit JSON objects as text; unchanged members keep their spelling.

Functions that take the text of an object expect one that `parse_exactly` accepts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator
from enum import Enum
from functools import lru_cache
from typing import Any, Final, NamedTuple

from disaster_tweets.tables.errors import RowError

# Depth that `keys` searches; deeper keys work but are not suggested.
_DEPTH = 4

_SPACE = " \t\n\r"
_SPACES = re.compile(f"[{_SPACE}]*")
_STRING_OR_LINE_END = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[ \t]*[\n\r][ \t\n\r]*', re.DOTALL)


class Number(str):
    """A JSON number with its original spelling, such as ``1.10``, ``1e400`` or 5,000 digits."""

    __slots__ = ()


class _Absent(Enum):
    ABSENT = "absent"


ABSENT: Final = _Absent.ABSENT
"""What `value_at` returns where there is no value; another process has the same one."""


class Member(NamedTuple):
    """A member of an object, and the begin and end of ``"key": value`` in its text."""

    key: str
    start: int
    end: int


_EXACT = json.JSONDecoder(parse_float=Number, parse_int=Number, parse_constant=Number)
_encode = json.JSONEncoder(ensure_ascii=False).encode


def parse(text: str) -> dict[str, Any]:
    """Read an object; the last value of a repeated key counts.

    Raises:
        RowError: The text is not JSON, not an object, nested too deeply, or has a number with
            too many digits.
    """
    return _parsed(json.loads, text)


def parse_exactly(text: str) -> dict[str, Any]:
    """Read an object with each number as a `Number`, so that its spelling is kept.

    Raises:
        RowError: The text is not JSON, not an object, or nested too deeply.
    """
    return _parsed(_EXACT.decode, text)


def value_at(record: dict[str, Any], path: str) -> Any:
    """Return the value at a key, or at a path of keys joined by dots, or `ABSENT`.

    A key may itself contain dots; the longest key that leads to a value wins. Lists are not
    searched.
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
    """Return all members of an object in their order, including repeated keys.

    Raises:
        RowError: The text is nested too deeply.
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

    The comma before a removed member goes too; without a member before it, the comma after it.

    Raises:
        RowError: The text is nested too deeply.
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
    """Return the text of an object with more members before its closing brace.

    Args:
        text: The object. White space before its closing brace stays before the new members,
            except for a line end and an indent, which stay before the brace.
        added: The new members: ``"key": value, "key": value``.
    """
    brace = text.rindex("}")
    content = text[:brace].rstrip(_SPACE)
    space = text[len(content) : brace]
    separator = "" if content.endswith("{") else ", "
    if "\n" in space:
        return content + separator + added + space + text[brace:]
    return content + space + separator + added + text[brace:]


def on_one_line(text: str) -> str:
    r"""Return the text of a value without its line ends, ``\n`` and ``\r``."""
    if "\n" not in text and "\r" not in text:
        return text
    return _STRING_OR_LINE_END.sub(_string_or_space, text)


def has_repeated(text: str, record: dict[str, Any], key: str) -> bool:
    """Say whether an object has several members with this key.

    Args:
        text: The text of the object.
        record: The object that `parse` or `parse_exactly` returned for the text.
        key: The key of a member, not a path.

    Raises:
        RowError: The text is nested too deeply.
    """
    if key not in record:
        return False
    # Most rows end here: a key that is spelled only once is not repeated.
    if "\\" in text:
        spelled = sum(1 for _ in _spellings(key).finditer(text))
    else:
        spelled = text.count(f'"{key}"')
    return spelled > 1 and sum(member.key == key for member in members(text)) > 1


def dump(value: Any) -> str:
    """Return a value as JSON, with the spelling of each `Number`.

    A lone surrogate becomes its JSON escape. The keys of objects are strings.

    Raises:
        TypeError: JSON has no such type.
    """
    pieces: list[str] = []
    stack = [value]  # a stack instead of recursion allows any depth of nesting
    while stack:
        value = stack.pop()
        if isinstance(value, Number):
            pieces.append(value)
        elif isinstance(value, dict):
            written: list[Any] = [Number("}")]
            for key, member in reversed(value.items()):
                written += [member, Number(f", {_encode(key)}: ")]
            stack += _opened("{", written)
        elif isinstance(value, (list, tuple)):
            written = [Number("]")]
            for item in reversed(value):
                written += [item, Number(", ")]
            stack += _opened("[", written)
        else:
            pieces.append(_encode(value))
    return "".join(pieces).encode(errors="backslashreplace").decode()


def _parsed(load: Callable[[str], Any], text: str) -> dict[str, Any]:
    try:
        record = load(text)
    except json.JSONDecodeError as error:
        raise RowError(f"not JSON ({error.msg} at character {error.pos + 1})") from None
    except (ValueError, RecursionError):  # a number of thousands of digits; too deep a nesting
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
    """Return a pattern for all JSON spellings of a key, with and without escapes."""
    characters = []
    for character in key:
        units = character.encode("utf-16-be", "surrogatepass").hex()
        escape = "".join(rf"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
        short = {re.escape(character), re.escape(_encode(character)[1:-1])}
        short |= {r"\\/"} if character == "/" else set()
        characters.append(f"(?:{'|'.join(sorted(short))}|(?i:{escape}))")
    return re.compile(f'"{"".join(characters)}"')


def _opened(bracket: str, written: list[Any]) -> list[Any]:
    """Put the opening bracket in place of the first comma of a reversed output."""
    if len(written) == 1:
        return [*written, Number(bracket)]
    written[-1] = Number(bracket + written[-1].removeprefix(", "))
    return written
