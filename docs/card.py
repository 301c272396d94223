"""What README and model card say of a model: tables and sentences made of its manifest.

Holds for any number of labels and for either kind of model. What only some manifests have, such
as teachers, becomes the empty text in the others.
"""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from typing import Any

from disaster_tweets import topic
from disaster_tweets.manifest import HELD_OUT

Manifest = dict[str, Any]

MEASURES = {
    "accuracy": "accuracy",
    "f1": "F1",
    "macro_f1": "macro F1",
    "auc": "area under the ROC curve",
    "expected_calibration_error": "expected calibration error",
}
_OF_SLICES = ("accuracy", "auc", "expected_calibration_error")
_KINDS = {
    "student": "A small network over the word embeddings of a pretrained encoder, the "
    "*student*, which learned from a larger one, the *assistant*. It computes in integers, "
    "with NumPy alone: the same text has the same score on every machine, to the last bit.",
    "encoder": "A pretrained encoder, fine-tuned on labelled texts. Its weights are quantized "
    "to int8, and LiteRT runs it. Scores may differ a little between processors.",
}
_READS = {"urls": "URLs", "handles": "@handles", "emoji": "emoji"}


def model_card(template: str, manifest: Manifest, written: Sequence[dict[str, str]]) -> str:
    """Return the model card: the template filled in from the manifest.

    Args:
        template: A `string.Template` with names of `values`.
        manifest: That of the model.
        written: As for `failures`.
    """
    card = string.Template(template).substitute(values(manifest, written))
    return re.sub(r"\n{3,}", "\n\n", card)  # where a part is empty


def values(manifest: Manifest, written: Sequence[dict[str, str]]) -> dict[str, Any]:
    """Return what a template may name."""
    parity = manifest["parity"]
    return {
        **{key: manifest[key] for key in ("model_version", "max_tokens", "licence")},
        "question": topic.QUESTION,
        "meaning": topic.MEANING,
        "kind": _KINDS[manifest["kind"]],
        "reads": reads(manifest["reads"]),
        "facts": facts(manifest),
        "measured_texts": measured_texts(manifest),
        "sources": sources_tables(manifest),
        "metrics": metrics_table(manifest),
        "confusion": confusion_table(manifest),
        "candidates": candidates(manifest),
        "calibrated": calibrated(manifest),
        "mean_difference": f"{parity['mean_difference']:.4f}",
        "compared": f"{parity['texts']:,}",
        "max_difference": f"{parity['max_difference']:.4f}",
        "auc_drop": f"{parity['auc_drop']:.4f}",
        "steadiness": steadiness(manifest),
        "robustness": robustness_table(manifest),
        "slices": slices_table(manifest),
        "learned": learned(manifest),
        "data": ", ".join(f"{name} `{hash_}`" for name, hash_ in manifest["data"].items()),
        "limits": "\n".join(f"- {limit}" for limit in topic.LIMITS),
        "training_data": topic.TRAINING_DATA,
        "failures": failures(written),
    }


def facts(manifest: Manifest) -> str:
    """Return a table of what the model is and where it comes from."""
    training = manifest["training"]
    rows = {"labels": ", ".join(map(_code, manifest["labels"]))}
    if manifest["threshold"] is not None:
        rows["threshold"] = manifest["threshold"]
    rows["calibration"] = "; ".join(
        f"{name} = {', '.join(map(str, value)) if isinstance(value, list) else value}"
        for name, value in manifest["calibration"].items()
    )
    rows["kind"] = manifest["kind"]
    rows["backbone"] = _origin(manifest["backbone"])
    if architecture := manifest.get("architecture"):
        rows["architecture"] = structure(architecture, len(manifest["labels"]))
        rows["parameters"] = f"{architecture['parameters']:,}"
    if teachers := manifest.get("teachers"):
        rows["teachers"] = f"{teachers['teachers']} × {_origin(teachers)}"
    tools = ", ".join(f"{name} {version}" for name, version in training["tools"].items())
    threads = "1 thread" if training["threads"] == 1 else f"{training['threads']} threads"
    rows["trained with"] = f"{tools}, {training['precision']}, {threads}"
    return "\n".join(["| | |", "|---|---|", *(f"| {k} | {v} |" for k, v in rows.items())])


def _code(label: str) -> str:
    """Return a label as it stands in Markdown, also in a table."""
    escaped = label.replace("|", "\\|")
    return f"`{escaped}`"


def _origin(model: dict[str, str]) -> str:
    repository, revision = model["repository"], model["revision"][:12]
    address = f"https://huggingface.co/{repository}"
    return f"[{repository}]({address}), revision `{revision}`, {model['licence']}"


def structure(architecture: dict[str, int], labels: int) -> str:
    """Return in words what the model computes, from the word pieces to the logits."""
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
    parts.append("one logit" if labels == 2 else f"{labels} logits, one for each label")
    return "; ".join(parts).format_map(sizes)


def reads(reads: dict[str, Any]) -> str:
    """Return in a sentence what is left out of a text before the model reads it."""
    left_out = [name for key, name in _READS.items() if not reads[key]]
    if reads["marks"] != "all":
        kept = [f"`{mark}`" for mark in reads["marks"]]
        left_out.append(f"all marks but {_listed(kept)}" if kept else "all marks")
    if not left_out:
        return "Nothing is left out of a text before the model reads it."
    return f"Left out before the model reads a text: {_listed(left_out)}."


def _listed(items: Sequence[str]) -> str:
    """Return items as they stand in a sentence: with commas, and "and" before the last."""
    *first, last = items
    return f"{', '.join(first)} and {last}" if first else last


def measured_on(manifest: Manifest) -> str:
    """Return which texts the measures are of: held-out ones, or texts out of fold."""
    on: str = manifest.get("measured_on", HELD_OUT)
    return on


def measured_texts(manifest: Manifest) -> str:
    """Return in a phrase how many texts the measures are of, and which."""
    count = f"{manifest['metrics']['texts']:,}"
    if measured_on(manifest) == HELD_OUT:
        return f"{count} held-out texts"
    return (
        f"{count} labelled texts, each scored by a model of the same recipe that had not "
        "learned it (out of fold)"
    )


def sources_tables(manifest: Manifest) -> str:
    """Return the measures on other data sets: by source, by event and by kind of text."""
    found = manifest.get("sources")
    if not found:
        return ""
    rows = ["| | texts | accuracy | AUC |", "|---|---|---|---|"]
    for source, of in found.items():
        rows.append(_of_source(source, of))
        rows += [
            _of_source(f"{source}, {part}", each) for part, each in of.get("parts", {}).items()
        ]
    rows += ["", "| | kind | is one | texts | flagged |", "|---|---|---|---|---|"]
    for source, of in found.items():
        ranked = sorted(of["kinds"].items(), key=lambda kind: -kind[1].get("target", 0.5))
        for kind, each in ranked:
            target = {0: "no", 1: "yes"}.get(each.get("target"), "some")
            name = kind.replace("_", " ")
            flagged = percent(each["flagged"])
            rows.append(f"| {source} | {name} | {target} | {each['texts']:,} | {flagged} |")
    return "\n".join(rows)


def _of_source(name: str, of: dict[str, Any]) -> str:
    cells = [f"{of[key]:.3f}" if key in of else "" for key in ("accuracy", "auc")]
    return f"| {name} | {of['texts']:,} | {' | '.join(cells)} |"


def metrics_table(manifest: Manifest) -> str:
    """Return the measures with their intervals as a Markdown table."""
    rows = ["| | value | 95 % interval |", "|---|---|---|"]
    for key, name in MEASURES.items():
        if measured := manifest["metrics"].get(key):
            rows.append(
                f"| {name} | {measured['value']:.3f} "
                f"| {measured['low']:.3f} to {measured['high']:.3f} |"
            )
    return "\n".join(rows)


def confusion_table(manifest: Manifest) -> str:
    """Return how many of the measured texts of each label got which label."""
    labels, matrix = manifest["labels"], manifest["metrics"]["confusion_matrix"]
    rows = [f"| | {' | '.join(f'predicted {_code(label)}' for label in labels)} |"]
    rows.append(f"|{'---|' * (len(labels) + 1)}")
    for label, counts in zip(labels, matrix, strict=True):
        rows.append(f"| labelled {_code(label)} | {' | '.join(map(str, counts))} |")
    return "\n".join(rows)


def candidates(manifest: Manifest) -> str:
    """Return a sentence and a table of both kinds of model, of which one ships."""
    found = manifest.get("candidates")
    if not found:
        return ""
    keys = [key for key in MEASURES if key in found[manifest["kind"]]["metrics"]]
    rows = [
        "The pipeline trains two kinds of model, and measures both on the same texts:",
        "",
        f"| | {' | '.join(MEASURES[key] for key in keys)} | size |",
        f"|{'---|' * (len(keys) + 2)}",
    ]
    for kind, of in found.items():
        name = f"{kind}, which ships" if kind == manifest["kind"] else kind
        cells = [_with_interval(of["metrics"][key]) for key in keys]
        rows.append(f"| {name} | {' | '.join(cells)} | {of['size'] / 1e6:.1f} MB |")
    return "\n".join(rows)


def calibrated(manifest: Manifest) -> str:
    """Return in a paragraph what the probabilities are, and how a label follows from them."""
    on = (
        "the calibration split"
        if measured_on(manifest) == HELD_OUT
        else "texts that are scored out of fold"
    )
    fitted = f"were fitted to the labels of {on} for the least log loss, on exported files"
    if len(manifest["labels"]) == 2:
        positive = _code(manifest["positive_label"])
        return (
            "The probability is calibrated: its odds are those of the network's, bent by beta "
            f"calibration, whose three numbers {fitted}. It is the probability of {positive}. "
            f"From the threshold {manifest['threshold']} on, a text gets this label."
        )
    return (
        "The probabilities are calibrated: the network's logits are divided by a temperature "
        f"and shifted by a bias for each label. These numbers {fitted}. A text gets the most "
        "probable label; there is no threshold."
    )


def robustness_table(manifest: Manifest) -> str:
    """Return how far each perturbation moves the probability as a Markdown table."""
    if "robustness" not in manifest:
        return "Not measured."
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


def slices_table(manifest: Manifest) -> str:
    """Return the measures of each slice, with their intervals, as a Markdown table."""
    if not manifest.get("slices"):
        return "Not measured: no part has texts of each label."
    rows = [
        f"| | texts | {' | '.join(MEASURES[key] for key in _OF_SLICES)} |",
        "|---|---|---|---|---|",
    ]
    for name, measured in manifest["slices"].items():
        cells = [_with_interval(measured[key]) for key in _OF_SLICES]
        rows.append(f"| {name} | {measured['texts']:,} | {' | '.join(cells)} |")
    return "\n".join(rows)


def _with_interval(of: dict[str, float]) -> str:
    return f"{of['value']:.3f} ({of['low']:.3f} to {of['high']:.3f})"


def steadiness(manifest: Manifest) -> str:
    """Return in a paragraph what both tables of the model card tell at length."""
    said = []
    if moved := manifest.get("robustness"):
        worst = max(moved, key=lambda name: moved[name]["mean_difference"])
        still = [name for name, by in moved.items() if by["max_difference"] == 0]
        said.append(
            f"Of what people do to a text, {worst} moves the probability most: by "
            f"{moved[worst]['mean_difference']:.3f} on average, and "
            f"{percent(moved[worst]['decisions_changed'])} of the decisions change. Not "
            f"moved at all by: {', '.join(still) or 'nothing'}."
        )
    if parts := manifest.get("slices"):
        ranked = sorted(parts, key=lambda name: parts[name]["accuracy"]["value"])
        low, high = (parts[ranked[end]]["accuracy"]["value"] for end in (0, -1))
        said.append(
            f"The accuracy is lowest on texts {ranked[0]}, {low:.3f}, and highest on texts "
            f"{ranked[-1]}, {high:.3f}."
        )
    return " ".join(said)


def percent(share: float) -> str:
    """Return a share as it is written in the documents."""
    return f"{100 * share:.1f} %"


def learned(manifest: Manifest) -> str:
    """Return in a paragraph what the model learned, and from which others."""
    said = []
    if teachers := manifest.get("teachers"):
        said.append(
            f"{teachers['teachers']} teachers, large encoders, gave texts a soft label, the "
            f"mean of their probabilities. It counts {100 * teachers['weight']:.0f} % where a "
            "text has a label too, and the label the rest."
        )
    if taught := manifest.get("distillation"):
        unlabelled = f" and {taught['unlabelled']:,} others" if taught["unlabelled"] else ""
        said.append(
            f"An assistant of {taught['assistant_layers']} layers learned "
            f"{taught['labelled']:,} labelled texts{unlabelled}."
        )
        if taught.get("related"):
            said.append(
                f"It also learned {taught['related']:,} labels of other data sets, which mean "
                "something near."
            )
        if taught["linear"]:
            said.append(
                "A linear model over characters and pairs of words counts "
                f"{100 * taught['linear']:.0f} % of the logits in these targets; it judges no "
                "text that it has seen."
            )
        said.append(
            "The assistant then labelled more: texts without a label, and copies of all these "
            "that have other words, fewer words, or those of two texts. The student learned "
            f"{taught['texts']:,} texts in all."
        )
    return " ".join(said)


def failures(written: Sequence[dict[str, str]]) -> str:
    """Return which of the texts that were written for the purpose the model gets wrong.

    Args:
        written: Texts with their ``label``, and ``known: wrong`` where the model errs; maybe
            none.
    """
    if not written:
        return ""
    wrong = [each for each in written if each.get("known") == "wrong"]
    lines = [
        f"Of {len(written)} texts that were written for the purpose, "
        f"`topic/regression.json`, the model gets {len(written) - len(wrong)} right."
    ]
    if wrong:
        lines[0] += " These it gets wrong, each with the right answer:"
        lines += ["", *(f"- {_code(each['label'])}: *{each['text']}*" for each in wrong)]
    return "\n".join(lines)
