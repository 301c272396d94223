"""`disaster-tweets serve` as a process: many clients, slow or broken clients, and the exit."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from string import ascii_lowercase

import pytest

pytest.importorskip("granian", reason="needs the extra [web]")

import requests

from disaster_tweets import predict

from ..conftest import Run, executable, free_port
from .conftest import FIRST, SECOND, Server, as_json, in_threads, wait_for, without_warnings

# Texts that take long to score: their words are long and in no vocabulary.
LONG = {"data": ["".join(random.Random(n).choices(ascii_lowercase, k=90)) for n in range(400)]}

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
MANY = "1" if sys.platform == "win32" else "2"  # workers; Windows runs one
linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

Serve = Callable[..., Server]


@contextmanager
def connection(server: Server) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as client:
        yield client


def answer_to(server: Server, *parts: bytes) -> bytes:
    """Send the bytes of a request, and return all bytes of the answer."""
    with connection(server) as client:
        for part in parts:
            client.sendall(part)
        return read(client)


def read(client: socket.socket) -> bytes:
    received = b""
    try:
        while piece := client.recv(1 << 16):
            received += piece
    except ConnectionResetError:
        pass
    return received


def head(method: str, path: str, *headers: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


JSON_HEADER = "Content-Type: application/json"


def post(body: bytes) -> bytes:
    """Return the bytes of a request to /predict."""
    return head("POST", "/predict", JSON_HEADER, f"Content-Length: {len(body)}") + body


class TestClients:
    def test_many_at_once_get_their_own_scores(self, server: Server) -> None:
        texts = [f"{text} {n}" for n in range(40) for text in (FIRST, SECOND)]
        expected = dict(zip(texts, map(as_json, predict(texts)), strict=True))

        def client(number: int) -> None:
            order = random.Random(number)
            with requests.Session() as session:
                for _ in range(5):
                    sent = order.sample(texts, order.randrange(1, 30))
                    answer = session.post(f"{server.url}/predict", json={"data": sent})
                    assert answer.json()["predictions"] == [expected[text] for text in sent]

        in_threads(client, 24)

    def test_slow_senders_hold_no_thread(self, server: Server) -> None:
        starts = [
            head("POST", "/predict", JSON_HEADER, "Content-Length: 12"),
            head("POST", "/predict", JSON_HEADER, "Content-Length: 12") + b'{"da',
            head("POST", "/predict", JSON_HEADER, "Transfer-Encoding: chunked") + b"1\r\n",
            head("POST", "/predict", JSON_HEADER, "Content-Length: 99999999") + b"{",
            b"POST /predict HTTP/1.1\r\nHost:",
            b"",
        ]
        clients = []
        for start in starts * 20:
            client = socket.create_connection(("127.0.0.1", server.port))
            client.sendall(start)
            clients.append(client)

        answer = requests.post(f"{server.url}/predict", json={"data": [FIRST]}, timeout=15)
        # Clients that go on are answered.
        clients[1].sendall(b'ta": []}')
        late = read(clients[1])
        for client in clients:
            client.close()

        assert answer.status_code == 200
        assert late.startswith(b"HTTP/1.1 200")

    def test_slow_readers_hold_no_thread(self, server: Server) -> None:
        rows = b"".join(b'%d,"%s",\n' % (n, b"x" * 100_000) for n in range(45))
        files = {"file": ("large.csv", b"id,note,text\n" + rows)}
        answers = [
            requests.post(f"{server.url}/file", files=files, stream=True) for _ in range(8)
        ]

        answer = requests.post(f"{server.url}/predict", json={"data": [FIRST]}, timeout=30)
        sizes = {len(late.content) for late in answers}

        assert answer.status_code == 200
        assert len(sizes) == 1
        assert sizes.pop() > len(rows)

    def test_a_client_that_leaves_is_no_fault(self, server: Server) -> None:
        request = post(json.dumps(LONG).encode())
        for sent in (request[:200], request):
            with connection(server) as client:
                client.sendall(sent)

        assert requests.get(f"{server.url}/healthz").status_code == 200
        assert "Traceback" not in server.errors


class TestBodies:
    @pytest.mark.parametrize("chunked", [False, True])
    @pytest.mark.parametrize(
        ("path", "status"), [("/predict", 413), ("/file", 413), ("/missing", 404)]
    )
    def test_too_large(self, server: Server, path: str, status: int, chunked: bool) -> None:
        # This client sends the whole body before it reads the answer.
        client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        body = iter([b" " * 10_000] * 4000) if chunked else b" " * 40_000_000
        with closing(client):
            client.request("POST", path, body, {"Content-Type": "application/json"})
            answer = client.getresponse()

            assert answer.status == status
            if path == "/predict":
                detail = json.loads(answer.read())["detail"]
                assert detail == "the body is larger than 1,000,000 bytes"

    def test_too_large_by_its_own_account(self, server: Server) -> None:
        size = "Content-Length: 99999999999999999"
        request = head("POST", "/predict", JSON_HEADER, size, "Expect: 100-continue")

        assert answer_to(server, request).startswith(b"HTTP/1.1 413")

    @pytest.mark.parametrize(
        "request_",
        [
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            b"GET\r\n\r\n",
            b"GET /\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
            head("POST", "/predict", JSON_HEADER, "Content-Length: 2", "Content-Length: 3")
            + b"{}",
            head("POST", "/predict", JSON_HEADER, "Transfer-Encoding: chunked")
            + b"zz\r\n{}\r\n0\r\n\r\n",
        ],
        ids=lambda request: repr(request[:40]),
    )
    def test_what_is_not_http(self, server: Server, request_: bytes) -> None:
        with connection(server) as client:
            client.sendall(request_)
            client.shutdown(socket.SHUT_WR)
            answer = read(client)

        assert answer[:12] in (b"", b"HTTP/1.1 400", b"HTTP/1.1 505")
        assert requests.get(f"{server.url}/healthz").status_code == 200

    @pytest.mark.parametrize(
        ("path", "headers", "status"),
        [
            ("/healthz", ["X: " + "a" * 400_000], 200),
            ("/healthz", ["X: " + "a" * 1_000_000], 431),
            ("/healthz", [f"X{n}: a" for n in range(98)], 200),
            ("/healthz", [f"X{n}: a" for n in range(99)], 431),
            ("/healthz?".ljust(65_534, "a"), [], 200),
            ("/healthz?".ljust(65_535, "a"), [], 414),
        ],
        ids=lambda value: repr(value)[:20],
    )
    def test_a_long_head(
        self, server: Server, path: str, headers: list[str], status: int
    ) -> None:
        answer, _, body = answer_to(server, head("GET", path, *headers)).partition(b"\r\n\r\n")

        assert answer.startswith(b"HTTP/1.1 %d " % status)
        assert bool(body) == (status == 200)

    def test_deep_nesting(self, server: Server) -> None:
        answer = requests.post(
            f"{server.url}/predict",
            data=b'{"a":' * 150_000,
            headers={"Content-Type": "application/json"},
        )

        assert answer.status_code == 400
        assert answer.json()["detail"] == "the body is nested too deeply"

    def test_a_path_arrives_as_it_was_sent(self, server: Server) -> None:
        for path in ("/caf%C3%A9", "/a%2Fb", "/%ff%00", "/..%2f..%2fetc/passwd"):
            answer = answer_to(server, head("GET", path))

            assert answer.startswith(b"HTTP/1.1 404")
        assert b'"instance": "/caf%C3%A9"' in answer_to(server, head("GET", "/caf%C3%A9"))


def counted(server: Server) -> Counter[tuple[str, ...]]:
    """Return the counts of requests in the metrics, by method, route and status."""
    text = requests.get(f"{server.url}/metrics").text
    pattern = r'http_requests_total\{method="(.*?)",route="(.*?)",status="(.*?)"\} (\d+)\.0'
    return Counter({groups[:-1]: int(groups[-1]) for groups in re.findall(pattern, text)})


class TestLogAndMetrics:
    def test_counters_of_all_workers_are_one(self, server: Server) -> None:
        before = counted(server)

        def client(number: int) -> None:
            for _ in range(10):
                requests.post(f"{server.url}/predict", json={"data": [FIRST] * number})
                requests.get(f"{server.url}/nothing")

        in_threads(client, 10)
        difference = counted(server) - before

        assert difference == {
            ("POST", "/predict", "200"): 100,
            ("GET", "none", "404"): 100,
            ("GET", "/metrics", "200"): 1,
        }
        assert len({entry["process"] for entry in server.log}) == int(MANY)

    def test_the_log_has_every_request_and_no_text(self, serve: Serve) -> None:
        server = serve("--threads", "1", "--max-texts", "2", "--max-body", "90")
        requests.post(f"{server.url}/predict", json={"data": [FIRST]})
        requests.post(f"{server.url}/predict", json={"data": [FIRST, 7]})
        requests.post(f"{server.url}/predict", json={"data": ["", "", ""]})
        requests.post(f"{server.url}/predict", json={"data": [FIRST, FIRST]})
        requests.post(f"{server.url}/explain?q=parcel", json={"text": FIRST})
        requests.get(f"{server.url}/parcel?q=parcel")
        requests.post(server.url, data={"text": FIRST})

        assert [(entry["route"], entry["status"]) for entry in server.log] == [
            ("/predict", 200),
            ("/predict", 422),
            ("/predict", 422),
            ("/predict", 413),
            ("/explain", 200),
            ("none", 404),
            ("/", 200),
        ]
        assert "parcel" not in server.out.read_text("utf-8") + server.errors

    def test_a_trusted_proxy_names_the_client_in_the_right_header_only(
        self, serve: Serve
    ) -> None:
        server = serve("--trusted-proxy", "127.0.0.1", "--port", "0", "--workers", MANY)
        for header in ("X_Forwarded_For", "X-Forwarded-For"):
            requests.get(f"{server.url}/healthz", headers={header: "203.0.113.9"})

        clients = sorted(entry["client"] for entry in server.log)
        assert clients == ["127.0.0.1", "203.0.113.9"]
        # Without a port, the system has chosen one.
        assert server.url.rpartition(":")[2] not in ("0", "5000", str(server.port))

    @posix
    def test_a_reader_of_the_log_may_leave(self, tmp_path: Path) -> None:
        port = free_port()
        command = f"{executable('disaster-tweets')} serve --port {port} | true"
        shell = subprocess.Popen(
            ["sh", "-c", command], stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        assert shell.stderr is not None
        assert shell.stderr.readline().startswith("Serving on ")

        statuses = {requests.get(f"http://127.0.0.1:{port}/healthz").status_code for _ in "abc"}
        os.killpg(shell.pid, signal.SIGTERM)
        shell.wait(60)

        assert statuses == {200}
        assert "Traceback" not in shell.stderr.read()
        shell.stderr.close()


class TestStart:
    def refused(self, run: Run, *options: str) -> str:
        done = run("disaster-tweets", "serve", *options)
        assert done.status == 1
        assert done.out == ""
        assert re.fullmatch(r"Error: .+\n", done.err)
        return done.err

    def test_a_port_in_use(self, run: Run, server: Server) -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            for port in (other.getsockname()[1], server.port):
                error = self.refused(run, "--port", str(port))
                assert f"port {port} of 127.0.0.1 is in use" in error

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            (["--port", "65536"], "Error: Invalid value for '--port': "),
            (["--port", "http"], "Error: Invalid value for '--port': "),
            (["--trusted-proxy", "example.org"], "'example.org' does not appear to be"),
        ],
    )
    def test_an_option_without_sense(self, run: Run, options: list[str], words: str) -> None:
        done = run("disaster-tweets", "serve", *options)

        assert (done.status, done.out) == (2, "")
        assert words in done.err.splitlines()[-1]

    @pytest.mark.parametrize(
        ("host", "problem"),
        [
            ("no-such-host.invalid", "no such host"),
            ("a..b", "no such host"),
            ("x" * 300, "no such host"),
            ("192.0.2.1", "no address of this machine"),
        ],
    )
    def test_a_host_that_cannot_be_listened_on(self, run: Run, host: str, problem: str) -> None:
        assert problem in self.refused(run, "--host", host)

    @posix
    def test_a_port_that_needs_privileges(self, run: Run) -> None:
        path = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
        if os.geteuid() == 0 or not path.exists() or int(path.read_text()) < 2:
            pytest.skip("this user may use every port")

        assert "administrators" in self.refused(run, "--port", "1")

    def test_without_the_extra(self, run: Run) -> None:
        for module in ("flask", "granian", "prometheus_client"):
            code = (
                f"import sys; sys.modules['{module}'] = None; sys.argv = ['', 'serve']\n"
                "from disaster_tweets.cli import main; main()"
            )
            done = run("python", "-c", code)

            assert done.status == 1
            assert done.err.startswith(f"Error: {module} cannot be imported; pip install ")
            assert done.err.endswith(' "disaster-tweets-model[web]"\n')

    def test_no_folder_for_the_counters(self, run: Run, tmp_path: Path) -> None:
        folder = tmp_path / "missing"
        done = run("disaster-tweets", "serve", PROMETHEUS_MULTIPROC_DIR=str(folder))

        assert done.status == 1
        assert done.err.startswith(f"Error: {folder}: no such folder; ")

    def test_no_damaged_model_is_served(self, run: Run) -> None:
        code = (
            "import sys; from disaster_tweets import bundle; bundle.MODEL = 'golden.json'\n"
            "bundle.bundled = lambda: __import__('pathlib').Path('.')\n"
            "sys.argv = ['', 'serve']; from disaster_tweets.cli import main; main()"
        )
        done = run("python", "-c", code)

        assert done.status == 1
        assert re.fullmatch(r"Error: manifest.json: No such file.*; reinstall .*\n", done.err)

    @pytest.mark.parametrize("workers", [1] if sys.platform == "win32" else [1, 2])
    def test_a_worker_that_cannot_load_the_model(
        self, run: Run, tmp_path: Path, workers: int
    ) -> None:
        script = tmp_path / "serve.py"
        script.write_text(
            "from disaster_tweets.errors import ArtifactError\n"
            "from disaster_tweets.web import server\n"
            "def load():\n"
            "    raise ArtifactError('model.bin: its content was altered')\n"
            "server.bundled_classifier = load\n"  # in the workers, too: they import this
            "if __name__ == '__main__':\n"
            "    try:\n"
            f"        server.run(server.Settings('127.0.0.1', {free_port()}, {workers}, 1))\n"
            "    except server.ServerError as error:\n"
            "        print(error)\n"
        )

        done = run("python", str(script))

        assert done[:2] == (0, "model.bin: its content was altered\n")
        assert without_warnings(done.err) == ""

    @posix
    def test_an_interruption_at_the_start(self) -> None:
        with subprocess.Popen(
            [executable("disaster-tweets"), "serve", "--port", str(free_port())],
            env={**os.environ, "PYTHONPROFILEIMPORTTIME": "1"},
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            assert process.stderr is not None
            for line in process.stderr:
                if "granian.server.mp" in line:
                    break
            os.killpg(process.pid, signal.SIGINT)
            rest = process.stderr.read()  # until the last process ends

        assert "Serving" not in rest

    @pytest.mark.parametrize(
        ("host", "shown", "clients"),
        [("::1", "[::1]", {"::1"}), ("localhost", "localhost", {"127.0.0.1", "::1"})],
    )
    def test_another_host(self, serve: Serve, host: str, shown: str, clients: set[str]) -> None:
        try:
            free_port(host)
        except OSError:
            pytest.skip("this machine has no IPv6")
        server = serve(host=host)

        assert server.url == f"http://{shown}:{server.port}"
        assert requests.get(f"{server.url}/readyz").json() == {"status": "ready"}
        assert server.log[0]["client"] in clients

    def test_nothing_is_said_but_the_address_of_this_machine(self, server: Server) -> None:
        assert server.said == f"Serving on http://127.0.0.1:{server.port} until Ctrl-C\n"


def begin(server: Server, count: int) -> list[socket.socket]:
    """Send requests that take long, and return the connections once the requests run."""
    clients = []
    for _ in range(count):
        client = socket.create_connection(("127.0.0.1", server.port), timeout=60)
        client.sendall(post(json.dumps(LONG).encode()))
        clients.append(client)
    # Later requests were answered, so the earlier ones were accepted and are in the threads.
    for _ in range(20):
        requests.get(f"{server.url}/healthz")
    return clients


def finished(client: socket.socket) -> bool:
    """Return whether a connection of `begin` gets its complete answer."""
    with client:
        answer = read(client)
    _, _, body = answer.partition(b"\r\n\r\n")
    return answer.startswith(b"HTTP/1.1 200") and len(json.loads(body)["predictions"]) == len(
        LONG["data"]
    )


def skip_where_it_is_ignored(stop: str) -> None:
    """Skip a test whose signal is ignored, as under nohup: the service also ignores it then."""
    if signal.getsignal(signal.Signals[stop]) == signal.SIG_IGN:
        pytest.skip(f"{stop} is ignored here")


class TestEnd:
    # A terminal sends its signals to all processes.
    @posix
    @pytest.mark.parametrize(
        ("stop", "workers", "send"),
        [
            ("SIGTERM", "2", "kill"),
            ("SIGINT", "1", "kill"),
            ("SIGINT", "2", "killpg"),
            ("SIGHUP", "2", "killpg"),
        ],
        ids=["SIGTERM", "SIGINT", "Ctrl-C", "closed terminal"],
    )
    def test_requests_in_flight_are_finished(
        self, serve: Serve, stop: str, workers: str, send: str
    ) -> None:
        skip_where_it_is_ignored(stop)
        server = serve("--workers", workers, "--threads", "2")
        clients = begin(server, 4)

        getattr(os, send)(server.process.pid, signal.Signals[stop])

        assert [finished(client) for client in clients] == [True] * 4
        assert server.process.wait(60) == 0
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", server.port))
        assert server.said == f"Serving on {server.url} until Ctrl-C\n"

    @posix
    def test_nohup_keeps_it_alive(self, serve: Serve) -> None:
        server = serve(by=("nohup",))

        os.killpg(server.process.pid, signal.SIGHUP)
        for _ in range(20):
            assert requests.get(f"{server.url}/healthz").status_code == 200

        server.interrupt()
        assert server.process.wait(60) == 0

    @posix
    def test_idle_clients_do_not_delay_it(self, serve: Serve) -> None:
        server = serve()
        with connection(server) as silent, connection(server) as idle:
            idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert idle.recv(1000)

            server.interrupt()

            assert server.process.wait(60) == 0
            assert read(silent) == b""

    @linux
    def test_a_killed_worker_is_replaced(self, serve: Serve) -> None:
        server = serve("--workers", "2")
        url = f"{server.url}/predict"
        processes = lambda: {entry["process"] for entry in server.log}  # noqa: E731
        wait_for(lambda: requests.get(f"{server.url}/healthz") and len(processes()) == 2)
        before = processes()
        counts = counted(server)

        os.kill(min(before), signal.SIGKILL)
        wait_for(lambda: "Unexpected exit" in server.errors)

        def answered() -> bool:
            try:
                return requests.post(url, json={"data": [FIRST]}).status_code == 200
            except requests.ConnectionError:  # the killed worker had the connection
                return False

        wait_for(lambda: answered() and len(processes() - before) == 1)
        assert counted(server)[("GET", "/healthz", "200")] == counts[("GET", "/healthz", "200")]
        server.interrupt()
        assert server.process.wait(60) == 0

    @linux
    @pytest.mark.parametrize("workers", ["1", "2"])
    def test_workers_do_not_outlive_the_parent(self, serve: Serve, workers: str) -> None:
        server = serve("--workers", workers)

        server.process.kill()
        server.process.wait(60)

        wait_for(lambda: not listening(server))

    @posix
    def test_a_restart_under_load_loses_no_request_that_was_answered_for(
        self, serve: Serve
    ) -> None:
        server = serve("--workers", "2")
        stop = threading.Event()

        def client(number: int) -> list[str]:
            outcomes = []
            for request in itertools.count():
                if stop.is_set():
                    return outcomes
                try:
                    with socket.create_connection(("127.0.0.1", server.port), 60) as connected:
                        connected.sendall(head("GET", f"/healthz?{number}-{request}"))
                        answer = read(connected)
                except OSError:
                    outcomes.append("refused")
                    continue
                whole = answer.startswith(b"HTTP/1.1 200") and answer.endswith(b"}\n")
                outcomes.append("answered" if whole else "cut" if answer else "reset")
            return outcomes

        def interrupt_later(number: int) -> list[str]:
            if number:
                return client(number)
            wait_for(lambda: len(server.log) > 200)
            server.interrupt()
            assert server.process.wait(60) == 0
            stop.set()
            return []

        outcomes = Counter(itertools.chain(*in_threads(interrupt_later, 9)))

        assert outcomes["cut"] == 0
        assert outcomes["answered"] == len(server.log) > 200

    def test_the_folder_of_the_counters_is_removed(
        self, serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = tmp_path / "temporary"
        folder.mkdir()
        for name in ("TMPDIR", "TEMP", "TMP"):
            monkeypatch.setenv(name, str(folder))
        server = serve("--workers", MANY)
        requests.get(f"{server.url}/metrics")

        server.interrupt()
        server.process.wait(60)

        assert [*folder.iterdir()] == []


def listening(server: Server) -> bool:
    try:
        socket.create_connection(("127.0.0.1", server.port)).close()
    except ConnectionRefusedError:
        return False
    except ConnectionResetError:  # the listener was about to close
        pass
    return True
