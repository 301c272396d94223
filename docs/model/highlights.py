"""Write the README's highlights, with numbers from the manifest and from measurements.md."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "docs"))

from hosts import HOSTS  # noqa: E402

MEASUREMENTS = ROOT / "docs" / "model" / "measurements.md"


def highlights() -> str:
    """Return a list of the classifier's strengths, each with its number."""
    manifest = json.loads((ROOT / "artifacts" / "manifest.json").read_text("utf-8"))
    accuracy = manifest["metrics"]["accuracy"]["value"]
    rate = round(budget("10,000 distinct tweets, one core"), -3)
    wheel, installed = budget("wheel"), budget("installed, with dependencies")
    return "\n".join(
        [
            f"- **Accurate.** It labels {100 * accuracy:.0f} % of unseen tweets right.",
            f"- **Fast.** One processor core scores {rate:,.0f} tweets a second.",
            f"- **Small.** The wheel is {wheel:.0f} MB. Installed, with NumPy and the other "
            f"dependencies, it is {installed:.0f} MB.",
            "- **Reproducible.** A tweet had the same score, to the last bit, on all "
            f"{environments()} combinations of processor, Python and NumPy that were compared.",
            f"- **Plugs in.** It works inside {len(HOSTS)} programs, among them DuckDB, Spark, "
            "Polars, spaCy and Datasette.",
        ]
    )


def budget(name: str) -> float:
    """Return the measured value of a budget: the first number in its row."""
    row = re.search(
        rf"^\| {re.escape(name)} \| (?:median )?([\d.,]+)",
        MEASUREMENTS.read_text("utf-8"),
        re.MULTILINE,
    )
    if row is None:
        sys.exit(f"{MEASUREMENTS.name}: no row {name!r}, from which the README has a number")
    return float(row[1].replace(",", ""))


def environments() -> int:
    """Return the number of environments with equal scores; exit if any score differed."""
    section = MEASUREMENTS.read_text("utf-8").partition("## Scores on other processors")[2]
    differences = re.findall(r"\| (\d+) \|$", section.partition("\n## ")[0], re.MULTILINE)
    if not differences or set(differences) != {"0"}:
        sys.exit(f"{MEASUREMENTS.name}: some scores differ, and the README says that none does")
    return len(differences)
