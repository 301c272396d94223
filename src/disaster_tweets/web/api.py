"""The routes for programs: predict, explain, health, metrics, and their description."""

from __future__ import annotations

import json
import shlex
from typing import Any

from flask import Blueprint, Response, current_app, render_template, request
from werkzeug.exceptions import BadRequest, UnprocessableEntity, UnsupportedMediaType

from disaster_tweets.bundle import bundled_manifest
from disaster_tweets.classifier import Classifier, bundled_classifier
from disaster_tweets.topic import EXAMPLES, PROBABILITY
from disaster_tweets.web import metrics, openapi, schema
from disaster_tweets.web.openapi import Operation, describe

blueprint = Blueprint("api", __name__)

_REFUSALS = (400, 408, 413, 415, 422, 503)


@blueprint.post("/predict")
@describe(
    blueprint,
    Operation(
        "Scores texts.",
        f"Each text gets a label, and the {PROBABILITY}.",
        request="PredictRequest",
        response="PredictResponse",
        problems=_REFUSALS,
    ),
)
def predict() -> dict[str, Any]:
    """Score each text of a list."""
    texts: list[str] = _body("PredictRequest")["data"]
    classifier = bundled_classifier()
    predictions = classifier.predict(texts)
    metrics.of(current_app).texts.inc(len(texts))
    return {
        "predictions": [prediction.to_dict() for prediction in predictions],
        "model": _model(classifier),
    }


@blueprint.post("/explain")
@describe(
    blueprint,
    Operation(
        "Explains a decision.",
        "The weight of a word is the probability of the text, less that of the text without "
        "this word: positive where the word raises it.",
        request="ExplainRequest",
        response="ExplainResponse",
        problems=_REFUSALS,
    ),
)
def explain() -> dict[str, Any]:
    """Score one text, and weigh its words."""
    text: str = _body("ExplainRequest")["text"]
    classifier = bundled_classifier()
    explanation = classifier.explain(text)
    metrics.of(current_app).texts.inc()
    return {
        **explanation.prediction.to_dict(),
        "words": [word.to_dict() for word in explanation.words],
        "model": _model(classifier),
    }


@blueprint.get("/healthz")
@describe(
    blueprint,
    Operation("Is the process alive?", "It is, where this answers.", response="Status"),
)
def healthz() -> dict[str, str]:
    """Say that the process answers."""
    return {"status": "alive"}


@blueprint.get("/readyz")
@describe(
    blueprint,
    Operation(
        "Can it score?",
        "200 where the model is loaded and its files are as they were shipped, else 503.",
        response="Status",
        problems=(503,),
    ),
)
def readyz() -> dict[str, str]:
    """Say that the model is loaded; ArtifactError, and so 503, where it cannot be."""
    bundled_classifier()
    return {"status": "ready"}


@blueprint.get("/metrics")
@describe(
    blueprint, Operation("Metrics.", "In the text format of Prometheus.", response="text/plain")
)
def prometheus() -> Response:
    """Give the counters of all worker processes."""
    content, media_type = metrics.of(current_app).exposition(request.headers.get("Accept", ""))
    return Response(content, content_type=media_type)


@blueprint.get("/openapi.json")
@describe(
    blueprint, Operation("This description.", "OpenAPI 3.1.", response="application/json")
)
def description() -> dict[str, Any]:
    """Describe the service for programs."""
    return openapi.document(current_app, request.script_root)


@blueprint.get("/docs")
def docs() -> str:
    """Describe the service for people."""
    return render_template(
        "api.html",
        manifest=bundled_manifest(),
        document=openapi.document(current_app, request.script_root),
        body=shlex.quote(json.dumps({"data": EXAMPLES[:1]}, ensure_ascii=False)),
        root=request.host_url.rstrip("/"),
    )


def _body(shape: str) -> Any:
    """Return the body of the request, checked.

    Raises:
        UnsupportedMediaType, BadRequest, UnprocessableEntity, RequestEntityTooLarge
    """
    _check_headers()
    try:
        value = schema.parse(request.get_data(cache=False))
        schema.check(value, openapi.schemas(current_app)[shape])
    except schema.MalformedError as error:
        raise BadRequest(str(error)) from None
    except schema.ShapeError as error:
        raise UnprocessableEntity(str(error)) from None
    return value


def _check_headers() -> None:
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if request.mimetype != "application/json" or charset not in ("utf-8", "utf8"):
        sent = request.content_type or "none"
        raise UnsupportedMediaType(
            f"the content type is {sent[:80]}; send application/json, in UTF-8"
        )
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise _CompressedError("the body is compressed; send it as it is")


class _CompressedError(UnsupportedMediaType):
    """Says, as RFC 9110, 12.5.3 asks for, which codings would do."""

    def get_headers(self, *args: Any) -> list[tuple[str, str]]:
        return [*super().get_headers(*args), ("Accept-Encoding", "identity")]


def _model(classifier: Classifier) -> dict[str, Any]:
    return {
        "name": "disaster_tweets",
        "version": classifier.manifest["model_version"],
        "threshold": classifier._threshold,
    }
