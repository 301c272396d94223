"""The small model: its logits are exact, in any batch and on any processor."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from disaster_tweets import bundle
from disaster_tweets.runtime import STUDENT
from disaster_tweets.runtime.integers import LEVELS, Integers

from .conftest import Run
from .exact import exact_logits, record_of

try:
    from numpy._core import _multiarray_umath as numpy_core
except ImportError:  # before NumPy 2
    from numpy.core import _multiarray_umath as numpy_core

FEATURES: dict[str, bool] = numpy_core.__cpu_features__

IN_A_PROCESS = """
import json, sys
from pathlib import Path
from disaster_tweets.runtime.integers import Integers
for model, encoded in json.load(sys.stdin):
    logits = Integers(Path(model)).logits(encoded)
    print(json.dumps([[logit.hex() for logit in row] for row in logits.tolist()]))
"""


class Model(NamedTuple):
    """A model, and texts with the logits that it gives them."""

    path: Path
    encoded: list[list[int]]
    logits: np.ndarray[Any, Any]


@pytest.fixture(scope="module")
def models(four_labels: Path) -> dict[str, Model]:
    """The small models: a made-up one with four labels, and the topic's if it is small."""
    folders = {"the topic's": bundle.bundled(), "four labels": four_labels}
    bundles = {name: bundle.read(folder) for name, folder in folders.items()}
    return {
        name: with_texts(files)
        for name, files in bundles.items()
        if files.manifest["kind"] == STUDENT
    }


@pytest.fixture(params=["the topic's", "four labels"])
def model(request: pytest.FixtureRequest, models: dict[str, Model]) -> Model:
    if request.param not in models:
        pytest.skip("the topic's model is an encoder, which LiteRT runs")
    return models[request.param]


def with_texts(files: bundle.Bundle) -> Model:
    assert isinstance(files.model, Path)
    random_ = random.Random(1)
    pieces, longest = len(files.vocabulary), files.manifest["max_tokens"]
    used = random_.sample(range(pieces), min(pieces, 1200))
    lengths = [*range(1, 12), *random_.choices(range(8, 40), k=70), longest - 1, longest]
    encoded = [random_.choices(used, k=length) for length in lengths]
    random_.shuffle(encoded)
    return Model(files.model, encoded, exact_logits(record_of(files.model), encoded))


class TestOneProcess:
    """Results are equal bit for bit: the tests use ``==``, without tolerance."""

    def test_texts_differ(self, model: Model) -> None:
        assert len(np.unique(model.logits, axis=0)) > len(model.encoded) * 0.9

    @pytest.mark.parametrize("open_", [lambda path: path, Path.read_bytes])
    def test_from_a_file_and_from_its_content(
        self, model: Model, open_: Callable[[Path], Path | bytes]
    ) -> None:
        found = Integers(open_(model.path)).logits(model.encoded)

        assert found.dtype == np.float64
        assert np.array_equal(found, model.logits)

    def test_alone(self, model: Model) -> None:
        runtime = Integers(model.path)
        for ids, logits in zip(model.encoded, model.logits, strict=True):
            assert np.array_equal(runtime.logits([ids]), [logits])

    @pytest.mark.parametrize("texts", [2, 7, 31, 32, 33, 64, 65])
    def test_in_batches_in_any_order(self, model: Model, texts: int) -> None:
        runtime = Integers(model.path)
        order = np.random.default_rng(texts).permutation(len(model.encoded))
        for start in range(0, len(order), texts):
            batch = order[start : start + texts]
            found = runtime.logits([model.encoded[i] for i in batch])
            assert np.array_equal(found, model.logits[batch])

    def test_none(self, model: Model) -> None:
        assert Integers(model.path).logits([]).shape == (0, model.logits.shape[1])

    def test_threads_that_meet_the_same_tokens_first(self, model: Model) -> None:
        def agree(seed: int) -> bool:
            order = np.random.default_rng(seed).permutation(len(model.encoded))
            return all(
                np.array_equal(runtime.logits([model.encoded[i]])[0], model.logits[i])
                for i in order
            )

        runtime = Integers(model.path)
        with ThreadPoolExecutor(8) as threads:
            assert all(threads.map(agree, range(8)))


def test_every_sum_is_exact_in_floating_point(model: Model) -> None:
    record = record_of(model.path)

    def sums(name: str) -> Any:
        return np.abs(record[name].astype(np.float64)).sum(axis=0)

    pooled = len(record["pooling"])
    units = LEVELS * sums("hidden") + np.abs(record["hidden_bias"])
    weights = np.abs(record["output"])
    outputs = LEVELS * weights[:pooled].sum(axis=0) + units @ weights[pooled:]
    assert 128 * sums("filters").max() < 2**24
    assert units.max() < 2**24
    assert (outputs + np.abs(record["output_bias"])).max() < 2**53


class TestProcessors:
    """Processes in which NumPy and OpenBLAS run their code for other processors."""

    @pytest.fixture
    def start(self, run: Run, models: dict[str, Model]) -> Callable[..., str]:
        """Start a process that must compute the same logits; return its messages."""

        def start(**env: str) -> str:
            given = json.dumps([(str(m.path), m.encoded) for m in models.values()]).encode()
            done = run("python", "-c", IN_A_PROCESS, stdin=given, OPENBLAS_VERBOSE="2", **env)
            assert done.status == 0, done.err
            for line, model in zip(done.out.splitlines(), models.values(), strict=True):
                rows = [[float.fromhex(logit) for logit in row] for row in json.loads(line)]
                assert np.array_equal(rows, model.logits)
            return done.err

        return start

    def test_no_instructions_that_numpy_can_do_without(self, start: Callable[..., str]) -> None:
        dispatched = [name for name in numpy_core.__cpu_dispatch__ if FEATURES[name]]
        if not dispatched:
            pytest.skip("NumPy has nothing for this processor that it can do without")
        start(NPY_DISABLE_CPU_FEATURES=" ".join(dispatched), OPENBLAS_NUM_THREADS="1")

    @pytest.mark.parametrize(
        ("core", "needs"),
        [
            ("Nehalem", "SSE42"),
            ("Haswell", "FMA3"),
            ("SkylakeX", "AVX512_SKX"),
            ("armv8", "ASIMD"),
            ("neoversen1", "ASIMDDP"),
            ("neoversev1", "SVE"),
        ],
    )
    def test_kernels_of_openblas(
        self, start: Callable[..., str], core: str, needs: str
    ) -> None:
        if not FEATURES.get(needs):
            pytest.skip(f"the processor has no {needs}")
        messages = start(OPENBLAS_CORETYPE=core, OPENBLAS_NUM_THREADS="4")
        if "Core: " not in messages:
            pytest.skip("NumPy's BLAS is not an OpenBLAS for many processors")
        assert f"Core: {core}" in messages
