"""The measures of the evaluate stage on small tables whose answers can be counted."""

from __future__ import annotations

import random
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from pipeline.noise import NOISES

from pipeline import encoder, evaluate

TEXTS = [
    "Fire in the harbour! http://example.com/a",
    "@someone what a lovely #sunset over the bay today",
    "Nothing to see",
    "www.example.com/#top",
]


def share_of_capitals(texts: list[str]) -> np.ndarray:
    return np.array([sum(map(str.isupper, text)) / max(1, len(text)) for text in texts])


class TestRobustness:
    def test_differences_and_decisions_are_counted(self) -> None:
        by_text = {"a": 0.1, "b": 0.45, "c": 0.9, "A": 0.1, "B": 0.65, "C": 0.8}
        measured = evaluate.robustness(
            ["a", "b", "c"],
            lambda texts: np.array([by_text[text] for text in texts]),
            threshold=0.5,
            seed=1,
            noises={"shouting": lambda text, _: text.upper()},
        )

        assert measured == {
            "shouting": {
                "mean_difference": 0.1,
                "percentile_95": 0.19,
                "max_difference": 0.2,
                "decisions_changed": 0.3333,
            }
        }

    def test_a_noise_that_the_score_does_not_see_moves_nothing(self) -> None:
        moved = evaluate.robustness(TEXTS, share_of_capitals, 0.01, 1)
        unmoved = evaluate.robustness(
            TEXTS, lambda texts: share_of_capitals([t.lower() for t in texts]), 0.01, 1
        )

        assert list(moved) == list(unmoved) == list(NOISES)
        for case in ("lower case", "upper case"):
            assert moved[case]["max_difference"] > 0
            assert set(unmoved[case].values()) == {0.0}

    def test_a_noise_draws_the_same_whatever_comes_before_it(self) -> None:
        def length(texts: list[str]) -> np.ndarray:
            return np.array([len(text) / 1000 for text in texts])

        def add_letters(text: str, generator: random.Random) -> str:
            return text + "x" * generator.randrange(100)

        alone = evaluate.robustness(TEXTS, length, 0.05, 3, {"second": add_letters})
        both = evaluate.robustness(
            TEXTS, length, 0.05, 3, {"first": add_letters, "second": add_letters}
        )

        assert both["second"] == alone["second"] == both["first"]
        assert alone != evaluate.robustness(TEXTS, length, 0.05, 4, {"second": add_letters})


class TestSlices:
    def test_what_a_text_has(self) -> None:
        parts = evaluate.slices(TEXTS)

        assert parts["with a URL"].tolist() == [True, False, False, True]
        assert parts["with a handle"].tolist() == [False, True, False, False]
        # The one in a URL is none.
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
        probabilities = np.array([0.1, 0.9, 0.2, 0.8, 0.7, 0.3])
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
        assert "f1" not in measured["right"]


def test_the_architecture_is_that_of_the_weights(reference: ModuleType) -> None:
    checkpoint = reference.tiny_checkpoint()
    tensors = encoder.from_checkpoint(checkpoint, list(range(60)), positions=8)
    width = tensors["embeddings.word_embeddings.weight"].shape[1]
    whole = evaluate.architecture(tensors, heads=2)
    cut = evaluate.architecture(encoder.reduce(tensors, [0], 4, filters=0, seed=1), heads=2)

    assert (whole["width"], whole["heads"]) == (width, 2)
    assert (cut["layers"], cut["feed_forward"]) == (1, 4)
    # A unit is a row and a bias going in, and a column coming out.
    units = whole["feed_forward"] - 4
    of_a_layer = sum(
        t.size for name, t in tensors.items() if name.startswith("encoder.layer.0.")
    )
    assert whole["layers"] == 2
    assert whole["parameters"] - cut["parameters"] == of_a_layer + units * (2 * width + 1)
    assert whole["filters"] == 0
    assert "window" not in whole


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
    both = evaluate.architecture(encoder.reduce(tensors, [1], 4, filters=5, seed=1), heads=2)
    of_both = {"layers": 1, "heads": 2, "feed_forward": 4, "filters": 5, "window": 3}
    assert both == both | of_both
    more = evaluate.architecture(
        encoder.reduce(tensors, [], 0, filters=5, seed=1, hidden=4), heads=2
    )
    assert more["hidden"] == 4
    assert more["parameters"] == words * width + 2 * width + (3 * width + 1) * 5 + 11 * 4


# begin: left out of a copy
def test_the_teachers_and_what_the_model_learned_of_them_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(name: str, *rows: str) -> None:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join([*rows, ""]), "utf-8")

    write(
        "params.yaml",
        "download_teacher: {repository: somebody/large, revision: abc}",
        "distill: {weight: 0.25, linear: 0.4, layers: [0, 2, 4]}",
    )
    write("data/prepared/train.csv", "id,text,target,count", "1,a,1.0,1", "7,b,0.0,1")
    tweets = ("'5',smoke,off-topic", "'6',rain,on-topic", "'8',no teacher read it,on-topic")
    write("data/events/Flood.csv", "tweet id, tweet, label", *tweets)
    write(
        "teacher/soft_labels.csv",
        "source,id,fold,teacher_0,teacher_1",
        *("labelled,1,0,2.0,1.0", "labelled,7,1,-2.0,1.0", "labelled,9,0,0.0,1.0"),
        *("Flood,5,,0.5,1.0", "Flood,6,,0.5,1.0"),
    )
    write("data/distilled/train.csv", "text,target", *(f"text {i},0.5" for i in range(9)))
    monkeypatch.chdir(tmp_path)

    assert evaluate.distillation() == {
        "repository": "somebody/large",
        "revision": "abc",
        "licence": "Apache-2.0",
        "teachers": 2,
        "weight": 0.25,
        "linear": 0.4,
        "labelled": 2,
        "unlabelled": 2,
        "assistant_layers": 3,
        "texts": 9,
    }


# end: left out of a copy
