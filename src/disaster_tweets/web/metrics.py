"""What the service counts, for Prometheus: requests, their durations, and texts."""

from __future__ import annotations

import os

from flask import Flask
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """The counters of one application.

    Where the environment variable PROMETHEUS_MULTIPROC_DIR names a folder, the counters of
    all processes that share it are one.

    Attributes:
        requests: Answered requests, by method, route and status.
        seconds: How long each took, by route.
        texts: Texts that were scored.
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
            buckets=_SECONDS,
            registry=self._registry,
        )
        self.texts = Counter(
            "disaster_tweets_texts",
            "Texts scored for programs.",
            registry=self._registry,
        )

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """Return all counters, and the media type, in the format that ``accept`` prefers."""
        registry = self._registry
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        encode, media_type = choose_encoder(accept)
        return encode(registry), media_type


def register(app: Flask) -> None:
    """Give an application its counters."""
    app.extensions[__name__] = Metrics()


def of(app: Flask) -> Metrics:
    """Return the counters of an application."""
    metrics: Metrics = app.extensions[__name__]
    return metrics
