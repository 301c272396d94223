"""The shapes of requests and answers, as JSON Schema, and the strict reading of requests.

What is published as the description of the service is what requests are checked against.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from disaster_tweets.topic import PROBABILITY

Schema = dict[str, Any]

_NAMES = {dict: "an object", list: "an array", str: "text", float: "a number"}
_NAMES |= {bool: "a boolean", type(None): "null"}
_TYPES = {"object": dict, "array": list, "string": str}

# The longest text that an answer repeats from a request.
_SHOWN = 40


class MalformedError(ValueError):
    """A body is not JSON in UTF-8; the message says where."""


class ShapeError(ValueError):
    """A body is JSON, but not of the shape that is asked for; the message says where."""


def _object(**properties: Schema) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _array_of(shape: str, description: str) -> Schema:
    return {"type": "array", "items": _reference(shape), "description": description}


def _reference(shape: str) -> Schema:
    return {"$ref": f"#/components/schemas/{shape}"}


_SHARE: Schema = {"type": "number", "minimum": 0, "maximum": 1}
_PROBABILITY = _SHARE | {"description": f"{PROBABILITY[:1].upper()}{PROBABILITY[1:]}."}

_WORD: dict[str, Schema] = {
    "word": {"type": "string", "description": "The word as it stands in the text."},
    "start": {
        "type": "integer",
        "minimum": 0,
        "description": "Index of its first character (Unicode code point) in the text.",
    },
    "end": {
        "type": "integer",
        "minimum": 0,
        "description": "Index behind its last character.",
    },
    "weight": {
        "type": "number",
        "minimum": -1,
        "maximum": 1,
        "description": "The probability, less the probability without this word.",
    },
}


def _answers(labels: Sequence[str]) -> dict[str, Schema]:
    """Return the shapes of answers with a label."""
    threshold = _SHARE
    decision: dict[str, Schema] = {"probability": _PROBABILITY}
    further = {}
    if len(labels) == 2:
        decision["label"] = {
            "enum": list(reversed(labels)),
            "description": f"{labels[1]} where the probability reaches the threshold.",
        }
    else:
        decision["label"] = {"enum": list(labels), "description": "The most probable label."}
        decision["probabilities"] = _reference("Probabilities")
        further["Probabilities"] = _object(**dict.fromkeys(labels, _SHARE))
        threshold = {"type": "null", "description": "Only two labels have one."}
    return {
        "PredictResponse": _object(
            predictions=_array_of(
                "Prediction", "One for each text, in the order of the texts."
            ),
            model=_reference("Model"),
        ),
        "ExplainResponse": _object(
            **decision,
            words=_array_of("Word", "The words, in the order of the text."),
            model=_reference("Model"),
        ),
        "Prediction": _object(**decision),
        **further,
        "Word": _object(**_WORD),
        "Model": _object(
            name={"type": "string"}, version={"type": "string"}, threshold=threshold
        ),
    }


_OTHER_ANSWERS = {
    "Status": _object(status={"type": "string"}),
    "Problem": _object(
        type={"type": "string", "format": "uri-reference"},
        title={"type": "string"},
        status={"type": "integer", "minimum": 400, "maximum": 599},
        detail={"type": "string", "description": "What is wrong, and where."},
        instance={"type": "string", "format": "uri-reference"},
    ),
}


def components(config: Mapping[str, Any], labels: Sequence[str]) -> dict[str, Schema]:
    """Return each shape by its name, with the limits that an application has.

    Args:
        config: The settings of the application; see `disaster_tweets.web.app.DEFAULTS`.
        labels: Those of the classifier.
    """
    texts = {
        "type": "array",
        "maxItems": config["MAX_TEXTS"],
        "items": {"type": "string"},
        "description": "The texts to score.",
    }
    text = {
        "type": "string",
        "maxLength": config["MAX_EXPLAINED_LENGTH"],
        "description": "The text to explain.",
    }
    return {
        "PredictRequest": _object(data=texts),
        "ExplainRequest": _object(text=text),
        **_answers(labels),
        **_OTHER_ANSWERS,
    }


def parse(body: bytes) -> Any:
    """Return the value that JSON in UTF-8 stands for; every number becomes a ``float``.

    Raises:
        MalformedError: It is not JSON, not UTF-8, names a member of an object twice, or is
            nested too deeply.
    """
    try:
        return json.loads(
            body.decode("utf-8-sig"),
            object_pairs_hook=_members,
            parse_constant=_no_constant,
            parse_int=float,  # int() refuses thousands of digits; no shape here has an integer
        )
    except UnicodeDecodeError as error:
        raise MalformedError(f"byte {error.start + 1} of the body is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise MalformedError(f"the body is not JSON: {error}") from None
    except RecursionError:
        raise MalformedError("the body is nested too deeply") from None


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name in members:
            raise MalformedError(f"the member {_shown(name)} is there twice")
        members[name] = value
    return members


def _no_constant(name: str) -> None:
    raise MalformedError(f"the body is not JSON: {name} is no value in it")


def check(value: Any, schema: Schema, where: str = "") -> None:
    """Check what `parse` returned against a schema for a request.

    Such a schema uses these keywords: type (object, array or string), properties and required
    with additionalProperties false, items, maxItems and maxLength; and descriptions.

    Raises:
        ShapeError: It does not fit.
    """
    place = where or "the body"
    kind = _TYPES[schema["type"]]
    if not isinstance(value, kind):
        raise ShapeError(f"{place} is {_NAMES[type(value)]}, not {_NAMES[kind]}")
    if isinstance(value, dict):
        _check_members(value, schema, where)
    elif isinstance(value, list):
        _check_size(len(value), schema.get("maxItems"), place, "elements")
        for index, element in enumerate(value):
            check(element, schema["items"], f"{where}[{index}]")
    else:
        _check_size(len(value), schema.get("maxLength"), place, "characters")
        _check_characters(value, place)


def _check_members(value: dict[str, Any], schema: Schema, where: str) -> None:
    place, known = where or "the body", ", ".join(schema["properties"])
    for name in schema["required"]:
        if name not in value:
            raise ShapeError(f"{place} lacks the member {_shown(name)}")
    for name, member in value.items():
        if name not in schema["properties"]:
            raise ShapeError(f"{place} has a member {_shown(name)}; it takes only {known}")
        check(member, schema["properties"][name], f"{where}.{name}".lstrip("."))


def _check_size(size: int, limit: int | None, place: str, what: str) -> None:
    if limit is not None and size > limit:
        raise ShapeError(
            f"{place} has {size} {what}, and {limit} {'is' if limit == 1 else 'are'} allowed"
        )


def _check_characters(text: str, place: str) -> None:
    """Refuse what JSON can write, but no encoding of Unicode."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ShapeError(
            f"character {error.start + 1} of {place} is half a surrogate pair"
        ) from None


def _shown(name: str) -> str:
    return json.dumps(name if len(name) <= _SHOWN else f"{name[:_SHOWN]}...")
