"""Draw docs/model/predict.svg, the output of the command in a terminal. This needs rich."""

from __future__ import annotations

import subprocess
import sys
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

TWEETS = [
    "Just happened a terrible car crash",
    "this mixtape is fire",
    "Wildfire has crossed the highway, everyone out now",
]


def main() -> None:
    """Run the command and save its output as a picture."""
    done = subprocess.run(
        [sys.executable, "-m", "disaster_tweets", "predict", *TWEETS],
        capture_output=True,
        text=True,
        check=True,
    )
    console = Console(record=True, width=88, file=StringIO())
    arguments = " \\\n    ".join(f'"{tweet}"' for tweet in TWEETS)
    console.print(Text(f"$ disaster-tweets predict {arguments}", style="bold"))
    for line in done.stdout.splitlines():
        probability, label, text = line.split("\t")
        color = "red" if label == "disaster" else "green"
        console.print(Text.assemble(f"{probability}  ", (f"{label:<14}", color), text))
    console.save_svg(str(Path(__file__).with_name("predict.svg")), title="disaster-tweets")


if __name__ == "__main__":
    main()
