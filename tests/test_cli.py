"""The command line, run in processes as users start them."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from disaster_tweets import Classifier, Prediction, predict
from disaster_tweets.cli import commands
from disaster_tweets.cli.output import as_argument
from disaster_tweets.topic import EXAMPLES, LABELS, QUESTION, TEXTS

from .conftest import on_a_terminal, two_labels

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


@pytest.mark.parametrize("spelling", SPELLINGS, ids=" ".join)
class TestSpellings:
    def test_predict(self, run: Any, spelling: tuple[str, ...]) -> None:
        expected = "".join(map(row, (CAKE, PHONE, "")))

        assert run(*spelling, "predict", CAKE, PHONE, "") == (0, expected, "")

    def test_version(self, run: Any, spelling: tuple[str, ...]) -> None:
        number = version("disaster-tweets-model")

        for option in ("--version", "-V"):
            done = run(*spelling, option)
            assert done == (0, f"disaster-tweets, version {number}\n", "")


class TestPredict:
    def test_json(self, run: Any) -> None:
        texts = [CAKE, PHONE, "🔥 “quoted”\t\n\x1b[31m"]
        status, out, err = run("disaster-tweets", "predict", "--json", *texts)

        assert (status, err) == (0, "")
        assert out.splitlines() == [line(text, predict(text)) for text in texts]

    @two_labels
    @pytest.mark.parametrize("threshold", ["0", "1"])
    def test_threshold(self, run: Any, threshold: str) -> None:
        texts = (CAKE, PHONE)
        status, out, _ = run("disaster-tweets", "predict", "--threshold", threshold, *texts)

        assert status == 0
        assert [row.split("\t")[1] for row in out.splitlines()] == [
            LABELS[predict(text).probability >= float(threshold)] for text in texts
        ]

    @two_labels
    def test_a_named_threshold(self, run: Any, manifest: Any) -> None:
        for name, threshold in manifest["thresholds"].items():
            shown = run("disaster-tweets", "predict", "--threshold", name, CAKE, PHONE)
            assert shown[::2] == (0, "")
            assert shown == run(
                "disaster-tweets", "predict", "--threshold", str(threshold), CAKE, PHONE
            )

    @pytest.mark.parametrize("threshold", ["2", "-1", "half", "nan"])
    def test_threshold_out_of_range(self, run: Any, threshold: str) -> None:
        status, out, err = run("disaster-tweets", "predict", "--threshold", threshold, CAKE)

        assert (status, out) == (2, "")
        assert "Invalid value for '--threshold'" in err
        assert "Usage: disaster-tweets predict" in err

    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("a\tb", r"a\tb"),
            ("a\nb\r\nc", r"a\nb\r\nc"),
            ("a\x1b[31mb\x07", r"a\x1b[31mb\x07"),
            ("a\x85b\x9b1m\u2028c\u2029", r"a\x85b\x9b1m\u2028c\u2029"),
            ("a\\b é 🔥", "a\\b é 🔥"),
        ],
    )
    def test_any_text_stays_one_line_of_three_columns(
        self, run: Any, text: str, shown: str
    ) -> None:
        out = run("disaster-tweets", "predict", text).out

        assert out.split("\t") == [*row(text).split("\t")[:2], f"{shown}\n"]

    @pytest.mark.skipif(os.name == "nt", reason="arguments are text on Windows")
    def test_an_argument_that_is_not_utf_8(self, run: Any) -> None:
        text = "cake \udcff here"
        completed = run("disaster-tweets", "predict", b"cake \xff here")
        as_json = run("disaster-tweets", "predict", "--json", b"cake \xff here")

        assert completed == (0, row(text).replace("\udcff", r"\udcff"), "")
        assert json.loads(as_json.out)["text"] == text

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
        scored = [
            json.loads(line)
            for line in run(
                "disaster-tweets", "predict", "--json", stdin=lines
            ).out.splitlines()
        ]

        assert [line["text"] for line in scored] == golden.texts
        np.testing.assert_allclose(
            [line["probability"] for line in scored],
            [round(probability, 7) for probability in golden.probabilities],
            rtol=0,
            atol=golden.tolerance,
        )


class TestDashes:
    """Texts that begin like an option."""

    @pytest.mark.parametrize(
        "text",
        [
            "-5 degrees and no heating",
            "--json is what they call it",
            "- sugar over Ashford",
            "--\tcake",
            "-h\nelp",
        ],
    )
    def test_a_text_with_a_space_is_no_option(self, run: Any, text: str) -> None:
        done = run("disaster-tweets", "predict", CAKE, text, "--json", PHONE)

        assert (done.status, done.err) == (0, "")
        texts = [json.loads(line)["text"] for line in done.out.splitlines()]
        assert texts == [CAKE, text, PHONE]
        assert run("disaster-tweets", "explain", text).status == 0

    def test_two_dashes_end_the_options(self, run: Any) -> None:
        done = run("disaster-tweets", "predict", "- cake", "--", "-5", "--json", "-a b")

        assert done == (0, "".join(map(row, ["- cake", "-5", "--json", "-a b"])), "")

    @pytest.mark.parametrize("command", ["predict", "explain"])
    @pytest.mark.parametrize("option", ["-5", "--jsno", "--cake!"])
    def test_an_unknown_option_is_refused_with_advice(
        self, run: Any, command: str, option: str
    ) -> None:
        status, out, err = run("disaster-tweets", command, option, CAKE)

        assert (status, out) == (2, "")
        assert "No such option" in err
        assert "(put -- before a text that begins with -)" in err
        assert run("disaster-tweets", command, "--", option).status == 0

    @pytest.mark.parametrize("arguments", [("--threshold", "-1 x"), ("--threshold=0.5 x",)])
    def test_the_value_of_an_option_is_no_text(
        self, run: Any, arguments: tuple[str, ...]
    ) -> None:
        status, out, err = run("disaster-tweets", "predict", *arguments, CAKE)

        assert (status, out) == (2, "")
        assert f"not '{arguments[-1].rpartition('=')[2]}'" in err


@pytest.mark.parametrize(("no_color", "colored"), [("", True), ("1", False), ("0", False)])
def test_no_color(no_color: str, colored: bool) -> None:
    for command in ("predict", "explain"):
        shown = on_a_terminal(command, CAKE, NO_COLOR=no_color)
        assert ("\x1b[" in shown) == colored
        assert CAKE in re.sub(r"\x1b\[\d+m", "", shown)


class TestHints:
    """Hints on input that is no text."""

    @pytest.mark.parametrize("command", ["predict", "explain"])
    def test_the_name_of_a_file(self, run: Any, tmp_path: Path, command: str) -> None:
        (tmp_path / "my posts.txt").write_text("cake\n", "utf-8")
        done = run("disaster-tweets", command, CAKE, "my posts.txt")

        assert done.status == 0
        assert "posts.txt" in done.out
        assert done.err == (
            "Hint: my posts.txt is a file, and only its name is scored; for its rows, "
            "disaster-tweets score 'my posts.txt' -o OUTPUT; for its lines, "
            f"disaster-tweets {command} < 'my posts.txt'\n"
        )

    @pytest.mark.parametrize("text", ["posts.txt", ".", "", "a" * 5000])
    def test_what_names_no_file(self, run: Any, text: str) -> None:
        assert run("disaster-tweets", "predict", text) == (0, row(text), "")

    @pytest.mark.parametrize("command", ["predict", "explain"])
    @pytest.mark.parametrize(
        ("line", "format_"),
        [
            ("id,keyword,location,text,target", "csv"),
            (",Text", "csv"),
            ('"post_id","full_text"', "csv"),
            ("id;post;lang", "csv"),
            ("id|message", "csv"),
            ("id\ttext", "tsv"),
            ('{"id": 1, "text": "cake"}', "jsonl"),
            ("{", "jsonl"),
            ("[", "json"),
            ('[{"text": "cake"},', "json"),
        ],
    )
    def test_the_first_line_of_a_table(
        self, run: Any, command: str, line: str, format_: str
    ) -> None:
        lines = f"\ufeff{line}\r\ncake\n".encode()
        done = run("disaster-tweets", command, "--json", stdin=lines)

        assert done.status == 0
        assert [json.loads(each)["text"] for each in done.out.splitlines()] == [line, "cake"]
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
    def test_a_text_is_no_table(self, run: Any, line: str) -> None:
        done = run("disaster-tweets", "predict", stdin=f"{line}\nid,text\n".encode())

        assert done == (0, row(line) + row("id,text"), "")


class TestStandardInput:
    @pytest.mark.parametrize("arguments", [(), ("-",)], ids=["piped", "-"])
    @pytest.mark.parametrize(
        ("content", "texts"),
        [
            (b"", []),
            (b"\n", [""]),
            (b"cake\nbread\n", ["cake", "bread"]),
            (b"cake\nbread", ["cake", "bread"]),
            (b"cake\r\n\r\nbread\r\n", ["cake", "", "bread"]),
            (b"\n\ncake\n\n", ["", "", "cake", ""]),
            (b"\xef\xbb\xbfcake\nbread\n", ["cake", "bread"]),
            ("café 🔥\n日本語\n".encode(), ["café 🔥", "日本語"]),
        ],
    )
    def test_a_line_out_for_each_line_in(
        self, run: Any, arguments: tuple[str, ...], content: bytes, texts: list[str]
    ) -> None:
        completed = run("disaster-tweets", "predict", *arguments, stdin=content)

        assert completed == (0, "".join(map(row, texts)), "")

    @pytest.mark.parametrize("separator", ["\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028"])
    def test_nothing_else_ends_a_line(self, run: Any, separator: str) -> None:
        text = f"cake{separator}bread"
        completed = run("disaster-tweets", "predict", "--json", stdin=f"{text}\n".encode())

        assert [json.loads(line)["text"] for line in completed.out.splitlines()] == [text]

    def test_invalid_utf_8(self, run: Any) -> None:
        lines = b"cake\nbread\ncaf\xe9 on time\nhoney\n"
        status, out, err = run("disaster-tweets", "predict", stdin=lines)

        assert (status, out) == (1, row("cake") + row("bread"))
        assert err.startswith("Error: standard input, line 3: byte 4 is not valid UTF-8; ")
        assert len(err.splitlines()) == 1

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
    def test_info(self, run: Any, manifest: dict[str, Any]) -> None:
        status, out, err = run("disaster-tweets", "info")
        card = dict(re.split(r"\s{2,}", line, maxsplit=1) for line in out.splitlines())

        assert (status, err) == (0, "")
        assert card["model version"] == manifest["model_version"]
        assert card["labels"] == ", ".join(LABELS)
        assert card["kind"] == manifest["kind"]
        threshold = str(manifest["threshold"]) if len(LABELS) == 2 else None
        assert card.get("threshold") == threshold
        assert card["accuracy"].startswith(f"{manifest['metrics']['accuracy']['value']:.3f} (")
        assert card["licence"] == manifest["licence"]

    def test_info_json(self, run: Any, manifest: dict[str, Any]) -> None:
        assert json.loads(run("disaster-tweets", "info", "--json").out) == manifest

    def test_plugins(self, run: Any) -> None:
        status, out, _ = run("disaster-tweets", "plugins")
        origin = f"disaster-tweets-model {version('disaster-tweets-model')}"

        assert status == 0
        assert f"disaster_tweets\t{origin}\t{', '.join(LABELS)}" in out.splitlines()

    @pytest.mark.parametrize("option", ["--help", "-h"])
    @pytest.mark.parametrize("command", [None, *commands.list_commands()])
    def test_help(self, run: Any, command: str | None, option: str) -> None:
        status, out, err = run("disaster-tweets", *filter(None, [command]), option)
        usage, _, body = out.partition("\n\n")

        assert (status, err) == (0, "")
        assert usage.startswith(" ".join(filter(None, ["Usage: disaster-tweets", command])))
        # The first sentence says what the command does.
        assert re.match(r"  [A-Z][^\n]+", body)
        assert not body.startswith("Options:")

    def test_help_speaks_of_the_topic(self, run: Any) -> None:
        def words(*arguments: str) -> str:
            return " ".join(run("disaster-tweets", *arguments, "--help").out.split())

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
    def test_no_such_command(self, run: Any, name: str, advice: str) -> None:
        status, out, err = run("disaster-tweets", name, CAKE)

        assert (status, out) == (2, "")
        assert err.splitlines()[-1] == f"Error: No such command {name!r}.{advice}"

    @pytest.mark.parametrize(
        "arguments", [("score", "--outptu", "a.csv"), ("predict", "--jsno"), ("--vresion",)]
    )
    def test_no_such_option(self, run: Any, arguments: tuple[str, ...]) -> None:
        status, out, err = run("disaster-tweets", *arguments)
        known = {"--outptu": "--output", "--jsno": "--json", "--vresion": "--version"}
        meant = next(known[argument] for argument in arguments if argument in known)

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
    """The commands with a model of more than two labels, in this process."""

    TEXTS = ("Please send two", "thanks, best shop in town", "where is it?", "")

    @pytest.fixture
    def invoke(self) -> Callable[..., Result]:
        def invoke(*arguments: str | Path, **options: Any) -> Result:
            return CliRunner().invoke(
                commands, [*map(str, arguments)], prog_name="disaster-tweets", **options
            )

        return invoke

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

        assert invoke("predict", *self.TEXTS).output == expected
        assert invoke("predict", input="\n".join([*self.TEXTS, ""])).output == expected

    def test_predict_json(self, invoke: Any, predictions: list[Prediction]) -> None:
        lines = invoke("predict", "--json", *self.TEXTS).output.splitlines()

        assert lines == [line(t, p) for t, p in zip(self.TEXTS, predictions, strict=True)]
        for found in map(json.loads, lines):
            probabilities = found["probabilities"]
            assert list(probabilities) == ["complaint", "order", "praise", "question"]
            assert sum(probabilities.values()) == pytest.approx(1)
            assert max(probabilities.items(), key=lambda item: item[1]) == (
                found["label"],
                found["probability"],
            )

    def test_all_labels_have_one_color(
        self, invoke: Any, predictions: list[Prediction]
    ) -> None:
        shown = invoke("predict", *self.TEXTS, color=True).output
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
        done = invoke(*arguments, "--threshold", "0.5", input=stdin)

        assert done.exit_code == 2
        usage, *_, error = done.output.splitlines()
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
        source, target = tmp_path / "in.txt", tmp_path / f"out.{suffix}"
        source.write_text("".join(f"{text}\n" for text in self.TEXTS), "utf-8")
        done = invoke("score", source, "-o", target)
        if suffix == "csv":
            with target.open(encoding="utf-8", newline="") as file:
                rows = list(csv.DictReader(file))
        else:
            rows = [json.loads(row) for row in target.read_text("utf-8").splitlines()]

        assert done.exit_code == 0
        assert "4 rows: 3 scored, 1 missing, 0 rejected\n" in done.output
        *scored, missing = rows
        assert [(float(row["probability"]), row["label"]) for row in scored] == [
            (round(p.probability, 6), p.label) for p in predictions[:-1]
        ]
        assert not missing["probability"]
        assert not missing["label"]

    def test_info(self, invoke: Any, four_labels: Path) -> None:
        card = dict(
            re.split(r"\s{2,}", row, maxsplit=1) for row in invoke("info").output.splitlines()
        )
        manifest = json.loads((four_labels / "manifest.json").read_text("utf-8"))

        assert card["labels"] == "complaint, order, praise, question"
        assert card["kind"] == manifest["kind"]
        assert card["macro f1"].startswith(f"{manifest['metrics']['macro_f1']['value']:.3f} (")
        assert not card.keys() & {"threshold", "f1"}
        assert json.loads(invoke("info", "--json").output) == manifest

    def test_plugins(self, invoke: Any) -> None:
        (row,) = (
            row
            for row in invoke("plugins").output.splitlines()
            if row.startswith("disaster_tweets\t")
        )

        assert row.endswith("\tcomplaint, order, praise, question")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", [["predict", "cake"], ["--help"], ["-V"]])
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


@pytest.mark.parametrize(
    ("stdin", "words"),
    [
        ("cake\n".encode("utf-16"), "is UTF-16"),
        (gzip.compress(b"cake\n"), "is compressed (gzip)"),
    ],
)
def test_what_is_no_text_as_it_stands(run: Any, stdin: bytes, words: str) -> None:
    status, out, err = run("disaster-tweets", "predict", stdin=stdin)

    assert (status, out, len(err.splitlines())) == (1, "", 1)
    assert words in err
    assert "score - --format txt" in err
    done = run("disaster-tweets", "score", "-", "--format", "txt", "-o", "-", stdin=stdin)
    assert done.out.splitlines()[1].startswith(f"cake,{predict('cake').probability:.6f},")
