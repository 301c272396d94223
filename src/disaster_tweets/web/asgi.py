"""Runs the application behind an asynchronous server: ASGI outside, WSGI inside.

A client that sends or reads slowly waits in the event loop and holds no thread; what it may
cost in time and memory is limited here.
"""

from __future__ import annotations

import asyncio
import contextvars
import io
import sys
from collections.abc import Awaitable, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from werkzeug.exceptions import (
    BadRequest,
    HTTPException,
    RequestTimeout,
    ServiceUnavailable,
)

from disaster_tweets.web.app import REFUSAL

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

# A body may take this long, and longer the more of it has come.
_BODY_SECONDS = 20
_BODY_BYTES_PER_SECOND = 10_000

_SEND_SECONDS = 60  # that a client may take to read one piece of an answer

# What one process keeps waiting; beyond that, clients are told to come again.
_MOST_BYTES = 64_000_000
_MOST_REQUESTS = 256
_RETRY_SECONDS = 1

_READING = ("GET", "HEAD", "OPTIONS")


class Service:
    """ASGI application, without lifespan, that gives requests to threads once they are whole.

    Requests that only read have a thread of their own, so that health and metrics answer
    while all others are scoring.

    Args:
        app: The WSGI application.
        threads: How many of the other requests are worked on at once.
        max_body: Bytes of a body that any route of the application takes. Of a longer one
            the application gets no more than it needs to refuse it.
    """

    def __init__(self, app: WSGIApplication, threads: int, max_body: int) -> None:
        self._app = app
        self._max_body = max_body
        self._reading = ThreadPoolExecutor(1, "reading")
        self._working = ThreadPoolExecutor(threads, "working")
        self._bytes = self._requests = 0  # that wait

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        environ = _environ(scope)
        body = environ["wsgi.input"] = io.BytesIO()
        try:
            pool, news = await self._admit(environ, receive, body)
            body.seek(0)
            try:
                await self._answer(environ, pool, news, send)
            finally:
                news.cancel()
        finally:
            self._bytes -= body.getbuffer().nbytes

    async def _admit(
        self, environ: WSGIEnvironment, receive: Receive, body: io.BytesIO
    ) -> tuple[ThreadPoolExecutor, asyncio.Future[Message]]:
        """Take a whole request, or mark it as refused.

        Returns:
            The threads for it, and what is done once the client has left.
        """
        reads = environ["REQUEST_METHOD"] in _READING
        try:
            whole = await self._receive(environ, receive, body)
            if not reads and self._requests >= _MOST_REQUESTS:
                raise _busy()
        except HTTPException as refusal:
            environ[REFUSAL] = refusal
            return self._reading, asyncio.Future()
        # To ask whether the client has left would also ask for the rest of a body.
        news = asyncio.ensure_future(receive()) if whole else asyncio.Future[Message]()
        return self._reading if reads else self._working, news

    async def _receive(
        self, environ: WSGIEnvironment, receive: Receive, body: io.BytesIO
    ) -> bool:
        """Write the body of a request into ``body``; return whether that is all of it.

        Raises:
            HTTPException: It ended early or came too slowly, or this process is busy.
        """
        if int(environ.get("CONTENT_LENGTH", 0)) > self._max_body:
            return False  # the application refuses it by its length
        deadline = monotonic() + _BODY_SECONDS
        more = True
        while more and body.tell() <= self._max_body:
            try:
                message = await asyncio.wait_for(receive(), deadline - monotonic())
            except asyncio.TimeoutError:  # not yet TimeoutError in Python 3.10
                raise RequestTimeout("the body came too slowly") from None
            if message["type"] == "http.disconnect":
                raise BadRequest("the body ends early, or is not chunked as it should be")
            chunk = message.get("body", b"")
            self._bytes += body.write(chunk)
            if self._bytes > _MOST_BYTES:
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
        news: asyncio.Future[Message],
        send: Send,
    ) -> None:
        """Have the application answer in ``pool``, a piece at a time, as the client reads.

        Once ``news`` is done, the client has left, and the rest of the answer is not made.
        """
        loop, context = asyncio.get_running_loop(), contextvars.copy_context()
        answer = _messages(self._app, environ)

        def proceed() -> list[Message] | None:
            return None if news.done() else context.run(next, answer, None)

        try:
            self._requests += 1
            try:
                messages = await loop.run_in_executor(pool, proceed)
            finally:
                self._requests -= 1
            while messages is not None:
                if not await _sent(send, messages):
                    return
                messages = await loop.run_in_executor(pool, proceed)
        finally:
            await loop.run_in_executor(pool, context.run, answer.close)


async def _sent(send: Send, messages: list[Message]) -> bool:
    """Say whether the client took all of ``messages``; it gets no more if it did not."""
    try:
        for message in messages:
            await asyncio.wait_for(send(message), _SEND_SECONDS)
    except asyncio.TimeoutError:
        return False
    return True


def _busy() -> ServiceUnavailable:
    return ServiceUnavailable(
        "too much to do at present; try again", retry_after=_RETRY_SECONDS
    )


def _messages(
    app: WSGIApplication, environ: WSGIEnvironment
) -> Generator[list[Message], None, None]:
    """Yield what a WSGI application answers, as messages of ASGI."""
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
    """Return the environment of WSGI (PEP 3333), but for the body."""
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
    for name, value in scope["headers"]:
        key = _header_key(name.decode("latin-1"))
        if key is not None:
            separator = "; " if key == "HTTP_COOKIE" else ", "
            text = value.decode("latin-1")
            environ[key] = f"{environ[key]}{separator}{text}" if key in environ else text
    return environ


def _header_key(name: str) -> str | None:
    """Return the key of a header in the environment; None for one that must not get there."""
    # A name with _ would pass for the one with -, which a proxy in front sets or removes.
    if "_" in name or name in ("connection", "keep-alive", "transfer-encoding"):
        return None
    key = name.upper().replace("-", "_")
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
