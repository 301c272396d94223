"""The command line: in processes as users start them where that matters, else in this one."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from disaster_tweets import Classifier, Prediction, predict
from disaster_tweets.cli import commands
from disaster_tweets.cli.output import as_argument
from disaster_tweets.topic import EXAMPLES, LABELS, QUESTION, TEXTS

from .conftest import Completed, on_a_terminal, two_labels

CAKE, PHONE = "The bakery on the corner opens again, with a new oven", "my phone is dying, brb"
SPELLINGS = [("disaster-tweets",), ("disaster_tweets",), ("python", "-m", "disaster_tweets")]


def row(text: str) -> str:
    """Return the line of `predict` for a text without control characters."""
    prediction = predict(text)
    return f"{prediction.probability:.4f}\t{prediction.label}\t{text}\n"


def line(text: str, prediction: Prediction) -> str:
    """Return the line of JSON that `predict` prints for a text, without its line end."""
    fields = {
        "text": text,
        "probability": round(prediction.probability, 7),
        "label": prediction.label,
    }
    if len(prediction.probabilities) > 2:
        of_labels = {label: round(p, 7) for label, p in prediction.probabilities.items()}
        fields["probabilities"] = of_labels
    return json.dumps(fields)


def texts_in(done: Completed) -> list[str]:
    """Return the texts in the lines of JSON."""
    return [json.loads(line)["text"] for line in done.out.splitlines()]


def card(done: Completed) -> dict[str, str]:
    """Return what `info` prints."""
    return dict(re.split(r"\s{2,}", line, maxsplit=1) for line in done.out.splitlines())


@pytest.fixture
def invoke(run_here: Any) -> Any:
    """Run a command in this process."""
    return lambda *arguments, **options: run_here("disaster-tweets", *arguments, **options)


@pytest.mark.parametrize("spelling", SPELLINGS, ids=" ".join)
def test_spellings(run: Any, spelling: tuple[str, ...]) -> None:
    number = version("disaster-tweets-model")

    assert run(*spelling, "--version") == (0, f"disaster-tweets, version {number}\n", "")
    expected = "".join(map(row, (CAKE, PHONE, "")))
    assert run(*spelling, "predict", CAKE, PHONE, "") == (0, expected, "")


class TestPredict:
    def test_json(self, invoke: Any) -> None:
        texts = [CAKE, PHONE, "🔥 “quoted”\t\n\x1b[31m"]
        expected = "".join(f"{line(text, predict(text))}\n" for text in texts)

        assert invoke("predict", "--json", *texts) == (0, expected, "")

    @two_labels
    @pytest.mark.parametrize("threshold", ["0", "1"])
    def test_threshold(self, invoke: Any, threshold: str) -> None:
        done = invoke("predict", "--threshold", threshold, CAKE, PHONE)

        assert [row.split("\t")[1] for row in done.out.splitlines()] == [
            LABELS[predict(text).probability >= float(threshold)] for text in (CAKE, PHONE)
        ]

    @two_labels
    def test_a_named_threshold(self, invoke: Any, manifest: Any) -> None:
        for name, threshold in manifest["thresholds"].items():
            shown = invoke("predict", "--threshold", name, CAKE, PHONE)
            assert shown[::2] == (0, "")
            assert shown == invoke("predict", "--threshold", str(threshold), CAKE, PHONE)

    @pytest.mark.parametrize("threshold", ["2", "-1", "half", "nan"])
    def test_threshold_out_of_range(self, invoke: Any, threshold: str) -> None:
        status, out, err = invoke("predict", "--threshold", threshold, CAKE)

        assert (status, out) == (2, "")
        assert "Invalid value for '--threshold'" in err
        assert "Usage: disaster-tweets predict" in err

    def test_any_text_stays_one_line_of_three_columns(self, invoke: Any) -> None:
        shown = {
            "a\tb": r"a\tb",
            "a\nb\r\nc": r"a\nb\r\nc",
            "a\x1b[31mb\x07": r"a\x1b[31mb\x07",
            "a\x85b\x9b1m\u2028c\u2029": r"a\x85b\x9b1m\u2028c\u2029",
            "a\\b é 🔥": "a\\b é 🔥",
        }
        lines = invoke("predict", *shown).out.removesuffix("\n").split("\n")

        assert [line.split("\t") for line in lines] == [
            [*row(text).split("\t")[:2], escaped] for text, escaped in shown.items()
        ]

    @pytest.mark.skipif(os.name == "nt", reason="arguments are text on Windows")
    def test_an_argument_that_is_not_utf_8(self, run: Any) -> None:
        text = "cake \udcff here"
        completed = run("disaster-tweets", "predict", b"cake \xff here")
        as_json = run("disaster-tweets", "predict", "--json", b"cake \xff here")

        assert completed == (0, row(text).replace("\udcff", r"\udcff"), "")
        assert texts_in(as_json) == [text]

    def test_an_output_that_is_ascii_only(self, run: Any) -> None:
        ascii_only = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
        texts = ["café 🔥".encode(), PHONE]
        status, out, err = run("disaster-tweets", "predict", *texts, **ascii_only)
        first, second = out.splitlines()

        assert (status, err) == (0, "")
        # The placeholder of the option depends on the version of click.
        assert first.split("\t")[2].startswith("caf")
        assert f"{second}\n" == row(PHONE)

    def test_golden_texts(self, run: Any, golden: Any) -> None:
        lines = "".join(f"{text}\n" for text in golden.texts).encode()
        done = run("disaster-tweets", "predict", "--json", stdin=lines)

        assert texts_in(done) == golden.texts
        np.testing.assert_allclose(
            [json.loads(line)["probability"] for line in done.out.splitlines()],
            [round(probability, 7) for probability in golden.probabilities],
            rtol=0,
            atol=golden.tolerance,
        )


class TestDashes:
    """Texts that begin like an option."""

    def test_a_text_with_a_space_is_no_option(self, invoke: Any) -> None:
        texts = [
            "-5 degrees and no heating",
            "--json is what they call it",
            "- sugar over Ashford",
            "--\tcake",
            "-h\nelp",
        ]
        done = invoke("predict", CAKE, *texts, "--json", PHONE)

        assert (done.status, done.err) == (0, "")
        assert texts_in(done) == [CAKE, *texts, PHONE]
        assert invoke("explain", *texts).status == 0

    def test_two_dashes_end_the_options(self, invoke: Any) -> None:
        done = invoke("predict", "- cake", "--", "-5", "--json", "-a b")

        assert done == (0, "".join(map(row, ["- cake", "-5", "--json", "-a b"])), "")

    @pytest.mark.parametrize("command", ["predict", "explain"])
    @pytest.mark.parametrize("option", ["-5", "--jsno", "--cake!"])
    def test_an_unknown_option_is_refused_with_advice(
        self, invoke: Any, command: str, option: str
    ) -> None:
        status, out, err = invoke(command, option, CAKE)

        assert (status, out) == (2, "")
        assert "No such option" in err
        assert "(put -- before a text that begins with -)" in err
        assert invoke(command, "--", option).status == 0

    @pytest.mark.parametrize("arguments", [("--threshold", "-1 x"), ("--threshold=0.5 x",)])
    def test_the_value_of_an_option_is_no_text(
        self, invoke: Any, arguments: tuple[str, ...]
    ) -> None:
        status, out, err = invoke("predict", *arguments, CAKE)

        assert (status, out) == (2, "")
        assert f"not '{arguments[-1].rpartition('=')[2]}'" in err


@pytest.mark.parametrize(
    ("command", "no_color", "colored"),
    [
        ("predict", "", True),
        ("explain", "", True),
        ("predict", "1", False),
        ("explain", "0", False),
    ],
)
def test_no_color(command: str, no_color: str, colored: bool) -> None:
    shown = on_a_terminal(command, CAKE, NO_COLOR=no_color)
    assert ("\x1b[" in shown) == colored
    assert CAKE in re.sub(r"\x1b\[\d+m", "", shown)


class TestHints:
    """Hints on input that is no text."""

    @pytest.mark.parametrize("command", ["predict", "explain"])
    def test_the_name_of_a_file(self, invoke: Any, tmp_path: Path, command: str) -> None:
        (tmp_path / "my posts.txt").write_text("cake\n", "utf-8")
        done = invoke(command, CAKE, "my posts.txt")

        assert done.status == 0
        assert "posts.txt" in done.out
        assert done.err == (
            "Hint: my posts.txt is a file, and only its name is scored; for its rows, "
            "disaster-tweets score 'my posts.txt' -o OUTPUT; for its lines, "
            f"disaster-tweets {command} < 'my posts.txt'\n"
        )

    def test_what_names_no_file(self, invoke: Any) -> None:
        texts = ["posts.txt", ".", "", "a" * 5000]

        assert invoke("predict", *texts) == (0, "".join(map(row, texts)), "")

    @pytest.mark.parametrize(
        ("line", "format_", "command"),
        [
            ("id,keyword,location,text,target", "csv", "predict"),
            ("id,keyword,location,text,target", "csv", "explain"),
            (",Text", "csv", "predict"),
            ('"post_id","full_text"', "csv", "predict"),
            ("id;post;lang", "csv", "predict"),
            ("id|message", "csv", "predict"),
            ("id\ttext", "tsv", "predict"),
            ('{"id": 1, "text": "cake"}', "jsonl", "predict"),
            ("{", "jsonl", "predict"),
            ("[", "json", "predict"),
            ('[{"text": "cake"},', "json", "predict"),
        ],
    )
    def test_the_first_line_of_a_table(
        self, invoke: Any, line: str, format_: str, command: str
    ) -> None:
        done = invoke(command, "--json", stdin=f"\ufeff{line}\r\ncake\n".encode())

        assert done.status == 0
        assert texts_in(done) == [line, "cake"]
        assert done.err == (
            f"Hint: standard input looks like {format_}, and each line is scored as a text; "
            f"for its rows, disaster-tweets score - --format {format_} -o -\n"
        )

    @pytest.mark.parametrize(
        "line",
        [
            "text",
            "Cake, bread, text me",
            "text, post, repeat",
            "cake,bread,honey",
            "[BREAKING] cake near Ashford",
            "{cake} | text",
            "a | post",
            "12,text",
            "help;;",
            "text me; now",
        ],
    )
    def test_a_text_is_no_table(self, invoke: Any, line: str) -> None:
        done = invoke("predict", stdin=f"{line}\nid,text\n".encode())

        assert done == (0, row(line) + row("id,text"), "")


class TestStandardInput:
    @pytest.mark.parametrize(
        ("content", "texts", "arguments"),
        [
            (b"", [], ()),
            (b"\n", [""], ()),
            (b"cake\nbread\n", ["cake", "bread"], ()),
            (b"cake\nbread\n", ["cake", "bread"], ("-",)),
            (b"cake\nbread", ["cake", "bread"], ()),
            (b"cake\r\n\r\nbread\r\n", ["cake", "", "bread"], ()),
            (b"\n\ncake\n\n", ["", "", "cake", ""], ()),
            (b"\xef\xbb\xbfcake\nbread\n", ["cake", "bread"], ()),
            ("café 🔥\n日本語\n".encode(), ["café 🔥", "日本語"], ()),
        ],
    )
    def test_a_line_out_for_each_line_in(
        self, invoke: Any, content: bytes, texts: list[str], arguments: tuple[str, ...]
    ) -> None:
        done = invoke("predict", *arguments, stdin=content)

        assert done == (0, "".join(map(row, texts)), "")

    def test_nothing_else_ends_a_line(self, invoke: Any) -> None:
        ends = ["\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028"]
        texts = [f"cake{end}bread" for end in ends]
        stdin = "".join(f"{text}\n" for text in texts).encode()

        assert texts_in(invoke("predict", "--json", stdin=stdin)) == texts

    def test_invalid_utf_8(self, invoke: Any) -> None:
        lines = b"cake\nbread\ncaf\xe9 on time\nhoney\n"
        status, out, err = invoke("predict", stdin=lines)

        assert (status, out) == (1, row("cake") + row("bread"))
        assert err.startswith("Error: standard input, line 3: byte 4 is not valid UTF-8; ")
        assert len(err.splitlines()) == 1

    @pytest.mark.parametrize(
        ("stdin", "words"),
        [
            ("cake\n".encode("utf-16"), "is UTF-16"),
            (gzip.compress(b"cake\n"), "is compressed (gzip)"),
        ],
        ids=["UTF-16", "gzip"],
    )
    def test_what_is_no_text_as_it_stands(self, invoke: Any, stdin: bytes, words: str) -> None:
        status, out, err = invoke("predict", stdin=stdin)

        assert (status, out, len(err.splitlines())) == (1, "", 1)
        assert words in err
        assert "score - --format txt" in err
        done = invoke("score", "-", "--format", "txt", "-o", "-", stdin=stdin)
        scored = f"cake,{predict('cake').probability:.6f},"
        assert done.out.splitlines()[1].startswith(scored)

    def test_each_answer_comes_before_the_next_question(self, start: Any) -> None:
        process = start("predict", stdin=subprocess.PIPE)
        with ThreadPoolExecutor(1) as reader:
            for text in (CAKE, PHONE):
                process.stdin.write(f"{text}\n".encode())
                process.stdin.flush()
                answer = reader.submit(process.stdout.readline)
                try:
                    assert answer.result(timeout=60).decode().split() == row(text).split()
                finally:
                    if not answer.done():
                        process.kill()  # otherwise the reader would wait for ever
        process.stdin.close()

        assert process.wait(60) == 0

    def test_a_reader_that_leaves(self, start: Any, tmp_path: Path) -> None:
        (tmp_path / "posts.txt").write_text("cake\n" * 5000, "utf-8")
        with (tmp_path / "posts.txt").open("rb") as lines:
            process = start("predict", stdin=lines)
        assert process.stdout.readline().decode().split() == row("cake").split()
        process.stdout.close()

        assert process.stderr.read() == b""
        assert process.wait(60) in (0, 1)

    def test_a_terminal_without_a_text(self, start: Any) -> None:
        pty = pytest.importorskip("pty", reason="the system has no pseudo-terminals")
        controller, terminal = pty.openpty()
        try:
            process = start("predict", stdin=terminal)
            out, err = process.communicate(timeout=60)
        finally:
            os.close(controller)
            os.close(terminal)

        assert (process.returncode, out) == (2, b"")
        assert f"no TEXT: give {TEXTS} in quotes, or pipe them in, one per line" in err.decode()

    @pytest.mark.skipif(os.name == "nt", reason="closes file descriptor 0 as a shell does")
    @pytest.mark.parametrize("arguments", [(), ("-",)], ids=["none", "-"])
    def test_without_a_standard_input(self, run: Any, arguments: tuple[str, ...]) -> None:
        code = "import os, sys; os.close(0); os.execv(sys.argv[1], sys.argv[1:])"
        command = (sys.executable, "-m", "disaster_tweets", "predict", *arguments)
        status, out, err = run("python", "-c", code, *command)

        assert (status, out) == (2, "")
        assert "no TEXT: " in err

    @pytest.mark.parametrize("command", ["predict", "explain"])
    @pytest.mark.parametrize("texts", [("-", "cake"), ("cake", "-"), ("-", "-")])
    def test_it_stands_alone(self, invoke: Any, command: str, texts: tuple[str, str]) -> None:
        status, out, err = invoke(command, *texts, stdin=b"bread\n")

        assert (status, out) == (2, "")
        alone = (
            "- stands for standard input, and no TEXT can be beside it; leave out one of them"
        )
        assert err.splitlines()[-1] == f"Error: {alone}"

    @pytest.fixture
    def start(self) -> Iterator[Any]:
        """Start the command without waiting for its end."""
        processes: list[subprocess.Popen[bytes]] = []

        def start(*arguments: str, stdin: Any) -> subprocess.Popen[bytes]:
            process = subprocess.Popen(
                [sys.executable, "-m", "disaster_tweets", *arguments],
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**os.environ, "PYTHONUTF8": "1"},
            )
            processes.append(process)
            return process

        yield start
        for process in processes:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream is not None:
                    stream.close()


class TestOtherCommands:
    def test_info(self, invoke: Any, manifest: dict[str, Any]) -> None:
        done = invoke("info")
        shown = card(done)
        accuracy = manifest["metrics"]["accuracy"]["value"]

        assert (done.status, done.err) == (0, "")
        assert shown["model version"] == manifest["model_version"]
        assert shown["labels"] == ", ".join(LABELS)
        assert shown["kind"] == manifest["kind"]
        threshold = str(manifest["threshold"]) if len(LABELS) == 2 else None
        assert shown.get("threshold") == threshold
        assert shown["accuracy"].startswith(f"{accuracy:.3f} (")
        assert shown["licence"] == manifest["licence"]
        assert json.loads(invoke("info", "--json").out) == manifest

    def test_plugins(self, invoke: Any) -> None:
        done = invoke("plugins")
        origin = f"disaster-tweets-model {version('disaster-tweets-model')}"

        assert done.status == 0
        assert f"disaster_tweets\t{origin}\t{', '.join(LABELS)}" in done.out.splitlines()

    def test_version(self, invoke: Any) -> None:
        assert invoke("-V") == invoke("--version")

    @pytest.mark.parametrize("command", [None, *commands.list_commands()])
    def test_help(self, invoke: Any, command: str | None) -> None:
        names = [] if command is None else [command]
        status, out, err = invoke(*names, "--help")
        usage, _, body = out.partition("\n\n")

        assert (status, err) == (0, "")
        assert usage.startswith(" ".join(["Usage: disaster-tweets", *names]))
        # The first sentence says what the command does.
        assert re.match(r"  [A-Z][^\n]+", body)
        assert not body.startswith("Options:")
        assert invoke(*names, "-h") == (status, out, err)

    def test_help_speaks_of_the_topic(self, invoke: Any) -> None:
        def words(*arguments: str) -> str:
            return " ".join(invoke(*arguments, "--help").out.split())

        assert " ".join(QUESTION.split()) in words()
        assert as_argument(EXAMPLES[0]) in words("predict")
        for command in ("predict", "score", "evaluate"):
            assert ("--threshold" in words(command)) == (len(LABELS) == 2)

    @pytest.mark.parametrize(
        ("name", "advice"),
        [
            ("predictt", " Did you mean 'predict'?"),
            ("scroe", " Did you mean 'score'?"),
            ("VERIFY", ""),
            ("xyz", ""),
            ("", ""),
            ("-", ""),
            (PHONE, " To score a text, write predict before it."),
        ],
    )
    def test_no_such_command(self, invoke: Any, name: str, advice: str) -> None:
        status, out, err = invoke(name, CAKE)

        assert (status, out) == (2, "")
        assert err.splitlines()[-1] == f"Error: No such command {name!r}.{advice}"

    @pytest.mark.parametrize(
        ("arguments", "meant"),
        [
            (("score", "--outptu", "a.csv"), "--output"),
            (("predict", "--jsno"), "--json"),
            (("--vresion",), "--version"),
        ],
    )
    def test_no_such_option(self, invoke: Any, arguments: tuple[str, ...], meant: str) -> None:
        status, out, err = invoke(*arguments)

        assert (status, out) == (2, "")
        assert re.search(rf"Did you mean '?{meant}'?\?", err)

    @pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
    def test_shell_completion(self, run: Any, shell: str) -> None:
        variable = {"_DISASTER_TWEETS_COMPLETE": f"{shell}_source"}
        status, out, _ = run("disaster-tweets", **variable)

        assert status == 0
        assert f"_DISASTER_TWEETS_COMPLETE={shell}_complete" in out
        assert "disaster-tweets" in out


@pytest.mark.usefixtures("four_labels_installed")
class TestFourLabels:
    """The commands with a model of more than two labels."""

    TEXTS = ("Please send two", "thanks, best shop in town", "where is it?", "")

    @pytest.fixture
    def predictions(self, four_labels: Path) -> list[Prediction]:
        found = Classifier.load(four_labels).predict(self.TEXTS)
        assert len({prediction.label for prediction in found}) > 1
        return found

    def test_predict(self, invoke: Any, predictions: list[Prediction]) -> None:
        expected = "".join(
            f"{max(p.probabilities.values()):.4f}\t{p.label}\t{text}\n"
            for p, text in zip(predictions, self.TEXTS, strict=True)
        )

        assert invoke("predict", *self.TEXTS).out == expected

    def test_predict_json(self, invoke: Any, predictions: list[Prediction]) -> None:
        lines = invoke("predict", "--json", *self.TEXTS).out.splitlines()

        assert lines == [line(t, p) for t, p in zip(self.TEXTS, predictions, strict=True)]
        for found in map(json.loads, lines):
            probabilities = found["probabilities"]
            assert list(probabilities) == ["complaint", "order", "praise", "question"]
            assert sum(probabilities.values()) == pytest.approx(1)
            assert max(probabilities.items(), key=lambda item: item[1]) == (
                found["label"],
                found["probability"],
            )

    def test_all_labels_have_one_color(self, predictions: list[Prediction]) -> None:
        shown = CliRunner().invoke(commands, ["predict", *self.TEXTS], color=True).stdout
        colored = re.findall(r"\t\x1b\[(\d+)m(\w+)\x1b\[0m\t", shown)

        assert [label for _, label in colored] == [p.label for p in predictions]
        assert len({color for color, _ in colored}) == 1
        assert not {color for color, _ in colored} & {"31", "32"}  # red, green

    @pytest.mark.parametrize(
        "arguments",
        [
            ("predict", "a"),
            ("predict", "-"),
            ("score", "missing.csv", "-o", "out.csv"),
            ("evaluate", "missing.csv"),
        ],
        ids=" ".join,
    )
    def test_no_threshold(self, invoke: Any, arguments: tuple[str, ...]) -> None:
        stdin = io.BytesIO(b"a\n")
        status, out, err = invoke(*arguments, "--threshold", "0.5", stdin=stdin)

        assert (status, out) == (2, "")
        usage, *_, error = err.splitlines()
        assert usage.startswith(f"Usage: disaster-tweets {arguments[0]}")
        assert error == (
            "Error: a threshold needs two labels, and there are 4; the most probable label is "
            "predicted, so leave --threshold out"
        )
        assert stdin.tell() == 0

    @pytest.mark.parametrize("suffix", ["csv", "jsonl"])
    def test_score(
        self, invoke: Any, tmp_path: Path, predictions: list[Prediction], suffix: str
    ) -> None:
        target = tmp_path / f"out.{suffix}"
        (tmp_path / "in.txt").write_text("".join(f"{t}\n" for t in self.TEXTS), "utf-8")
        done = invoke("score", "in.txt", "-o", target.name)
        if suffix == "csv":
            with target.open(encoding="utf-8", newline="") as file:
                rows = list(csv.DictReader(file))
        else:
            rows = [json.loads(row) for row in target.read_text("utf-8").splitlines()]

        assert done == (0, "", "4 rows: 3 scored, 1 missing, 0 rejected\n")
        *scored, missing = rows
        assert [(float(row["probability"]), row["label"]) for row in scored] == [
            (round(p.probability, 6), p.label) for p in predictions[:-1]
        ]
        assert not missing["probability"]
        assert not missing["label"]

    def test_info(self, invoke: Any, four_labels: Path) -> None:
        shown = card(invoke("info"))
        manifest = json.loads((four_labels / "manifest.json").read_text("utf-8"))
        macro_f1 = manifest["metrics"]["macro_f1"]["value"]

        assert shown["labels"] == "complaint, order, praise, question"
        assert shown["kind"] == manifest["kind"]
        assert shown["macro f1"].startswith(f"{macro_f1:.3f} (")
        assert not shown.keys() & {"threshold", "f1"}
        assert json.loads(invoke("info", "--json").out) == manifest

    def test_plugins(self, invoke: Any) -> None:
        (row,) = re.findall("^disaster_tweets\t.*", invoke("plugins").out, re.MULTILINE)

        assert row.endswith("\tcomplaint, order, praise, question")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", [["predict", "cake"], ["--help"]])
def test_a_full_disk_is_one_line(arguments: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "disaster_tweets", *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONUNBUFFERED": ""},
        )
    assert done.returncode == 1
    assert done.stderr == "Error: cannot print: No space left on device\n"


@pytest.mark.skipif(os.name == "nt", reason="closes file descriptor 1 as a shell does")
@pytest.mark.parametrize("command", sorted({*commands.list_commands()} - {"serve"}))
def test_a_closed_standard_output(run: Any, tmp_path: Path, command: str) -> None:
    (tmp_path / "in.csv").write_text("text,target\ncake,1\ntea,0\n", "utf-8")
    arguments = {
        "predict": ["cake"],
        "explain": ["cake"],
        "score": ["in.csv", "-o", "-"],
        "evaluate": ["in.csv", "--target-column", "target"],
    }.get(command, [])
    code = "import os, sys; os.close(1); os.execv(sys.argv[1], sys.argv[1:])"
    given = (sys.executable, "-m", "disaster_tweets", command, *arguments)
    status, out, err = run("python", "-c", code, *given)

    assert (status > 0, out) == (True, "")
    assert err.splitlines()[-1].startswith("Error: standard output is closed")
