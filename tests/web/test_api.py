"""Tests of the routes for programs, without a server."""

from __future__ import annotations

import html
import io
import json
import logging
import re
import shlex
from collections.abc import Callable, Iterator
from typing import Any

import pytest

pytest.importorskip("flask", reason="needs the extra [web]")

from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from disaster_tweets import Classifier, predict
from disaster_tweets.classifier import bundled_classifier
from disaster_tweets.errors import ArtifactError
from disaster_tweets.topic import EXAMPLES, QUESTION
from disaster_tweets.web import api, create_app
from disaster_tweets.web.access_log import LOGGER

from .conftest import FIRST, SECOND, as_json

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
LIMITS = {"MAX_TEXTS": 5, "MAX_CONTENT_LENGTH": 2000, "MAX_EXPLAINED_LENGTH": 100}


@pytest.fixture(scope="module")
def app() -> Flask:
    return create_app({"TRUSTED_PROXIES": ["127.0.0.1"]})


@pytest.fixture
def client() -> FlaskClient:
    return create_app(LIMITS).test_client()


def post(
    client: FlaskClient, body: bytes | str, path: str = "/predict", **headers: str
) -> TestResponse:
    """Send a body as JSON, unless a header says otherwise."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(path, data=body, headers={"Content-Type": "application/json"} | names)


def problem(response: TestResponse) -> str:
    """Return the detail of a refusal, after a check that it has all members of a problem."""
    assert response.mimetype == "application/problem+json"
    content = response.get_json(force=True)
    assert content.keys() == {"type", "title", "status", "detail", "instance"}
    assert content["type"] == "about:blank"
    assert content["status"] == response.status_code
    assert response.status == f"{content['status']} {content['title']}".upper()
    assert "\n" not in content["detail"]
    return str(content["detail"])


class TestPredict:
    def test_scores_are_those_of_the_package_in_order(
        self, any_model: Classifier, client: FlaskClient
    ) -> None:
        texts = [SECOND, FIRST, "", SECOND, "\x00 \U0001f4e6 é"]

        answer = client.post("/predict", json={"data": texts})

        assert answer.status_code == 200
        assert answer.mimetype == "application/json"
        assert answer.json["predictions"] == [
            as_json(prediction) for prediction in any_model.predict(texts)
        ]

    def test_the_model_is_named(self, any_model: Classifier, client: FlaskClient) -> None:
        manifest = any_model.manifest
        answer = client.post("/predict", json={"data": []})

        assert answer.json == {
            "predictions": [],
            "model": {
                "name": "disaster_tweets",
                "version": manifest["model_version"],
                "threshold": manifest["threshold"],
            },
        }

    def test_as_many_texts_as_the_limit_allows(self, client: FlaskClient) -> None:
        fits, more = (client.post("/predict", json={"data": [FIRST] * n}) for n in (5, 6))

        assert len(fits.json["predictions"]) == 5
        assert more.status_code == 422
        assert problem(more) == "data has 6 elements, and 5 are allowed"

    @pytest.mark.parametrize(
        "content_type", ["application/json", "Application/JSON;charset=UTF8"]
    )
    def test_content_types_that_are_json(self, client: FlaskClient, content_type: str) -> None:
        assert post(client, '{"data": []}', Content_Type=content_type).status_code == 200

    def test_a_byte_order_mark_is_no_part_of_json(self, client: FlaskClient) -> None:
        assert post(client, '\ufeff{"data": []}'.encode()).status_code == 200


class TestExplain:
    def test_weights_are_those_of_the_package(
        self, any_model: Classifier, client: FlaskClient
    ) -> None:
        text = "\U0001f4e6 late  again the\u00a0parcel \x00"
        explanation = any_model.explain(text)

        answer = client.post("/explain", json={"text": text})

        decision = as_json(explanation.prediction)
        assert {**answer.json, **decision} == answer.json
        assert answer.json.keys() == decision.keys() | {"words", "model"}
        assert answer.json["words"] == [
            {"word": w.word, "start": w.start, "end": w.end, "weight": round(w.weight, 7)}
            for w in explanation.words
        ]
        for word in answer.json["words"]:
            assert text[word["start"] : word["end"]] == word["word"]

    def test_a_text_without_words(self, client: FlaskClient) -> None:
        assert client.post("/explain", json={"text": " "}).json["words"] == []

    def test_a_text_that_is_too_long(self, client: FlaskClient) -> None:
        assert client.post("/explain", json={"text": "a" * 100}).status_code == 200

        answer = client.post("/explain", json={"text": "a" * 101})

        assert answer.status_code == 422
        assert problem(answer) == "text has 101 characters, and 100 are allowed"


class TestRefusals:
    @pytest.mark.parametrize(
        ("body", "detail"),
        [
            ("{}", 'the body lacks the member "data"'),
            ("[]", "the body is an array, not an object"),
            ("null", "the body is null, not an object"),
            ('"text"', "the body is text, not an object"),
            ('{"data": "late"}', "data is text, not an array"),
            ('{"data": ["a", "b", "c", 7]}', "data[3] is a number, not text"),
            ('{"data": [1e999]}', "data[0] is a number, not text"),
            ('{"data": ["a", null]}', "data[1] is null, not text"),
            ('{"data": [true]}', "data[0] is a boolean, not text"),
            ('{"data": [["a"]]}', "data[0] is an array, not text"),
            (
                '{"data": [], "threshold": 0.5}',
                'the body has a member "threshold"; it takes only data',
            ),
            ('{"data": ["ab\\ud83d"]}', "character 3 of data[0] is half a surrogate pair"),
            (
                json.dumps({"data": [], "x" * 500: 1}),
                f'the body has a member "{"x" * 40}..."; it takes only data',
            ),
        ],
    )
    def test_json_of_another_shape(self, client: FlaskClient, body: str, detail: str) -> None:
        answer = post(client, body)

        assert answer.status_code == 422
        assert problem(answer) == detail

    @pytest.mark.parametrize(
        ("body", "detail"),
        [
            (b"", "the body is not JSON: Expecting value"),
            (b'{"data": ["late"', "the body is not JSON: Expecting ',' delimiter"),
            (b'{"data": ["la\nte"]}', "the body is not JSON: Invalid control character"),
            (b'{"data": []} {}', "the body is not JSON: Extra data"),
            (b'{"data": ["caf\xe9"]}', "byte 15 of the body is not UTF-8"),
            (b'{"data": ["\xed\xa0\xbd"]}', "byte 12 of the body is not UTF-8"),
            ('{"data": []}'.encode("utf-16"), "byte 1 of the body is not UTF-8"),
            (b'{"data": [], "data": ["late"]}', 'the member "data" occurs twice'),
            (b'{"data": [NaN]}', "the body is not JSON: JSON has no NaN"),
            (b'{"data": [-Infinity]}', "the body is not JSON: JSON has no -Infinity"),
        ],
    )
    def test_what_is_not_json(self, client: FlaskClient, body: bytes, detail: str) -> None:
        answer = post(client, body)

        assert answer.status_code == 400
        assert problem(answer).startswith(detail)

    @pytest.mark.parametrize(
        ("body", "status", "detail"),
        [
            ("[" * 900_000, 400, "the body is nested too deeply"),
            (f'{{"data": [{"9" * 900_000}]}}', 422, "data[0] is a number, not text"),
        ],
        ids=["deep nesting", "a number of many digits"],
    )
    def test_what_is_hard_to_read(self, body: str, status: int, detail: str) -> None:
        answer = post(create_app().test_client(), body)

        assert answer.status_code == status
        assert problem(answer) == detail

    @pytest.mark.parametrize(
        ("content_type", "shown"),
        [
            ("", "none"),
            ("text/plain", "text/plain"),
            ("application/json; charset=latin1", "application/json; charset=latin1"),
            ("a" * 500, "a" * 80),
        ],
    )
    def test_another_content_type(
        self, client: FlaskClient, content_type: str, shown: str
    ) -> None:
        answer = post(client, '{"data": []}', Content_Type=content_type)

        assert answer.status_code == 415
        assert problem(answer) == (
            f"the content type is {shown}; send application/json, in UTF-8"
        )

    def test_a_compressed_body(self, client: FlaskClient) -> None:
        answer = post(client, b"\x1f\x8b", Content_Encoding="gzip")

        assert answer.status_code == 415
        assert answer.headers["Accept-Encoding"] == "identity"
        assert problem(answer) == "the body is compressed; send it as it is"

    def test_a_body_that_is_too_large(self, client: FlaskClient) -> None:
        fits = json.dumps({"data": ["late"]}).ljust(2000)
        assert post(client, fits).status_code == 200

        answer = post(client, fits + " ")

        assert answer.status_code == 413
        assert problem(answer) == "the body is larger than 2,000 bytes"

    @pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "FOO"])
    def test_another_method(self, client: FlaskClient, method: str) -> None:
        for path in ("/predict", "/explain"):
            answer = client.open(path, method=method)

            assert answer.status_code == 405, path
            assert {"POST", "OPTIONS"} == {*answer.headers["Allow"].split(", ")}
            if method != "HEAD":
                assert problem(answer) == "this address takes POST only"

    def test_an_unknown_path(self, client: FlaskClient) -> None:
        answer = client.get("/texts/<b>?q=late")

        assert answer.status_code == 404
        assert problem(answer) == "there is nothing at this address; /docs lists all addresses"
        assert answer.get_json(force=True)["instance"] == "/texts/%3Cb%3E"

    def test_a_browser_gets_a_page(self, client: FlaskClient) -> None:
        answer = client.get("/texts", headers=BROWSER)

        assert answer.status_code == 404
        assert answer.mimetype == "text/html"
        assert "<h1>Not Found</h1>" in answer.text
        assert "There is nothing at this address" in answer.text

    def test_the_service_answers_a_browser_as_any_program(self, client: FlaskClient) -> None:
        assert problem(client.post("/predict", headers=BROWSER)).startswith("the content type")

    @settings(deadline=None)  # the first page takes longer, because its template is read
    @given(
        method=st.sampled_from(["GET", "HEAD", "POST", "OPTIONS"]),
        # The client would take the part after two slashes for a host.
        path=st.text(max_size=12).map(lambda path: path.lstrip("/"))
        | st.sampled_from(["predict", "explain", "docs", "metrics"]),
        name=st.sampled_from(
            ["Host", "Accept", "Content-Type", "Content-Encoding", "X-Forwarded-Host"]
        ),
        value=st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=12),
        body=st.binary(max_size=12),
    )
    def test_nothing_that_is_sent_is_a_fault(
        self, app: Flask, method: str, path: str, name: str, value: str, body: bytes
    ) -> None:
        client = app.test_client()

        answer = client.open(f"/{path}", method=method, headers={name: value}, data=body)
        answer.close()

        assert answer.status_code < 500

    def test_a_fault_is_logged_and_not_shown(
        self,
        client: FlaskClient,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        def fail() -> None:
            raise ZeroDivisionError("of the model")

        monkeypatch.setattr(api, "bundled_classifier", fail)

        answer = client.post("/predict", json={"data": [FIRST]})

        assert answer.status_code == 500
        assert problem(answer) == "the fault is in this service; the log has the reason"
        assert "ZeroDivisionError: of the model" in caplog.text
        assert FIRST not in caplog.text


class TestReadiness:
    def test_alive_and_ready(self, client: FlaskClient) -> None:
        assert client.get("/healthz").json == {"status": "alive"}
        assert client.get("/readyz").json == {"status": "ready"}

    def test_a_damaged_model(
        self,
        client: FlaskClient,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        def refuse() -> None:
            raise ArtifactError("/a/folder/model.bin: its content was altered")

        monkeypatch.setattr(api, "bundled_classifier", refuse)

        for answer in (client.get("/readyz"), client.post("/predict", json={"data": [FIRST]})):
            assert answer.status_code == 503
            assert problem(answer) == "the model cannot be loaded; the log has the reason"
        assert "/a/folder/model.bin: its content was altered" in caplog.text
        assert client.get("/healthz").status_code == 200


class TestHeaders:
    @pytest.mark.parametrize(
        "path", ["/", "/card", "/docs", "/healthz", "/predict", "/nope", "/static/page.css"]
    )
    def test_every_answer_is_guarded(self, client: FlaskClient, path: str) -> None:
        headers = client.get(path, buffered=True).headers
        policy = dict(
            part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";")
        )

        assert policy["default-src"] == "'none'"
        assert policy["base-uri"] == policy["frame-ancestors"] == "'none'"
        assert {*policy.values()} == {"'none'", "'self'"}
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["Cross-Origin-Embedder-Policy"] == "require-corp"
        assert "camera=()" in headers["Permissions-Policy"]
        assert headers["Cache-Control"] == (
            "no-cache" if path.startswith("/static/") else "no-store"
        )
        assert "Set-Cookie" not in headers

    def test_static_files_are_sent_once(self, client: FlaskClient) -> None:
        first = client.get("/static/page.css", buffered=True)
        tag = {"If-None-Match": first.headers["ETag"]}

        assert client.get("/static/page.css", headers=tag, buffered=True).status_code == 304

    @pytest.mark.parametrize("path", ["/healthz", "/metrics", "/openapi.json", "/docs"])
    def test_head_and_options(self, client: FlaskClient, path: str) -> None:
        head, options = client.head(path), client.options(path)

        assert head.status_code == options.status_code == 200
        assert head.data == options.data == b""
        assert {*options.headers["Allow"].split(", ")} == {"GET", "HEAD", "OPTIONS"}

    def test_a_page_of_another_site_is_told_nothing(self, client: FlaskClient) -> None:
        preflight = client.options(
            "/predict",
            headers={"Origin": "https://example.org", "Access-Control-Request-Method": "POST"},
        )

        assert not [name for name, _ in preflight.headers if "Access-Control" in name]


FORWARDED = {
    "X-Forwarded-For": "203.0.113.9, 198.51.100.7",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "texts.example.org",
    "X-Forwarded-Prefix": "/texts",
}


class TestProxies:
    @pytest.mark.parametrize(
        ("proxies", "peer", "believed"),
        [
            ((), "127.0.0.1", False),
            (("127.0.0.1",), "127.0.0.1", True),
            (("10.0.0.0/8", "::1"), "10.2.3.4", True),
            (("10.0.0.0/8", "::1"), "::1", True),
            (("10.0.0.0/8",), "::ffff:10.2.3.4", True),
            (("10.0.0.0/8",), "127.0.0.1", False),
            (("10.0.0.0/8",), "", False),
        ],
    )
    def test_only_trusted_ones_are_believed(
        self, proxies: tuple[str, ...], peer: str, believed: bool, access_log: list[Any]
    ) -> None:
        client = create_app({"TRUSTED_PROXIES": proxies}).test_client()

        page = client.get("/docs", headers=FORWARDED, environ_overrides={"REMOTE_ADDR": peer})

        assert ("https://texts.example.org/texts/predict" in page.text) == believed
        assert ('href="/texts/static/page.css"' in page.text) == believed
        assert access_log[0]["client"] == ("198.51.100.7" if believed else peer)

    def test_what_is_no_address(self) -> None:
        with pytest.raises(ValueError, match="not appear to be"):
            create_app({"TRUSTED_PROXIES": ["example.org"]})


@pytest.fixture
def access_log(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """The entries of the access log during a test."""
    entries: list[Any] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            entries.append(json.loads(record.getMessage()))

    handler = Handler()
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)
    yield entries
    LOGGER.setLevel(logging.NOTSET)
    LOGGER.removeHandler(handler)


def send_file(client: FlaskClient, content: bytes) -> TestResponse:
    return client.post("/file", data={"file": (io.BytesIO(content), "parcel.csv")})


class TestLogAndMetrics:
    def test_an_entry_for_each_request(
        self, client: FlaskClient, access_log: list[Any]
    ) -> None:
        body = json.dumps({"data": [FIRST]})
        answer = post(client, body)

        (entry,) = access_log

        assert entry.pop("time").endswith("+00:00")
        assert entry.pop("seconds") > 0
        assert entry.pop("process") > 0
        assert entry == {
            "client": "127.0.0.1",
            "method": "POST",
            "route": "/predict",
            "status": 200,
            "request_bytes": len(body),
            "response_bytes": len(answer.data),
        }

    @pytest.mark.parametrize(
        "send",
        [
            lambda client: client.post("/predict", json={"data": [FIRST]}),
            lambda client: client.post("/explain", json={"text": FIRST}),
            lambda client: client.post("/predict", json={"data": [FIRST], FIRST: 1}),
            lambda client: client.post("/", data={"text": FIRST}),
            lambda client: client.post("/", data={"text": "", "words": FIRST}),
            lambda client: send_file(client, b"text\nparcel\n"),
            lambda client: send_file(client, b"parcel\n\xff\n"),
            lambda client: client.get(f"/{FIRST}"),
            lambda client: client.get(f"/healthz?text={FIRST}"),
            lambda client: client.get(f"/static/{FIRST}"),
            lambda client: client.open("/predict", method=FIRST.replace(" ", "-")),
            lambda client: client.get("/", headers={"User-Agent": FIRST, "Referer": FIRST}),
        ],
    )
    def test_neither_log_nor_metrics_hold_what_was_sent(
        self,
        client: FlaskClient,
        access_log: list[Any],
        caplog: pytest.LogCaptureFixture,
        send: Callable[[FlaskClient], TestResponse],
    ) -> None:
        caplog.set_level(logging.DEBUG)

        assert send(client).data

        assert len(access_log) == 1
        told = json.dumps(access_log) + client.get("/metrics").text + caplog.text
        assert "parcel" not in told

    def test_metrics_count_requests_and_texts(self, client: FlaskClient) -> None:
        for texts in ([FIRST, SECOND], [FIRST], []):
            client.post("/predict", json={"data": texts})
        client.post("/predict", json={"data": [7]})
        client.post("/explain", json={"text": FIRST})
        for number in range(3):
            client.get(f"/unknown-{number}")

        lines = client.get("/metrics").text.splitlines()

        assert 'http_requests_total{method="POST",route="/predict",status="200"} 3.0' in lines
        assert 'http_requests_total{method="POST",route="/predict",status="422"} 1.0' in lines
        assert 'http_requests_total{method="GET",route="none",status="404"} 3.0' in lines
        assert 'http_request_duration_seconds_count{route="/predict"} 4.0' in lines
        assert "disaster_tweets_texts_total 4.0" in lines

    def test_the_format_of_openmetrics_on_request(self, client: FlaskClient) -> None:
        accept = {"Accept": "application/openmetrics-text; version=1.0.0"}

        answer = client.get("/metrics", headers=accept)

        assert answer.mimetype == "application/openmetrics-text"
        assert answer.text.endswith("# EOF\n")

    def test_applications_do_not_share_counters(self) -> None:
        first, second = create_app().test_client(), create_app().test_client()
        first.get("/healthz")

        assert 'route="/healthz"' in first.get("/metrics").text
        assert 'route="/healthz"' not in second.get("/metrics").text


class TestDescription:
    def test_the_limits_are_those_of_the_application(self, client: FlaskClient) -> None:
        schemas = client.get("/openapi.json").json["components"]["schemas"]

        assert schemas["PredictRequest"]["properties"]["data"]["maxItems"] == 5
        assert schemas["ExplainRequest"]["properties"]["text"]["maxLength"] == 100

    def test_it_answers_the_question_of_the_topic(self, client: FlaskClient) -> None:
        document, page = client.get("/openapi.json").json, client.get("/docs")
        command = re.search(r"<code>(curl .*)</code>", page.text)

        assert document["info"]["summary"] == QUESTION
        assert command is not None
        *_, body = shlex.split(html.unescape(command[1]))
        assert json.loads(body) == {"data": [EXAMPLES[0]]}
        assert post(client, body).status_code == 200

    def test_the_labels_are_those_of_the_model(
        self, any_model: Classifier, client: FlaskClient
    ) -> None:
        labels = [*any_model.classes_]
        schemas = client.get("/openapi.json").json["components"]["schemas"]
        names = ["probability", "label"] + ["probabilities"] * (len(labels) > 2)

        assert [*schemas["Prediction"]["properties"]] == names
        for shape in ("Prediction", "ExplainResponse"):
            assert {*names} <= {*schemas[shape]["required"]}
            assert schemas[shape]["properties"]["label"]["enum"] == labels
        assert schemas["Model"]["properties"]["threshold"]["type"] == (
            "number" if len(labels) == 2 else "null"
        )
        shares = schemas.get("Probabilities", {"properties": [], "required": []})
        assert [*shares["properties"]] == shares["required"] == labels * (len(labels) > 2)

    def test_every_route_for_programs_is_described(self, app: Flask) -> None:
        paths = app.test_client().get("/openapi.json").json["paths"]

        assert {*paths} == {
            rule.rule
            for rule in app.url_map.iter_rules()
            if rule.endpoint.startswith("api.") and rule.rule != "/docs"
        }

    def test_the_page_shows_every_route_and_every_shape(self, app: Flask) -> None:
        client = app.test_client()
        document, page = client.get("/openapi.json").json, client.get("/docs").text

        for path, methods in document["paths"].items():
            for method in methods:
                assert f"<code>{method.upper()} {path}</code>" in page
        assert "status 400, 414 or 431 and no body." in document["info"]["description"]
        assert "status 400, 414 or 431 and no body." in page
        for name in document["components"]["schemas"]:
            assert f'id="{name}"' in page
            assert f'href="#{name}"' in page or "Request" not in name
        assert "http://" not in page.replace("http://localhost", "")
        assert "style=" not in page

    def test_behind_a_prefix(self) -> None:
        client = create_app({"TRUSTED_PROXIES": ["127.0.0.1"]}).test_client()

        answer = client.get("/openapi.json", headers={"X-Forwarded-Prefix": "/texts"})

        assert answer.json["servers"] == [{"url": "/texts"}]
        assert "; /texts/docs lists" in problem(
            client.get("/nothing", headers={"X-Forwarded-Prefix": "/texts"})
        )


class TestBodies:
    @settings(deadline=None)
    @given(text=st.text(max_size=8))
    def test_a_text_is_read_as_json_writes_it(self, app: Flask, text: str) -> None:
        for ascii in (True, False):
            body = json.dumps({"data": [text]}, ensure_ascii=ascii).encode()

            answer = post(app.test_client(), body)
            assert answer.json["predictions"] == [as_json(predict(text))]

    @settings(deadline=None)
    @given(
        body=st.binary(max_size=40)
        | st.text('{}[]",:\\u0d8daet1e-', max_size=20).map(str.encode)
    )
    def test_any_bytes_are_read_or_refused(self, app: Flask, body: bytes) -> None:
        assert post(app.test_client(), body).status_code in (200, 400, 422)


def test_nothing_is_loaded_before_it_is_needed() -> None:
    bundled_classifier.cache_clear()
    create_app().test_client().get("/healthz")

    assert bundled_classifier.cache_info().currsize == 0
