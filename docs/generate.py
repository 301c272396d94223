"""Write the documents that are made from the manifest: the README's table and MODEL_CARD.md.

With --check, write nothing and fail if one is out of date.
"""

from __future__ import annotations

import json
import re
import string
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
README, CARD = ROOT / "README.md", ROOT / "MODEL_CARD.md"
NAMES = {
    "accuracy": "accuracy",
    "f1": "F1",
    "auc": "area under the ROC curve",
    "expected_calibration_error": "expected calibration error",
}
# Golden tweets that the model gets wrong: the right answer to each is "no disaster".
FALSE_ALARMS = (
    "Traffic was a disaster this morning but at least there were donuts",
    "My kitchen looks like a tornado went through it and I have zero regrets lol",
)


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


def readme(text: str, manifest: dict[str, Any]) -> str:
    """Return the README with its table renewed."""
    size = sum(file["size"] for file in manifest["artifacts"].values())
    block = (
        f"{metrics_table(manifest)}\n\n"
        f"On {manifest['metrics']['texts']:,} held-out texts. "
        f"Model and vocabulary: {size / 1e6:.1f} MB."
    )
    return re.sub(
        r"(<!-- metrics: .*? -->\n).*?(<!-- /metrics -->)",
        lambda match: f"{match[1]}{block}\n{match[2]}",
        text,
        flags=re.DOTALL,
    )


def model_card(template: str, manifest: dict[str, Any], golden: dict[str, float]) -> str:
    """Return the model card: the template filled in from the manifest."""
    backbone, training, parity = (manifest[key] for key in ("backbone", "training", "parity"))
    (true_negatives, false_positives), (false_negatives, true_positives) = manifest["metrics"][
        "confusion_matrix"
    ]
    return string.Template(template).substitute(
        {key: manifest[key] for key in ("model_version", "max_tokens", "licence")},
        labels=", ".join(manifest["labels"]),
        threshold=manifest["threshold"],
        temperature=manifest["temperature"],
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
        failures="\n".join(f"- {golden[text]:.2f}: *{text}*" for text in FALSE_ALARMS),
    )


def documents() -> dict[Path, str]:
    """Return each generated document with the content that it should have."""
    artifacts = ROOT / "artifacts"
    manifest = json.loads((artifacts / "manifest.json").read_text("utf-8"))
    golden = json.loads((artifacts / "golden.json").read_text("utf-8"))
    template = (ROOT / "docs" / "MODEL_CARD.template.md").read_text("utf-8")
    return {
        README: readme(README.read_text("utf-8"), manifest),
        CARD: model_card(
            template,
            manifest,
            {tweet["text"]: tweet["probability"] for tweet in golden},
        ),
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
