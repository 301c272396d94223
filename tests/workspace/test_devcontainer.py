"""The description of the container: today's form, and nothing left for after the start."""

from __future__ import annotations

import re
from types import ModuleType
from typing import Any

from ..conftest import ROOT
from .conftest import LIFECYCLE

COMMAND = (str, list, dict)
# From devContainer.base.schema.json of the devcontainers specification (no package on PyPI has
# it): the keys for a container made from an image. Top-level `extensions` and `settings` were
# dropped from it.
KEYS: dict[str, type | tuple[type, ...]] = {
    **{"$schema": str, "name": str, "image": str},
    **{"features": dict, "overrideFeatureInstallOrder": list, "secrets": dict},
    **{"forwardPorts": list, "portsAttributes": dict, "otherPortsAttributes": dict},
    **{"updateRemoteUserUID": bool, "containerEnv": dict, "containerUser": str},
    **{"mounts": list, "init": bool, "privileged": bool, "capAdd": list, "securityOpt": list},
    **{"remoteEnv": dict, "remoteUser": str, "initializeCommand": COMMAND},
    **dict.fromkeys(LIFECYCLE, COMMAND),
    **{"waitFor": str, "userEnvProbe": str, "hostRequirements": dict, "customizations": dict},
    **{"appPort": (int, str, list), "runArgs": list, "shutdownAction": str},
    **{"overrideCommand": bool, "workspaceFolder": str, "workspaceMount": str},
}
REQUIREMENTS = {
    "cpus": r"[1-9]\d*",
    "memory": r"\d+([tgmk]b)?",
    "storage": r"\d+([tgmk]b)?",
    "gpu": "True|False|optional",
}
PORT = {"label", "onAutoForward", "requireLocalPort", "elevateIfNeeded", "protocol"}
ON_FORWARD = {"notify", "openBrowser", "openBrowserOnce", "openPreview", "silent", "ignore"}


def test_each_key_is_in_the_schema(configuration: dict[str, Any]) -> None:
    for key, value in configuration.items():
        assert isinstance(value, KEYS[key]), key


def test_what_the_keys_hold_is_in_the_schema(configuration: dict[str, Any]) -> None:
    for key, value in configuration["hostRequirements"].items():
        assert re.fullmatch(REQUIREMENTS[key], str(value)), key
    for port, attributes in configuration["portsAttributes"].items():
        assert int(port) in configuration["forwardPorts"]
        assert attributes["label"]
        assert set(attributes) <= PORT
        assert attributes.get("onAutoForward", "notify") in ON_FORWARD
    for feature, options in configuration["features"].items():
        assert re.fullmatch(r"ghcr\.io/[\w-]+/[\w-]+/[\w-]+:\d+", feature)
        assert isinstance(options, dict)
    assert all(isinstance(value, str) for value in configuration["remoteEnv"].values())


def test_the_editor_gets_extensions_and_settings(configuration: dict[str, Any]) -> None:
    editor = configuration["customizations"]["vscode"]

    assert set(editor) == {"extensions", "settings"}
    assert len(editor["extensions"]) == len(set(editor["extensions"]))
    assert all(re.fullmatch(r"[\w-]+\.[\w-]+", name) for name in editor["extensions"])


def test_the_python_of_the_image_can_train(
    configuration: dict[str, Any], script: ModuleType
) -> None:
    image = re.fullmatch(
        r"mcr\.microsoft\.com/devcontainers/python:\d+-(\d\.\d+)-\w+", configuration["image"]
    )

    assert image
    assert image[1] in script.TRAINABLE


def test_the_editor_opens_when_all_is_there(configuration: dict[str, Any]) -> None:
    waited_for = LIFECYCLE.index(configuration["waitFor"])
    setting_up = [name for name in LIFECYCLE if "setup" in str(configuration.get(name))]

    # What a prebuilt container holds.
    assert setting_up == ["updateContentCommand"]
    assert LIFECYCLE.index(*setting_up) <= waited_for


def test_the_port_is_the_one_of_the_page(configuration: dict[str, Any]) -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    shown = set(re.findall(r"<http://127\.0\.0\.1:(\d+)>", readme))

    assert {str(port) for port in configuration["forwardPorts"]} == shown


def test_tools_are_found_without_activating_anything(configuration: dict[str, Any]) -> None:
    first, rest = configuration["remoteEnv"]["PATH"].split(":", 1)

    assert first == "${containerWorkspaceFolder}/.venv/bin"
    assert rest == "${containerEnv:PATH}"


def test_dependabot_renews_the_features() -> None:
    updates = (ROOT / ".github" / "dependabot.yml").read_text("utf-8")

    assert re.search(r"package-ecosystem: devcontainers\n    directory: /\n", updates)
