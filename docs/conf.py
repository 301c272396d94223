"""The Sphinx configuration of the site. The build needs the wheel, no network and no Git."""

from __future__ import annotations

import re
from importlib.metadata import metadata
from pathlib import Path

import click
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx_click.ext import ClickDirective

DOCS = Path(__file__).parent
ROOT = DOCS.parent
# Files of the root folder that are also pages, and the names of the pages that include them.
ROOT_PAGES = {
    "CHANGELOG.md": "changelog",
    "CONTRIBUTING.md": "contributing",
    "MODEL_CARD.md": "model-card",
    "SECURITY.md": "security",
}

_installed = metadata("disaster-tweets-model")
_addresses = dict(line.split(", ", 1) for line in _installed.get_all("Project-URL", failobj=[]))
SOURCE = _addresses.get("Source", "").rstrip("/")  # empty until there is a public repository

project = _installed["Name"]
version = release = _installed["Version"]
project_copyright = (ROOT / "NOTICE").read_text("utf-8").splitlines()[1].partition(" ")[2]

extensions = [
    *("myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"),
    *("sphinx_click", "sphinx_copybutton"),
]
exclude_patterns = ["*.template.md"]
nitpicky = True
# References to other projects' types stay unresolved, because the build fetches no inventory.
nitpick_ignore_regex = [("py:(class|exc)", r"(?!disaster_tweets\b).*")]
highlight_language = "text"
smartquotes = False  # options keep their --, and shapes of arrays keep their ...

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4  # links such as measurements.md#bulk-scoring, as on GitHub

# Names in single backticks belong to this package and must exist.
default_role = "py:obj"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 120
# The hosts of the adapters need not be installed for the description of the adapters.
autodoc_mock_imports = [
    *("duckdb", "flask", "mlflow", "pandas", "pluggy", "polars", "prometheus_client"),
    *("pyarrow", "pyspark", "sklearn", "spacy", "visidata", "werkzeug"),
]

# The copy button copies commands, without prompts and outputs, but with here-documents.
copybutton_prompt_text = r">>> |\.\.\. |\$ |> "
copybutton_prompt_is_regexp = True
copybutton_exclude = ".linenos"

_BRAND = ("color-brand-primary", "color-brand-content", "color-brand-visited")

html_theme = "furo"
html_title = f"{project} {release}"
html_logo = html_favicon = "../src/disaster_tweets/web/static/favicon.svg"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_theme_options = {
    "light_css_variables": dict.fromkeys(_BRAND, "#c2410c"),
    "dark_css_variables": dict.fromkeys(_BRAND, "#fb923c"),
    "footer_icons": [{"name": "Repository", "url": SOURCE, "html": "Repository"}]
    if SOURCE
    else [],
    "top_of_page_buttons": [],
}


class Command(ClickDirective):
    """Describes a command without a title, because the page has its own."""

    def run(self) -> list[nodes.Node]:
        """Return the description without the title of sphinx-click."""
        (section,) = super().run()
        return list(section.children[1:])


class LinksOutOfTheSite(SphinxTransform):
    """Points a link to a file of the repository to its page, or to the public repository.

    Documents have relative links, which GitHub needs. A link to a file that is no page leads to
    the repository, if its address is known; otherwise, only the text of the link stays. MyST
    warns of a file that does not exist.
    """

    default_priority = 100

    def apply(self, **_: object) -> None:
        """Replace the links of one page."""
        page = self.env.docname
        folder = ROOT if page in ROOT_PAGES.values() else (DOCS / page).parent
        kinds = (addnodes.download_reference, addnodes.pending_xref)
        for link in [link for kind in kinds for link in self.document.findall(kind)]:
            if link.get("reftype") != "myst" or link["reftarget"] in self.env.found_docs:
                continue
            name, _, anchor = link["reftarget"].partition("#")
            if link.get("refdomain") == "doc":  # a Markdown file; MyST has cut off its suffix
                name, anchor = f"{name}.md", link["reftargetid"] or ""
            target = (folder / name).resolve()
            if name and target.exists() and target.is_relative_to(ROOT):
                link.replace_self(self._replacement(link, target, anchor))

    def _replacement(
        self, link: nodes.Element, target: Path, anchor: str
    ) -> nodes.Node | list[nodes.Node]:
        path = target.relative_to(ROOT).as_posix()
        page = ROOT_PAGES.get(path) or self.env.path2doc(target)
        if page in self.env.found_docs:
            return addnodes.pending_xref(
                "",
                *link.children,
                refdoc=self.env.docname,
                refdomain="doc",
                refexplicit=True,
                reftarget=page,
                reftargetid=anchor or None,
                reftype="myst",
            )
        if SOURCE:
            address = f"{SOURCE}/blob/HEAD/{path}" + (f"#{anchor}" if anchor else "")
            return nodes.reference("", "", *link.children, refuri=address)
        return link.children


def escape_the_topic(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Escape a docstring that consists of the topic's words, because they are no markup."""
    if name == "disaster_tweets.plugins.llm.classify_disaster_tweets":
        lines[:] = [re.sub(r"([\\`*|_])", r"\\\1", line) for line in lines]


def as_plain_text(app: Sphinx, context: click.Context, lines: list[str]) -> None:
    """Treat the help of a command as text without markup, and its examples as code."""
    plain: list[str] = []
    for line in lines:
        line = line.removeprefix("| ")  # marks a paragraph that click does not wrap
        if not line.startswith("  "):
            plain.append(re.sub(r"([\\`*|_])", r"\\\1", line))
            continue
        if not plain[-1].startswith("  "):
            plain += ["", ".. code-block:: sh", ""]
        plain.append(f" {line}")
    lines[:] = plain


def as_on_the_command_line(app: Sphinx, context: click.Context, lines: list[str]) -> None:
    """Use the terms of the command line for the choices and the values of options."""
    lines[:] = [line.replace(":options:", ":choices:").replace("_>", ">") for line in lines]


def setup(app: Sphinx) -> None:
    """Register the additions in this file."""
    app.add_directive("command", Command)
    app.connect("sphinx-click-process-description", as_plain_text)
    app.connect("sphinx-click-process-options", as_on_the_command_line)
    app.add_transform(LinksOutOfTheSite)
    app.connect("autodoc-process-docstring", escape_the_topic)
