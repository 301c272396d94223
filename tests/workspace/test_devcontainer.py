"""The description of the container: its form is current; it sets up all before the start."""

from __future__ import annotations

import re
from types import ModuleType
from typing import Any

from ..conftest import ROOT
from .conftest import LIFECYCLE

# The keys for a container made from an image, by the types of their values. They come from
# devContainer.base.schema.json of the devcontainers specification, which is in no package on
# PyPI. Newer versions of the schema lack top-level `extensions` and `settings`.
KEYS = {
    str: "name image waitFor remoteUser containerUser userEnvProbe shutdownAction",
    dict: "features secrets portsAttributes otherPortsAttributes containerEnv remoteEnv "
    "hostRequirements customizations",
    list: "overrideFeatureInstallOrder forwardPorts mounts capAdd securityOpt runArgs",
    bool: "updateRemoteUserUID init privileged overrideCommand",
    (str, list, dict): " ".join(["initializeCommand", *LIFECYCLE]),
}
HOLDS = {
    "hostRequirements": r"(cpus [1-9]\d*|(memory|storage) \d+([tgmk]b)?|gpu (True|optional))",
    "features": r"ghcr\.io/[\w-]+/[\w-]+/[\w-]+:\d+ \{.*\}",
    "portsAttributes": r"5000 \{'label': '.+', 'onAutoForward': '(notify|silent)'\}",
    "remoteEnv": r"PATH \$\{containerWorkspaceFolder\}/\.venv/bin:\$\{containerEnv:PATH\}",
}


def test_it_has_the_form_of_the_schema(configuration: dict[str, Any]) -> None:
    kinds = {key: kind for kind, keys in KEYS.items() for key in keys.split()}
    for key, value in configuration.items():
        assert isinstance(value, kinds[key]), key
    for key, pattern in HOLDS.items():
        for name, held in configuration[key].items():
            assert re.fullmatch(pattern, f"{name} {held}"), key
    editor = configuration["customizations"]["vscode"]
    assert set(editor) == {"extensions", "settings"}
    assert all(re.fullmatch(r"[\w-]+\.[\w-]+", name) for name in editor["extensions"])


def test_the_python_of_the_image_can_train(
    configuration: dict[str, Any], script: ModuleType
) -> None:
    image = r"mcr\.microsoft\.com/devcontainers/python:\d+-(\d\.\d+)-\w+"

    assert re.fullmatch(image, configuration["image"])[1] in script.TRAINABLE


def test_the_editor_opens_when_all_is_there(configuration: dict[str, Any]) -> None:
    waited_for = LIFECYCLE.index(configuration["waitFor"])
    setting_up = [name for name in LIFECYCLE if "setup" in str(configuration.get(name))]

    # A prebuilt container holds the results of this command.
    assert setting_up == ["updateContentCommand"]
    assert LIFECYCLE.index(*setting_up) <= waited_for


def test_the_port_is_the_one_of_the_page(configuration: dict[str, Any]) -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    shown = set(re.findall(r"<http://127\.0\.0\.1:(\d+)>", readme))

    assert {str(port) for port in configuration["forwardPorts"]} == shown


def test_dependabot_renews_the_features() -> None:
    updates = (ROOT / ".github" / "dependabot.yml").read_text("utf-8")

    assert re.search(r"package-ecosystem: devcontainers\n    directory: /\n", updates)
