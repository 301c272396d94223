"""``info``, ``verify`` and ``plugins`` describe and check the installation."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from disaster_tweets import bundle
from disaster_tweets.cli.output import prepare_standard_output
from disaster_tweets.topic import TEXTS

if TYPE_CHECKING:
    from disaster_tweets.manifest import Manifest


@click.command()
@click.option(
    "--json", "as_json", is_flag=True, help="Print the manifest of the model as JSON."
)
def info(as_json: bool) -> None:
    """Describe the model: version, accuracy, size and origin."""
    prepare_standard_output()
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

    The command compares every installed file with the record of the installation, and the
    files of the model with the manifest. It also scores texts whose scores are recorded. If
    something differs, it names the file and ends with status 1.
    """
    from disaster_tweets import integrity

    prepare_standard_output()
    checked, problems = integrity.verify()
    for line in checked:
        click.echo(line)
    for line in problems:
        click.echo(f"Error: {line}", err=True)
    sys.exit(1 if problems else 0)


@click.command()
def plugins() -> None:
    """List the installed text classifiers.

    Each line has the name, the distribution and the labels of one classifier. A classifier is
    installed if it has an entry point in the group text_classifiers, as this one has. The
    command reports a classifier that cannot be used, and skips it.
    """
    from disaster_tweets.plugins.discovery import discover

    prepare_standard_output()
    for plugin in discover():
        origin = " ".join(filter(None, (plugin.distribution, plugin.version)))
        if plugin.error is not None:
            click.echo(f"Skipped: {plugin.name} ({origin}): {plugin.error}", err=True)
        else:
            labels = ", ".join((plugin.info or {}).get("labels", ["no card"]))
            click.echo(f"{plugin.name}\t{origin}\t{labels}")


def _card(manifest: Manifest) -> Iterator[tuple[str, str]]:
    """Yield the lines of `info`: the name and the value of each property."""
    metrics, backbone = manifest["metrics"], manifest["backbone"]
    size = sum(entry["size"] for entry in manifest["artifacts"].values())
    yield "model version", manifest["model_version"]
    yield "labels", ", ".join(manifest["labels"])
    yield "languages", ", ".join(manifest["languages"])
    yield "kind", manifest["kind"]
    if manifest["threshold"] is not None:
        yield "threshold", str(manifest["threshold"])
        for name, value in manifest.get("thresholds", {}).items():
            yield f"threshold {name}", str(value)
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
