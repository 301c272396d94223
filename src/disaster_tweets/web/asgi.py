"""An ASGI adapter that runs the Flask application, a WSGI one, on an asynchronous server.

A client that sends or reads slowly waits in the event loop and holds no thread. Each client has
a limited time, and all waiting bodies have a limited size.
"""

from __future__ import annotations

import asyncio
import contextvars
import io
import sys
from collections.abc import Awaitable, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from werkzeug.exceptions import BadRequest, HTTPException, RequestTimeout, ServiceUnavailable

from disaster_tweets.web.app import REFUSAL

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

# A client may take _BODY_SECONDS for a body, plus one second per _BODY_BYTES_PER_SECOND.
_BODY_SECONDS = 20
_BODY_BYTES_PER_SECOND = 10_000

_SEND_SECONDS = 60  # for a client to read one piece of an answer

# How much of a refused body is read and dropped after the answer. If the server closed the
# connection at once, a client that still sends would lose the answer.
_DROPPED_BYTES = 50_000_000
_DROPPING_SECONDS = 10

# The limits of one process. Beyond them, clients are told to try again later.
_MAX_WAITING_BYTES = 64_000_000
_MAX_WAITING_REQUESTS = 256
_RETRY_SECONDS = 1

_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class WSGIAdapter:
    """An ASGI application, without lifespan, that runs a WSGI application in threads.

    The WSGI application gets whole requests. GET, HEAD and OPTIONS have their own thread, so
    that health and metrics answer while all other threads score.

    Args:
        app: The WSGI application.
        threads: How many of the other requests run at once.
        max_body: Size in bytes of the longest body that any route takes. The application gets
            no more of a longer body, and refuses the request.
    """

    def __init__(self, app: WSGIApplication, threads: int, max_body: int) -> None:
        self._app = app
        self._max_body = max_body
        self._safe_pool = ThreadPoolExecutor(1, "safe")
        self._pool = ThreadPoolExecutor(threads, "others")
        self._waiting_bytes = self._waiting_requests = 0

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        environ = _environ(scope)
        body = environ["wsgi.input"] = io.BytesIO()
        # Done once the client has left. receive() would also return the rest of a body, so it
        # is called only when the body is complete.
        left: asyncio.Future[Message] = asyncio.Future()
        pool = self._safe_pool if environ["REQUEST_METHOD"] in _SAFE_METHODS else self._pool
        complete = False
        try:
            try:
                complete = await self._receive(environ, receive, body)
                if complete:
                    left = asyncio.ensure_future(receive())
                if pool is self._pool and self._waiting_requests >= _MAX_WAITING_REQUESTS:
                    raise _busy()
            except HTTPException as refusal:
                environ[REFUSAL], pool = refusal, self._safe_pool
            body.seek(0)
            await self._answer(environ, pool, left, send)
        finally:
            left.cancel()
            self._waiting_bytes -= body.getbuffer().nbytes
            body.close()
        # A client that expects status 100 first has not sent its body and never will.
        if not complete and "HTTP_EXPECT" not in environ:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(_drop_body(receive), _DROPPING_SECONDS)

    async def _receive(
        self, environ: WSGIEnvironment, receive: Receive, body: io.BytesIO
    ) -> bool:
        """Write the body of a request into ``body``; return whether it is complete.

        Raises:
            HTTPException: The body ended early or arrived too slowly, or this process is busy.
        """
        if int(environ.get("CONTENT_LENGTH", 0)) > self._max_body:
            return False  # the application refuses the body by its length
        deadline = monotonic() + _BODY_SECONDS
        more = True
        while more and body.tell() <= self._max_body:
            try:
                message = await asyncio.wait_for(receive(), deadline - monotonic())
            except asyncio.TimeoutError:  # not yet TimeoutError in Python 3.10
                raise RequestTimeout("the body arrived too slowly") from None
            if message["type"] == "http.disconnect":
                raise BadRequest("the body ends early, or its chunked encoding is invalid")
            chunk = message.get("body", b"")
            self._waiting_bytes += body.write(chunk)
            if self._waiting_bytes > _MAX_WAITING_BYTES:
                raise _busy()
            deadline += len(chunk) / _BODY_BYTES_PER_SECOND
            more = message.get("more_body", False)
        if body.tell():
            environ["CONTENT_LENGTH"] = str(body.tell())
        return not more

    async def _answer(
        self,
        environ: WSGIEnvironment,
        pool: ThreadPoolExecutor,
        left: asyncio.Future[Message],
        send: Send,
    ) -> None:
        """Send the answer in pieces, each made in ``pool`` after the client has read the last.

        Once ``left`` is done, no further piece is made.
        """
        loop, context = asyncio.get_running_loop(), contextvars.copy_context()
        answer = _messages(self._app, environ)

        def next_messages() -> list[Message] | None:
            return None if left.done() else context.run(next, answer, None)

        try:
            self._waiting_requests += 1
            try:
                messages = await loop.run_in_executor(pool, next_messages)
            finally:
                self._waiting_requests -= 1
            while messages is not None:
                for message in messages:
                    await asyncio.wait_for(send(message), _SEND_SECONDS)
                messages = await loop.run_in_executor(pool, next_messages)
        except asyncio.TimeoutError:
            pass  # the client has stopped reading, so nothing more is sent
        finally:
            await loop.run_in_executor(pool, context.run, answer.close)


async def _drop_body(receive: Receive) -> None:
    size = 0
    while size < _DROPPED_BYTES and (message := await receive()).get("more_body", False):
        size += len(message.get("body", b""))


def _busy() -> ServiceUnavailable:
    return ServiceUnavailable(
        "the service is busy; try again later", retry_after=_RETRY_SECONDS
    )


def _messages(
    app: WSGIApplication, environ: WSGIEnvironment
) -> Generator[list[Message], None, None]:
    """Yield the answer of a WSGI application as ASGI messages."""
    start: Message = {"type": "http.response.start"}
    length = -1

    def start_response(
        status: str, headers: list[tuple[str, str]], error: object = None
    ) -> Callable[[bytes], object]:
        nonlocal length
        start["status"] = int(status.partition(" ")[0])
        start["headers"] = [
            (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers
        ]
        length = int(dict(start["headers"]).get(b"content-length", -1))
        return _write

    pieces = app(environ, start_response)
    try:
        begin, size = [start], 0
        for piece in pieces:
            size += len(piece)
            yield [*begin, _body(piece, more=size != length)]
            begin = []
            if size == length:
                return
        yield [*begin, _body(b"", more=False)]
    finally:
        if hasattr(pieces, "close"):
            pieces.close()


def _write(piece: bytes) -> object:
    raise NotImplementedError("WSGI's write() is not offered; return an iterable")


def _body(piece: bytes, *, more: bool) -> Message:
    return {"type": "http.response.body", "body": piece, "more_body": more}


def _environ(scope: dict[str, Any]) -> WSGIEnvironment:
    """Return the WSGI environment (PEP 3333) without the body."""
    server, client = scope["server"], scope["client"]
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": client[0],
        "REMOTE_PORT": str(client[1]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.errors": sys.stderr,
        "wsgi.input_terminated": True,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for header in scope["headers"]:
        name, value = (part.decode("latin-1") for part in header)
        # WSGI turns - into _, so a header X_Forwarded_For would pass for X-Forwarded-For, which
        # a proxy in front sets or removes.
        if "_" in name or name in ("connection", "keep-alive", "transfer-encoding"):
            continue
        key = name.upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = f"HTTP_{key}"
        environ[key] = f"{environ[key]}, {value}" if key in environ else value
    return environ
