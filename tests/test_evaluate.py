"""The command ``evaluate``, and the reader of labelled texts."""

from __future__ import annotations

import csv
import gzip
import importlib.util
import io
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from disaster_tweets import Classifier, evaluation, labelled, metrics
from disaster_tweets.topic import LABELS, NOUNS

from .conftest import Completed, two_labels

# Two texts have both labels, so every model makes at least two mistakes.
ROWS = [
    (1, "The parcel was late and the box was damaged"),
    (1, "Please send two of the blue ones"),
    (1, "Where is my order, and who can tell me?"),
    (1, "I waited a week for a reply"),
    (1, "lovely quiet morning with tea and a book"),
    (0, "The parcel was late and the box was damaged"),
    (0, "lovely quiet morning with tea and a book"),
    (0, "Best birthday cake ever, thank you all"),
    (0, "my team lost on the pitch tonight"),
    (0, "The market is closed on Sundays"),
]
TEXTS = [text for _, text in ROWS]
FOUR = ("complaint", "order", "praise", "question")


def as_csv(
    rows: list[tuple[Any, ...]], header: str = "text,target", delimiter: str = ","
) -> bytes:
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter).writerows([header.split(","), *rows])
    return file.getvalue().encode()


def labelled_csv(zero: Any = 0, one: Any = 1, **options: str) -> bytes:
    return as_csv([(text, (zero, one)[label]) for label, text in ROWS], **options)


def as_jsonl(rows: list[dict[str, Any]]) -> bytes:
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode()


Evaluate = Callable[..., Completed]


@pytest.fixture
def evaluate(run_here: Any, tmp_path: Path) -> Evaluate:
    """Run `evaluate` on a file with this content."""

    def evaluate(content: bytes, *arguments: str, name: str = "texts.csv") -> Completed:
        (tmp_path / name).write_bytes(content)
        command = ("evaluate", name, "--target-column", "target", *arguments)
        completed: Completed = run_here("disaster-tweets", *command)
        return completed

    return evaluate


@pytest.fixture
def report(evaluate: Evaluate) -> Any:
    """Run `evaluate --json`, and return the printed object."""

    def report(*arguments: Any, **options: Any) -> Any:
        status, out, err = evaluate(*arguments, "--json", **options)
        assert (status, err) == (0, "")
        return json.loads(out)

    return report


@pytest.fixture
def refused(evaluate: Evaluate) -> Any:
    """Run `evaluate`, and return the one line of its error."""

    def refused(*arguments: Any, **options: Any) -> str:
        status, out, err = evaluate(*arguments, **options)
        assert (status, out) == (1, "")
        assert re.fullmatch(r"Error: [^\n]+\n", err)
        return err.removeprefix("Error: ").rstrip("\n")

    return refused


class TestReport:
    @pytest.fixture(params=["the topic's", "four"], autouse=True)
    def classifier(self, request: pytest.FixtureRequest) -> Classifier:
        """The classifier of the command."""
        four = request.param == "four"
        return Classifier.load(
            request.getfixturevalue("four_labels_installed") if four else None
        )

    def test_json_agrees_with_the_classifier(self, report: Any, classifier: Classifier) -> None:
        given, classes = [label for label, _ in ROWS], classifier.classes_
        predictions = classifier.predict(TEXTS)
        measured = metrics.measure(
            classifier.predict_proba(TEXTS),
            np.array(given),
            classifier.threshold if len(classes) == 2 else None,
            evaluation.RESAMPLES,
            evaluation.SEED,
        )
        found = report(labelled_csv())

        assert found["file"] == "texts.csv"
        assert found["texts"] == measured.pop("texts") == 10
        assert found["confusion_matrix"] == measured.pop("confusion_matrix")
        assert found["metrics"] == measured
        wrong = [i for i in range(10) if predictions[i].label != classes[given[i]]]
        assert wrong
        assert found["metrics"]["accuracy"]["value"] == (10 - len(wrong)) / 10
        assert sorted(m["row"] for m in found["worst_mistakes"]) == [i + 1 for i in wrong]
        sure = []
        for mistake in found["worst_mistakes"]:
            index = mistake["row"] - 1
            prediction = predictions[index]
            assert mistake["text"] == TEXTS[index]
            assert [*mistake][:4] == ["row", "text", "probability", "label"]
            assert mistake["label"] == classes[given[index]]
            assert mistake["probability"] == round(prediction.probability, 7)
            assert mistake.get("predicted", prediction.label) == prediction.label
            sure.append(prediction.probabilities[mistake["label"]])
        assert sure == sorted(sure)

    def test_what_is_printed_is_what_json_says(
        self, evaluate: Evaluate, report: Any, classifier: Classifier
    ) -> None:
        found = report(labelled_csv())
        status, out, err = evaluate(labelled_csv())
        lines, classes = out.splitlines(), classifier.classes_

        assert (status, err) == (0, "")
        counts = [5, 5, *[0] * (len(classes) - 2)]
        shown = [f"{count} {label}" for count, label in zip(counts, classes, strict=True)]
        assert lines[0] == f"10 texts: {', '.join(shown)}"
        for name, of in found["metrics"].items():
            values = f"{of['value']:.4f}  {of['low']:.4f} to {of['high']:.4f}"
            expected = f"{name.replace('_', ' ')} +{values}"
            assert any(re.fullmatch(expected, line) for line in lines)
        words = [line.split() for line in lines]
        for number, label in enumerate(classes):
            names = [label] if len(classes) == 2 else [str(number + 1), label]
            assert [*names, *map(str, found["confusion_matrix"][number])] in words
        for mistake in found["worst_mistakes"]:
            predicted = [mistake["predicted"]] if "predicted" in mistake else []
            columns = [*predicted, mistake["label"], str(mistake["row"]), mistake["text"]]
            assert "\t".join([f"{mistake['probability']:.4f}", *columns]) in lines

    def test_mistakes_are_as_many_as_asked_for(self, evaluate: Evaluate, report: Any) -> None:
        everything = report(labelled_csv(), "--mistakes", "100")
        one = report(labelled_csv(), "--mistakes", "1")

        assert len(everything["worst_mistakes"]) > 1
        assert one["worst_mistakes"] == everything["worst_mistakes"][:1]
        assert "mistakes" not in evaluate(labelled_csv(), "--mistakes", "0").out

    def test_control_characters_are_escaped(self, evaluate: Evaluate) -> None:
        # One of the two labels is wrong, whatever the model decides.
        text = "late\x1b[31m\nparcel\t\x85"
        lines = evaluate(as_csv([(text, 0), (text, 1)])).out.splitlines()

        assert r"late\x1b[31m\nparcel\t\x85" in lines[-1]
        assert not any("\x1b" in line for line in lines)


@two_labels
class TestTwoLabels:
    def test_json_and_the_best_threshold(self, evaluate: Evaluate, report: Any) -> None:
        found, out = report(labelled_csv()), evaluate(labelled_csv()).out
        best = found["best_threshold"]

        assert [found[label] for label in LABELS] == [5, 5]
        assert found["threshold"] == Classifier.load().threshold
        assert "labels" not in found
        assert (
            f"best threshold here: {best['threshold']:.2f}, where the accuracy is "
            f"{best['accuracy']:.4f} (" in out
        )
        assert "on these same texts" in out

    @pytest.mark.parametrize(("threshold", "column"), [("0", 1), ("1", 0)])
    def test_threshold(self, report: Any, threshold: str, column: int) -> None:
        found = report(labelled_csv(), "--threshold", threshold)

        assert found["threshold"] == float(threshold)
        assert [row[column] for row in found["confusion_matrix"]] == [5, 5]
        assert found["metrics"]["recall"]["value"] == column

    @pytest.mark.parametrize("threshold", ["0", "0.5"])
    def test_a_mistake_is_worse_the_less_probable_its_label(
        self, report: Any, threshold: str
    ) -> None:
        found = report(labelled_csv(), "--threshold", threshold, "--mistakes", "100")
        sure = [
            abs(m["probability"] - (m["label"] == LABELS[1])) for m in found["worst_mistakes"]
        ]

        assert len(sure) > 1
        assert sure == sorted(sure, reverse=True)


@pytest.mark.usefixtures("four_labels_installed")
class TestFourLabels:
    ROWS = (
        *((text, "complaint") for text in ("late and damaged", "so rude", "I waited for days")),
        *((text, "order") for text in ("please send two", "I need size six", "late")),
        *((text, "praise") for text in ("thanks, best shop", "so friendly and kind", "great")),
        *((text, "question") for text in ("where is it?", "how and when?", "thanks")),
    )

    def test_each_label(self, evaluate: Evaluate, report: Any) -> None:
        found = report(as_csv([*self.ROWS]))
        lines = [line.split() for line in evaluate(as_csv([*self.ROWS])).out.splitlines()]

        assert list(found["labels"]) == list(FOUR)
        assert found["threshold"] is None
        assert "best_threshold" not in found
        assert ["precision", "recall", "f1", "texts"] in lines
        assert ["1", "2", "3", "4"] in lines  # the columns of the confusion matrix
        matrix = np.array(found["confusion_matrix"])
        for index, (label, of) in enumerate(found["labels"].items()):
            right = matrix[index, index]
            assert of["texts"] == matrix[index].sum() == 3
            assert of["precision"] == pytest.approx(right / matrix[:, index].sum(), abs=1e-4)
            assert of["recall"] == pytest.approx(right / 3, abs=1e-4)
            measured = [f"{of[name]:.4f}" for name in ("precision", "recall", "f1")]
            assert [label, *measured, "3"] in lines
        assert found["metrics"]["macro_f1"]["value"] == pytest.approx(
            np.mean([of["f1"] for of in found["labels"].values()]), abs=1e-4
        )

    def test_a_mistake_shows_the_label_that_the_text_gets(self, evaluate: Evaluate) -> None:
        lines = evaluate(as_csv([*self.ROWS])).out.splitlines()
        header = "(probability, predicted, label given, row, text):"

        assert any(re.fullmatch(r"0\.\d{4}\tcomplaint\torder\t6\tlate", x) for x in lines)
        assert any(header in line for line in lines)

    def test_labels_that_no_text_has(self, report: Any) -> None:
        found = report(as_csv([*self.ROWS[:6]]))

        assert [of["texts"] for of in found["labels"].values()] == [3, 3, 0, 0]
        assert found["labels"]["praise"]["recall"] == 0

    @pytest.mark.parametrize(
        ("option", "message"),
        [
            (("--threshold", "0.5"), "a threshold needs two labels, and there are 4"),
            (("--positive", "order"), "--positive needs two labels, and there are 4; leave it"),
        ],
        ids=["threshold", "positive"],
    )
    def test_what_needs_two_labels_is_refused(
        self, evaluate: Evaluate, option: tuple[str, str], message: str
    ) -> None:
        status, out, err = evaluate(as_csv([*self.ROWS]), *option)

        assert (status, out) == (2, "")
        assert err.splitlines()[-1].startswith(f"Error: {message}")

    def test_an_unknown_label_is_refused(self, refused: Any) -> None:
        assert refused(as_csv([("late", "order"), ("thanks", "blame")])) == (
            "texts.csv, row 2: label 'blame' is not one of 'complaint', 'order', 'praise', "
            "'question', or an index from 0; correct the label, or leave the row out"
        )


def texts_of(labels: list[int]) -> labelled.LabelledTexts:
    """Return texts with these labels."""
    numbers = list(range(1, len(labels) + 1))
    return labelled.LabelledTexts(numbers, [*map(str, numbers)], labels, 0, 0)


def two(probabilities: list[float]) -> np.ndarray[Any, Any]:
    second = np.array(probabilities, np.float32)
    return np.stack([1 - second, second], axis=1)


def test_the_best_threshold_parts_the_labels() -> None:
    data, probabilities = texts_of([0, 0, 1, 1]), two([0.04, 0.06, 0.3, 0.35])
    found = evaluation.evaluate(data, probabilities, ("no", "yes"), 0.5, 0)

    assert found["metrics"]["accuracy"]["value"] == 0.5
    assert found["best_threshold"]["accuracy"] == 1
    assert 0.06 < found["best_threshold"]["threshold"] <= 0.3


class TestWarnings:
    """Warnings on few texts, whose intervals look as reliable as those of many."""

    def test_two_texts(self, evaluate: Evaluate, report: Any) -> None:
        content = as_csv([(TEXTS[0], 1), (TEXTS[1], 0)])
        (warning,) = report(content)["warnings"]

        first, second, *others = LABELS
        few = [f"1 {first}", f"1 {second}", *(f"0 {label}" for label in others)]
        if not others:
            few.reverse()
        assert warning.startswith(f"only {', '.join(few[:-1])} and {few[-1]}: with fewer than ")
        assert f"warning: {warning}" in evaluate(content).out.splitlines()

    @pytest.mark.parametrize(
        ("positives", "negatives", "mistakes", "warning"),
        [
            (29, 100, 3, "only 29 yes: "),
            (100, 29, 3, "only 29 no: "),
            (30, 30, 3, None),
            (
                30,
                30,
                0,
                "the intervals of accuracy, precision, recall, f1, auc, .* have no width,",
            ),
        ],
        ids=["few of one", "few of the other", "enough", "resamples that all agree"],
    )
    def test_of_two_labels(
        self, positives: int, negatives: int, mistakes: int, warning: str | None
    ) -> None:
        right = [[0.9] * (positives - mistakes), [0.1] * (negatives - mistakes)]
        probabilities = two([0.2] * mistakes + right[0] + right[1] + [0.8] * mistakes)
        data = texts_of([1] * positives + [0] * negatives)
        found = evaluation.evaluate(data, probabilities, ("no", "yes"), 0.5, 0)["warnings"]

        assert len(found) == (warning is not None)
        assert warning is None or re.match(warning, found[0])

    def test_of_three_labels(self) -> None:
        data = texts_of([0] * 29 + [1] * 40 + [2] * 3)
        probabilities = np.full((72, 4), 0.25, np.float32)
        (warning,) = evaluation.evaluate(data, probabilities, "abcd", None, 0)["warnings"]

        assert warning.startswith("only 29 a, 3 c and 0 d: with fewer than 30 texts of a class")


class TestFiles:
    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("texts.tsv", labelled_csv(delimiter="\t")),
            ("texts.CSV.gz", gzip.compress(labelled_csv())),
            ("marked.csv", b"\xef\xbb\xbf" + labelled_csv(header="text, target")),
            ("t.jsonl", as_jsonl([{"text": text, "target": label} for label, text in ROWS])),
        ],
        ids=["tsv", "csv.gz", "byte order mark", "jsonl"],
    )
    def test_kinds(self, report: Any, name: str, content: bytes) -> None:
        found = report(content, name=name)
        assert found["metrics"] == report(labelled_csv())["metrics"]

    def test_standard_input(self, run_here: Any, evaluate: Evaluate) -> None:
        command = ("disaster-tweets", "evaluate", "-", "--target-column", "target")
        piped = run_here(*command, "--format", "csv", stdin=labelled_csv())
        nameless = run_here(*command, stdin=labelled_csv())

        assert piped == evaluate(labelled_csv())
        assert nameless.status == 2
        assert "format is not known; give --format csv, tsv, jsonl, json" in nameless.err

    def test_a_usual_name_is_the_text_and_said(self, evaluate: Evaluate) -> None:
        rows = [(i, text, label) for i, (label, text) in enumerate(ROWS)]
        status, out, err = evaluate(as_csv(rows, header="id,Message,target"), "--json")

        assert (status, json.loads(out)["texts"]) == (0, 10)
        assert err == "texts.csv: the texts are taken from column 'Message'\n"

    def test_a_column_that_is_named(self, report: Any) -> None:
        rows = [(f"user {i}", text, label) for i, (label, text) in enumerate(ROWS)]
        content = as_csv(rows, header="user, message,target")
        assert report(content, "--text-column", "message")["texts"] == 10

    def test_what_is_missing_is_counted_and_left_out(
        self, evaluate: Evaluate, report: Any
    ) -> None:
        rows = [*((text, label) for label, text in ROWS), ("", 1), (" ", 0), ("no label", "")]
        found = report(as_csv(rows))
        out = evaluate(as_csv(rows)).out

        assert (found["texts"], found["without_text"], found["without_label"]) == (10, 2, 1)
        assert found["metrics"] == report(labelled_csv())["metrics"]
        assert "left out: 2 rows without a text\nleft out: 1 row without a label\n" in out

    def test_null_and_nan_are_missing(self, report: Any) -> None:
        rows: list[dict[str, Any]] = [{"text": text, "target": y} for y, text in ROWS]
        rows += [
            {"text": None, "target": 1},
            {"target": 0},
            {"text": "a", "target": float("nan")},
        ]
        found = report(as_jsonl(rows), name="texts.jsonl")
        assert (found["texts"], found["without_text"], found["without_label"]) == (10, 2, 1)


class TestLabels:
    TWO, FOUR = ("Spam", "order"), ("complaint", "order", "Order 2", "question")
    STARS = ("1", "2", "3")

    @pytest.mark.parametrize(
        ("labels", "zero", "one", "indices"),
        [
            (TWO, "false", "true", [0, 1]),
            (TWO, "FALSE", "True", [0, 1]),
            (TWO, "Spam", "order", [0, 1]),
            (TWO, "SPAM", " Order ", [0, 1]),
            (TWO, "0.0", "1.0", [0, 1]),
            (TWO, "0", "true", [0, 1]),
            (("us", "US"), "US", "us", [1, 0]),  # labels that differ in case alone
            (FOUR, "complaint", "question", [0, 3]),
            (FOUR, "COMPLAINT", " order 2 ", [0, 2]),
            (FOUR, "1", "3", [1, 3]),
            (FOUR, "0.0", "2.0", [0, 2]),
            (FOUR, "order", "2", [1, 2]),
            (STARS, "1", "3.0", [0, 2]),  # labels that are numbers are no indices
        ],
    )
    def test_spellings(
        self, tmp_path: Path, labels: tuple[str, ...], zero: str, one: str, indices: list[int]
    ) -> None:
        found = self.read(tmp_path, zero, one, labels=labels)
        assert found == [indices[label] for label, _ in ROWS]

    @pytest.mark.parametrize(
        ("labels", "spelling", "message"),
        [
            *((FOUR, spelling, "is not one of 'complaint', 'order', ")
              for spelling in ("4", "-1", "true", "ord", "1.5")),
            (STARS, "0", r"label '0' is not one of '1', '2', '3'$"),
            (TWO, "on-topic",
             r"row 1: label 'on-topic' is not 0 or 1, false or true, Spam or order$"),
        ],
    )  # fmt: skip
    def test_no_spelling(
        self, tmp_path: Path, labels: tuple[str, ...], spelling: str, message: str
    ) -> None:
        with pytest.raises(labelled.LabelError, match=message):
            self.read(tmp_path, labels[1], spelling, labels=labels)

    def test_booleans_of_json(self, tmp_path: Path) -> None:
        file = tmp_path / "texts.jsonl"
        file.write_bytes(as_jsonl([{"text": text, "target": bool(y)} for y, text in ROWS]))

        found = labelled.read(str(file), "target", self.TWO)
        assert found.labels == [label for label, _ in ROWS]

    @pytest.mark.parametrize(("zero", "one"), [("off-topic", "on-topic"), ("1", "0")])
    def test_any_other_needs_positive(self, tmp_path: Path, zero: str, one: str) -> None:
        found = self.read(tmp_path, zero, one, positive=one, labels=self.TWO)
        assert found == [label for label, _ in ROWS]

    def read(
        self,
        folder: Path,
        zero: str,
        one: str,
        *,
        labels: tuple[str, ...],
        positive: str | None = None,
    ) -> list[int]:
        file = folder / "texts.csv"
        file.write_bytes(labelled_csv(zero, one))
        return labelled.read(str(file), "target", labels, positive=positive).labels

    @two_labels
    def test_one_of_several_is_positive_and_the_others_are_not(self, report: Any) -> None:
        names = ["weather", "sports", "chat"]
        rows = [(t, "music" if y else names[i % 3]) for i, (y, t) in enumerate(ROWS)]
        found = report(as_csv(rows), "--positive", "music")
        assert found["metrics"] == report(labelled_csv())["metrics"]


MANY_LABELS = [(f"text {i}", f"value {i}") for i in range(len(LABELS) + 30)]


class TestErrors:
    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"", "no rows"),
            (b"text,target\n", "no rows"),
            (labelled_csv(header="text,label"), "no column 'target'; it has 'text', 'label'"),
            (as_csv([("a", "b", 1)], header="user,remark,target"),
             "no column is named 'text'; it has 'user', 'remark', 'target'; .*--text-col"),
            (labelled_csv(1, 1),
             rf"all labels in column 'target' mean {re.escape(LABELS[1])}; add texts of "),
            (labelled_csv("", ""), "no row has both a text in 'text' and a label in"),
            (labelled_csv("yes", "no"), "row 1: label 'no' is not .*; "),
            (as_csv(MANY_LABELS),
             f"holds {len(MANY_LABELS)} different values; name the column of the labels"),
            (b"text,target\na,b,1\n", r"row 1 \(line 2\): 3 fields, but the header has 2"),
            (b'text,target\n"a,1\nb,0\n',
             "line 2: a quote opens a field here and never closes; .*--quoting none"),
            (b"text,target\nok,1\ncaf\xe9,0\n",
             r"row 2 \(line 3\): not valid UTF-8; .*--encoding cp1252"),
            (f"text,target\nok,{LABELS[1]}\ntext,target\nfine,{LABELS[0]}\n".encode(),
             r"row 2 \(line 3\): the header again; delete this row$"),
            (gzip.compress(labelled_csv())[:-9],
             "gzip data that is cut short; get the file again"),
        ],
    )  # fmt: skip
    def test_csv(self, refused: Any, content: bytes, message: str) -> None:
        line = refused(content)
        assert line.startswith("texts.csv")
        assert re.search(message, line)

    @pytest.mark.parametrize(
        ("content", "options", "message"),
        [
            (labelled_csv(), ("--text-column", "message"),
             r"no column 'message'; it has 'text'"),
            pytest.param(labelled_csv("on", "on"), ("--positive", "on"),
                         rf"mean {re.escape(LABELS[1])}; add texts of the other",
                         marks=two_labels),
            pytest.param(labelled_csv("off", "on"), ("--positive", "On"),
                         r"never holds 'On'; pass as --positive one of 'on', 'off'$",
                         marks=two_labels),
            pytest.param(as_csv([("a", "x"), ("b", "y"), ("c", "z\x1b")]), ("--positive", "q"),
                         r"never holds 'q'; pass as --positive one of 'x', 'y', 'z\\x1b'$",
                         marks=two_labels),
        ],
        ids=["no such column", "all the same", "never", "escaped"],
    )  # fmt: skip
    def test_options(
        self, refused: Any, content: bytes, options: tuple[str, ...], message: str
    ) -> None:
        assert re.search(message, refused(content, *options))

    @two_labels
    def test_unknown_labels_need_positive(self, refused: Any) -> None:
        assert refused(labelled_csv("yes", "no")) == (
            "texts.csv, row 1: label 'no' is not 0 or 1, false or true, "
            f"{' or '.join(LABELS)}; say with --positive which one of 'no', 'yes' means "
            f"{NOUNS[LABELS[1]]}"
        )

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b'{"text": "a", "target": 1}\n\n[1]\n', r"row 2 \(line 3\): not a JSON object"),
            (b'{"text": "a", "target": 1}\n{"text": \n', r"row 2 \(line 2\): not JSON"),
            (b"[" * 100_000, "is JSON, not JSON Lines; .*--format json"),
            (
                b'{"text": "a", "target": 1}\n{"text": 3, "target": 0}',
                r"row 2 \(line 2\): the text is not a string but int",
            ),
            (b'{"text": "a", "target": [1]}\n', r"row 1: label '\[1\]' is not "),
        ],
        ids=["list", "cut", "deep", "number", "label"],
    )
    def test_jsonl(self, refused: Any, content: bytes, message: str) -> None:
        assert re.search(message, refused(content, name="texts.jsonl"))

    def test_no_text_in_a_column_without_a_name(self, refused: Any) -> None:
        error = refused(b",target\n,1\n", "--text-column", "")
        assert "no row has both a text in '' and a label in 'target'" in error

    def test_files(self, run_here: Any, refused: Any) -> None:
        command = ("disaster-tweets", "evaluate", "absent.csv")
        unnamed, absent = run_here(*command), run_here(*command, "--target-column", "target")
        has_pyarrow = importlib.util.find_spec("pyarrow")

        assert unnamed.status == 2
        assert "Missing option '--target-column'" in unnamed.err
        assert absent.status == 1
        assert absent.err.startswith("Error: absent.csv: No such file or directory; check")
        unknown = run_here(*command[:2], "texts.doc", "--target-column", "target")
        assert unknown.status == 2
        assert "texts.doc: .doc files cannot be read; save the texts in" in unknown.err
        reason = "cannot be read as Parquet" if has_pyarrow else "need pyarrow; install"
        assert reason in refused(b"PAR1", name="texts.parquet")


class TestPlots:
    OF_TWO = ("precision_recall.png", "reliability.png", "roc.png")
    OF_MORE = ("confusion.png", "reliability.png", "roc.png")

    @pytest.mark.parametrize("labels", ["the topic's", "four"])
    def test_they_are_png_files(
        self, request: pytest.FixtureRequest, evaluate: Evaluate, tmp_path: Path, labels: str
    ) -> None:
        pytest.importorskip("matplotlib", reason="needs matplotlib, of the extra 'plots'")
        if labels == "four":
            request.getfixturevalue("four_labels_installed")
        status, out, err = evaluate(labelled_csv(), "--plots", "deep/plots")
        files = sorted(path.name for path in (tmp_path / "deep" / "plots").iterdir())

        assert (status, err) == (0, "")
        two = labels != "four" and len(LABELS) == 2
        assert files == list(self.OF_TWO if two else self.OF_MORE)
        for name in files:
            assert (tmp_path / "deep" / "plots" / name).read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
            assert name in out.splitlines()[-1]

    def test_of_many_labels(self, tmp_path: Path) -> None:
        pytest.importorskip("matplotlib", reason="needs matplotlib, of the extra 'plots'")
        labels = [*range(39), 0, 1]  # the last has no text
        classes = [f"label {i}" for i in range(40)]
        probabilities = np.random.default_rng(1).dirichlet(np.ones(40), 41).astype(np.float32)
        report = evaluation.evaluate(texts_of(labels), probabilities, classes, None, 0)
        written = evaluation.write_plots(tmp_path, report, labels, probabilities, classes)

        assert sorted(written) == [str(tmp_path / name) for name in self.OF_MORE]
        assert all(Path(name).stat().st_size > 10_000 for name in written)

    def test_a_folder_that_cannot_be_made(self, refused: Any, tmp_path: Path) -> None:
        pytest.importorskip("matplotlib", reason="needs matplotlib, of the extra 'plots'")
        (tmp_path / "plots").write_bytes(b"")
        assert re.match("plots: .*; pass a folder", refused(labelled_csv(), "--plots", "plots"))

    def test_without_matplotlib(self, refused: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("matplotlib", "matplotlib.figure"):
            monkeypatch.setitem(sys.modules, name, None)

        assert refused(labelled_csv(), "--plots", "plots") == (
            'plots need Matplotlib: pip install "disaster-tweets-model[plots]"'
        )


def test_the_command_is_cheap_to_import(run: Any) -> None:
    code = "import disaster_tweets.cli.evaluate, disaster_tweets.labelled, sys"
    assert run("python", "-c", f"{code}; print('numpy' in sys.modules)").out == "False\n"
