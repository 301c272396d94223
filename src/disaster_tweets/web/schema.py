"""JSON Schemas of requests and answers, and a strict reader of requests.

The same schemas check the requests and describe the service.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from werkzeug.exceptions import BadRequest, UnprocessableEntity

from disaster_tweets.topic import PROBABILITY

Schema = dict[str, Any]

_NAMES = {dict: "an object", list: "an array", str: "text", float: "a number"}
_NAMES |= {bool: "a boolean", type(None): "null"}
_TYPES = {"object": dict, "array": list, "string": str}

_SHOWN = 40  # characters of a member's name that an error message shows


def _value(type_: str, description: str | None = None, **keywords: Any) -> Schema:
    described = {} if description is None else {"description": description}
    return {"type": type_, **keywords, **described}


def _object(**properties: Schema) -> Schema:
    return _value(
        "object", properties=properties, required=[*properties], additionalProperties=False
    )


def _reference(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _array(name: str, description: str) -> Schema:
    return _value("array", description, items=_reference(name))


_TEXT = _value("string")
_SHARE = _value("number", minimum=0, maximum=1)
_URI = _value("string", format="uri-reference")

_FIXED = {
    "Word": _object(
        word=_value("string", "The word as it stands in the text."),
        start=_value(
            "integer", "Index of its first character (Unicode code point).", minimum=0
        ),
        end=_value("integer", "Index after its last character.", minimum=0),
        weight=_value(
            "number",
            "The probability of the text, less the probability without the word.",
            minimum=-1,
            maximum=1,
        ),
    ),
    "Status": _object(status=_TEXT),
    "Problem": _object(
        type=_URI,
        title=_TEXT,
        status=_value("integer", minimum=400, maximum=599),
        detail=_value("string", "The error, and its place in the request."),
        instance=_URI,
    ),
}


def components(config: Mapping[str, Any], labels: Sequence[str]) -> dict[str, Schema]:
    """Return each schema by its name, with the limits of an application.

    Args:
        config: The settings of the application; see `disaster_tweets.web.app.DEFAULTS`.
        labels: The labels of the classifier.
    """
    texts, characters = config["MAX_TEXTS"], config["MAX_EXPLAINED_LENGTH"]
    answers, model = _answers(labels), _reference("Model")
    return {
        "PredictRequest": _object(
            data=_value("array", "The texts to score.", items=_TEXT, maxItems=texts)
        ),
        "ExplainRequest": _object(
            text=_value("string", "The text to explain.", maxLength=characters)
        ),
        "PredictResponse": _object(
            predictions=_array("Prediction", "One for each text, in the same order."),
            model=model,
        ),
        "ExplainResponse": _object(
            **answers["Prediction"]["properties"],
            words=_array("Word", "The words, in the order of the text."),
            model=model,
        ),
        **answers,
        **_FIXED,
    }


def _answers(labels: Sequence[str]) -> dict[str, Schema]:
    """Return the schemas that depend on the number and the names of the labels."""
    prediction = {
        "probability": _SHARE | {"description": f"{PROBABILITY[:1].upper()}{PROBABILITY[1:]}."},
        "label": {"enum": [*labels], "description": "The most probable label."},
    }
    if len(labels) == 2:
        prediction["label"]["description"] = (
            f"{labels[1]} if the probability reaches the threshold."
        )
        threshold, others = _SHARE, {}
    else:
        prediction["probabilities"] = _reference("Probabilities")
        threshold = _value("null", "Only a model with two labels has a threshold.")
        others = {"Probabilities": _object(**dict.fromkeys(labels, _SHARE))}
    return {
        "Prediction": _object(**prediction),
        **others,
        "Model": _object(name=_TEXT, version=_TEXT, threshold=threshold),
    }


def parse(body: bytes) -> Any:
    """Return the value of a JSON document in UTF-8. Every number becomes a ``float``.

    Raises:
        BadRequest: The body is not JSON, not UTF-8 or nested too deeply, or an object has two
            members of one name.
    """
    try:
        return json.loads(
            body.decode("utf-8-sig"),
            object_pairs_hook=_members,
            parse_constant=_refuse_constant,
            parse_int=float,  # int() refuses thousands of digits; no request has an integer
        )
    except UnicodeDecodeError as error:
        raise BadRequest(f"byte {error.start + 1} of the body is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise BadRequest(f"the body is not JSON: {error}") from None
    except RecursionError:
        raise BadRequest("the body is nested too deeply") from None


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name in members:
            raise BadRequest(f"the member {_shown(name)} occurs twice")
        members[name] = value
    return members


def _refuse_constant(name: str) -> None:
    raise BadRequest(f"the body is not JSON: JSON has no {name}")


def check(value: Any, schema: Schema, path: str = "") -> None:
    """Check a value from `parse` against the schema of a request.

    The function knows only the keywords of these schemas: type (object, array or string),
    properties (all are required, and no others are allowed), items, maxItems and maxLength.

    Raises:
        UnprocessableEntity: The value does not fit the schema.
    """
    place, type_ = path or "the body", _TYPES[schema["type"]]
    if not isinstance(value, type_):
        raise UnprocessableEntity(f"{place} is {_NAMES[type(value)]}, not {_NAMES[type_]}")
    limit = schema.get("maxItems", schema.get("maxLength"))
    if limit is not None and len(value) > limit:
        unit = "elements" if isinstance(value, list) else "characters"
        verb = "is" if limit == 1 else "are"
        raise UnprocessableEntity(
            f"{place} has {len(value)} {unit}, and {limit} {verb} allowed"
        )
    if isinstance(value, dict):
        _check_members(value, schema["properties"], place)
        for name, member in value.items():
            check(member, schema["properties"][name], f"{path}.{name}".lstrip("."))
    elif isinstance(value, list):
        for index, element in enumerate(value):
            check(element, schema["items"], f"{path}[{index}]")
    else:
        _check_characters(value, place)


def _check_members(value: dict[str, Any], properties: Schema, place: str) -> None:
    for name in properties:
        if name not in value:
            raise UnprocessableEntity(f"{place} lacks the member {_shown(name)}")
    for name in value:
        if name not in properties:
            known = ", ".join(properties)
            raise UnprocessableEntity(
                f"{place} has a member {_shown(name)}; it takes only {known}"
            )


def _check_characters(text: str, place: str) -> None:
    """Refuse half a surrogate pair: JSON can spell it, but UTF-8 cannot encode it."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UnprocessableEntity(
            f"character {error.start + 1} of {place} is half a surrogate pair"
        ) from None


def _shown(name: str) -> str:
    return json.dumps(name if len(name) <= _SHOWN else f"{name[:_SHOWN]}...")
