"""The routes for programs: scores, explanations, health, metrics, and their description."""

from __future__ import annotations

import json
import shlex
from typing import Any

from flask import Blueprint, Response, current_app, render_template, request
from werkzeug.exceptions import UnsupportedMediaType

from disaster_tweets.bundle import bundled_manifest
from disaster_tweets.classifier import Classifier, bundled_classifier
from disaster_tweets.topic import EXAMPLES
from disaster_tweets.web import openapi, prometheus, schema
from disaster_tweets.web.openapi import describe

blueprint = Blueprint("api", __name__)

_ERRORS = (400, 408, 413, 415, 422, 503)


@blueprint.post("/predict")
@describe("PredictResponse", request="PredictRequest", errors=_ERRORS)
def predict() -> dict[str, Any]:
    """Score texts.

    Each text gets a probability and a label.
    """
    texts: list[str] = _body("PredictRequest")["data"]
    classifier = bundled_classifier()
    predictions = classifier.predict(texts)
    prometheus.metrics_of(current_app).texts.inc(len(texts))
    return {
        "predictions": [prediction.to_dict() for prediction in predictions],
        "model": _model(classifier),
    }


@blueprint.post("/explain")
@describe("ExplainResponse", request="ExplainRequest", errors=_ERRORS)
def explain() -> dict[str, Any]:
    """Score one text and weigh its words.

    The weight of a word is the probability of the text, less the probability of the text
    without the word. A word with a positive weight raises the probability.
    """
    text: str = _body("ExplainRequest")["text"]
    classifier = bundled_classifier()
    explanation = classifier.explain(text)
    prometheus.metrics_of(current_app).texts.inc()
    return {
        **explanation.prediction.to_dict(),
        "words": [word.to_dict() for word in explanation.words],
        "model": _model(classifier),
    }


@blueprint.get("/healthz")
@describe("Status")
def healthz() -> dict[str, str]:
    """Check liveness.

    The status is 200 as long as the process answers.
    """
    return {"status": "alive"}


@blueprint.get("/readyz")
@describe("Status", errors=[503])
def readyz() -> dict[str, str]:
    """Check readiness.

    The status is 200 if the model is loaded and its files are undamaged, else 503.
    """
    bundled_classifier()
    return {"status": "ready"}


@blueprint.get("/metrics")
@describe(media_type="text/plain")
def metrics() -> Response:
    """Get the metrics of all worker processes.

    The metrics are in the text format of Prometheus.
    """
    exposition, media_type = prometheus.metrics_of(current_app).exposition(
        request.headers.get("Accept", "")
    )
    return Response(exposition, content_type=media_type)


@blueprint.get("/openapi.json")
@describe()
def description() -> dict[str, Any]:
    """Get this description.

    The description is in OpenAPI 3.1.
    """
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


def _body(name: str) -> Any:
    """Return the JSON in the body of the request, checked against a schema.

    Raises:
        UnsupportedMediaType, BadRequest, UnprocessableEntity, RequestEntityTooLarge
    """
    _check_headers()
    value = schema.parse(request.get_data(cache=False))
    schema.check(value, openapi.schemas(current_app)[name])
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
    """A refusal whose header Accept-Encoding lists the accepted codings (RFC 9110, 12.5.3)."""

    def get_headers(self, *args: Any) -> list[tuple[str, str]]:
        return [*super().get_headers(*args), ("Accept-Encoding", "identity")]


def _model(classifier: Classifier) -> dict[str, Any]:
    return {
        "name": "disaster_tweets",
        "version": classifier.manifest["model_version"],
        "threshold": classifier._threshold,
    }
