"""Write what is generated: the README's tables, MODEL_CARD.md, docs/commands.md, docs/hosts.md.

The measures come from the manifest, the commands from their definitions, the hosts from their
adapters and pages, the buttons of README and notebook from the address in setup.cfg. With
--check, write nothing and fail if one is out of date.
"""

from __future__ import annotations

import inspect
import json
import re
import shlex
import string
import sys
from pathlib import Path
from typing import Any

import click
import hosts
import notebook

from disaster_tweets.cli import commands

ROOT = Path(__file__).parents[1]
README, CARD = ROOT / "README.md", ROOT / "MODEL_CARD.md"
COMMANDS, HOSTS = ROOT / "docs" / "commands.md", ROOT / "docs" / "hosts.md"
NAMES = {
    "accuracy": "accuracy",
    "f1": "F1",
    "auc": "area under the ROC curve",
    "expected_calibration_error": "expected calibration error",
}
FIRST_EXAMPLE = re.compile(
    r"(<!-- predict -->\n```console\n(.*?)\n```\n\n```\n).*?```", re.DOTALL
)
# begin: left out of a copy
REGRESSION = ROOT / "tests" / "regression.json"
# end: left out of a copy


def metrics_table(manifest: dict[str, Any]) -> str:
    """Return the measures with their intervals as a Markdown table."""
    rows = ["| | value | 95 % interval |", "|---|---|---|"]
    for key, name in NAMES.items():
        measured = manifest["metrics"][key]
        rows.append(
            f"| {name} | {measured['value']:.3f} "
            f"| {measured['low']:.3f} to {measured['high']:.3f} |"
        )
    return "\n".join(rows)


def robustness_table(manifest: dict[str, Any]) -> str:
    """Return how far each noise moves the probability as a Markdown table."""
    rows = [
        "| what is done | average | 95 % of the texts at most | largest | decisions changed |",
        "|---|---|---|---|---|",
    ]
    for name, moved in manifest["robustness"].items():
        differences = (
            moved[key] for key in ("mean_difference", "percentile_95", "max_difference")
        )
        cells = [f"{value:.3f}" for value in differences]
        rows.append(f"| {name} | {' | '.join(cells)} | {percent(moved['decisions_changed'])} |")
    return "\n".join(rows)


def slices_table(manifest: dict[str, Any]) -> str:
    """Return the measures of each slice, with their intervals, as a Markdown table."""
    keys = ("accuracy", "auc", "expected_calibration_error")
    rows = [f"| | texts | {' | '.join(NAMES[key] for key in keys)} |", "|---|---|---|---|---|"]
    for name, measured in manifest["slices"].items():
        cells = [
            f"{of['value']:.3f} ({of['low']:.3f} to {of['high']:.3f})"
            for of in (measured[key] for key in keys)
        ]
        rows.append(f"| {name} | {measured['texts']:,} | {' | '.join(cells)} |")
    return "\n".join(rows)


def steadiness(manifest: dict[str, Any]) -> str:
    """Return in a paragraph what both tables of the model card tell at length."""
    moved, parts = manifest["robustness"], manifest["slices"]
    worst = max(moved, key=lambda name: moved[name]["mean_difference"])
    still = [name for name, by in moved.items() if by["max_difference"] == 0]
    ranked = sorted(parts, key=lambda name: parts[name]["accuracy"]["value"])
    low, high = (parts[ranked[end]]["accuracy"]["value"] for end in (0, -1))
    return (
        f"Of what people do to a tweet, {worst} moves the probability most: by "
        f"{moved[worst]['mean_difference']:.3f} on average, and "
        f"{percent(moved[worst]['decisions_changed'])} of the decisions change. Not "
        f"moved at all by: {', '.join(still) or 'nothing'}. The accuracy is lowest on texts "
        f"{ranked[0]}, {low:.3f}, and highest on texts {ranked[-1]}, {high:.3f}. The "
        "model card has the tables."
    )


def percent(share: float) -> str:
    """Return a share as it is written in the documents."""
    return f"{100 * share:.1f} %"


def readme(
    text: str, manifest: dict[str, Any], golden: dict[str, float], repository: str
) -> str:
    """Return the README with its buttons, its first example and its tables renewed."""
    size = sum(file["size"] for file in manifest["artifacts"].values())
    block = (
        f"{metrics_table(manifest)}\n\n"
        f"On {manifest['metrics']['texts']:,} held-out texts. "
        f"Model and vocabulary: {size / 1e6:.1f} MB.\n\n"
        f"{steadiness(manifest)}"
    )
    text = FIRST_EXAMPLE.sub(
        lambda match: f"{match[1]}{_scored(shlex.split(match[2])[-1], manifest, golden)}\n```",
        text,
    )
    text = _fill(text, "buttons", notebook.buttons(repository))
    text = _fill(text, "metrics", block)
    return _fill(text, "hosts", hosts.table("docs/model/hosts"))


def _scored(text: str, manifest: dict[str, Any], golden: dict[str, float]) -> str:
    """Return what the command line prints for a golden text."""
    positive = golden[text] >= manifest["threshold"]
    return f"{golden[text]:.4f}\t{manifest['labels'][positive]}\t{text}"


def structure(architecture: dict[str, int]) -> str:
    """Return in words what the model computes, from the word pieces to the logit."""
    sizes = {key: f"{value:,}" for key, value in architecture.items()}
    parts = ["embeddings of word pieces, {width} wide", "layer normalization"]
    if architecture["layers"]:
        parts.append(
            "{layers} encoder layers" if architecture["layers"] > 1 else "an encoder layer"
        )
        parts[-1] += " with {heads} attention heads and {feed_forward} feed-forward units"
    if architecture["filters"]:
        parts.append("a convolution of {filters} filters over {window} neighbouring pieces")
        parts.append("the largest and the mean response of each filter")
    else:
        parts.append("the mean over the pieces")
    if "hidden" in architecture:
        parts.append("{hidden} hidden units that read these")
    return "; ".join([*parts, "one logit"]).format_map(sizes)


def _fill(text: str, name: str, content: str) -> str:
    """Return ``text`` with ``content`` between the comments that ``name`` marks."""
    lines = f"{content}\n" if content else ""
    return re.sub(
        rf"(<!-- {name}: .*? -->\n).*?(<!-- /{name} -->)",
        lambda match: f"{match[1]}{lines}{match[2]}",
        text,
        flags=re.DOTALL,
    )


def model_card(template: str, manifest: dict[str, Any]) -> str:
    """Return the model card: the template filled in from the manifest."""
    backbone, training, parity = (manifest[key] for key in ("backbone", "training", "parity"))
    # begin: left out of a copy
    taught, tweets = manifest["distillation"], json.loads(REGRESSION.read_text("utf-8"))
    wrong = [tweet for tweet in tweets if tweet.get("known") == "wrong"]
    # end: left out of a copy
    (true_negatives, false_positives), (false_negatives, true_positives) = manifest["metrics"][
        "confusion_matrix"
    ]
    return string.Template(template).substitute(
        {key: manifest[key] for key in ("model_version", "max_tokens", "licence")},
        architecture=structure(manifest["architecture"]),
        parameters=f"{manifest['architecture']['parameters']:,}",
        labels=", ".join(manifest["labels"]),
        threshold=manifest["threshold"],
        calibration=", ".join(f"{key} = {n}" for key, n in manifest["calibration"].items()),
        backbone=backbone["repository"],
        revision=backbone["revision"][:12],
        backbone_licence=backbone["licence"],
        tools=", ".join(f"{name} {version}" for name, version in training["tools"].items()),
        precision=training["precision"],
        threads=training["threads"],
        texts=f"{manifest['metrics']['texts']:,}",
        metrics=metrics_table(manifest),
        true_negatives=true_negatives,
        false_positives=false_positives,
        false_negatives=false_negatives,
        true_positives=true_positives,
        mean_difference=f"{parity['mean_difference']:.4f}",
        max_difference=f"{parity['max_difference']:.4f}",
        auc_drop=f"{parity['auc_drop']:.4f}",
        data=", ".join(f"{name} `{hash_}`" for name, hash_ in manifest["data"].items()),
        robustness=robustness_table(manifest),
        slices=slices_table(manifest),
        # begin: left out of a copy
        teacher=taught["repository"],
        teacher_revision=taught["revision"][:12],
        teacher_licence=taught["licence"],
        teachers=taught["teachers"],
        weight=f"{100 * taught['weight']:.0f} %",
        linear=f"{100 * taught['linear']:.0f} %",
        labelled=f"{taught['labelled']:,}",
        unlabelled=f"{taught['unlabelled']:,}",
        assistant_layers=taught["assistant_layers"],
        learned=f"{taught['texts']:,}",
        written=len(tweets),
        right=len(tweets) - len(wrong),
        failures="\n".join(f"- {tweet['label']}: *{tweet['text']}*" for tweet in wrong),
        # end: left out of a copy
    )


def command_reference() -> str:
    """Return the page on all commands."""
    sections = [
        "<!-- Generated by docs/generate.py from the definitions of the commands. -->",
        "# Commands",
        "Each also answers `--help`; `python -m disaster_tweets` is the same program.",
    ]
    context = click.Context(commands)
    for name in commands.list_commands(context):
        command = commands.get_command(context, name)
        assert command is not None
        arguments = [
            p.metavar or p.name for p in command.params if isinstance(p, click.Argument)
        ]
        usage = " ".join([name, "[OPTIONS]", *map(str, arguments)])
        sections += [f"## {name}", f"```\ndisaster-tweets {usage}\n```", _help(command)]
        rows = [_row(p) for p in command.params if isinstance(p, click.Option)]
        if rows:
            sections.append("\n".join(["| option | meaning |", "|---|---|", *rows]))
    return "\n\n".join(sections) + "\n"


def _help(command: click.Command) -> str:
    """Return the help text; paragraphs that are not to be rewrapped become literal blocks."""
    paragraphs = inspect.cleandoc(command.help or "").split("\n\n")
    return "\n\n".join(
        f"```\n{literal.strip()}\n```" if literal != paragraph else " ".join(paragraph.split())
        for paragraph in paragraphs
        for literal in [paragraph.removeprefix("\b\n")]
    )


def _row(option: click.Option) -> str:
    names = ", ".join([*option.opts, *option.secondary_opts])
    value = "" if option.is_flag or option.count else f" {option.metavar or option.type.name}"
    return f"| `{names}{value.upper()}` | {' '.join((option.help or '').split())} |"


def documents() -> dict[Path, str]:
    """Return each generated document with the content that it should have."""
    artifacts = ROOT / "artifacts"
    manifest = json.loads((artifacts / "manifest.json").read_text("utf-8"))
    golden = json.loads((artifacts / "golden.json").read_text("utf-8"))
    probabilities = {tweet["text"]: tweet["probability"] for tweet in golden}
    template = (ROOT / "docs" / "MODEL_CARD.template.md").read_text("utf-8")
    repository = notebook.repository(ROOT / "setup.cfg")
    return {
        README: readme(README.read_text("utf-8"), manifest, probabilities, repository),
        CARD: model_card(template, manifest),
        COMMANDS: command_reference(),
        HOSTS: hosts.reference(),
        # begin: left out of a copy
        notebook.NOTEBOOK: notebook.renewed(notebook.NOTEBOOK.read_text("utf-8"), repository),
        # end: left out of a copy
    }


def main() -> None:
    """Write the documents, or check them."""
    for path, content in documents().items():
        if "--check" not in sys.argv:
            path.write_text(content, encoding="utf-8", newline="\n")
        elif not path.is_file() or path.read_text("utf-8") != content:
            sys.exit(f"{path.name} is out of date: run python docs/generate.py")


if __name__ == "__main__":
    main()
