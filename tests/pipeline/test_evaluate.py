"""The measures of the stage evaluate, on small tables whose results can be counted."""

from __future__ import annotations

import csv
import random
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from disaster_tweets.runtime import ENCODER, STUDENT
from disaster_tweets.tokenizer import SPECIAL_TOKENS, Tokenizer
from pipeline import encoder, evaluate, targets
from pipeline.inference_graph import InferenceGraph, to_tflite
from pipeline.integers import quantize
from pipeline.perturbation import PERTURBATIONS
from pipeline.project import MODELS
from pipeline.splits import shares

from .test_targets import labelled, made_up

pytestmark = pytest.mark.usefixtures("cleaner")

TEXTS = [
    "Fair in the harbour! http://example.com/a",
    "@someone what a lovely #sunset over the bay today",
    "Nothing to see",
    "www.example.com/#top",
]
TWO = ("negative", "positive")
FOUR = ("water", "earth", "air", "none")


def both(positive: np.ndarray) -> np.ndarray:
    """Return the probabilities (texts, 2), given those of the second label."""
    return np.stack([1 - positive, positive], axis=1)


def share_of_capitals(texts: list[str]) -> np.ndarray:
    shares = [sum(map(str.isupper, text)) / max(1, len(text)) for text in texts]
    return both(np.array(shares))


def upper(text: str, _: random.Random) -> str:
    return text.upper()


class TestRobustness:
    def test_differences_and_decisions_are_counted(self) -> None:
        by_text = {"a": 0.1, "b": 0.45, "c": 0.9, "A": 0.1, "B": 0.65, "C": 0.8}
        measured = evaluate.robustness(
            ["a", "b", "c"],
            lambda texts: both(np.array([by_text[text] for text in texts])),
            threshold=0.5,
            seed=1,
            perturbations={"shouting": upper},
        )

        assert measured == {
            "shouting": {
                "mean_difference": 0.1,
                "percentile_95": 0.19,
                "max_difference": 0.2,
                "decisions_changed": 0.3333,
            }
        }

    def test_of_more_labels_the_one_that_moves_most_counts(self) -> None:
        by_text = {
            "a": [0.5, 0.3, 0.2],
            "A": [0.4, 0.6, 0.0],  # moved by 0.3, and another label is predicted
            "b": [0.1, 0.2, 0.7],
            "B": [0.2, 0.2, 0.6],  # moved by 0.1
        }
        measured = evaluate.robustness(
            ["a", "b"],
            lambda texts: np.array([by_text[text] for text in texts]),
            threshold=None,
            seed=1,
            perturbations={"shouting": upper},
        )

        assert measured["shouting"]["mean_difference"] == 0.2
        assert measured["shouting"]["max_difference"] == 0.3
        assert measured["shouting"]["decisions_changed"] == 0.5

    def test_a_perturbation_that_the_score_does_not_see_moves_nothing(self) -> None:
        moved = evaluate.robustness(TEXTS, share_of_capitals, 0.01, 1)
        unmoved = evaluate.robustness(
            TEXTS, lambda texts: share_of_capitals([t.lower() for t in texts]), 0.01, 1
        )

        assert list(moved) == list(unmoved) == list(PERTURBATIONS)
        for case in ("lower case", "upper case"):
            assert moved[case]["max_difference"] > 0
            assert set(unmoved[case].values()) == {0.0}

    def test_a_perturbation_draws_the_same_whatever_comes_before_it(self) -> None:
        def length(texts: list[str]) -> np.ndarray:
            return both(np.array([len(text) / 1000 for text in texts]))

        def add_letters(text: str, generator: random.Random) -> str:
            return text + "x" * generator.randrange(100)

        alone = evaluate.robustness(TEXTS, length, 0.05, 3, {"second": add_letters})
        in_a_row = evaluate.robustness(
            TEXTS, length, 0.05, 3, {"first": add_letters, "second": add_letters}
        )

        assert in_a_row["second"] == alone["second"] == in_a_row["first"]
        assert alone != evaluate.robustness(TEXTS, length, 0.05, 4, {"second": add_letters})


class TestSlices:
    def test_what_a_text_has(self) -> None:
        parts = evaluate.slices(TEXTS)

        assert parts["with a URL"].tolist() == [True, False, False, True]
        assert parts["with a handle"].tolist() == [False, True, False, False]
        # A "#" in a URL is no hashtag.
        assert parts["with a hashtag"].tolist() == [False, True, False, False]
        for name in ("URL", "handle", "hashtag"):
            assert (parts[f"with a {name}"] != parts[f"without a {name}"]).all()

    def test_lengths_are_thirds_of_the_words_that_the_model_reads(self) -> None:
        texts = [f"{'word ' * words} http://example.com/{words}" for words in range(1, 10)]
        parts = evaluate.slices(texts)
        lengths = {name: part.tolist() for name, part in parts.items() if "words" in name}

        assert lengths == {
            "of up to 3 words": [True] * 3 + [False] * 6,
            "of 4 to 6 words": [False] * 3 + [True] * 3 + [False] * 3,
            "of more than 6 words": [False] * 6 + [True] * 3,
        }

    def test_each_part_is_measured_alone_and_one_of_a_single_label_not_at_all(self) -> None:
        probabilities = both(np.array([0.1, 0.9, 0.2, 0.8, 0.7, 0.3]))
        labels = np.array([0, 1, 1, 0, 1, 0])
        parts = {
            "right": np.array([True, True, False, False, True, True]),
            "wrong": np.array([False, False, True, True, False, False]),
            "positive": labels == 1,
            "empty": np.zeros(6, bool),
        }
        measured = evaluate.measure_slices(parts, probabilities, labels, 0.5, 100, 1)

        assert list(measured) == ["right", "wrong"]
        assert measured["right"]["texts"] == 4
        assert measured["right"]["accuracy"] == {"value": 1.0, "low": 1.0, "high": 1.0}
        assert measured["wrong"]["accuracy"]["value"] == 0.0
        assert measured["wrong"]["auc"]["value"] == 0.0
        assert set(measured["right"]) == set(evaluate.OF_SLICE)

    def test_of_more_labels_each_has_to_be_in_a_part(self) -> None:
        labels = np.array([0, 1, 2, 0, 1, 2])
        probabilities = np.eye(3)[[0, 1, 2, 0, 2, 1]] * 0.7 + 0.1
        parts = {
            "all": np.ones(6, bool),
            "the first three": np.arange(6) < 3,
            "without the last label": labels < 2,
        }
        measured = evaluate.measure_slices(parts, probabilities, labels, None, 100, 1)

        assert list(measured) == ["all", "the first three"]
        assert measured["all"]["accuracy"]["value"] == round(4 / 6, 4)
        assert measured["the first three"]["auc"]["value"] == 1.0


class TestGolden:
    def test_of_two_labels_it_is_the_probability_of_the_second(self) -> None:
        probabilities = both(np.array([0.12345678, 0.5, 0.9]))
        assert evaluate.golden_scores(probabilities, TWO) == [
            {"probability": 0.12345678},
            {"probability": 0.5},
            {"probability": 0.9},
        ]

    def test_of_more_it_is_the_likeliest_label_and_its_probability(self) -> None:
        probabilities = np.array([[0.1, 0.2, 0.3, 0.4], [0.3, 0.3, 0.2, 0.2]])
        assert evaluate.golden_scores(probabilities, FOUR) == [
            {"label": "none", "probability": 0.4},
            {"label": "water", "probability": 0.3},
        ]


class TestPlots:
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(evaluate, "PLOTS", tmp_path / "plots")

    def rows(self, name: str) -> list[dict[str, str]]:
        with (evaluate.PLOTS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def numbers(self, name: str) -> list[dict[str, float]]:
        return [{key: float(value) for key, value in row.items()} for row in self.rows(name)]

    def test_of_two_labels_the_curves_are_those_of_the_second(self) -> None:
        positive, labels = np.array([0.9, 0.15, 0.6, 0.35]), np.array([1, 0, 0, 1])
        evaluate.write_plots(both(positive), labels, TWO)

        assert self.rows("confusion") == [
            {"actual": "positive", "predicted": "positive"},
            {"actual": "negative", "predicted": "negative"},
            {"actual": "negative", "predicted": "positive"},
            {"actual": "positive", "predicted": "negative"},
        ]
        corners = [tuple(row.values()) for row in self.numbers("roc")]
        assert corners == [(0, 0), (0, 0.5), (0.5, 0.5), (0.5, 1), (1, 1)]
        of_probability = {row["probability"]: row for row in self.numbers("reliability")}
        assert of_probability[0.6] == {"probability": 0.6, "frequency": 0.0, "perfect": 0.6}
        assert {row["precision"] for row in self.numbers("precision_recall")} >= {0.5, 1.0}

    def test_of_more_labels_they_are_those_of_all_and_of_the_predicted_one(self) -> None:
        probabilities = np.array(
            [[0.7, 0.1, 0.1, 0.1], [0.1, 0.7, 0.1, 0.1], [0.55, 0.25, 0.1, 0.1]]
        )
        labels = np.array([0, 1, 1])
        evaluate.write_plots(probabilities, labels, FOUR)

        assert [row["predicted"] for row in self.rows("confusion")] == [
            "water",
            "earth",
            "water",
        ]
        # The two probabilities of 0.7 come first and are right. The next one is wrong.
        corners = [tuple(row.values()) for row in self.numbers("roc")]
        assert corners[1:4] == [(0, 0.6667), (0.1111, 0.6667), (0.1111, 1)]
        assert self.numbers("reliability") == [
            {"probability": 0.55, "frequency": 0.0, "perfect": 0.55},
            {"probability": 0.7, "frequency": 1.0, "perfect": 0.7},
        ]
        last = self.numbers("precision_recall")[-1]
        assert last == {"recall": 0.0, "precision": 1.0}


def test_the_architecture_is_that_of_the_weights(reference: ModuleType) -> None:
    checkpoint = reference.tiny_checkpoint()
    tensors = encoder.from_checkpoint(checkpoint, list(range(60)), positions=8)
    width = tensors["embeddings.word_embeddings.weight"].shape[1]
    whole = evaluate.architecture(tensors, heads=2)
    cut = evaluate.architecture(encoder.reduce(tensors, [0], 4, filters=0, seed=1), heads=2)

    assert (whole["layers"], whole["width"], whole["heads"]) == (2, width, 2)
    assert (whole["filters"], "window" in whole) == (0, False)
    assert (cut["layers"], cut["feed_forward"]) == (1, 4)
    # A unit has an input row, a bias and an output column.
    units = whole["feed_forward"] - 4
    of_a_layer = sum(
        t.size for name, t in tensors.items() if name.startswith("encoder.layer.0.")
    )
    assert whole["parameters"] - cut["parameters"] == of_a_layer + units * (2 * width + 1)


def test_the_architecture_names_only_what_the_model_has(reference: ModuleType) -> None:
    checkpoint = reference.tiny_checkpoint()
    tensors = encoder.from_checkpoint(checkpoint, list(range(60)), positions=8)
    words, width = tensors["embeddings.word_embeddings.weight"].shape
    convolution = encoder.reduce(tensors, [], 0, filters=5, seed=1)

    assert evaluate.architecture(convolution, heads=2) == {
        "layers": 0,
        "width": width,
        "filters": 5,
        "window": 3,
        "parameters": words * width + 2 * width + (3 * width + 1) * 5,
    }
    both_kinds = evaluate.architecture(
        encoder.reduce(tensors, [1], 4, filters=5, seed=1), heads=2
    )
    of_both = {"layers": 1, "heads": 2, "feed_forward": 4, "filters": 5, "window": 3}
    assert both_kinds == both_kinds | of_both
    more = evaluate.architecture(
        encoder.reduce(tensors, [], 0, filters=5, seed=1, hidden=4), heads=2
    )
    assert more["hidden"] == 4
    assert more["parameters"] == words * width + 2 * width + (3 * width + 1) * 5 + 11 * 4


@pytest.mark.parametrize(("labels", "kind"), [(2, STUDENT), (4, ENCODER)])
def test_an_exported_model_is_calibrated(
    labels: int,
    kind: str,
    reference: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    MODELS.mkdir()
    pieces = [*SPECIAL_TOKENS, *"abcdefghijklmnopqrstuvwxyz"]
    whole = encoder.from_checkpoint(reference.tiny_checkpoint(), [*range(len(pieces))], 24)
    small = encoder.reduce(whole, [], 0, filters=8, seed=1, hidden=4)
    weights, reads = (whole, 16) if kind == ENCODER else (small, 20)
    outputs = 1 if labels == 2 else labels
    generator = np.random.default_rng(3)
    weights["classifier.weight"] = generator.normal(0, 2, (outputs, reads)).astype(np.float32)
    weights["classifier.bias"] = np.zeros(outputs, np.float32)
    graph = InferenceGraph(weights, encoder.Shape.of(weights, heads=2))
    read = [f"{'abcdefgh'[i % 8]} {'ijklm'[i % 5]}" for i in range(40)]
    encoded = [Tokenizer(pieces, 24).encode(words) for words in read]
    content = to_tflite(graph) if kind == ENCODER else quantize(weights, encoded)
    evaluate.FILES[kind].write_bytes(content)
    (MODELS / f"{kind}.vocab.txt").write_text("".join(f"{piece}\n" for piece in pieces))

    exported = evaluate.Exported(kind, max_tokens=24)
    texts = [f"@x {words} http://x.co/{i}" for i, words in enumerate(read)]
    logits = exported.logits(texts)
    assert (logits.shape, logits.dtype) == ((40, labels), np.float64)
    # Cleaning removes the parts that the model does not read.
    np.testing.assert_array_equal(logits, exported.logits(read))
    positions = np.arange(4) if kind == ENCODER else None
    np.testing.assert_allclose(
        logits[3, -outputs:], graph.logits(encoded[3], positions)[0], atol=0.2
    )

    of_texts = made_up(40, labels)
    exported.fit(logits, of_texts)
    probabilities = exported.score(texts)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    # The targets do not depend on the texts, so probabilities and targets have the same mean.
    expected = shares(of_texts).mean(axis=0)
    np.testing.assert_allclose(probabilities.mean(axis=0), expected, atol=0.05)


class TestSources:
    TABLE = pd.DataFrame(
        {
            "source": ["events"] * 5 + ["written"] * 2 + ["scored only"],
            "part": ["first", "first", "first", "other", "other", "", "", ""],
            "kind": [*("report", "report", "chat", "chat", "chat"), "danger", "danger", ""],
            "target": [1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, None],
        }
    )

    def test_each_source_is_measured_by_part_and_by_kind(self) -> None:
        probabilities = np.array([0.9, 0.5, 0.7, 0.2, 0.49, 0.6, 0.3, 0.9])
        assert evaluate.measure_sources(self.TABLE, probabilities, 0.5, {"recall": 0.3}) == {
            "events": {
                "texts": 5,
                "accuracy": 0.8,
                "auc": 0.8333,
                "kinds": {
                    "chat": {
                        **{"texts": 3, "target": 0, "flagged": 0.3333},
                        "flagged_at": {"recall": 0.6667},
                    },
                    "report": {
                        **{"texts": 2, "target": 1, "flagged": 1.0},
                        "flagged_at": {"recall": 1.0},
                    },
                },
                "parts": {"first": {"texts": 3, "auc": 0.5}},
            },
            "written": {
                "texts": 2,
                "accuracy": 1.0,
                "auc": 1.0,
                # Texts of this kind have both labels, so the kind has no target.
                "kinds": {
                    "danger": {"texts": 2, "flagged": 0.5, "flagged_at": {"recall": 1.0}}
                },
            },
        }

    def test_a_logit_out_of_fold_counts_before_that_of_the_file(self) -> None:
        class Constant(evaluate.Exported):
            def __init__(self) -> None:
                self.kind = "student"

            def logits(self, texts: list[str]) -> np.ndarray:
                return np.tile([0.0, -4.0], (len(texts), 1))

            def calibrated(self, logits: np.ndarray) -> np.ndarray:
                return logits

        table = pd.DataFrame({"text": ["a", "b"], "student": [2.0, np.nan]})
        assert evaluate.probabilities_of(Constant(), table)[:, 1].tolist() == [2.0, -4.0]


@pytest.mark.parametrize("labels", [2, 4])
def test_what_the_models_learned_from_is_counted(
    labels: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = "{linear: 0.4, layers: [0, 2, 4], epochs: 3}"
    Path("params.yaml").write_text(f"assistant: {settings}\n", "utf-8")
    monkeypatch.setattr(targets, "label_names", lambda: ("label",) * labels)
    for path in (
        "data/prepared/train.csv",
        "data/sources/targets.csv",
        "data/assistant/train.csv",
    ):
        Path(path).parent.mkdir(parents=True)
    labelled(["a", "b", "c"], made_up(3, labels)).to_csv("data/prepared/train.csv", index=False)
    more = labelled(["b", "x", "y"], made_up(3, labels)).drop(columns=["id", "count"])
    more.assign(repeats=1).to_csv("data/sources/targets.csv", index=False)
    header, row = "text,source,target\n", "a,elsewhere,1.0\n"
    related = header + row if labels == 2 else header
    Path("data/sources/related.csv").write_text(related, "utf-8")
    texts = [f"text {i}" for i in range(9)]
    labelled(texts, made_up(9, labels)).to_csv("data/assistant/train.csv", index=False)

    assert evaluate.distillation() == {
        "assistant_layers": 3,
        "linear": 0.4,
        "labelled": 3,
        "unlabelled": 2,
        "related": 1 if labels == 2 else 0,
        "texts": 9,
    }
