"""The access log: one line of JSON for each answered request. The metrics count it as well.

The log and the metrics hold nothing that a client wrote: no text, no query, no unknown path.
"""

from __future__ import annotations

import json
import logging
import os
import time
from datetime import datetime, timezone

from flask import Flask, Response, current_app, g, request

from disaster_tweets.web import prometheus

LOGGER = logging.getLogger("disaster_tweets.access")

_METHODS = frozenset("GET HEAD POST PUT PATCH DELETE OPTIONS".split())


def register(app: Flask) -> None:
    """Log and count the requests of an application."""
    prometheus.register(app)
    app.before_request(_start)
    app.after_request(_finish)


def _start() -> None:
    g.start = time.perf_counter()


def _finish(response: Response) -> Response:
    method = request.method if request.method in _METHODS else "other"
    route = request.url_rule.rule if request.url_rule is not None else "none"
    seconds = time.perf_counter() - g.start
    metrics = prometheus.metrics_of(current_app)
    metrics.requests.labels(method, route, str(response.status_code)).inc()
    metrics.seconds.labels(route).observe(seconds)
    entry = {
        "time": datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
        "client": request.remote_addr,
        "method": method,
        "route": route,
        "status": response.status_code,
        "seconds": round(seconds, 6),
        "request_bytes": request.content_length,
        "response_bytes": response.content_length,
        "process": os.getpid(),
    }
    LOGGER.info("%s", json.dumps(entry))
    return response
