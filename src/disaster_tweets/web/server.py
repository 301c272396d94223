"""The server of `disaster-tweets serve`: Granian, its worker processes, and its logs."""

from __future__ import annotations

import atexit
import errno
import logging
import multiprocessing
import os
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from granian import Granian
from granian.constants import HTTPModes, Interfaces, Loops
from granian.log import LogLevels

from disaster_tweets import bundle
from disaster_tweets.classifier import bundled_classifier
from disaster_tweets.errors import DisasterTweetsError
from disaster_tweets.web import access_log
from disaster_tweets.web.app import create_app
from disaster_tweets.web.asgi import WSGIAdapter

_CONNECTIONS = 512  # of one worker; further connections wait in the system's queue
_STOP_SECONDS = 25  # for the requests in flight; container platforms kill after 30
_POLL_SECONDS = 0.02


class ServerError(DisasterTweetsError):
    """The service cannot be started; the message gives the reason."""


@dataclass(frozen=True)
class Settings:
    """The settings of the server.

    Attributes:
        host: Name or address to listen on.
        port: TCP port; 0 lets the system choose a free one.
        workers: Number of processes, each with its own model.
        threads: Number of threads of one worker that score.
        config: The argument of `create_app`.
    """

    host: str
    port: int
    workers: int
    threads: int
    config: Mapping[str, Any] = field(default_factory=dict)


def run(settings: Settings) -> None:
    """Serve until SIGTERM, SIGINT or Ctrl-C, and then finish the requests in flight.

    Raises:
        ServerError: The server cannot listen on the address, there is no temporary folder, or
            a worker cannot load the model.
        ArtifactError: A file of the model is missing or altered.
    """
    bundle.read(bundle.open_folder(None))  # one message here, not one per worker
    address, port = _address(settings)
    settings = replace(settings, port=port)
    on_hangup = _ignore_hangup()
    # On every system, a worker starts as a new process that inherits nothing.
    multiprocessing.set_start_method("spawn", force=True)
    reader, writer = multiprocessing.Pipe(duplex=False)
    with _shared_metrics(settings.workers):
        server = Granian(
            "disaster_tweets.web",
            address,
            port,
            interface=Interfaces.ASGINL,
            workers=settings.workers,
            backpressure=_CONNECTIONS,
            http=HTTPModes.http1,
            websockets=False,
            loop=Loops.asyncio,
            log_level=LogLevels.warning,
            log_dictconfig=_LOGGING,
            respawn_failed_workers=True,
            workers_kill_timeout=_STOP_SECONDS,
        )
        server.on_startup(on_hangup)
        failures: list[str] = []

        def watch() -> None:
            with suppress(EOFError, OSError):  # all workers have ended, as usual
                failures.append(_watch_start(settings, address, reader))
                server.signal_handler_interrupt()  # type: ignore[no-untyped-call]

        threading.Thread(target=watch, daemon=True).start()
        server.serve(target_loader=partial(_load, settings, writer), wrap_loader=False)
    if failures:
        raise ServerError(failures[0])


def _ignore_hangup() -> Callable[[], None]:
    """Ignore SIGHUP; return a function after whose call SIGHUP stops the service.

    A closing terminal sends SIGHUP. Granian handles it by a restart, so call the function after
    Granian has set its handlers: SIGHUP then acts like SIGTERM. Under nohup, SIGHUP stays
    ignored.
    """
    if sys.platform == "win32":
        return lambda: None
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def stop_at_hangup() -> None:
        ignored = before == signal.SIG_IGN
        signal.signal(signal.SIGHUP, before if ignored else signal.getsignal(signal.SIGTERM))

    return stop_at_hangup


_LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(message)s"}},
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "line"},
    },
    "loggers": {"_granian": {"handlers": ["stderr"], "propagate": False}},
}


def _address(settings: Settings) -> tuple[str, int]:
    """Return the IP address and the port to listen on.

    Raises:
        ServerError: The server cannot listen there.
    """
    host, port = settings.host, settings.port
    try:
        family, *_, sockaddr = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError):
        raise ServerError(f"{host}: no such host; pass --host 127.0.0.1, or 0.0.0.0") from None
    with socket.socket(family) as listener:
        if os.name == "posix":  # on Windows, this option would allow a port that is in use
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(sockaddr)
        except OSError as error:
            raise ServerError(_why_not(error, host, port)) from None
        return str(sockaddr[0]), listener.getsockname()[1]


def _why_not(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} of {host} is in use; stop what uses it, or pass another --port"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"port {port} is for administrators only; pass a --port from 1024 on"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is no address of this machine; pass --host 127.0.0.1, or 0.0.0.0"
    return f"cannot listen on port {port} of {host}: {error.strerror}"


@contextmanager
def _shared_metrics(workers: int) -> Iterator[None]:
    """Give several workers a shared folder for their metrics."""
    shared = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if shared is not None and not Path(shared).is_dir():
        raise ServerError(f"{shared}: no such folder; create or unset PROMETHEUS_MULTIPROC_DIR")
    if workers == 1 or shared is not None:
        yield
        return
    try:
        folder = tempfile.TemporaryDirectory(
            prefix="disaster-tweets-", ignore_cleanup_errors=True
        )
    except OSError as error:
        raise ServerError(
            f"several workers share a temporary folder: {error.strerror}; set TMPDIR, or pass "
            "--workers 1"
        ) from None
    with folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder.name
        yield


def _watch_start(settings: Settings, address: str, workers: Connection) -> str:
    """Print the URL once all workers have started; return the reason if one cannot start."""
    begun = 0
    while not (failure := workers.recv_bytes()):
        begun += 1
        if begun == settings.workers:
            _announce(settings, address)
    return failure.decode()


def _announce(settings: Settings, address: str) -> None:
    """Print the URL when the port is open."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)
    while True:
        with suppress(OSError), socket.create_connection((reachable, settings.port), 1):
            break
        time.sleep(_POLL_SECONDS)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    print(f"Serving on http://{host}:{settings.port} until Ctrl-C", file=sys.stderr, flush=True)


def _load(settings: Settings, parent: Connection) -> WSGIAdapter:
    """Return the application of a worker. The worker calls this before it takes requests."""
    _ignore_hangup()  # the parent stops the workers
    _log_to_standard_output()
    app = create_app(settings.config)
    try:
        bundled_classifier()  # loads the model before the first request
    except DisasterTweetsError as error:
        parent.send_bytes(str(error).encode())
        _stop_with_the_parent()  # the parent ends all workers now
    threading.Thread(target=_stop_with_the_parent, daemon=True).start()
    # At this point all requests are answered and all output is written. In a normal exit,
    # Granian's threads may panic.
    atexit.register(os._exit, 0)
    longest = max(app.config["MAX_CONTENT_LENGTH"], app.config["MAX_UPLOAD_LENGTH"])
    parent.send_bytes(b"")
    return WSGIAdapter(app.wsgi_app, settings.threads, longest)


def _log_to_standard_output() -> None:
    access_log.LOGGER.addHandler(_AccessLogHandler(sys.stdout))
    access_log.LOGGER.setLevel(logging.INFO)
    access_log.LOGGER.propagate = False


class _AccessLogHandler(logging.StreamHandler):  # type: ignore[type-arg]
    """A handler that lets the service go on if nobody reads its log or the disk is full."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        if isinstance(sys.exc_info()[1], BrokenPipeError):
            # The buffer still holds output. Python would fail again at exit.
            with open(os.devnull, "wb") as nowhere:  # noqa: PTH123
                os.dup2(nowhere.fileno(), sys.stdout.fileno())


def _stop_with_the_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
