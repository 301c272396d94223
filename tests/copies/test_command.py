"""The command that makes a copy: its inputs, its questions, and its errors."""

from __future__ import annotations

import ast
import configparser
import csv
import gzip
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from ..conftest import Completed, load_script
from .conftest import (
    EXAMPLES,
    OPTIONS,
    SCRIPT,
    WORDS,
    arguments_of,
    command,
    made_up,
    make,
    run_command,
    texts_of,
    write_csv,
)

Rows = Sequence[tuple[str, ...]]
GOOD = made_up(["complaint", "praise"], 220)
FOUR = made_up(list(WORDS), 240)
HEADER = ("review", "verdict")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A table that the command accepts."""
    return write_csv(tmp_path / "reviews.csv", HEADER, GOOD)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder for a copy, which does not exist yet."""
    return tmp_path / "new" / "complaints"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out a step of commands in this process: the dependencies of the stages.

    The copy of test_templates.py has this step.
    """
    repository = sys.modules[command().write.__module__]
    run = repository.run

    def run_git(folder: Path, *words: str) -> str:
        return run(folder, *words) if words[0] == "git" else ""

    monkeypatch.setattr(repository, "run", run_git)


def params(folder: Path) -> dict[str, dict[str, object]]:
    return yaml.safe_load((folder / "params.yaml").read_text("utf-8"))


def labels_of(folder: Path) -> tuple[str, ...]:
    (module,) = (folder / "src").iterdir()
    return load_script(module / "topic.py").LABELS


def rows_of(folder: Path) -> list[tuple[str, str]]:
    return [(row["text"], row["label"]) for row in texts_of(folder)]


def assert_made(done: Completed) -> None:
    assert (done.status, done.err) == (0, "")


def refusal(done: Completed) -> str:
    """Return the error, which must be the only line that is printed."""
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith("error: ")
    assert len(done.err.splitlines()) == 1
    return done.err


def test_it_needs_no_library_and_says_what_comes_next(
    table: Path, folder: Path, tmp_path: Path
) -> None:
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", bare], check=True)
    (python,) = [path for path in bare.glob("*/python*") if path.stem == "python"]
    done = subprocess.run(
        [python, SCRIPT, *arguments_of(table, folder)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        env=os.environ | {"PYTHONUTF8": "1"},
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "'complaint' is complaint, 'praise' is praise" in done.stdout
    assert "220 texts: " in done.stdout
    assert done.stdout.endswith(f"  cd {folder} && python3 scripts/workspace.py build\n")
    assert [path.name for path in folder.parent.iterdir()] == ["complaints"]
    assert texts_of(folder) == [{"text": text, "label": label} for text, label in GOOD]
    assert texts_of(folder, "unlabelled.csv") == []
    assert labels_of(folder) == ("praise", "complaint")


class TestFormats:
    """The same texts in different file formats."""

    def as_jsonl(self, path: Path) -> Path:
        rows = [json.dumps(dict(zip(HEADER, row, strict=True))) + "\n" for row in GOOD]
        packed = path.with_suffix(".jsonl.gz")
        packed.write_bytes(gzip.compress("".join(rows).encode()))
        return packed

    def as_spreadsheet(self, path: Path) -> Path:
        """A CSV file as Excel writes it for Western Europe."""
        path.write_bytes(
            b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n").replace(b",", b";")
        )
        return path

    def as_parquet(self, path: Path) -> Path:
        arrow = pytest.importorskip("pyarrow")
        parquet = pytest.importorskip("pyarrow.parquet")
        columns = zip(*GOOD, strict=True)
        parquet.write_table(
            arrow.table(dict(zip(HEADER, map(list, columns), strict=True))),
            path.with_suffix(".parquet"),
        )
        return path.with_suffix(".parquet")

    def as_xlsx(self, path: Path) -> Path:
        openpyxl = pytest.importorskip("openpyxl")
        pytest.importorskip("defusedxml")
        book = openpyxl.Workbook()
        for row in [HEADER, *GOOD]:
            book.active.append(row)
        book.save(path.with_suffix(".xlsx"))
        return path.with_suffix(".xlsx")

    @pytest.mark.parametrize("form", [as_jsonl, as_spreadsheet, as_parquet, as_xlsx])
    def test_a_format(
        self, form: Callable[[TestFormats, Path], Path], table: Path, folder: Path
    ) -> None:
        assert_made(make(form(self, table), folder))
        assert rows_of(folder) == GOOD

    def test_a_library_that_is_missing_is_named(
        self, table: Path, folder: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "pyarrow.py").write_text("raise ImportError", "utf-8")
        parquet = table.with_suffix(".parquet")
        parquet.write_bytes(b"PAR1 and more")
        code = f"import runpy; runpy.run_path({str(SCRIPT)!r}, run_name='__main__')"
        done = subprocess.run(
            [sys.executable, "-c", code, parquet, folder],
            capture_output=True,
            text=True,
            env=os.environ | {"PYTHONPATH": str(tmp_path)},
        )

        error = refusal(Completed(done.returncode, done.stdout, done.stderr))
        assert error.endswith("-m pip install 'pyarrow>=15'\n")

    def test_no_header_and_another_encoding(self, table: Path, folder: Path) -> None:
        rows = [(text.replace("👟", "é"), label) for text, label in GOOD]
        odd = table.with_name("reviews.txt")
        lines = "".join(f"{label}\t{text}\n" for text, label in rows)
        odd.write_bytes(lines.encode("latin-1"))

        assert_made(make(odd, folder, "--format=tsv", "--no-header", "--encoding=latin-1"))
        assert rows_of(folder) == rows

    def test_texts_of_several_lines_stay_as_they_are(self, table: Path, folder: Path) -> None:
        rows = [(f'{text}\r\nand a "second"\rline', label) for text, label in GOOD]

        assert_made(make(write_csv(table, HEADER, rows), folder))
        assert rows_of(folder) == rows


class TestColumns:
    def more(self, path: Path, header: Sequence[str] = ("id", "day", *HEADER, "stars")) -> Path:
        rows = [(i, f"2024-01-{i % 28 + 1:02}", *row, i % 5) for i, row in enumerate(GOOD)]
        return write_csv(path, header, rows)

    def test_the_obvious_ones_among_many(self, table: Path, folder: Path) -> None:
        assert_made(make(self.more(table, ("id", "day", "review", "label", "stars")), folder))
        assert rows_of(folder) == GOOD

    def test_the_columns_that_are_named(self, table: Path, folder: Path) -> None:
        named = {"text_column": "review", "label_column": "verdict"}
        assert_made(make(self.more(table), folder, **named))
        assert rows_of(folder) == GOOD

    def test_what_is_not_obvious_has_to_be_named(self, table: Path, folder: Path) -> None:
        assert refusal(make(self.more(table), folder)) == (
            "error: --label-column is missing: which column holds the labels "
            "(id, day, review, verdict, stars)\n"
        )

    def test_a_path_of_json(self, table: Path, folder: Path) -> None:
        rows = [
            {"id": i, "post": {"words": text}, "is": {"kind": label}}
            for i, (text, label) in enumerate(GOOD)
        ]
        path = table.with_suffix(".json")
        path.write_text(json.dumps(rows), "utf-8")

        assert_made(make(path, folder, text_column="post.words", label_column="is.kind"))
        assert rows_of(folder) == GOOD


class TestLabels:
    def spelled(self, path: Path, rows: Rows, **spellings: str) -> Path:
        table = [(text, spellings.get(label, label)) for text, label in rows]
        return write_csv(path, HEADER, table)

    @pytest.mark.parametrize(
        ("no", "yes"), [("0", "1"), ("False", "TRUE"), ("0.0", "1.0"), ("no", "Yes")]
    )
    def test_of_a_yes_the_positive_label_is_known(
        self, no: str, yes: str, table: Path, folder: Path
    ) -> None:
        path = self.spelled(table, GOOD, praise=no, complaint=yes)
        unnamed = make(path, folder, positive=None)
        named = make(path, folder, "--labels", "fine", "complaint", positive=None)

        assert "--labels not_shop_complaints=" in refusal(unnamed)
        assert_made(named)
        assert labels_of(folder) == ("fine", "complaint")
        assert [
            (text, label.replace("fine", "praise")) for text, label in rows_of(folder)
        ] == GOOD

    def test_spellings_become_names(self, table: Path, folder: Path) -> None:
        path = self.spelled(table, GOOD, praise="Très Bon!", complaint=" Not OK ")

        assert_made(make(path, folder, positive="Not OK"))
        assert labels_of(folder) == ("tres_bon", "not_ok")
        names = {"tres_bon": "tres_bon", "not_ok": "not_ok"}
        assert params(folder)["prepare"]["labels"] == names

    def test_more_than_two(self, table: Path, folder: Path) -> None:
        path = self.spelled(table, FOUR, order="An Order")

        assert_made(make(path, folder, positive=None, name="letters"))
        assert labels_of(folder) == ("an_order", "complaint", "praise", "question")

    def test_numbers_are_in_their_order(self, table: Path, folder: Path) -> None:
        path = self.spelled(table, FOUR, order="10", complaint="1", praise="9", question="2")
        unnamed = make(path, folder, positive=None)

        assert "--labels label_1=1 label_2=2 label_9=9 label_10=10" in refusal(unnamed)
        assert_made(make(path, folder, "--labels", "a", "b", "c", "d", positive=None))
        assert Counter(label for _, label in rows_of(folder)) == {
            {"complaint": "a", "question": "b", "praise": "c", "order": "d"}[label]: count
            for label, count in Counter(label for _, label in FOUR).items()
        }

    def test_several_spellings_may_be_one_label(self, table: Path, folder: Path) -> None:
        path = self.spelled(table, FOUR)
        joined = ("--labels", "bad=complaint", "other=praise", "other=question", "other=order")

        assert_made(make(path, folder, *joined, positive="bad"))
        assert labels_of(folder) == ("other", "bad")

    def test_spellings_that_differ_in_their_case_alone(self, table: Path, folder: Path) -> None:
        path = self.spelled(table, FOUR, order="Praise")

        error = refusal(make(path, folder, positive=None))
        assert "'praise' and 'Praise' would all be 'praise'" in error

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            (["bad"], "give NAME=SPELLING of each label ('complaint', 'praise'), or a name"),
            (["bad=complaint"], "the label 'praise' has no name"),
            (["bad=complaint", "good=Praise"], "no text has the label 'Praise'"),
            (["Bad", "good"], "a label's name has small letters"),
            (["bad", "bad"], "all labels have the same name"),
            (["bad", "class"], "a label's name has small letters"),
        ],
    )
    def test_names_that_will_not_do(
        self, given: list[str], message: str, table: Path, folder: Path
    ) -> None:
        error = refusal(make(table, folder, "--labels", *given))
        assert error.startswith("error: --labels: ")
        assert message in error


class TestTexts:
    def test_rows_without_text_or_label_are_left_out(self, table: Path, folder: Path) -> None:
        rows = [*GOOD[:5], ("", "praise"), ("Hello", ""), (" ", " "), *GOOD[5:]]
        done = make(write_csv(table, HEADER, rows), folder)

        assert_made(done)
        assert "3 rows without text or label left out" in done.out
        assert rows_of(folder) == GOOD

    def test_repeated_and_contradictory_texts_are_said(self, table: Path, folder: Path) -> None:
        (text, label), other = GOOD[0], {"praise": "complaint", "complaint": "praise"}
        done = make(write_csv(table, HEADER, [*GOOD, GOOD[1], (text, other[label])]), folder)

        assert_made(done)
        assert "2 repeated texts; the pipeline merges them" in done.out
        assert "1 text with contradictory labels" in done.out
        assert len(texts_of(folder)) == len(GOOD) + 2

    def test_fixed_splits(self, table: Path, folder: Path, tmp_path: Path) -> None:
        more = made_up(["complaint", "praise"], 60, seed=7)
        test = write_csv(tmp_path / "test.csv", HEADER, more[:40])
        validation = write_csv(tmp_path / "validation.csv", HEADER, [*more[40:], GOOD[0]])
        done = make(table, folder, "--test", test, "--validation", validation)

        assert_made(done)
        assert "1 text in several files, so not trained on" in done.out
        assert texts_of(folder) == [
            {"text": text, "label": label, "split": split}
            for split, rows in (
                ("", GOOD),
                ("held_out", more[:40]),
                ("calibration", [*more[40:], GOOD[0]]),
            )
            for text, label in rows
        ]
        columns = {name: name for name in ("text", "label", "split")}
        assert params(folder)["prepare"]["columns"] == columns

    @pytest.mark.parametrize(
        ("rows", "message"),
        [
            ([("A text", "praise")], "--test: no text has the label 'complaint'"),
            ([("A text", "Praise")], "test.csv: the label 'Praise' does not occur in"),
        ],
    )
    def test_a_test_file_of_other_labels(
        self, rows: Rows, message: str, table: Path, folder: Path, tmp_path: Path
    ) -> None:
        test = write_csv(tmp_path / "test.csv", HEADER, rows)

        assert message in refusal(make(table, folder, "--test", test))
        assert not folder.parent.exists()

    @pytest.mark.parametrize("name", ["more.csv", "more.txt", "more.jsonl"])
    def test_texts_without_labels(
        self, name: str, table: Path, folder: Path, tmp_path: Path
    ) -> None:
        texts = ["One more", "another, with a comma", "One more", GOOD[0][0], " "]
        path = tmp_path / name
        if name.endswith("csv"):
            write_csv(path, ["id", "review"], enumerate(texts))
        else:
            lines = texts if name.endswith("txt") else [json.dumps({"text": t}) for t in texts]
            path.write_text("\n".join(lines), "utf-8")
        done = make(table, folder, "--unlabelled", path)

        assert_made(done)
        assert f"{path}: 2 texts without a label" in done.out
        assert [row["text"] for row in texts_of(folder, "unlabelled.csv")] == texts[:2]


def test_few_texts_are_seen_more_often() -> None:
    sizes = [200, 1_000, 1_001, 5_000, 20_000, 60_000, 200_000]
    planned = [command().training(size) for size in sizes]

    assert planned[0] == planned[1] != planned[2]
    for few, many in pairwise(planned):
        assert all(few[key] >= many[key] for key in few)
    assert min(planned[-1].values()) >= 1


def test_any_text_is_written_as_it_is(table: Path, folder: Path) -> None:
    question = 'Is "this" a $complaint\\, `or` <not> 100 % it\'s?'
    texts = (
        'It\'s "broken" \\ for $5 `now` <b>',
        "**So** lovely | 10 % off {today} #wow",
        "it''s, $(a) %s third",
    )
    # Several lines become one.
    assert_made(make(table, folder, question=question.replace(" a ", "\na "), examples=texts))

    topic = load_script(folder / "src" / "shop_complaints" / "topic.py")
    assert question == topic.QUESTION
    assert texts == topic.EXAMPLES
    golden = json.loads((folder / "topic" / "golden.json").read_text("utf-8"))
    assert tuple(golden[:3]) == texts
    citation = yaml.safe_load((folder / "CITATION.cff").read_text("utf-8"))
    assert question in citation["abstract"]
    setup = configparser.RawConfigParser()
    setup.read(folder / "setup.cfg", "utf-8")
    assert setup["metadata"]["description"].startswith(question)

    readme = (folder / "README.md").read_text("utf-8")
    python = readme.partition("```python\n")[2].partition("```")[0]
    rows = readme.partition("<<'END'\n")[2].partition("END\n")[0]
    (assigned,) = [node for node in ast.parse(python).body if isinstance(node, ast.Assign)]
    assert tuple(ast.literal_eval(assigned.value)) == texts
    numbered = [[str(number), text] for number, text in enumerate(texts, start=1)]
    assert list(csv.reader(rows.splitlines())) == [["id", "text"], *numbered]


def test_a_name_of_one_word_is_one_command(table: Path, folder: Path) -> None:
    assert_made(make(table, folder, name="Complaints"))
    setup = configparser.RawConfigParser()
    setup.read(folder / "setup.cfg", "utf-8")
    scripts = setup["options.entry_points"]["console_scripts"].split("\n")
    assert scripts == ["", "complaints = complaints.cli:main"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"name": "import"}, "--name 'import': choose words that make the name"),
        ({"name": "!"}, "--name '!': choose words"),
        ({"name": "json"}, "--name 'json': a package json is in use already"),
        ({"name": "numpy"}, "--name 'numpy': a package numpy is in use already"),
        ({"name": "topic"}, "--name 'topic': a package topic is in use already"),
        ({"name": "Disaster tweets"}, "that is the name of this project"),
        ({"name": None}, "--name is missing: what is the classifier called"),
        ({"positive": "Complaint"}, "--positive 'Complaint': choose complaint or praise"),
        ({"positive": None}, "--positive is missing: which label is looked for, complaint or"),
        ({"question": " "}, "--question ' ': write a text"),
        ({"question": None}, "--question is missing: which question does it answer"),
        ({"examples": ["One"]}, "--example is missing: one that clearly is not"),
        ({"examples": ["One", "One"]}, "--example: give two different texts"),
        ({"examples": ["One", "-5 stars"]}, "--example '-5 stars': a shell would take it"),
        ({"examples": ["One", "Two", " "]}, "--example ' ': write a text"),
        ({"examples": ["One", "a [[[cog"]}, "--example 'a [[[cog': in the README, [[[ and ]]]"),
        ({"examples": ["One", "Tr\udce8s"]}, "write it in the encoding of the terminal"),
        ({"text_column": "text"}, "there is no column 'text'; it has 'review', 'verdict'"),
        ({"label_column": "label"}, "there is no column 'label'; it has 'review', 'verdict'"),
        ({"text_column": "verdict", "label_column": "verdict"}, "cannot hold both texts and"),
        ({"delimiter": ";"}, "--label-column is missing"),
        ({"encoding": "utf-9"}, "--encoding"),
    ],
)
def test_an_option_that_is_wrong_or_missing(
    changed: dict[str, str], message: str, table: Path, folder: Path
) -> None:
    assert message in refusal(make(table, folder, **changed))
    assert not folder.parent.exists()


def test_an_option_for_another_format_does_not_matter(table: Path, folder: Path) -> None:
    assert_made(make(table, folder, sheet="One"))  # a CSV file has no sheets


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (GOOD[:150], "150 different texts with a label; at least 200 are needed"),
        (GOOD[:150] * 3, "150 different texts with a label; at least 200 are needed"),
        ([(text, "praise") for text, _ in GOOD], "--label-column is missing"),
        (
            [*GOOD, *((f"A text {i}", "question") for i in range(9))],
            "9 different texts with the label 'question'; at least 10 are needed",
        ),
        (
            [*GOOD, ("a", "b", "c")],
            "reviews.csv, row 221 (line 222): 3 fields, but the header",
        ),
        (
            [(f"{text}", str(i)) for i, (text, _) in enumerate(GOOD)],
            "--label-column is missing",
        ),
    ],
)
def test_a_table_that_will_not_do(rows: Rows, message: str, table: Path, folder: Path) -> None:
    labels = {label for row in rows for label in row[1:2]}
    positive = OPTIONS["--positive"] if len(labels) == 2 else None
    done = make(write_csv(table, HEADER, rows), folder, positive=positive)

    assert message in refusal(done)
    assert not folder.parent.exists()


@pytest.mark.parametrize("labelled", [True, False])
def test_too_many_texts(
    labelled: bool, table: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert command().MOST == 200_000
    monkeypatch.setattr(command(), "MOST", 300)
    more = table.with_name("more.csv")
    rows = [(f"A text {i}", ("praise", "complaint")[i % 2]) for i in range(301)]
    write_csv(table if labelled else more, HEADER, rows)
    done = make(table, folder, *([] if labelled else ["--unlabelled", more]))

    kind = "with a label" if labelled else "without a label"
    assert refusal(done) == (
        f"error: 301 different texts {kind}; at most 300 are possible: take a sample\n"
    )


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.csv", None, "none.csv: No such file or directory"),
        ("reviews", b"a,b\n", "its name ends in no known format"),
        ("reviews.txt", b"a text\n", "plain text has no labels"),
        ("reviews.csv", b"", "is empty"),
        ("reviews.json", b"[{]", "reviews.json"),
    ],
)
def test_a_file_that_is_no_table(
    name: str, content: bytes | None, message: str, folder: Path, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)

    assert message in refusal(make(tmp_path / name, folder))


def test_a_folder_that_will_not_do(table: Path, tmp_path: Path) -> None:
    there, file = tmp_path / "there", tmp_path / "file"
    there.mkdir()
    file.write_text("", "utf-8")

    error = refusal(make(table, there))
    assert "there: is there already; name a new folder" in error
    assert list(there.iterdir()) == []
    error = refusal(make(table, SCRIPT.with_name("complaints")))
    assert "name a folder outside of this repository" in error
    assert "cannot be written (" in refusal(make(table, file / "complaints"))


@pytest.mark.parametrize("at", ["read_labelled", "write_data"])
def test_an_interrupted_one_leaves_nothing(
    at: str, table: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    place = command() if at == "read_labelled" else sys.modules[command().write.__module__]
    monkeypatch.setattr(place, at, interrupt)

    assert make(table, folder) == (130, "", "\ninterrupted; nothing was written\n")
    assert not folder.parent.exists()


class TestTerminal:
    """The questions in a terminal, where somebody can answer."""

    def test_everything_can_be_asked(self, table: Path, folder: Path) -> None:
        pty = pytest.importorskip("pty", reason="the system has no pseudo-terminals")
        rows = [(i, *row, i % 3) for i, row in enumerate(GOOD)]
        write_csv(table, ("id", *HEADER, "stars"), rows)
        lines = ["verdict", "shop complaints", "complaint", "Is it?", *EXAMPLES]
        controller, terminal = pty.openpty()
        os.write(controller, "".join(f"{line}\n" for line in lines).encode())
        done = subprocess.run(
            [sys.executable, SCRIPT, table, folder],
            stdin=terminal,
            capture_output=True,
            text=True,
        )
        os.close(terminal)
        os.close(controller)

        assert done.returncode == 0, done.stderr
        for asked in ("Which column holds the labels", "What is the classifier called"):
            assert asked in done.stdout + done.stderr
        assert labels_of(folder) == ("praise", "complaint")

    def test_a_wrong_answer_is_asked_again(self, table: Path, folder: Path) -> None:
        lines = ["json", "shop", "bad", "complaint", "Is it?", *EXAMPLES]
        done = run_command([str(table), str(folder)], lines)

        assert_made(done)
        assert "a package json is in use already" in done.out
        assert "choose complaint or praise" in done.out
        assert (folder / "src" / "shop").is_dir()

    def test_an_empty_answer_is_what_was_suggested(self, table: Path, folder: Path) -> None:
        rows = [(text, str(int(label == "complaint"))) for text, label in GOOD]
        write_csv(table, HEADER, rows)
        done = run_command([str(table), str(folder)], ["", "", "", "", "", *EXAMPLES])

        assert_made(done)
        assert "What is the classifier called [complaints]" in done.out
        assert labels_of(folder) == ("not_complaints", "complaints")
        topic = load_script(folder / "src" / "complaints" / "topic.py")
        assert topic.QUESTION == "Is this text complaints?"

    def test_what_an_option_says_is_not_asked(self, table: Path, folder: Path) -> None:
        done = run_command(arguments_of(table, folder, examples=()), EXAMPLES)

        assert_made(done)
        assert "What is the classifier called" not in done.out
        assert "Which label" not in done.out

    def test_an_input_that_ends(self, table: Path, folder: Path) -> None:
        done = run_command(arguments_of(table, folder, examples=()), EXAMPLES[:1])

        assert (done.status, done.err) == (1, "error: --example is missing: the input ended\n")
