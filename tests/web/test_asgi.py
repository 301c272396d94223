"""Tests of the ASGI adapter: clients that are slow, send broken requests, or leave."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

pytest.importorskip("flask", reason="needs the extra [web]")

from disaster_tweets.web import asgi, create_app
from disaster_tweets.web.asgi import WSGIAdapter

LIMIT = 1000
Message = dict[str, Any]


def scope(method: str, path: str, *headers: tuple[str, str]) -> dict[str, Any]:
    return {
        "type": "http",
        "method": method,
        "http_version": "1.1",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers],
        "server": ("127.0.0.1", "5000"),
        "client": ("127.0.0.1", "40000"),
    }


def part(body: bytes, more: bool = True) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


GONE = {"type": "http.disconnect"}


class Client:
    """A client that sends the given messages and then waits."""

    def __init__(self, *messages: Message) -> None:
        self._messages = [*messages]
        self.left = asyncio.Event()
        self.received: list[Message] = []

    async def receive(self) -> Message:
        if not self._messages:
            await self.left.wait()
            return GONE
        if self._messages[0] == GONE:
            return GONE
        return self._messages.pop(0)

    async def send(self, message: Message) -> None:
        if not self.received:
            self.unread_at_answer = len(self._messages)
        self.received.append(message)

    @property
    def status(self) -> int:
        return int(self.received[0]["status"])

    @property
    def body(self) -> bytes:
        assert not self.received[-1]["more_body"]
        return b"".join(message["body"] for message in self.received[1:])


def get(path: str, *headers: tuple[str, str]) -> tuple[dict[str, Any], Client]:
    return scope("GET", path, *headers), Client(part(b"", more=False))


def post(*messages: Message) -> tuple[dict[str, Any], Client]:
    return scope("POST", "/predict", ("content-type", "application/json")), Client(*messages)


def answer(adapter: WSGIAdapter, sent: dict[str, Any], client: Client) -> Client:
    async def run() -> None:
        await adapter(sent, client.receive, client.send)

    asyncio.run(run())
    assert adapter._waiting_bytes == adapter._waiting_requests == 0
    return client


@pytest.fixture
def adapter() -> WSGIAdapter:
    return WSGIAdapter(create_app().wsgi_app, 1, LIMIT)


def refused(messages: list[Message], *headers: tuple[str, str]) -> Client:
    """Send a body that is too large; return its client, once it was refused."""
    sent, client = post(*messages)
    sent["headers"] += [(name.encode(), value.encode()) for name, value in headers]
    app = create_app({"MAX_CONTENT_LENGTH": LIMIT})
    answer(WSGIAdapter(app.wsgi_app, 1, LIMIT), sent, client)
    assert client.status == 413
    return client


def echo(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    start("200 OK", [("Content-Type", "text/plain")])
    yield repr(sorted((k, v) for k, v in environ.items() if k.isupper())).encode()
    yield environ["wsgi.input"].read()


class TestBodies:
    def test_the_parts_become_one(self, adapter: WSGIAdapter) -> None:
        parts = [part(piece) for piece in (b"", b'{"da', b'ta": ["fi', b're"]}')]

        client = answer(adapter, *post(*parts, part(b"", more=False)))

        assert client.status == 200
        assert client.body.startswith(b'{"predictions":[{')

    @pytest.mark.parametrize(
        ("header", "before", "after"),
        [
            (("x", ""), 97, 0),
            (("content-length", "1001"), 100, 0),
            (("expect", "100-continue"), 97, 97),
        ],
        ids=["in parts", "by its own account", "not sent yet"],
    )
    def test_what_is_left_of_a_refused_body_is_dropped_after_the_answer(
        self, header: tuple[str, str], before: int, after: int
    ) -> None:
        client = refused([part(b" " * 400)] * 99 + [part(b"", more=False)], header)

        assert client.unread_at_answer == before
        assert len(client._messages) == after

    def test_no_endless_body_is_dropped(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(asgi, "_DROPPED_BYTES", 900)

        assert len(refused([part(b" " * 400)] * 100)._messages) == 94

    def test_no_slow_body_is_dropped(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(asgi, "_DROPPING_SECONDS", 0.05)

        assert refused([part(b" " * 400)] * 10)._messages == []

    def test_a_body_that_stops_coming(
        self, adapter: WSGIAdapter, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(asgi, "_BODY_SECONDS", 0.05)
        monkeypatch.setattr(asgi, "_DROPPING_SECONDS", 0.05)

        client = answer(adapter, *post(part(b'{"data"')))

        assert client.status == 408
        assert b'"detail": "the body arrived too slowly"' in client.body

    def test_a_body_has_the_more_time_the_more_comes(
        self, adapter: WSGIAdapter, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clock = iter(range(0, 1000, 12))  # seconds
        monkeypatch.setattr(asgi, "monotonic", lambda: float(next(clock)))
        monkeypatch.setattr(asgi, "_BODY_BYTES_PER_SECOND", 10)
        data = b'{"data": ["' + b"a" * 900 + b'"]}'
        parts = [part(data[start : start + 150]) for start in range(0, len(data), 150)]

        enough = answer(adapter, *post(*parts, part(b"", more=False)))
        few = answer(adapter, *post(*[part(b" ")] * 7, part(b"", more=False)))

        assert enough.status == 200
        assert few.status == 408

    def test_a_body_that_ends_early(self, adapter: WSGIAdapter) -> None:
        client = answer(adapter, *post(part(b'{"data": []}'), GONE))

        assert client.status == 400
        assert b'"detail": "the body ends early' in client.body


class TestEnvironment:
    def test_headers(self) -> None:
        sent, client = get(
            "/caf%C3%A9%2f%00",
            ("x-a", "1"),
            ("x-a", "2"),
            ("x_a", "3"),
            ("transfer-encoding", "chunked"),
        )

        shown = answer(WSGIAdapter(echo, 1, LIMIT), sent, client).body.decode()

        assert "('HTTP_X_A', '1, 2')" in shown
        assert "TRANSFER" not in shown
        assert "('PATH_INFO', '/cafÃ©/\\x00')" in shown
        assert "('REMOTE_ADDR', '127.0.0.1')" in shown

    def test_the_length_of_a_body_in_chunks(self) -> None:
        sent, client = post(part(b"late"), part(b"!", more=False))

        shown = answer(WSGIAdapter(echo, 1, LIMIT), sent, client).body

        assert b"('CONTENT_LENGTH', '5')" in shown
        assert shown.endswith(b"late!")


class TestOverload:
    def test_more_bytes_than_may_wait(
        self, adapter: WSGIAdapter, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(asgi, "_MAX_WAITING_BYTES", 100)
        monkeypatch.setattr(asgi, "_DROPPING_SECONDS", 0.05)

        few = answer(adapter, *post(part(b'{"data": []}'.ljust(100), more=False)))
        many = answer(adapter, *post(part(b'{"data": []}'.ljust(101), more=False)))

        assert (few.status, many.status) == (200, 503)
        assert (b"retry-after", b"1") in many.received[0]["headers"]

    def test_more_requests_than_may_wait(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(asgi, "_MAX_WAITING_REQUESTS", 2)
        released, begun = threading.Event(), threading.Event()

        def app(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
            if asgi.REFUSAL in environ:
                start(f"{environ[asgi.REFUSAL].code} Refused", [])
                return [b""]
            if environ["REQUEST_METHOD"] == "POST":
                begun.set()
                assert released.wait(60)
            start("200 OK", [])
            return [b"done"]

        adapter = WSGIAdapter(app, 1, LIMIT)

        async def run() -> tuple[list[int], list[int]]:
            requests = [post(part(b"", more=False)) for _ in range(5)] + [get("/")]
            tasks = [
                asyncio.ensure_future(adapter(sent, client.receive, client.send))
                for sent, client in requests
            ]
            await asyncio.wait(tasks[2:])
            at_once = [client.status for _, client in requests[2:]]
            released.set()
            await asyncio.wait(tasks)
            return at_once, [client.status for _, client in requests[:2]]

        assert asyncio.run(run()) == ([503, 503, 503, 200], [200, 200])

    def test_the_turn_of_a_client_that_left_is_skipped(self) -> None:
        called: list[str] = []
        released = threading.Event()

        def app(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
            called.append(environ["HTTP_NAME"])
            assert released.wait(60)
            start("200 OK", [])
            return [b""]

        adapter = WSGIAdapter(app, 1, LIMIT)

        async def run() -> None:
            clients = {}
            tasks = []
            for name in ("first", "left", "last"):
                clients[name] = Client(part(b"", more=False))
                sent = scope("POST", "/", ("name", name))
                tasks.append(
                    asyncio.ensure_future(
                        adapter(sent, clients[name].receive, clients[name].send)
                    )
                )
            while adapter._waiting_requests < 3:
                await asyncio.sleep(0)
            clients["left"].left.set()
            await asyncio.sleep(0)
            released.set()
            await asyncio.wait(tasks)
            assert clients["left"].received == []
            assert clients["last"].status == 200

        asyncio.run(run())

        assert called == ["first", "last"]


class Pieces:
    """A body in pieces that records the number of pieces taken, and whether it was closed."""

    def __init__(self, fail_at: int = 1000) -> None:
        self.taken, self.closed, self.fail_at = 0, False, fail_at

    def __call__(self, environ: Any, start: Callable[..., Any]) -> Pieces:
        start("200 OK", [])
        return self

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self.taken == self.fail_at:
            raise ZeroDivisionError
        if self.taken == 100:
            raise StopIteration
        self.taken += 1
        return b"piece"

    def close(self) -> None:
        self.closed = True


class TestAnswers:
    def test_no_piece_is_made_before_its_turn(self) -> None:
        pieces = Pieces()
        sent, client = get("/")
        taken: list[int] = []

        async def send(message: Message) -> None:
            taken.append(pieces.taken)
            client.received.append(message)

        client.send = send  # type: ignore[method-assign]
        answer(WSGIAdapter(pieces, 1, LIMIT), sent, client)

        assert taken == [1, *range(1, 101), 100]
        assert client.body == b"piece" * 100
        assert pieces.closed

    def test_none_is_made_for_a_client_that_left(self) -> None:
        pieces = Pieces()
        sent, client = get("/")

        async def send(message: Message) -> None:
            client.received.append(message)
            if len(client.received) == 5:
                client.left.set()
                await asyncio.sleep(0)

        client.send = send  # type: ignore[method-assign]
        answer(WSGIAdapter(pieces, 1, LIMIT), sent, client)

        assert pieces.taken == 4
        assert pieces.closed

    def test_a_client_that_stops_reading_is_cut_off(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(asgi, "_SEND_SECONDS", 0.05)
        pieces = Pieces()
        sent, client = get("/")

        async def send(message: Message) -> None:
            client.received.append(message)
            if len(client.received) == 5:
                await asyncio.Event().wait()

        client.send = send  # type: ignore[method-assign]
        answer(WSGIAdapter(pieces, 1, LIMIT), sent, client)

        assert pieces.taken == 4
        assert pieces.closed
        assert client.received[-1]["more_body"]

    def test_an_error_after_the_start_leaves_the_answer_unfinished(self) -> None:
        pieces = Pieces(fail_at=3)
        sent, client = get("/")

        with pytest.raises(ZeroDivisionError):
            answer(WSGIAdapter(pieces, 1, LIMIT), sent, client)

        assert client.received[-1]["more_body"]
        assert pieces.closed

    def test_one_message_where_the_length_is_known(self, adapter: WSGIAdapter) -> None:
        client = answer(adapter, *get("/healthz"))

        assert [message["type"] for message in client.received] == [
            "http.response.start",
            "http.response.body",
        ]
        assert client.body == b'{"status":"alive"}\n'

    def test_without_a_body(self, adapter: WSGIAdapter) -> None:
        client = Client(part(b"", more=False))

        answer(adapter, scope("HEAD", "/healthz"), client)

        assert client.body == b""
        assert (b"content-length", b"19") in client.received[0]["headers"]
