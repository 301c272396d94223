"""``info``, ``verify`` and ``plugins``: what is installed here."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from disaster_tweets import bundle
from disaster_tweets.topic import TEXTS

if TYPE_CHECKING:
    from disaster_tweets.manifest import Manifest


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print all that is known, as JSON.")
def info(as_json: bool) -> None:
    """Describe the model: version, accuracy, size and origin."""
    manifest = bundle.bundled_manifest()
    if as_json:
        click.echo(json.dumps(manifest, indent=2))
        return
    rows = list(_card(manifest))
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        click.echo(f"{name:<{width}}  {value}")


@click.command()
def verify() -> None:
    """Check that the installation is intact.

    Compares every installed file with the record of the installation, the manifest with
    its form, the artifacts with the manifest, and the scores of the golden texts with the
    recorded ones. Exit status 1, and the file's name, where something differs.
    """
    from disaster_tweets import integrity

    checked, problems = integrity.verify()
    for line in checked:
        click.echo(line)
    for line in problems:
        click.echo(f"Error: {line}", err=True)
    sys.exit(1 if problems else 0)


@click.command()
def plugins() -> None:
    """List the installed text classifiers.

    All that announce themselves in the entry-point group text_classifiers, this one
    included: name, distribution and labels. Broken ones are reported and skipped.
    """
    from disaster_tweets.plugins.discovery import discover

    for plugin in discover():
        origin = " ".join(filter(None, (plugin.distribution, plugin.version)))
        if plugin.error is not None:
            click.echo(f"Skipped: {plugin.name} ({origin}): {plugin.error}", err=True)
        else:
            labels = ", ".join((plugin.info or {}).get("labels", ["no card"]))
            click.echo(f"{plugin.name}\t{origin}\t{labels}")


def _card(manifest: Manifest) -> Iterator[tuple[str, str]]:
    """Yield the lines of `info`: what, and its value."""
    metrics, backbone = manifest["metrics"], manifest["backbone"]
    size = sum(entry["size"] for entry in manifest["artifacts"].values())
    yield "model version", manifest["model_version"]
    yield "labels", ", ".join(manifest["labels"])
    yield "languages", ", ".join(manifest["languages"])
    yield "kind", manifest["kind"]
    if manifest["threshold"] is not None:
        yield "threshold", str(manifest["threshold"])
    f1 = "f1" if "f1" in metrics else "macro_f1"
    for name in ("accuracy", f1, "auc", "expected_calibration_error"):
        measured = metrics[name]
        yield (
            name.replace("_", " "),
            f"{measured['value']:.3f} ({measured['low']:.3f} to {measured['high']:.3f}, "
            f"95 % interval on {metrics['texts']} unseen {TEXTS})",
        )
    yield "size", f"{size / 1e6:.1f} MB"
    yield "backbone", f"{backbone['repository']} ({backbone['licence']})"
    yield "licence", manifest["licence"]
