"""How far scores move on another processor: the golden tweets against their recorded scores.

LiteRT picks its kernels by the processor's instruction sets, and kernels round differently.
``--under`` runs the same check on an emulated processor.
"""

from __future__ import annotations

import argparse
import json
import platform
import shlex
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

ARTIFACTS = Path(__file__).parents[1] / "artifacts"


def differences(tweets: int | None) -> list[float]:
    """Return how far each golden tweet's probability is from the recorded one."""
    from disaster_tweets import Classifier

    golden = json.loads((ARTIFACTS / "golden.json").read_text("utf-8"))[:tweets]
    scores = Classifier.load(ARTIFACTS).predict_proba([tweet["text"] for tweet in golden])
    return [
        abs(score - tweet["probability"])
        for score, tweet in zip(scores[:, 1].tolist(), golden, strict=True)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tweets", type=int, help="score only the first TWEETS (default: all)")
    parser.add_argument(
        "--under",
        metavar="COMMAND",
        type=shlex.split,
        help="an emulator to run Python under, such as 'valgrind -q --tool=none'",
    )
    arguments = parser.parse_args()
    if arguments.under:
        again = [*arguments.under, sys.executable, __file__]
        if arguments.tweets is not None:
            again += ["--tweets", str(arguments.tweets)]
        print("under", shlex.join(arguments.under), flush=True)
        sys.exit(subprocess.run(again).returncode)
    moved = differences(arguments.tweets)
    tolerance = json.loads((ARTIFACTS / "manifest.json").read_text("utf-8"))["golden_tolerance"]
    print(
        f"{platform.machine()}, Python {platform.python_version()}, "
        f"ai-edge-litert {version('ai-edge-litert')}: {len(moved)} golden tweets, "
        f"largest difference {max(moved):.6f}, mean {sum(moved) / len(moved):.6f}, "
        f"tolerance {tolerance}"
    )
    sys.exit(0 if max(moved) <= tolerance else 1)


if __name__ == "__main__":
    main()
