"""The formats of tables, and how a file name maps to a format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import NamedTuple

from disaster_tweets.tables.compression import SUFFIXES as COMPRESSIONS
from disaster_tweets.tables.errors import FormatError

CSV, TSV, JSONL, JSON, TXT = "csv", "tsv", "jsonl", "json", "txt"
PARQUET, ARROW, XLSX = "parquet", "arrow", "xlsx"

FORMATS = (CSV, TSV, JSONL, JSON, TXT, PARQUET, ARROW, XLSX)
DELIMITED = {CSV: ",", TSV: "\t"}  # the delimiter that each format promises
BINARY = {PARQUET, ARROW, XLSX}  # formats that need a seekable file

SUFFIXES: Mapping[str, str] = {
    ".csv": CSV,
    ".tsv": TSV,
    ".tab": TSV,
    ".jsonl": JSONL,
    ".ndjson": JSONL,
    ".json": JSON,
    ".js": JSON,  # the archives of social networks use this name
    ".txt": TXT,
    ".parquet": PARQUET,
    ".pq": PARQUET,
    ".arrow": ARROW,
    ".feather": ARROW,
    ".xlsx": XLSX,
}
KNOWN = tuple(SUFFIXES)

# The next step for files that people often have and this package does not read.
_ADVICE = {
    ".xls": "save it as .xlsx",
    ".xlsm": "save it as .xlsx",
    ".xlsb": "save it as .xlsx",
    ".ods": "save it as .xlsx or .csv",
    ".numbers": "export it as .xlsx or .csv",
    ".docx": "save the texts in a .txt or .csv file",
    ".doc": "save the texts in a .txt or .csv file",
    ".pdf": "save the texts in a .txt or .csv file",
    ".html": "save the table in it as .csv",
    ".db": "export the table as .csv, or use sqlite-utils with the plugin of this package",
    ".sqlite": "export the table as .csv, or use sqlite-utils with the plugin of this package",
    ".avro": "convert it to .parquet",
    ".orc": "convert it to .parquet",
    ".sav": "export it as .csv",
    ".dta": "export it as .csv",
    ".rdata": "export it as .csv",
    ".pkl": "export it as .csv or .parquet",
    ".pickle": "export it as .csv or .parquet",
    ".7z": "unpack it first",
    ".rar": "unpack it first",
    ".tar": "unpack it first",
    ".tgz": "unpack it first",
}


class Name(NamedTuple):
    """The format and the compression that a file name indicates.

    Attributes:
        format: One of `FORMATS`, or None.
        compression: A value of `COMPRESSIONS`, "zip", or None.
    """

    format: str | None
    compression: str | None


def of_name(name: str) -> Name:
    """Return the format and the compression that a file name indicates."""
    path = PurePath(name)
    suffix = path.suffix.lower()
    compression = "zip" if suffix == ".zip" else COMPRESSIONS.get(suffix)
    if compression is not None:
        suffix = PurePath(path.stem).suffix.lower()
    return Name(SUFFIXES.get(suffix), compression)


def named_format(name: str, *, title: str | None = None) -> str:
    """Return the format that a file name indicates.

    Raises:
        FormatError: The name indicates no known format.
    """
    format_ = of_name(name).format
    if format_ is None:
        raise unknown(name, title=title)
    return format_


def unknown(name: str, *, title: str | None = None, written: bool = False) -> FormatError:
    """Return the error for a file name without a known format, with a suggestion.

    Args:
        name: The name of the file.
        title: The name in the message.
        written: The file is an output. No output is a plain text or a zip.
    """
    path = PurePath(name)
    suffix = path.suffix.lower()
    if suffix in COMPRESSIONS or suffix == ".zip":
        suffix = PurePath(path.stem).suffix.lower() or suffix
    file = title or name
    advice = _ADVICE.get(suffix)
    if advice is not None and not written:
        return FormatError(f"{suffix} files cannot be read; {advice}", file=file)
    suffixes = [s for s in KNOWN if not written or SUFFIXES[s] != TXT]
    nearest = _nearest(suffix, suffixes)
    packed = [*COMPRESSIONS, *([] if written else [".zip"])]
    known = f"known are {', '.join(suffixes)}, also followed by {', '.join(packed)}"
    problem = "no format that can be written" if written else "no known format"
    return FormatError(
        f"its name ends in {problem}; {nearest + '; ' if nearest else ''}{known}",
        file=file,
        candidates=FORMATS,
    )


def _nearest(suffix: str, known: Sequence[str]) -> str | None:
    from difflib import get_close_matches

    near = get_close_matches(suffix, known, n=1, cutoff=0.7) if suffix else []
    return f"did you mean {near[0]}?" if near else None
