"""The service follows its OpenAPI description, for generated valid and invalid requests."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("flask", reason="needs the extra [web]")
pytest.importorskip("schemathesis")

import schemathesis
from hypothesis import HealthCheck, settings

from disaster_tweets import bundle
from disaster_tweets.web import create_app

FOUR_LABELS = Path(__file__).parents[1] / "four_labels"

described = schemathesis.openapi.from_wsgi("/openapi.json", create_app())
with pytest.MonkeyPatch.context() as patch:
    patch.setattr(bundle, "bundled", lambda: FOUR_LABELS)
    described_with_four = schemathesis.openapi.from_wsgi("/openapi.json", create_app())

generated = settings(
    max_examples=100,
    derandomize=True,
    deadline=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.filter_too_much,
        HealthCheck.function_scoped_fixture,
    ],
)


@described.parametrize()
@generated
def test_answers_are_those_described(case: schemathesis.Case) -> None:
    case.call_and_validate()


@described_with_four.parametrize()
@generated
def test_answers_of_four_labels_are_those_described(
    case: schemathesis.Case, four_labels_installed: Path
) -> None:
    case.call_and_validate()
