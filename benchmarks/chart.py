"""Draw quality against speed: a point with a title for each model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

OTHER_COLOUR, OUR_COLOUR = "#808080", "#ea580c"  # each readable on white and on black

# Offsets of a title from its point, right and up, the best place first.
PLACES = [
    *((9, 0), (-9, 0), (0, 12), (0, -12), (9, 12), (9, -12), (-9, 12), (-9, -12)),
    *((9, 24), (9, -24), (-9, 24), (-9, -24)),
]


def draw(
    points: Sequence[tuple[float, float]],
    titles: Sequence[str],
    colours: Sequence[str],
    quality: str,
    path: Path,
) -> None:
    """Draw quality against tweets a second; equal measures give equal bytes.

    Args:
        points: Tweets a second and quality of each model.
        titles: The title of each point.
        colours: The colour of each point and its title.
        quality: The label of the vertical axis.
        path: The SVG file to write.
    """
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = path.name
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
    axes.set_xscale("log")
    axes.set_xlabel("tweets a second on one core")
    axes.set_ylabel(quality)
    axes.scatter(*zip(*points, strict=True), c=colours, s=60)
    axes.margins(0.16)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.tick_params(which="both", colors=OTHER_COLOUR)
    for name in ("xaxis", "yaxis"):
        getattr(axes, name).label.set_color(OTHER_COLOUR)
    for spine in axes.spines.values():
        spine.set_color(OTHER_COLOUR)
    axes.spines[["top", "right"]].set_visible(False)
    _put_titles(axes, points, titles, colours)
    figure.savefig(path, transparent=True, metadata={"Date": None})


def _put_titles(
    axes: Any,
    points: Sequence[tuple[float, float]],
    titles: Sequence[str],
    colours: Sequence[str],
) -> None:
    """Put each title beside its point, where it overlaps no other if possible."""
    from matplotlib.transforms import Bbox

    axes.figure.canvas.draw()
    free = axes.bbox
    taken = [
        Bbox.from_bounds(x - 5, y - 5, 10, 10) for x, y in axes.transData.transform(points)
    ]
    for point, title, colour in zip(points, titles, colours, strict=True):
        text = axes.annotate(
            title,
            point,
            PLACES[0],
            textcoords="offset points",
            color=colour,
            fontsize=10,
            va="center",
        )
        for right, up in PLACES:
            text.set_position((right, up))
            text.set_horizontalalignment(
                "left" if right > 0 else "right" if right else "center"
            )
            box = text.get_window_extent()
            inside = free.x0 < box.x0 and box.x1 < free.x1
            if inside and not any(box.overlaps(other) for other in taken):
                break
        taken.append(box)
