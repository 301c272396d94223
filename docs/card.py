"""Write the tables and sentences of the README and the model card from a manifest.

The functions support any number of labels and both kinds of model. A part that the manifest
lacks, such as teachers, becomes an empty text.
"""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from typing import Any

from disaster_tweets import topic
from disaster_tweets.evaluation import doubts
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
    "student": "The model is a small neural network, the *student*. It uses the word "
    "embeddings of a pretrained encoder and was distilled from a larger model, the "
    "*assistant*. It computes in integers with NumPy alone, so a text has the same score on "
    "every machine, to the last bit.",
    "encoder": "The model is a pretrained encoder, fine-tuned on labelled texts. Its weights "
    "are quantized to int8, and LiteRT runs it. Scores may differ slightly between processors.",
}
_READS = {"urls": "URLs", "handles": "@handles", "emoji": "emoji"}
# The names of the perturbations in a sentence.
_PERTURBATIONS = {
    "spelling": "spelling mistakes",
    "no punctuation": "removed punctuation",
    "hashtags added": "added hashtags",
    "words made hashtags": "words turned into hashtags",
    "URL added": "an added URL",
    "handle added": "an added handle",
    "emoji added": "an added emoji",
    "trailing space": "a trailing space",
}


def model_card(template: str, manifest: Manifest, written: Sequence[dict[str, str]]) -> str:
    """Return the model card: the template, filled in from the manifest.

    Args:
        template: The text of a `string.Template` with the names in `values`.
        manifest: The manifest of the model.
        written: As in `failures`.
    """
    card = string.Template(template).substitute(values(manifest, written))
    return re.sub(r"\n{3,}", "\n\n", card)  # an empty part leaves blank lines


def values(manifest: Manifest, written: Sequence[dict[str, str]]) -> dict[str, Any]:
    """Return the text of each name that a template may use."""
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
        "caution": caution(manifest),
        "confusion": confusion_table(manifest),
        "candidates": candidates(manifest),
        "calibrated": calibrated(manifest),
        "quantization": quantization(manifest),
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
    """Return a table of the model's parts and their origins."""
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
    """Return a label as code in Markdown; it may stand in a table."""
    escaped = label.replace("|", "\\|")
    return f"`{escaped}`"


def _origin(model: dict[str, str]) -> str:
    repository, revision = model["repository"], model["revision"][:12]
    address = f"https://huggingface.co/{repository}"
    return f"[{repository}]({address}), revision `{revision}`, {model['licence']}"


def structure(architecture: dict[str, int], labels: int) -> str:
    """Return the layers of the model in words, from the word pieces to the logits."""
    sizes = {key: f"{value:,}" for key, value in architecture.items()}
    parts = ["word-piece embeddings of width {width}", "layer normalization"]
    if architecture["layers"]:
        parts.append(
            "{layers} encoder layers" if architecture["layers"] > 1 else "an encoder layer"
        )
        parts[-1] += " with {heads} attention heads and {feed_forward} feed-forward units"
    if architecture["filters"]:
        parts.append("a convolution of {filters} filters over {window} neighbouring pieces")
        parts.append("max and mean pooling of each filter")
    else:
        parts.append("mean pooling over the pieces")
    if "hidden" in architecture:
        parts.append("a hidden layer of {hidden} units")
    parts.append("one logit" if labels == 2 else f"{labels} logits, one for each label")
    return "; ".join(parts).format_map(sizes)


def reads(reads: dict[str, Any]) -> str:
    """Return a sentence on the parts of a text that are removed before the model reads it."""
    left_out = [name for key, name in _READS.items() if not reads[key]]
    if reads["marks"] != "all":
        kept = [f"`{mark}`" for mark in reads["marks"]]
        marks = "all punctuation and symbols"
        left_out.append(f"{marks} except {_listed(kept)}" if kept else marks)
    if not left_out:
        return "Nothing is removed from a text before the model reads it."
    return f"Removed from a text before the model reads it: {_listed(left_out)}."


def _listed(items: Sequence[str]) -> str:
    """Return items as a list in a sentence, with commas, and "and" before the last item."""
    *first, last = items
    return f"{', '.join(first)} and {last}" if first else last


def quantization(manifest: Manifest) -> str:
    """Return sentences on the differences between the exported and the trained model."""
    parity = manifest["parity"]
    fall = parity["auc_drop"]
    auc = f"{'fell' if fall > 0 else 'rose'} by {abs(fall):.4f}"
    if abs(fall) < 0.00005:
        auc = "changed by less than 0.0001"
    return (
        f"Quantization changed the probability of {parity['texts']:,} texts by "
        f"{parity['mean_difference']:.4f} on average and by {parity['max_difference']:.4f} at "
        f"most. The AUC {auc}."
    )


def measured_on(manifest: Manifest) -> str:
    """Return the kind of texts that were measured: held-out texts, or texts out of fold."""
    on: str = manifest.get("measured_on", HELD_OUT)
    return on


def measured_texts(manifest: Manifest) -> str:
    """Return a phrase on the number and the kind of the measured texts."""
    count = f"{manifest['metrics']['texts']:,}"
    if measured_on(manifest) == HELD_OUT:
        return f"{count} held-out texts"
    return (
        f"{count} labelled texts, each scored by a model that was trained without it "
        "(out of fold)"
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
    named = manifest.get("thresholds", {})
    columns = ["kind", "positive", "texts", "flagged", *(f"at `{name}`" for name in named)]
    rows += ["", f"| | {' | '.join(columns)} |", f"|---{'|---' * len(columns)}|"]
    for source, of in found.items():
        ranked = sorted(of["kinds"].items(), key=lambda kind: -kind[1].get("target", 0.5))
        for kind, each in ranked:
            target = {0: "no", 1: "yes"}.get(each.get("target"), "mixed")
            name = kind.replace("_", " ")
            shares = (each["flagged"], *(each["flagged_at"][at] for at in named))
            cells = (source, name, target, f"{each['texts']:,}", *map(percent, shares))
            rows.append(f"| {' | '.join(cells)} |")
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


def caution(manifest: Manifest) -> str:
    """Return the warnings of the command ``evaluate`` on unreliable intervals, or ''."""
    of_all = manifest["metrics"]
    counts = dict(zip(manifest["labels"], map(sum, of_all["confusion_matrix"]), strict=True))
    measured = {key: of_all[key] for key in MEASURES if key in of_all}
    return " ".join(f"**Caution:** {line}." for line in doubts(counts, measured))


def confusion_table(manifest: Manifest) -> str:
    """Return the confusion matrix of the measured texts as a Markdown table."""
    labels, matrix = manifest["labels"], manifest["metrics"]["confusion_matrix"]
    rows = [f"| | {' | '.join(f'predicted {_code(label)}' for label in labels)} |"]
    rows.append(f"|{'---|' * (len(labels) + 1)}")
    for label, counts in zip(labels, matrix, strict=True):
        rows.append(f"| labelled {_code(label)} | {' | '.join(map(str, counts))} |")
    return "\n".join(rows)


def candidates(manifest: Manifest) -> str:
    """Return a sentence and a table that compare both kinds of model, of which one ships."""
    found = manifest.get("candidates")
    if not found:
        return ""
    keys = [key for key in MEASURES if key in found[manifest["kind"]]["metrics"]]
    rows = [
        "The pipeline trains two kinds of model and measures both on the same texts:",
        "",
        f"| | {' | '.join(MEASURES[key] for key in keys)} | model file |",
        f"|{'---|' * (len(keys) + 2)}",
    ]
    for kind, of in found.items():
        name = f"{kind}, which ships" if kind == manifest["kind"] else kind
        cells = [_with_interval(of["metrics"][key]) for key in keys]
        rows.append(f"| {name} | {' | '.join(cells)} | {of['size'] / 1e6:.1f} MB |")
    return "\n".join(rows)


def calibrated(manifest: Manifest) -> str:
    """Return a paragraph on the calibrated probabilities and the rule for the label."""
    on = (
        "the calibration split"
        if measured_on(manifest) == HELD_OUT
        else "texts that were scored out of fold"
    )
    fitted = f"fitted by minimizing the log loss on {on}"
    if len(manifest["labels"]) == 2:
        positive = _code(manifest["positive_label"])
        return (
            f"The model gives the calibrated probability of {positive}. Beta calibration has "
            f"three parameters, {fitted}. A text gets the label {positive} if its probability "
            f"is at least {manifest['threshold']}."
        )
    return (
        "The probabilities are calibrated: the logits are divided by a temperature, and each "
        f"label has a bias. These parameters were {fitted}. A text gets the most probable "
        "label; there is no threshold."
    )


def robustness_table(manifest: Manifest) -> str:
    """Return a Markdown table of the effect of each perturbation on the probability."""
    if "robustness" not in manifest:
        return "Not measured."
    rows = [
        "| change | mean | 95th percentile | largest | decisions changed |",
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
    """Return a Markdown table of the measures of each slice, with their intervals."""
    if not manifest.get("slices"):
        return "Not measured: no group has texts of each label."
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
    """Return a paragraph that sums up the tables of perturbations and of slices."""
    said = []
    if moved := manifest.get("robustness"):
        worst = max(moved, key=lambda name: moved[name]["mean_difference"])
        still = [
            _PERTURBATIONS.get(name, name)
            for name, by in moved.items()
            if by["max_difference"] == 0
        ]
        said.append(
            "Among the tested changes to a text, the largest effect comes from "
            f"{_PERTURBATIONS.get(worst, worst)}: the probability moves by "
            f"{moved[worst]['mean_difference']:.3f} on average, and "
            f"{percent(moved[worst]['decisions_changed'])} of the decisions change."
        )
        if still:
            said.append(f"These changes have no effect: {_listed(still)}.")
    if parts := manifest.get("slices"):
        ranked = sorted(parts, key=lambda name: parts[name]["accuracy"]["value"])
        low, high = (parts[ranked[end]]["accuracy"]["value"] for end in (0, -1))
        said.append(
            f"Accuracy is lowest on texts {ranked[0]} ({low:.3f}) and highest on texts "
            f"{ranked[-1]} ({high:.3f})."
        )
    return " ".join(said)


def percent(share: float) -> str:
    """Return a share in percent, in the form of the documents."""
    return f"{100 * share:.1f} %"


def learned(manifest: Manifest) -> str:
    """Return a paragraph on the training of the model and on the training texts."""
    said = []
    if teachers := manifest.get("teachers"):
        said.append(
            f"The teachers, {teachers['teachers']} large encoders, gave texts soft labels: the "
            "mean of their probabilities. Where a text also has a label, the soft label counts "
            f"{100 * teachers['weight']:.0f} % and the label the rest."
        )
    if taught := manifest.get("distillation"):
        unlabelled = f" and {taught['unlabelled']:,} others" if taught["unlabelled"] else ""
        said.append(
            f"An assistant of {taught['assistant_layers']} layers was trained on "
            f"{taught['labelled']:,} labelled texts{unlabelled}."
        )
        if taught.get("related"):
            said.append(
                f"It was also trained on {taught['related']:,} labels of other data sets, "
                "which answer related questions."
            )
        if taught["linear"]:
            said.append(
                "In its training targets, a linear model over characters and word pairs counts "
                f"{100 * taught['linear']:.0f} % of the logits. The linear model scores only "
                "texts that it was not fitted on."
            )
        said.append(
            "The assistant then labelled texts without a label and augmented copies of all "
            "texts. In a copy, words are replaced or removed, or two texts are joined. The "
            f"student was trained on {taught['texts']:,} texts in all."
        )
    return " ".join(said)


def failures(written: Sequence[dict[str, str]]) -> str:
    """Return a paragraph and a list of the regression texts that the model gets wrong.

    Args:
        written: The regression texts with their ``label``, and with ``known: wrong`` if the
            model errs. Without texts, the result is empty.
    """
    if not written:
        return ""
    wrong = [each for each in written if each.get("known") == "wrong"]
    lines = [
        f"`topic/regression.json` has {len(written)} texts that were written to find mistakes. "
        f"The model gets {len(written) - len(wrong)} of them right."
    ]
    if wrong:
        lines[0] += " It gets these wrong; each stands behind its right label:"
        lines += ["", *(f"- {_code(each['label'])}: *{each['text']}*" for each in wrong)]
    return "\n".join(lines)
