"""The student in integers: near the trained model, within its bounds, and exact."""

from __future__ import annotations

import io
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from disaster_tweets.runtime.integers import LEVELS, WINDOW, Integers, layout
from pipeline import encoder
from pipeline.encoder import LAYER_NORM_EPSILON, Tensors
from pipeline.integers import check, pool, quantize, rounded, standardized
from pipeline.project import PipelineError
from pipeline.targets import probabilities
from tests.exact import exact_logits, exact_pooled, record_of

PIECES, WIDTH, FILTERS, HIDDEN = 80, 24, 12, 7


def model(outputs: int = 1, width: int = WIDTH, filters: int = FILTERS) -> Tensors:
    """Return a random model of the form of a student, with logits well away from 0."""
    generator = np.random.default_rng(3)

    def normal(*shape: int, mean: float = 0, deviation: float = 1) -> np.ndarray:
        return generator.normal(mean, deviation, shape).astype(np.float32)

    pooled = 2 * filters
    return {
        "embeddings.word_embeddings.weight": normal(PIECES, width, deviation=0.05),
        "embeddings.LayerNorm.weight": normal(width, mean=1, deviation=0.2),
        "embeddings.LayerNorm.bias": normal(width, deviation=0.1),
        "convolution.weight": normal(WINDOW, width, filters, deviation=0.4 / np.sqrt(width)),
        "convolution.bias": normal(filters, deviation=0.1),
        "hidden.weight": normal(HIDDEN, pooled, deviation=2 / np.sqrt(pooled)),
        "hidden.bias": normal(HIDDEN, deviation=0.1),
        "classifier.weight": normal(outputs, pooled + HIDDEN, deviation=0.3),
        "classifier.bias": normal(outputs, deviation=0.2),
    }


def texts(count: int, longest: int = 30, seed: int = 5) -> list[list[int]]:
    """Return the token ids of random texts of 2 or more tokens."""
    generator = np.random.default_rng(seed)
    lengths = generator.integers(2, longest + 1, count)
    return [generator.integers(0, PIECES, length).tolist() for length in lengths]


def float_logits(tensors: Tensors, encoded: list[list[int]]) -> np.ndarray:
    """Return the logits (texts, outputs) of the network before quantization, in float64."""
    w = {name: value.astype(np.float64) for name, value in tensors.items()}
    logits = []
    for ids in encoded:
        words = w["embeddings.word_embeddings.weight"][ids]
        words = words - words.mean(axis=1, keepdims=True)
        words /= np.sqrt((words**2).mean(axis=1, keepdims=True) + LAYER_NORM_EPSILON)
        words = words * w["embeddings.LayerNorm.weight"] + w["embeddings.LayerNorm.bias"]
        padded = np.pad(words, ((1, 1), (0, 0)))
        responses = sum(
            padded[i : i + len(ids)] @ w["convolution.weight"][i] for i in range(WINDOW)
        )
        responses = np.maximum(responses + w["convolution.bias"], 0)
        pooled = np.concatenate([responses.max(axis=0), responses.mean(axis=0)])
        units = np.maximum(w["hidden.weight"] @ pooled + w["hidden.bias"], 0)
        both = np.concatenate([pooled, units])
        logits.append(w["classifier.weight"] @ both + w["classifier.bias"])
    return np.array(logits)


def content_of(record: Any) -> bytes:
    content = io.BytesIO()
    np.save(content, np.array([record]), allow_pickle=False)
    return content.getvalue()


def assert_exact(content: bytes, encoded: list[list[int]]) -> None:
    expected = exact_logits(record_of(content), encoded)
    np.testing.assert_array_equal(Integers(content).logits(encoded), expected)


class TestQuantize:
    @pytest.mark.parametrize("outputs", [1, 3, 5])
    def test_it_is_nearly_the_trained_model(self, outputs: int) -> None:
        tensors, encoded = model(outputs), texts(300)
        content = quantize(tensors, texts(200, seed=6))
        logits = Integers(content).logits(encoded)
        assert logits.shape == (300, max(outputs, 2))
        found, expected = logits[:, -outputs:], float_logits(tensors, encoded)
        before, after = probabilities(expected), probabilities(found)

        assert before.std() > 0.1  # the logits differ, so errors could be large
        assert np.abs(after - before).mean() < 0.006
        for i in range(outputs):  # the errors have no bias
            slope, intercept = np.polyfit(expected[:, i], found[:, i], 1)
            assert abs(slope - 1) < 0.01
            assert abs(intercept) < 0.02

    def test_a_word_piece_that_is_far_out_is_kept(self) -> None:
        tensors = model(width=400, filters=200)
        far = np.zeros(400, np.float32)
        far[7] = 1  # 20 standard deviations after normalization, which is more than 127 steps
        tensors["embeddings.word_embeddings.weight"][9] = far
        encoded = [[9, 9], [3, 9, 4], [9, 5]]
        content = quantize(tensors, texts(200))

        assert np.abs(record_of(content)["embeddings"][9]).max() == 127
        logits = Integers(content).logits(encoded)
        np.testing.assert_allclose(logits[:, 1:], float_logits(tensors, encoded), atol=0.25)

    def test_filters_that_are_dead_or_never_respond(self) -> None:
        tensors, encoded = model(), texts(40)
        for i, bias in enumerate((0, -3, 3)):
            tensors["convolution.weight"][:, :, i] = 0
            tensors["convolution.bias"][i] = bias
        tensors["convolution.bias"][3] = -100
        content = quantize(tensors, texts(200, seed=6))
        record = record_of(content)
        pooled = exact_pooled(record, encoded)

        for name in record.dtype.names:
            assert np.isfinite(record[name]).all(), name
        dead = pooled.reshape(len(encoded), 2, -1)[:, :, [0, 1, 3]]
        assert not dead.any()
        # The response to filter 2 is the same in every text.
        assert np.ptp(pooled.reshape(len(encoded), 2, -1)[:, :, 2]) == 0
        assert_exact(content, encoded)
        logits = Integers(content).logits(encoded)
        np.testing.assert_allclose(logits[:, 1:], float_logits(tensors, encoded), atol=0.1)

    def test_a_response_beyond_all_of_the_training_texts_counts_as_the_largest(self) -> None:
        content = quantize(model(), [[0, 0]] * 3)
        encoded = texts(60)
        record = record_of(content)
        pooled = exact_pooled(record, encoded)

        assert (pooled == LEVELS).any()
        assert pooled.max() == LEVELS
        assert_exact(content, encoded)

    def test_unused_hidden_units_change_nothing(self) -> None:
        tensors, encoded = model(), texts(20)
        tensors["hidden.weight"][2], tensors["hidden.bias"][2] = 0, 0
        content = quantize(tensors, texts(200, seed=6))

        logits = Integers(content).logits(encoded)
        np.testing.assert_allclose(logits[:, 1:], float_logits(tensors, encoded), atol=0.1)

    def test_bounds_hold_where_most_weights_are_rounded_up(self) -> None:
        tensors = model(filters=256)
        tensors["hidden.weight"][:], tensors["hidden.bias"][:] = 1, 0
        of_ones = record_of(quantize(tensors, texts(50)))["hidden"].T
        # One weight decides the scale. In this scale, the other weights are just above 0.5.
        tensors["hidden.weight"][:] = 0.6 / 16_000 / of_ones
        tensors["hidden.weight"][:, 0] = 1 / of_ones[:, 0]
        content = quantize(tensors, texts(50))

        assert (record_of(content)["hidden"][1:] == 1).mean() > 0.5
        check(record_of(content))

    @pytest.mark.parametrize(
        ("layers", "filters", "hidden"), [([1], 5, 3), ([], 0, 0), ([], 5, 0), ([0, 1], 0, 0)]
    )
    def test_another_form_is_refused(
        self, reference: ModuleType, layers: list[int], filters: int, hidden: int
    ) -> None:
        whole = encoder.from_checkpoint(reference.tiny_checkpoint(), list(range(60)), 8)
        tensors = encoder.reduce(whole, layers, 4, filters, seed=1, hidden=hidden)
        with pytest.raises(PipelineError, match=r"^params\.yaml: .*student\.layers to \[\]"):
            quantize(tensors, [[1, 2]])


class TestBounds:
    def empty(self, width: int = 4) -> Any:
        return np.zeros(1, layout(10, width, 3, 2, 1))[0]

    def test_sums_that_just_fit_pass_and_are_exact(self) -> None:
        record = self.empty()
        record["embeddings"][:, 0], record["filters"][0] = 1, 127
        record["factors"], record["pooling"] = 1e6, 1e9  # maximal pooled values
        record["hidden"][:, 0] = [16_399, 0, 0, 0, 0, 0]
        record["hidden_bias"][0] = 2**24 - 1 - 16_399 * LEVELS
        record["output"][-2] = 2**29 - 1
        record["unit"] = 1.0
        check(record)

        assert exact_logits(record, [[3, 4]])[0, 1] == (2**24 - 1) * (2**29 - 1)
        assert_exact(content_of(record), [[3, 4], [3, 4, 5]])

    @pytest.mark.parametrize(
        ("name", "value", "width"),
        [
            ("hidden", 2**24 // LEVELS // 6 + 1, 4),
            ("hidden_bias", 2**24, 4),
            ("output_bias", 2**53, 4),
            ("output", 2**53 // LEVELS // 6 + 1, 4),
            ("filters", 127, 1100),
        ],
    )
    @pytest.mark.parametrize("sign", [1, -1])
    def test_a_sum_that_may_be_inexact_does_not(
        self, name: str, value: int, width: int, sign: int
    ) -> None:
        record = self.empty(width)
        check(record)
        record[name] = sign * value
        with pytest.raises(AssertionError):
            check(record)

    def test_what_hidden_units_may_become_counts_for_the_outputs(self) -> None:
        record = self.empty()
        record["output"][-1] = 2**36
        check(record)
        record["hidden_bias"][-1] = 2**17
        with pytest.raises(AssertionError):
            check(record)


class TestRounding:
    def values(self) -> tuple[np.ndarray, np.ndarray]:
        generator = np.random.default_rng(8)
        # The kernel weights of some dimensions are much larger than those of others.
        kernel = generator.normal(0, 1, (32, 20)) * np.linspace(0.1, 3, 32)[:, None]
        return generator.normal(0, 8, (200, 32)), kernel

    def test_errors_make_up_for_each_other(self) -> None:
        values, kernel = self.values()
        before = values.copy()
        integers = rounded(values, kernel)
        np.testing.assert_array_equal(values, before)
        np.testing.assert_array_equal(integers, np.rint(integers))
        assert np.abs(integers).max() <= 127

        def error(found: np.ndarray) -> float:
            return float(np.square((found - values) @ kernel).mean())

        assert error(integers) < error(np.rint(values)) / 2

    def test_integers_stay(self) -> None:
        values, kernel = self.values()
        np.testing.assert_array_equal(rounded(np.rint(values), kernel), np.rint(values))

    def test_values_beyond_int8_are_cut(self) -> None:
        values, kernel = self.values()
        values[0] *= 100
        assert np.abs(rounded(values, kernel)).max() == 127

    def test_a_dimension_that_nothing_reads(self) -> None:
        values, kernel = self.values()
        kernel[5] = 0
        np.testing.assert_array_equal(rounded(values, kernel)[:, 5], np.rint(values[:, 5]))


def test_embeddings_are_normalized_each() -> None:
    embeddings = np.random.default_rng(1).normal(5, 3, (7, 300)).astype(np.float32)
    standard = standardized(embeddings)
    np.testing.assert_allclose(standard.mean(axis=1), 0, atol=1e-6)
    np.testing.assert_allclose(standard.std(axis=1), 1, atol=1e-6)
    assert standard.dtype == np.float64


def test_pooling_is_over_each_token_with_its_neighbours() -> None:
    left, middle, right = np.eye(3)[:, :, None] * [[[1.0]], [[10.0]], [[100.0]]]
    contributions = np.concatenate([left, middle, right], axis=1)  # (3 tokens, 3 columns)
    # Token 0 adds 1 to the next token, token 1 adds 10 to itself, and token 2 adds 100 to the
    # token before it.
    assert pool(contributions, [[0, 1, 2], [2, 0], [1, 1]]).tolist() == [
        [111, 37],
        [0, 0],
        [10, 10],
    ]


@pytest.mark.parametrize("outputs", [1, 3, 5])
def test_the_runtime_gives_the_same_bits_as_sums_of_integers_of_any_size(outputs: int) -> None:
    """tests/test_integers.py tests batches and threads."""
    content = quantize(model(outputs), texts(100, seed=6))
    assert_exact(content, [*texts(20, longest=2), *texts(3, longest=500), *texts(40)])
