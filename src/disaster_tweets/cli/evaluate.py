"""``evaluate`` measures the model on a file of labelled texts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from disaster_tweets import bundle
from disaster_tweets.classifier import Classifier
from disaster_tweets.cli.input import Utf8, for_two_labels, threshold_option
from disaster_tweets.cli.output import on_one_line, prepare_standard_output
from disaster_tweets.cli.tables import (
    FileName,
    FilesCommand,
    advised,
    counted,
    format_of,
    notify,
    reading_of,
    table_options,
)
from disaster_tweets.counting import plural
from disaster_tweets.tables.errors import ColumnError, RowError, TableError
from disaster_tweets.topic import LABELS, NOUNS

_OF_TWO = len(LABELS) == 2
_POSITIVE = NOUNS[LABELS[1]]

_HELP = f"""Measure the model on the labelled texts in FILE.

FILE may have any format that score reads, but txt: csv, tsv, jsonl, json, parquet, arrow or
xlsx, compressed or not. - is standard input. The command prints each measure with a 95 %
bootstrap interval, the confusion matrix,
{"the best threshold for these texts" if _OF_TWO else "the measures of each label"} and the
worst mistakes. Look at these: the label in FILE may be wrong.

\b
Examples:
  disaster-tweets evaluate train.csv --target-column target
  disaster-tweets evaluate other.csv --target-column label{" --positive on-topic" * _OF_TWO}
"""


@click.command(cls=FilesCommand, help=_HELP)
@click.argument("file", metavar="FILE", type=FileName())
@click.option(
    "--target-column", required=True, metavar="NAME", type=Utf8(), help="Column of the labels."
)
@table_options
@click.option(
    "--positive",
    metavar="LABEL",
    type=Utf8(),
    callback=for_two_labels(
        "--positive",
        "; leave it out, and name the labels in the file as the model does",
    ),
    hidden=not _OF_TWO,
    help=f"Label in FILE that means {_POSITIVE}. Every other label then means the opposite. "
    f"Not needed where the labels are 0/1, false/true or {'/'.join(LABELS)}.",
)
@threshold_option
@click.option(
    "--mistakes",
    type=click.IntRange(0),
    default=10,
    show_default=True,
    metavar="N",
    help="Number of the worst mistakes to print.",
)
@click.option(
    "--plots",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help=f"Write the reliability, ROC and {'precision-recall' if _OF_TWO else 'confusion'} "
    "plots to FOLDER, as PNG files.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as one JSON object.")
def evaluate(
    file: str,
    target_column: str,
    table: dict[str, Any],
    positive: str | None,
    threshold: float | None,
    mistakes: int,
    plots: Path | None,
    as_json: bool,
) -> None:
    """Measure the model on labelled texts."""
    # Imported here because they import NumPy, which other commands do not need.
    from disaster_tweets import evaluation, labelled
    from disaster_tweets.language import looks_foreign

    prepare_standard_output()
    if plots is not None:
        evaluation.prepare_plots(plots)
    try:
        reading = reading_of(table["format_"] or format_of(file), table)
        data = labelled.read(
            file,
            target_column,
            bundle.bundled_manifest()["labels"],
            positive=positive,
            reading=reading,
            notify=notify,
        )
    except TableError as error:
        advice = _advice(error, target_column)
        raise click.ClickException(on_one_line(f"{error}{advice}")) from error
    classifier = Classifier.load(threshold=threshold)
    classes = classifier.classes_
    probabilities = classifier.predict_proba(data.texts)
    report = {
        "file": file,
        "model_version": classifier.manifest["model_version"],
        **evaluation.evaluate(data, probabilities, classes, classifier._threshold, mistakes),
    }
    cut = sum(map(classifier._is_cut, data.texts))
    languages = classifier.manifest["languages"]
    foreign = sum(looks_foreign(text, languages) for text in data.texts)
    report |= {"longer_than_the_model_reads": cut, "in_another_language": foreign}
    if plots is not None:
        report["plots"] = evaluation.write_plots(
            plots, report, data.labels, probabilities, classes
        )
    if as_json:
        click.echo(json.dumps(report, indent=2))
        return
    for line in _lines(report, classes):
        click.echo(line)
    for line in counted(cut, foreign, classifier.manifest):
        click.echo(line, err=True)


def _advice(error: TableError, target: str) -> str:
    """Return advice on an error, in terms of the options of this command."""
    from disaster_tweets.labelled import LabelError, listed_labels

    if isinstance(error, LabelError) and error.name_positive:
        shown = listed_labels(error.candidates)
        if error.row is None:
            return f"; pass as --positive one of {shown}"
        return f"; say with --positive which one of {shown} means {_POSITIVE}"
    if isinstance(error, LabelError) and error.row is not None:
        return "; correct the label, or leave the row out"
    if error.problem.startswith("no row has both"):
        return "; name other columns with --text-column and --target-column"
    if isinstance(error, ColumnError) and error.column == target:
        return "; name the column of the labels with --target-column"
    if isinstance(error, RowError):
        return advised(error) or "; repair it, or leave it out"
    return advised(error)


def _lines(report: dict[str, Any], classes: Sequence[str]) -> Iterator[str]:
    """Yield the lines of the report."""
    yield from _counts(report, classes)
    yield ""
    yield from _metrics(report["metrics"])
    for warning in report["warnings"]:
        yield f"warning: {warning}"
    yield ""
    if len(classes) == 2:
        yield from _confusion_matrix_of_two(report, classes)
        yield ""
        yield from _best_threshold(report)
    else:
        yield from _by_label(report["labels"])
        yield ""
        yield from _confusion_matrix(report, classes)
    if report["worst_mistakes"]:
        yield ""
        yield from _worst_mistakes(report)
    if "plots" in report:
        yield ""
        yield f"plots: {', '.join(report['plots'])}"


def _counts(report: dict[str, Any], classes: Sequence[str]) -> Iterator[str]:
    counts = (
        report
        if len(classes) == 2
        else {label: of["texts"] for label, of in report["labels"].items()}
    )
    shown = ", ".join(f"{counts[label]} {label}" for label in classes)
    yield f"{plural(report['texts'], 'text')}: {shown}"
    for what in ("text", "label"):
        left_out = report[f"without_{what}"]
        if left_out:
            yield f"left out: {plural(left_out, 'row')} without a {what}"


def _metrics(metrics: dict[str, Any]) -> Iterator[str]:
    width = max(map(len, metrics))
    yield f"{'':{width}}   value   95 % interval"
    for name, of in metrics.items():
        shown = name.replace("_", " ")
        yield f"{shown:{width}}  {of['value']:.4f}  {of['low']:.4f} to {of['high']:.4f}"


def _by_label(labels: dict[str, dict[str, Any]]) -> Iterator[str]:
    width = max(map(len, labels))
    yield f"{'':{width}}  precision  recall      f1   texts"
    for label, of in labels.items():
        measured = f"{of['precision']:9.4f}  {of['recall']:6.4f}  {of['f1']:6.4f}"
        yield f"{label:{width}}  {measured}  {of['texts']:6}"


def _confusion_matrix_of_two(report: dict[str, Any], classes: Sequence[str]) -> Iterator[str]:
    width = max(map(len, classes))
    columns = "  ".join(f"{label:>{width}}" for label in classes)
    yield f"at the threshold {report['threshold']:g}, labels in rows, decisions in columns:"
    yield f"{'':{width}}  {columns}"
    for label, row in zip(classes, report["confusion_matrix"], strict=True):
        yield f"{label:{width}}  {'  '.join(f'{count:>{width}}' for count in row)}"


def _confusion_matrix(report: dict[str, Any], classes: Sequence[str]) -> Iterator[str]:
    """Yield the matrix. Its columns have numbers, because names would make it too wide."""
    matrix = report["confusion_matrix"]
    names = [f"{number} {label}" for number, label in enumerate(classes, start=1)]
    left = max(map(len, names))
    width = len(str(max(len(classes), *map(max, matrix))))
    yield "labels in rows, decisions in columns:"
    for name, row in zip(["", *names], [range(1, len(classes) + 1), *matrix], strict=True):
        yield f"{name:{left}}  {'  '.join(f'{number:>{width}}' for number in row)}"


def _best_threshold(report: dict[str, Any]) -> Iterator[str]:
    best, now = report["best_threshold"], report["metrics"]["accuracy"]["value"]
    yield (
        f"best threshold here: {best['threshold']:.2f}, where the accuracy is "
        f"{best['accuracy']:.4f} ({now:.4f} at {report['threshold']:g})"
    )
    yield "  chosen by the mean accuracy over a window of 0.1 around it, on these same texts;"
    yield "  expect a lower accuracy on other texts"


def _worst_mistakes(report: dict[str, Any]) -> Iterator[str]:
    worst, matrix = report["worst_mistakes"], report["confusion_matrix"]
    wrong = sum(map(sum, matrix)) - sum(row[index] for index, row in enumerate(matrix))
    predicted = "predicted, " if "predicted" in worst[0] else ""
    yield (
        f"worst {len(worst)} of {plural(wrong, 'mistake')} "
        f"(probability, {predicted}label given, row, text):"
    )
    for mistake in worst:
        columns = [f"{mistake['probability']:.4f}", mistake["label"], str(mistake["row"])]
        if predicted:
            columns.insert(1, mistake["predicted"])
        yield "\t".join([*columns, on_one_line(mistake["text"])])
