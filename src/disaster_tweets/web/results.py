"""Many texts on the page: label them by a threshold, filter them, sort them, cut them to pages.

The page's script does the same in the browser. This module serves browsers without scripts.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from disaster_tweets.classifier import Classifier
from disaster_tweets.explanation import Explanation
from disaster_tweets.prediction import Prediction
from disaster_tweets.tables.records import quoted

PAGE_ROWS = 50
ORDERS = {"": "As sent", "down": "Most probable first", "up": "Least probable first"}


@dataclass(frozen=True)
class View:
    """The choices in the form: the threshold, and the rows to show.

    Attributes:
        threshold: The smallest probability of the second of two labels, in [0, 1]; None with
            more than two labels.
        label: Show only texts with this label; None for all.
        words: Show only texts that contain these words, in any case; empty for all.
        order: The order of the texts, a key of `ORDERS`.
        page: The page to show, from 1; None for the page with the explained row.
    """

    threshold: float | None
    label: str | None = None
    words: str = ""
    order: str = ""
    page: int | None = None

    @classmethod
    def of(cls, form: Mapping[str, str], classifier: Classifier) -> View:
        """Return the choices in a form. A missing or invalid value becomes the default."""
        label, order, page = form.get("label"), form.get("order", ""), form.get("page", "")
        return cls(
            _threshold(form.get("threshold", ""), classifier._threshold),
            label if label in classifier.classes_ else None,
            form.get("words", "").strip(),
            order if order in ORDERS else "",
            int(page) if page.isascii() and page.isdigit() and len(page) < 10 else None,
        )


def _threshold(percent: str, default: float | None) -> float | None:
    try:
        threshold = float(percent) / 100
    except ValueError:
        return default
    return default if default is None or not 0 <= threshold <= 1 else threshold


@dataclass(frozen=True)
class Row:
    """A scored line.

    Attributes:
        number: The number of the line, from 1.
        text: The text of the line.
        prediction: The prediction, with the label at the threshold.
        explanation: The weights of the words; None unless the form asks for them.
    """

    number: int
    text: str
    prediction: Prediction
    explanation: Explanation | None = None


@dataclass(frozen=True)
class Results:
    """The scored lines, and the part of them that the page shows.

    Attributes:
        rows: All lines, in the order that they were sent in.
        found: The lines that match the view, in its order.
        first: The index in `found` of the first line on the page.
        view: The choices in the form.
    """

    rows: list[Row]
    found: list[Row]
    first: int
    view: View

    @property
    def counts(self) -> Counter[str]:
        """The number of rows with each label."""
        return Counter(row.prediction.label for row in self.rows)

    @property
    def last(self) -> int:
        """The index in `found` after the last row on the page."""
        return min(self.first + PAGE_ROWS, len(self.found))

    @property
    def page(self) -> int:
        """The number of the page, from 1."""
        return self.first // PAGE_ROWS + 1

    @property
    def on_page(self) -> list[Row]:
        """The rows on the page."""
        return self.found[self.first : self.last]

    @property
    def written(self) -> list[Row]:
        """The rows in the HTML. If the page shows none, it has one hidden row as a pattern."""
        return self.on_page or self.rows[:1]

    @property
    def rest(self) -> list[Row]:
        """All rows that are not in the HTML."""
        written = {row.number for row in self.written}
        return [row for row in self.rows if row.number not in written]

    def bins(self, count: int = 40) -> list[float]:
        """Return the heights of a histogram of the probabilities; the highest bar has 1."""
        bins = [0] * count
        for row in self.rows:
            bins[min(int(row.prediction.probability * count), count - 1)] += 1
        return [number / max(bins) for number in bins]

    def as_csv(self) -> str:
        """Return the found rows as CSV, in the form that the command `score` writes."""
        lines = ["text,probability,label"]
        for row in self.found:
            prediction = row.prediction
            lines.append(
                f"{quoted(row.text, ',')},{prediction.probability:.6f},{prediction.label}"
            )
        return "\n".join(lines) + "\n"


def score(
    classifier: Classifier, texts: list[str], view: View, explained: int | None = None
) -> Results:
    """Score the lines of a form.

    Args:
        classifier: The classifier.
        texts: The lines, one or more.
        view: The choices in the form.
        explained: The number of the row to explain, from 1; None for none.
    """
    predictions = classifier.predict(texts, threshold=view.threshold)
    rows = [
        Row(number, text, prediction, classifier.explain(text) if number == explained else None)
        for number, (text, prediction) in enumerate(zip(texts, predictions, strict=True), 1)
    ]
    found = _found(rows, view)
    return Results(rows, found, _first(found, view, explained), view)


def explain(classifier: Classifier, text: str, view: View) -> Explanation:
    """Explain a single text, with the label at the threshold."""
    prediction = classifier.predict(text, threshold=view.threshold)
    return replace(classifier.explain(text), prediction=prediction)


def _found(rows: list[Row], view: View) -> list[Row]:
    words = view.words.lower()
    found = [
        row
        for row in rows
        if view.label in (None, row.prediction.label) and words in row.text.lower()
    ]
    if view.order:
        sign = -1 if view.order == "down" else 1
        found.sort(key=lambda row: sign * row.prediction.probability)
    return found


def _first(found: list[Row], view: View, explained: int | None) -> int:
    """Return the index of the first row on the page."""
    pages = max(math.ceil(len(found) / PAGE_ROWS), 1)
    page = view.page
    if page is None:
        numbers = [row.number for row in found]
        page = numbers.index(explained) // PAGE_ROWS + 1 if explained in numbers else 1
    return (min(max(page, 1), pages) - 1) * PAGE_ROWS
