"""What docs/generate.py makes of a manifest."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

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


def test_the_table_of_noises(generate: ModuleType) -> None:
    assert generate.robustness_table(MANIFEST).splitlines()[2:] == [
        "| spelling | 0.062 | 0.124 | 0.750 | 6.8 % |",
        "| upper case | 0.000 | 0.000 | 0.002 | 0.0 % |",
        "| URL added | 0.000 | 0.000 | 0.000 | 0.0 % |",
    ]


def test_the_table_of_slices(generate: ModuleType) -> None:
    table = generate.slices_table(MANIFEST).splitlines()

    assert len({row.count("|") for row in table}) == 1
    assert table[2:] == [
        "| with a URL | 1,479 | 0.814 (0.714 to 0.914) | 0.700 (0.600 to 0.800) "
        "| 0.300 (0.200 to 0.400) |",
        "| of up to 4 words | 36 | 0.600 (0.500 to 0.700) | 0.500 (0.400 to 0.600) "
        "| 0.200 (0.100 to 0.300) |",
    ]


def test_the_readme_says_what_moves_the_score_and_what_does_not(generate: ModuleType) -> None:
    said = " ".join(generate.steadiness(MANIFEST).split())

    assert "spelling moves the probability most: by 0.062 on average, and 6.8 %" in said
    # Not the upper case, which moves one text a little.
    assert "Not moved at all by: URL added." in said
    assert (
        "lowest on texts of up to 4 words, 0.600, and highest on texts with a URL, 0.814"
        in said
    )


def test_a_model_is_told_in_words_whatever_it_has(generate: ModuleType) -> None:
    ends = {"width": 384, "parameters": 7}
    layers = {"layers": 6, "heads": 12, "feed_forward": 1536}
    convolution = {"filters": 256, "window": 3}
    start = "embeddings of word pieces, 384 wide; layer normalization; "
    told_layers = "6 encoder layers with 12 attention heads and 1,536 feed-forward units; "
    told_convolution = (
        "a convolution of 256 filters over 3 neighbouring pieces; "
        "the largest and the mean response of each filter; "
    )

    assert (
        generate.structure({**ends, "layers": 0, **convolution})
        == f"{start}{told_convolution}one logit"
    )
    assert (
        generate.structure({**ends, **layers, "filters": 0})
        == f"{start}{told_layers}the mean over the pieces; one logit"
    )
    assert (
        generate.structure({**ends, **layers, **convolution})
        == f"{start}{told_layers}{told_convolution}one logit"
    )
    assert (
        generate.structure({**ends, "layers": 0, **convolution, "hidden": 64})
        == f"{start}{told_convolution}64 hidden units that read these; one logit"
    )
    one = generate.structure({**ends, **layers, "layers": 1, "filters": 0})
    assert "; an encoder layer with 12 attention heads and" in one


# begin: left out of a copy
def test_the_card_leaves_no_placeholder_and_tells_all_measures(
    generate: ModuleType, manifest: dict[str, Any]
) -> None:
    template = (ROOT / "docs" / "MODEL_CARD.template.md").read_text("utf-8")
    card = generate.model_card(template, manifest)

    assert "$" not in card
    assert generate.robustness_table(manifest) in card
    assert generate.slices_table(manifest) in card
    assert f"| {generate.structure(manifest['architecture'])} |" in card
    assert f"| {manifest['architecture']['parameters']:,} |" in card


# end: left out of a copy
