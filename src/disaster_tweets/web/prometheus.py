"""The metrics of an application in the format of Prometheus: requests, durations, texts."""

from __future__ import annotations

import os

from flask import Flask
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)  # s


class Metrics:
    """The metrics of one application.

    If the environment variable PROMETHEUS_MULTIPROC_DIR names a folder, processes share their
    metrics there.

    Attributes:
        requests: Answered requests, by method, route and status.
        seconds: Durations of requests in seconds, by route.
        texts: Scored texts.
    """

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "http_requests",
            "Requests that were answered.",
            ["method", "route", "status"],
            registry=self._registry,
        )
        self.seconds = Histogram(
            "http_request_duration_seconds",
            "Time from the whole request to the start of its answer.",
            ["route"],
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self.texts = Counter(
            "disaster_tweets_texts",
            "Texts scored for programs.",
            registry=self._registry,
        )

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """Return all metrics in the format that ``accept`` prefers, and its media type."""
        registry = self._registry
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        encode, media_type = choose_encoder(accept)
        return encode(registry), media_type


def register(app: Flask) -> None:
    """Add metrics to an application."""
    app.extensions[__name__] = Metrics()


def metrics_of(app: Flask) -> Metrics:
    """Return the metrics of an application."""
    metrics: Metrics = app.extensions[__name__]
    return metrics
