"""The documents that docs/generate.py makes from a manifest."""

from __future__ import annotations

import json
import shlex
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from disaster_tweets.cli.output import as_argument

from .conftest import ROOT, load_script


@pytest.fixture(scope="module")
def generate() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "docs")
        yield load_script(ROOT / "docs" / "generate.py")


def of(value: float) -> dict[str, float]:
    return {"value": value, "low": value - 0.1, "high": value + 0.1}


def moved(mean: float, largest: float, decisions: float) -> dict[str, float]:
    return {
        "mean_difference": mean,
        "percentile_95": mean * 2,
        "max_difference": largest,
        "decisions_changed": decisions,
    }


MANIFEST: dict[str, Any] = {
    "robustness": {
        "spelling": moved(0.0621, 0.75, 0.0682),
        "upper case": moved(0.0, 0.002, 0.0),
        "URL added": moved(0.0, 0.0, 0.0),
    },
    "slices": {
        "with a URL": {
            "texts": 1479,
            "accuracy": of(0.8142),
            "auc": of(0.7),
            "expected_calibration_error": of(0.3),
        },
        "of up to 4 words": {
            "texts": 36,
            "accuracy": of(0.6),
            "auc": of(0.5),
            "expected_calibration_error": of(0.2),
        },
    },
}


CHAT = {"texts": 9, "target": 0, "flagged": 0.125, "flagged_at": {"recall": 0.3333}}


def test_the_measures_on_other_data_sets(generate: ModuleType) -> None:
    manifest: dict[str, Any] = {
        "sources": {
            "events": {
                "texts": 1200,
                "accuracy": 0.8,
                "auc": 0.9,
                "kinds": {
                    "chat": {"texts": 1000, "target": 0, "flagged": 0.125},
                    "on_topic": {"texts": 150, "target": 1, "flagged": 0.9},
                    "mixed": {"texts": 50, "flagged": 0.5},
                },
                "parts": {"storm": {"texts": 700, "auc": 0.95}},
            },
            "offers": {
                "texts": 3,
                "kinds": {"offer": {"texts": 3, "target": 1, "flagged": 1.0}},
            },
        }
    }
    assert generate.card.sources_tables(manifest).splitlines() == [
        "| | texts | accuracy | AUC |",
        "|---|---|---|---|",
        "| events | 1,200 | 0.800 | 0.900 |",
        "| events, storm | 700 |  | 0.950 |",
        "| offers | 3 |  |  |",
        "",
        "| | kind | positive | texts | flagged |",
        "|---|---|---|---|---|",
        "| events | on topic | yes | 150 | 90.0 % |",
        "| events | mixed | mixed | 50 | 50.0 % |",
        "| events | chat | no | 1,000 | 12.5 % |",
        "| offers | offer | yes | 3 | 100.0 % |",
    ]
    manifest["sources"] = {"events": {"texts": 9, "kinds": {"chat": CHAT}}}
    manifest["thresholds"] = {"recall": 0.2}
    assert generate.card.sources_tables(manifest).splitlines()[-3:] == [
        "| | kind | positive | texts | flagged | at `recall` |",
        "|---|---|---|---|---|---|",
        "| events | chat | no | 9 | 12.5 % | 33.3 % |",
    ]
    assert generate.card.sources_tables({}) == ""


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        ({}, "1,234 held-out texts"),
        ({"measured_on": "held_out"}, "1,234 held-out texts"),
        ({"measured_on": "out_of_fold"}, "1,234 labelled texts, each scored by a model that"),
    ],
)
def test_the_texts_that_are_measured(
    generate: ModuleType, on: dict[str, str], expected: str
) -> None:
    manifest = {"metrics": {"texts": 1234}, **on}
    assert generate.card.measured_texts(manifest).startswith(expected)


def test_the_readme_says_what_moves_the_score_and_what_does_not(generate: ModuleType) -> None:
    said = " ".join(generate.card.steadiness(MANIFEST).split())

    assert "the largest effect comes from spelling mistakes: " in said
    assert "by 0.062 on average, and 6.8 % of the decisions change." in said
    # Upper case is not among them, because it moves one text a little.
    assert "These changes have no effect: an added URL." in said
    assert (
        "lowest on texts of up to 4 words (0.600) and highest on texts with a URL (0.814)"
        in said
    )


def test_texts_are_called_steady_only_where_some_change_has_no_effect(
    generate: ModuleType,
) -> None:
    said = generate.card.steadiness({"robustness": {"spelling": moved(0.1, 0.5, 0.1)}})

    assert said.endswith("10.0 % of the decisions change.")


@pytest.mark.parametrize(
    ("fall", "said"),
    [
        (0.00123, "The AUC fell by 0.0012."),
        (-0.00123, "The AUC rose by 0.0012."),
        (-0.00001, "The AUC changed by less than 0.0001."),
        (0.0, "The AUC changed by less than 0.0001."),
    ],
)
def test_the_change_of_the_auc_has_no_sign(
    generate: ModuleType, fall: float, said: str
) -> None:
    parity = {"texts": 1000, "mean_difference": 0.0008, "max_difference": 0.0098}
    told = generate.card.quantization({"parity": {**parity, "auc_drop": fall}})

    assert told == (
        "Quantization changed the probability of 1,000 texts by 0.0008 on average and by "
        f"0.0098 at most. {said}"
    )


def test_a_model_is_told_in_words_whatever_it_has(generate: ModuleType) -> None:
    told = partial(generate.card.structure, labels=2)
    ends = {"width": 384, "parameters": 7}
    layers = {"layers": 6, "heads": 12, "feed_forward": 1536}
    convolution = {"filters": 256, "window": 3}
    start = "word-piece embeddings of width 384; layer normalization; "
    told_layers = "6 encoder layers with 12 attention heads and 1,536 feed-forward units; "
    told_convolution = (
        "a convolution of 256 filters over 3 neighbouring pieces; "
        "max and mean pooling of each filter; "
    )

    assert told({**ends, "layers": 0, **convolution}) == f"{start}{told_convolution}one logit"
    assert (
        told({**ends, **layers, "filters": 0})
        == f"{start}{told_layers}mean pooling over the pieces; one logit"
    )
    assert (
        told({**ends, **layers, **convolution})
        == f"{start}{told_layers}{told_convolution}one logit"
    )
    assert (
        told({**ends, "layers": 0, **convolution, "hidden": 64})
        == f"{start}{told_convolution}a hidden layer of 64 units; one logit"
    )
    one = told({**ends, **layers, "layers": 1, "filters": 0})
    assert "; an encoder layer with 12 attention heads and" in one


def test_the_logits_of_more_labels_are_told(generate: ModuleType) -> None:
    told = generate.card.structure({"width": 8, "layers": 0, "filters": 0, "parameters": 7}, 4)

    assert told.endswith("; mean pooling over the pieces; 4 logits, one for each label")


@pytest.mark.parametrize(
    ("reads", "said"),
    [
        (
            (True, True, True, "all"),
            "Nothing is removed from a text before the model reads it.",
        ),
        (
            (False, False, False, "!?"),
            "Removed from a text before the model reads it: URLs, @handles, emoji and all "
            "punctuation and symbols except `!` and `?`.",
        ),
        (
            (True, False, True, ""),
            "Removed from a text before the model reads it: @handles and all punctuation and "
            "symbols.",
        ),
        ((False, True, True, "all"), "Removed from a text before the model reads it: URLs."),
    ],
)
def test_what_the_model_reads_is_told(
    generate: ModuleType, reads: tuple[bool, bool, bool, str], said: str
) -> None:
    names = ("urls", "handles", "emoji", "marks")
    assert generate.card.reads(dict(zip(names, reads, strict=True))) == said


def test_both_kinds_of_model_are_compared(generate: ModuleType) -> None:
    metrics = {"texts": 1026, "accuracy": of(0.8142), "auc": of(0.7)}
    candidates = {
        "student": {"metrics": metrics, "size": 9_123_456},
        "encoder": {"metrics": {**metrics, "accuracy": of(0.83)}, "size": 20_100_000},
    }
    shown = {"kind": "encoder", "candidates": candidates}

    assert generate.card.candidates(shown).splitlines()[2:] == [
        "| | accuracy | area under the ROC curve | model file |",
        "|---|---|---|---|",
        "| student | 0.814 (0.714 to 0.914) | 0.700 (0.600 to 0.800) | 9.1 MB |",
        "| encoder, which ships | 0.830 (0.730 to 0.930) | 0.700 (0.600 to 0.800) | 20.1 MB |",
    ]
    assert generate.card.candidates({"kind": "student"}) == ""


def test_what_the_model_learned_is_told_as_far_as_it_is_known(generate: ModuleType) -> None:
    taught = {
        "assistant_layers": 6,
        "linear": 0.5,
        "labelled": 1000,
        "unlabelled": 0,
        "texts": 12_000,
    }
    teachers = {"teachers": 5, "weight": 0.7}
    alone = generate.card.learned({"distillation": taught})
    both = generate.card.learned(
        {"distillation": {**taught, "unlabelled": 50}, "teachers": teachers}
    )

    assert "An assistant of 6 layers was trained on 1,000 labelled texts." in alone
    assert "a linear model over characters and word pairs counts 50 %" in alone
    assert "The student was trained on 12,000 texts in all." in alone
    assert "teachers" not in alone
    assert "The teachers, 5 large encoders, gave" in both
    assert "1,000 labelled texts and 50 others." in both
    assert "linear" not in generate.card.learned({"distillation": {**taught, "linear": 0}})
    assert generate.card.learned({}) == ""


def test_written_texts_are_counted_where_there_are_some(generate: ModuleType) -> None:
    written = [
        {"label": "a", "text": "one"},
        {"label": "b", "text": "two", "known": "wrong"},
        {"label": "a", "text": "three"},
    ]

    assert generate.card.failures([]) == ""
    said = generate.card.failures(written)
    assert "has 3 texts" in said
    assert "gets 2 of them right" in said
    assert said.endswith("\n\n- `b`: *two*")
    assert "wrong" not in generate.card.failures(written[:1])


def test_the_card_leaves_no_placeholder_and_tells_all_measures(
    generate: ModuleType, manifest: dict[str, Any]
) -> None:
    template = (ROOT / "docs" / "MODEL_CARD.template.md").read_text("utf-8")
    card = generate.card.model_card(template, manifest, [])

    for name in generate.card.values(manifest, []):
        assert f"${name}" not in card
        assert f"${{{name}}}" not in card
    assert "\n\n\n" not in card
    for part in ("metrics_table", "confusion_table", "robustness_table", "slices_table"):
        assert getattr(generate.card, part)(manifest) in card
    assert generate.card.calibrated(manifest) in card
    assert generate.card.reads(manifest["reads"]) in card
    assert f"| kind | {manifest['kind']} |" in card
    for label in manifest["labels"]:
        assert f"| labelled `{label}` |" in card


def test_the_card_of_four_labels_tells_of_no_threshold(
    generate: ModuleType, four_labels: Path
) -> None:
    manifest = json.loads((four_labels / "manifest.json").read_text("utf-8"))
    template = "$facts\n\n$metrics\n\n$calibrated\n\n$confusion"
    card = generate.card.model_card(template, manifest, [])
    readme = generate.metrics(manifest)

    assert "| threshold |" not in card
    assert "| calibration | temperature = 1.25; biases = 0.1, -0.2, 0.3, -0.2 |" in card
    for page in (card, readme):
        assert "| macro F1 |" in page
        assert "| F1 |" not in page
    assert "A text gets the most probable label; there is no threshold." in card
    of_labels = zip(manifest["labels"], manifest["metrics"]["confusion_matrix"], strict=True)
    for label, counts in of_labels:
        assert f"| labelled `{label}` | {' | '.join(map(str, counts))} |" in card


def test_the_readme_has_the_measures_but_not_the_calibration(
    generate: ModuleType, manifest: dict[str, Any]
) -> None:
    said = generate.metrics(manifest)

    accuracy = manifest["metrics"]["accuracy"]["value"]
    assert f"| accuracy | {accuracy:.3f} |" in said
    assert "calibration" not in said
    assert generate.card.measured_texts(manifest) in said
    assert generate.metrics() in (ROOT / "README.md").read_text("utf-8")


def test_few_texts_of_a_label_are_a_reason_for_caution(
    generate: ModuleType, manifest: dict[str, Any]
) -> None:
    certain = {"value": 1.0, "low": 1.0, "high": 1.0}
    labels = manifest["labels"]
    said = []
    for count in (14, 30):
        matrix = [[count * (row == column) for column in labels] for row in labels]
        metrics = {**manifest["metrics"], "accuracy": certain, "confusion_matrix": matrix}
        of_few = {**manifest, "metrics": metrics}
        said.append(generate.card.caution(of_few))
        assert generate.metrics(of_few).endswith(f"MB.\n\n{said[-1]}")
        assert generate.card.values(of_few, [])["caution"] == said[-1]

    assert said[0].startswith(f"**Caution:** only 14 {labels[0]}")
    assert "with fewer than 30 texts of a class the intervals are too narrow" in said[0]
    assert said[1].startswith("**Caution:** the intervals of accuracy have no width")


@pytest.mark.parametrize("text", ["plain", 'with "quotes"', "it's $5!", "a `b` \\ c"])
def test_a_text_is_one_word_of_a_shell(text: str) -> None:
    assert shlex.split(as_argument(text)) == [text]
