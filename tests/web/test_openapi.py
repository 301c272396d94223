"""The service does what its description says: to generated requests, right and wrong ones."""

from __future__ import annotations

import pytest

pytest.importorskip("flask", reason="needs the extra [web]")
pytest.importorskip("schemathesis")

import schemathesis
from hypothesis import HealthCheck, settings

from disaster_tweets.web import create_app

described = schemathesis.openapi.from_wsgi("/openapi.json", create_app())


@described.parametrize()
@settings(
    max_examples=100,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
def test_answers_are_those_described(case: schemathesis.Case) -> None:
    case.call_and_validate()
