"""Write the tables of the hosts, for the README and docs/hosts.md.

A host is a program that the classifier plugs into. The tables come from the tested versions,
the entry points and the source of the adapters. No host is imported. A host links to its page
in docs/model/hosts, if the repository has one.
"""

from __future__ import annotations

import ast
import configparser
import re
from pathlib import Path
from typing import NamedTuple

from disaster_tweets import topic
from disaster_tweets.plugins import column

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs" / "model" / "hosts"
ADAPTERS = ROOT / "src" / "disaster_tweets" / "plugins"
CONSTRAINTS = ROOT / "tests" / "hosts" / "constraints.txt"
PLUGINS = "disaster_tweets.plugins"


class Host(NamedTuple):
    """A program or a library that the classifier plugs into.

    Attributes:
        name: The name as users write it. In lower case, it is also the name of the host's page.
        distribution: The distribution that pip installs.
        extra: The extra of this distribution that installs it.
        adapter: The module in ``disaster_tweets.plugins`` that the host or its user imports.
        group: The group of entry points in which the host finds the adapter; None if the user
            imports the adapter.
        imports: The import statement for the user; empty if the host finds the adapter.
        use: The code or the command that the user types.
    """

    name: str
    distribution: str
    extra: str
    adapter: str
    group: str | None
    imports: str
    use: str


def _found(name: str, extra: str, adapter: str, group: str, use: str) -> Host:
    """Return a host that finds the classifier by itself."""
    return Host(name, extra, extra, adapter, group, "", use)


def _imported(name: str, distribution: str, extra: str, what: str, use: str) -> Host:
    """Return a host whose user has to import a module, or a name of one (MODULE.NAME)."""
    module, _, member = what.partition(".")
    imports = (
        f"from {PLUGINS}.{module} import {member}" if member else f"import {PLUGINS}.{module}"
    )
    return Host(name, distribution, extra, module, None, imports, use)


HOSTS = (
    _found("Datasette", "datasette", "sqlite", "datasette", "datasette texts.db"),
    _found(
        "llm",
        "llm",
        "llm",
        "llm",
        'llm -T classify_disaster_tweets "Classify these texts" < texts.txt',
    ),
    _found("spaCy", "spacy", "spacy", "spacy_factories", 'nlp.add_pipe("disaster_tweets")'),
    _found(
        "sqlite-utils",
        "sqlite-utils",
        "sqlite",
        "sqlite_utils",
        f"sqlite-utils {column.SCORE_COMMAND} texts.db texts text",
    ),
    _found("VisiData", "visidata", "visidata", "visidata.plugins", "vd texts.csv"),
    _imported(
        "Dask",
        "dask",
        "dask",
        "column.score",
        'df.map_partitions(lambda t: t.assign(p=score(t["text"]).probabilities))',
    ),
    _imported(
        "DuckDB",
        "duckdb",
        "duckdb",
        "duckdb.register",
        f'register(con); con.sql("SELECT {column.LABEL}(text) FROM texts")',
    ),
    _imported("MLflow", "mlflow", "mlflow", "mlflow.save_model", 'save_model("model")'),
    _imported(
        "Polars",
        "polars",
        "polars",
        "polars",
        'df.with_columns(pl.col("text").disaster_tweets.probability())',
    ),
    _imported(
        "Ray",
        "ray",
        "ray",
        "column.score",
        'ds.map_batches(lambda t: t.assign(p=score(t["text"]).probabilities), '
        'batch_format="pandas")',
    ),
    _imported(
        "scikit-learn",
        "scikit-learn",
        "sklearn",
        "sklearn.DisasterTweetsClassifier",
        "DisasterTweetsClassifier().predict(texts)",
    ),
    _imported(
        "Spark",
        "pyspark",
        "spark",
        "spark.probability",
        'df.withColumn("p", probability("text"))',
    ),
)
# The next step after the command, in a host with its own command line or page.
THEN = {
    "Datasette": f"`{column.LABEL}(text)` in any query",
    "VisiData": f"Space, `{column.ADD_COLUMNS_COMMAND}`, Enter",
}


def found(folder: str) -> str:
    """Return a Markdown table of the hosts that find the classifier by themselves.

    Args:
        folder: The path of the pages, as it stands in links.
    """
    return _table(folder, [host for host in HOSTS if host.group])


def imported(folder: str) -> str:
    """Return a Markdown table of the hosts that need an import; arguments as in `found`."""
    return _table(folder, [host for host in HOSTS if not host.group])


def all_hooks() -> str:
    """Return a section for each adapter module, with a table of its hooks."""
    sections = []
    for module in sorted(ADAPTERS.glob("*.py")):
        rows = [f"| `{name}` | {summary} |" for name, summary in hooks(module)]
        if rows:
            summary = _first_line(ast.get_docstring(ast.parse(module.read_bytes())))
            sections += [
                f"### {PLUGINS}.{module.stem}",
                summary,
                "\n".join(["| name | what it does |", "|---|---|", *rows]),
            ]
    return "\n\n".join(sections)


def hooks(module: Path) -> list[tuple[str, str]]:
    """Return the public functions and classes of a module, each with its summary."""
    return [
        (node.name, _first_line(ast.get_docstring(node)).replace("|", "\\|"))
        for node in ast.parse(module.read_bytes()).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
    ]


def _table(folder: str, hosts: list[Host]) -> str:
    versions = dict(re.findall(r"^([\w.-]+)==(\S+)$", CONSTRAINTS.read_text("utf-8"), re.M))
    rows = ["| host | what to type | extra | tested version |", "|---|---|---|---|"]
    for host in hosts:
        typed = _code(host.use)
        if host.imports:
            typed = f"{_code(host.imports)}<br>{typed}"
        if host.name in THEN:
            typed += f", then {THEN[host.name]}"
        cells = (_link(host, folder), typed, f"`{host.extra}`", versions[host.distribution])
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def _link(host: Host, folder: str) -> str:
    page = f"{host.name.lower()}.md"
    return f"[{host.name}]({folder}/{page})" if (PAGES / page).is_file() else host.name


def _code(text: str) -> str:
    return "`{}`".format(text.replace("|", "\\|"))


def meaning() -> str:
    """Return a sentence on the labels and one on the probability."""
    labels = ", ".join(f"`{label}`" for label in topic.LABELS)
    of = "the label of the text"
    if len(topic.LABELS) == 2:
        of = f"`{topic.LABELS[1]}`, whatever the label of the text"
    return f"The labels are {labels}. The probability is that of {of}."


def names() -> str:
    """Return a table of the names of SQL functions, columns and commands."""
    both = (column.PROBABILITY, column.LABEL)
    rows = [
        *(
            (f"{name}(text)", "SQL function in Datasette, DuckDB, Spark, sqlite-utils")
            for name in both
        ),
        (f"{column.SCORE}(text)", "SQL function in Spark: a struct of both"),
        *((name, "column that Datasette, sqlite-utils, VisiData add") for name in both),
        (column.SCORE_COMMAND, "command of sqlite-utils"),
        (column.ADD_COLUMNS_COMMAND, "command of VisiData"),
    ]
    lines = [f"| `{name}` | {meaning} |" for name, meaning in rows]
    return "\n".join(["| name | what it is |", "|---|---|", *lines])


def entry_points() -> str:
    """Return a table of the entry points of the distribution."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    rows = ["| group | name | object |", "|---|---|---|"]
    for group, lines in setup["options.entry_points"].items():
        for line in lines.strip().splitlines():
            name, target = map(str.strip, line.split("="))
            rows.append(f"| `{group}` | `{name}` | `{target}` |")
    return "\n".join(rows)


def _first_line(docstring: str | None) -> str:
    return " ".join((docstring or "").partition("\n\n")[0].split())
