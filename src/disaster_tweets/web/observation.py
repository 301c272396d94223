"""What is known of each answered request: counted, and written to the access log.

Neither holds what was sent: no text, no query, and no path but those of the routes.
"""

from __future__ import annotations

import json
import logging
import os
import time
from datetime import datetime, timezone

from flask import Flask, Response, current_app, g, request

from disaster_tweets.web import metrics

ACCESS_LOG = logging.getLogger("disaster_tweets.access")

_METHODS = frozenset("GET HEAD POST PUT PATCH DELETE OPTIONS".split())


def register(app: Flask) -> None:
    """Count and log the requests of an application."""
    metrics.register(app)
    app.before_request(_start)
    app.after_request(_finish)


def _start() -> None:
    g.start = time.perf_counter()


def _finish(response: Response) -> Response:
    method = request.method if request.method in _METHODS else "other"
    route = request.url_rule.rule if request.url_rule is not None else "none"
    seconds = time.perf_counter() - g.start
    counters = metrics.of(current_app)
    counters.requests.labels(method, route, str(response.status_code)).inc()
    counters.seconds.labels(route).observe(seconds)
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
    ACCESS_LOG.info("%s", json.dumps(entry))
    return response
