"""Format measured values, and renew the measured part of a page of the documentation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from statistics import median


def figures(value: float) -> str:
    """Return a number with three significant figures, or with all digits before the point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:#.3g}"


def spread(values: Sequence[float]) -> str:
    """Return the median of some values, with the lowest and the highest in brackets."""
    return f"{figures(median(values))} ({figures(min(values))} to {figures(max(values))})"


def renew(page: Path, script: str, text: str) -> None:
    """Replace the part of a page that ``benchmarks/script`` measures."""
    part = re.compile(
        rf"(<!-- measured: python benchmarks/{re.escape(script)} -->\n)"
        r".*?(<!-- /measured -->)",
        re.DOTALL,
    )
    renewed, count = part.subn(
        lambda found: found[1] + text + found[2], page.read_text("utf-8")
    )
    if count != 1:
        raise ValueError(f"{page}: no part that benchmarks/{script} measures")
    page.write_text(renewed, "utf-8", newline="\n")
