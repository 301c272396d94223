r"""Compares scores bit for bit between processors and versions of NumPy, BLAS and Python.

    python benchmarks/drift.py                             this Python, as on older processors
    python benchmarks/drift.py --numpy numpy==1.26.0       and another NumPy, which pip installs
    python benchmarks/drift.py --python NAME COMMAND       and another Python, with NumPy

Each environment scores the golden texts, made-up texts and those of a file, in a different
order. Token ids, logits and probabilities are compared with those of this Python. Prints a
Markdown table. Exit status 1: a score differs by more than the model's tolerance, which is 0
for a model in integers.

More environments, on Debian 13 with the packages qemu-user and debootstrap. Each is an argument
of this command:

    A NumPy without any BLAS (needs a compiler for C++, and some minutes):

        --numpy "numpy --no-binary numpy -Csetup-args=-Dblas=none -Csetup-args=-Dlapack=none
            -Csetup-args=-Dallow-noblas=true"

    Another processor of the same family (qemu-x86_64 -cpu help lists them):

        --python Nehalem "qemu-x86_64 -cpu Nehalem $(which python)"

    64-bit ARM, in a folder arm64/ (debootstrap runs as root), with NumPy's own wheel:

        debootstrap --arch=arm64 --foreign --variant=minbase --include=python3-numpy \
            trixie arm64
        for package in arm64/var/cache/apt/archives/*.deb; do dpkg-deb -x $package arm64; done
        pip install --target arm64/numpy --only-binary :all: --python-version 3.13 \
            --platform manylinux_2_28_aarch64 --platform manylinux_2_27_aarch64 numpy

        --python "Neoverse N1" "qemu-aarch64 -cpu neoverse-n1 -L arm64
            -E PYTHONPATH=arm64/numpy arm64/usr/bin/python3.13"

    Others are cortex-a57, a64fx (SVE) and max,sme512=on (SME). With max alone, SME has vectors
    of another length, for which OpenBLAS 0.3.34 multiplies matrices of float64 wrongly.

    With Debian's own NumPy and its plain BLAS instead, and alike for other machines:

        --python ARM64 "qemu-aarch64 -L arm64
            -E LD_LIBRARY_PATH=/usr/lib/aarch64-linux-gnu/blas:/usr/lib/aarch64-linux-gnu/lapack
            arm64/usr/bin/python3.13"
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from environments import ROOT, Environment, NotMeasuredError

ARTIFACTS = ROOT / "artifacts"

# Kernel sets of a generic OpenBLAS build, and the processor feature that each needs.
CORES = {
    "Nehalem": "SSE42",
    "Sandybridge": "AVX",
    "Haswell": "FMA3",
    "SkylakeX": "AVX512_SKX",
    "armv8": "ASIMD",
    "neoversen1": "ASIMDDP",
    "neoversev1": "SVE",
}

PARTS = [
    *("https://example.com/a?b=1", "@some_body", "&amp;", "&#x1d41f;", "â€™", "\x89Ûª"),
    *("𝐟𝐢𝐫𝐞", "ｆｌｏｏｄ", "ﬁre", "café", "🔥", "👍🏽", "2\ufe0f\u20e3", "火", "!", "\t"),
    *("storm", "warning", "evacuate", "burrito", "unbelievabilityness", "\u20c0", "\ua7dc"),
]


def score() -> None:
    """Score the texts on standard input, in an environment with little more than NumPy."""
    sys.path.insert(0, str(ROOT / "src"))
    import numpy as np

    from disaster_tweets import bundle
    from disaster_tweets.calibration import calibrate
    from disaster_tweets.encoding import Encoding
    from disaster_tweets.runtime import open_model

    files = bundle.read(ARTIFACTS)
    manifest = files.manifest
    encoding = Encoding(manifest["reads"], files.vocabulary, manifest["max_tokens"])
    ids = list(map(encoding.encode, json.load(sys.stdin)))
    logits = open_model(manifest["kind"], files.model).logits(ids)
    probabilities = calibrate(logits, manifest["calibration"], files.calibration)
    found = {
        "machine": platform.machine(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": blas(),
        "scores": [*zip(ids, logits.tolist(), probabilities.tolist(), strict=True)],
    }
    json.dump(found, sys.stdout)


def blas() -> str:
    """Return the name of the library that NumPy multiplies matrices with."""
    from numpy import show_config

    built: Any = show_config(mode="dicts")
    described = built["Build Dependencies"]["blas"]
    try:
        mapped = Path("/proc/self/maps").read_text("utf-8")
    except OSError:
        mapped = ""
    # Debian may have replaced the library since the build.
    if replaced := re.search(r"/([\w-]+/lib(?:blas|mkl_rt)\.\S+)", mapped):
        return replaced[1]
    return f"{described['name']} {described.get('version', '')}".strip()


def measure(command: list[str], texts: list[str], env: dict[str, str]) -> dict[str, Any]:
    """Return the output of `score` in an environment.

    Raises:
        NotMeasuredError: The command fails.
    """
    done = subprocess.run(
        [*command, __file__, "--score"],
        input=json.dumps(texts).encode(),
        capture_output=True,
        env={**os.environ, "OPENBLAS_VERBOSE": "2", **env},
    )
    messages = done.stderr.decode(errors="replace")
    if done.returncode:
        last = messages.strip().splitlines()[-1:] or ["it gives no reason"]
        raise NotMeasuredError(f"exit status {done.returncode}: {last[0]}")
    found: dict[str, Any] = json.loads(done.stdout)
    if core := re.search("^Core: (.+)$", messages, re.M):
        found["blas"] += f", {core[1]}"
    return found


def disguises() -> Iterator[tuple[str, dict[str, str]]]:
    """Yield settings that make NumPy and OpenBLAS use code for older processors."""
    try:
        from numpy._core import _multiarray_umath as core
    except ImportError:  # before NumPy 2
        from numpy.core import _multiarray_umath as core

    features = core.__cpu_features__
    dispatched = [name for name in core.__cpu_dispatch__ if features[name]]
    for number, name in enumerate(dispatched):
        beyond = " ".join(dispatched[number:])
        yield f"NumPy without {name} and up", {"NPY_DISABLE_CPU_FEATURES": beyond}
    for name, feature in CORES.items():
        if features.get(feature):
            yield f"OpenBLAS for {name}", {"OPENBLAS_CORETYPE": name}
    yield "OpenBLAS with 1 thread", {"OPENBLAS_NUM_THREADS": "1"}
    yield "OpenBLAS with 4 threads", {"OPENBLAS_NUM_THREADS": "4"}


def made_up(count: int) -> list[str]:
    """Return texts like tweets and as many of random characters; the same on each call."""
    from tweets import tweets

    random_ = random.Random(1)

    def part() -> str:
        kind = random_.random()
        if kind < 0.6:
            return random_.choice(PARTS)
        return chr(random_.randrange(0x250 if kind < 0.8 else 0x110000))

    def text() -> str:
        parts = (part() + random_.choice(["", " "]) for _ in range(random_.randrange(60)))
        return "".join(parts)

    return tweets(count, 1) + [text() for _ in range(count)]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--texts", type=Path, help="a file with more texts, one a line")
    parser.add_argument(
        "--made-up", type=int, default=1000, help="of each kind (default: 1000)"
    )
    parser.add_argument(
        "--numpy",
        action="append",
        default=[],
        metavar="ARGUMENTS",
        help="of pip install, for a fresh virtual environment of this Python",
    )
    parser.add_argument(
        "--python",
        action="append",
        default=[],
        nargs=2,
        metavar=("NAME", "COMMAND"),
        help="a Python with NumPy, which may be an emulated one",
    )
    arguments = parser.parse_args()

    golden = json.loads((ARTIFACTS / "golden.json").read_text("utf-8"))
    tolerance = json.loads((ARTIFACTS / "manifest.json").read_text("utf-8"))["golden_tolerance"]
    texts = [each["text"] for each in golden] + made_up(arguments.made_up)
    if arguments.texts:
        texts += arguments.texts.read_text("utf-8").split("\n")

    print("| environment | machine | Python | NumPy | BLAS | texts | differences |")
    print("|---|---|---|---|---|---|---|")
    here = measure([sys.executable], texts, {})
    expected = here["scores"]
    shown = [
        probabilities[1] if len(probabilities) == 2 else max(probabilities)
        for _, _, probabilities in expected[: len(golden)]
    ]
    recorded = [each["probability"] for each in golden]
    alike = [show("this one, beside what is recorded", here, shown, recorded, tolerance)]

    def compare(name: str, command: list[str], env: dict[str, str] | None = None) -> None:
        order = random.Random(name).sample(range(len(texts)), len(texts))
        there = [expected[i] for i in order]
        try:
            found = measure(command, [texts[i] for i in order], env or {})
            alike.append(show(name, found, found["scores"], there, tolerance))
        except (NotMeasuredError, OSError) as error:
            print(f"| {name} | | | | | | {error} |", flush=True)
            alike.append(False)

    for name, env in disguises():
        compare(name, [sys.executable], env)
    for requirements in arguments.numpy:
        with tempfile.TemporaryDirectory() as folder:
            environment = Environment(Path(folder), *shlex.split(requirements))
            compare(f"`pip install {requirements}`", [environment.python])
    for name, command in arguments.python:
        compare(name, shlex.split(command))
    sys.exit(not all(alike))


def show(
    name: str, found: dict[str, Any], scores: list[Any], expected: list[Any], tolerance: float
) -> bool:
    """Print the row of an environment, and return whether its scores are as expected.

    Args:
        name: The name of the environment.
        found: The output of `measure` there.
        scores: For each text its ids, logits and probabilities, or only a probability.
        expected: The expected scores.
        tolerance: The largest difference of a probability; at 0 logits must not differ either.
    """
    different = [pair for pair in zip(scores, expected, strict=True) if pair[0] != pair[1]]
    largest = max((distance(*pair) for pair in different), default=0.0)
    differences = f"{len(different)}, up to {largest:.6f}" if different else "0"
    of_environment = [found[key] for key in ("machine", "python", "numpy", "blas")]
    print("|", " | ".join([name, *of_environment, f"{len(scores):,}", differences]), "|")
    sys.stdout.flush()
    return not different or 0 < largest <= tolerance


def distance(score: Any, expected: Any) -> float:
    """Return the largest difference between the probabilities of two scores."""
    if isinstance(score, float):
        return abs(score - expected)
    return max(map(distance, score[-1], expected[-1]))


if __name__ == "__main__":
    try:
        score() if sys.argv[1:] == ["--score"] else main()
    except NotMeasuredError as error:
        sys.exit(str(error))
