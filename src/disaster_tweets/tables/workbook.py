"""Read a sheet of an Excel workbook (.xlsx), and write one.

Writing is left to openpyxl. Its reader alters texts that hold ``x005F_``, and cannot tell a
formula without a stored result from an empty cell, so the cells are read here.
"""

from __future__ import annotations

import importlib
import posixpath
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from errno import ENOSPC
from math import isfinite
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

from disaster_tweets.tables.compression import is_bomb
from disaster_tweets.tables.errors import (
    ContentError,
    DamagedError,
    FileError,
    MissingLibraryError,
    RowError,
    SheetError,
    SizeError,
    TableError,
    WriteError,
)

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element
    from zipfile import ZipFile

Cell: TypeAlias = bool | int | float | str | datetime | date | time | timedelta | None

# What a sheet of Excel can hold; a text is counted in units of UTF-16.
ROWS, COLUMNS, CHARACTERS = 1_048_576, 16_384, 32_767
# Excel counts days from 1900, and until March of that year it counts one too many.
FIRST_DAY = datetime(1900, 3, 1)
# Excel keeps 15 digits of a number, and ids in the wild have 19.
LARGEST = 10**15 - 1
# What is read of a workbook lies in memory. The rows are filled up to the same width, so that
# few cells far apart could take more than the file lets expect.
LARGEST_UNPACKED = 1 << 30
LARGEST_TABLE = 50_000_000

# A character that XML cannot hold is written _xHHHH_, and so is an underscore that could begin
# such an escape. A parser would make a line feed of a carriage return.
_FORBIDDEN = r"[\x00-\x08\x0b-\x1f\ufffe\uffff]"
_TO_ESCAPE = re.compile(rf"{_FORBIDDEN}|_(?=x[0-9A-Fa-f]{{4}}(?:_|{_FORBIDDEN}))")
# An escaped surrogate stays as it is: alone, it is no text.
_ESCAPE = re.compile("_x(?![Dd][89A-Fa-f])([0-9A-Fa-f]{4})_")
_SURROGATE = re.compile("[\ud800-\udfff]")
# A format may name a language, a colour or a word, whose letters mean no day and no hour.
_NOT_OF_A_DATE = re.compile(r'\[[^\]]*\]|"[^"]*"|;.*')
_NOT_IN_TITLES = re.compile(r"[\\*?:/\[\]\x00-\x1f\ufffe\uffff\ud800-\udfff]")


class ErrorValue(str):
    """What a cell shows whose formula failed, such as ``#REF!``."""

    __slots__ = ()


@dataclass(frozen=True)
class Sheet:
    """What a sheet holds.

    Attributes:
        name: The name of the sheet.
        rows: The cells, row by row, all rows as wide as the widest. ``rows[0]`` is row 1 of the
            sheet: empty rows and columns are kept before and between others, not after them.
    """

    name: str
    rows: list[list[Cell]]


def read(file: BinaryIO, title: str, sheet: str | None = None) -> Sheet:
    """Read a sheet of a workbook into memory.

    A cell without content and one with an empty text are both None. A date and a time have the
    type that their format shows; they are precise to the millisecond. A formula gives the
    result that is stored, and a merged range gives its value in the first cell alone.

    Args:
        file: The workbook, seekable. It is left open.
        title: The name of the file, for the errors.
        sheet: The name of the sheet, or None for the only one that holds anything. Of a
            workbook with visible sheets that hold anything, the hidden ones do not count.

    Raises:
        ContentError: The file is something else, such as an .xls, or protected.
        DamagedError: The file is cut short or altered.
        FileError: The medium cannot be read.
        MissingLibraryError: openpyxl or defusedxml is not installed.
        RowError: A formula has no stored result.
        SheetError: The sheet is not there, or several sheets hold something.
        SizeError: The workbook unpacks to too much.
    """
    from zipfile import ZipFile

    _library("openpyxl", title)
    _library("defusedxml.ElementTree", title)
    with _refusing_in_one_line(title):
        _require_zip(file, title)
        with ZipFile(file) as archive:
            _require_modest(archive, title)
            book = _open(archive, title)
            name = _choose(book, sheet)
            return Sheet(name, _table(book, name))


def write(
    file: BinaryIO, rows: Iterator[Sequence[Cell]], title: str, sheet: str = "Sheet1"
) -> None:
    """Write a workbook of one sheet; the rows wait in a temporary file, not in memory.

    A text stays a text, whatever it begins with. `read` gives back what was written, but for
    an empty text, which becomes None, and for what Excel cannot hold, which becomes text: an
    integer of more than 15 digits, a float that is no number (``nan``, ``inf``), a time with a
    time zone and a date before March 1900 (both as in ISO 8601).

    Args:
        file: Is written to, and left open.
        rows: The rows, the header among them where there is one.
        title: The name of the file, for the errors.
        sheet: The name of the sheet.

    Raises:
        MissingLibraryError: openpyxl is not installed.
        RowError: A cell holds a text that is too long, half a character (a lone surrogate) or
            something else than a `Cell`. Its ``row`` counts the given rows, from 1.
        SheetError: No sheet can have this name.
        SizeError: A sheet cannot hold so many rows or columns.
        WriteError: The file cannot be written, or the temporary one.
    """
    openpyxl = _library("openpyxl", title)
    if not 0 < len(sheet) <= 31 or _NOT_IN_TITLES.search(sheet):
        raise SheetError(f"no sheet can have the name {sheet!r}", file=title)
    book = openpyxl.Workbook(write_only=True)
    page = book.create_sheet(sheet)
    try:
        for number, row in enumerate(rows, 1):
            if number > ROWS:
                raise SizeError(f"a sheet holds {ROWS:,} rows at most", file=title)
            if len(row) > COLUMNS:
                raise SizeError(f"a sheet holds {COLUMNS:,} columns at most", file=title)
            try:
                cells = [_stored(value, page) for value in row]
            except _UnstorableError as error:
                raise RowError(str(error), file=title, row=number) from None
            with _refusing_to_write(title):
                page.append(cells)
        with _refusing_to_write(title):
            _save(book, file)
    except BaseException:
        _discard(book)
        raise


class Checker:
    """Finds out early what a workbook cannot hold, before rows are written.

    Args:
        title: What messages call the table that the rows come from.

    Raises:
        MissingLibraryError: openpyxl is not installed.
    """

    def __init__(self, title: str) -> None:
        self._title, self._rows = title, 0
        _library("openpyxl", title)

    def check(self, cells: Sequence[Cell], row: int | None) -> None:
        """Raise RowError, with the number that a row has in its table, where it has no room."""
        self._rows += 1
        if self._rows > ROWS or len(cells) > COLUMNS:
            what = f"{ROWS:,} rows" if self._rows > ROWS else f"{COLUMNS:,} columns"
            raise RowError(f"a sheet holds {what} at most", file=self._title, row=row)
        try:
            for cell in cells:
                if isinstance(cell, str):
                    _escaped(cell)
        except _UnstorableError as error:
            raise RowError(str(error), file=self._title, row=row) from None


def _library(name: str, title: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        package = name.partition(".")[0]
        raise MissingLibraryError(
            f"an Excel workbook needs the package {package}", extra="excel", file=title
        ) from None


# Reading: the archive, its parts, a sheet, a row, a cell.


@contextmanager
def _refusing_in_one_line(title: str) -> Iterator[None]:
    """Say of whatever the libraries raise that the workbook is damaged."""
    from defusedxml import DefusedXmlException

    try:
        yield
    except (TableError, MemoryError):
        raise
    except DefusedXmlException as error:
        raise ContentError(
            "it declares a document type or XML entities, which no workbook needs", file=title
        ) from error
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise FileError(f"cannot be read ({error.strerror})", file=title) from error
        raise DamagedError("a workbook that is cut short or damaged", file=title) from error


def _require_zip(file: BinaryIO, title: str) -> None:
    """Name what is no workbook of today."""
    beginning = file.read(8)
    if beginning == bytes.fromhex("d0cf11e0a1b11ae1"):
        # A protected workbook lies in a file of the old kind, whose folder names its content.
        if "EncryptedPackage".encode("utf-16-le") in file.read(64 << 20):
            raise ContentError("a workbook that is protected by a password", file=title)
        raise ContentError("an old Excel workbook (.xls); save it as .xlsx", file=title)
    if not beginning.startswith(b"PK"):
        raise ContentError("not an Excel workbook (.xlsx)", file=title)
    file.seek(0)


def _require_modest(archive: ZipFile, title: str) -> None:
    """Refuse an archive that unpacks to too much, or is protected."""
    members = archive.infolist()
    # The module zipfile never returns more than the archive declares.
    unpacked = sum(member.file_size for member in members)
    if unpacked > LARGEST_UNPACKED:
        raise SizeError(
            f"a workbook that unpacks to more than {LARGEST_UNPACKED >> 30} GiB", file=title
        )
    if is_bomb(sum(member.compress_size for member in members), unpacked):
        raise SizeError("a workbook that unpacks to far more than it should", file=title)
    if any(member.flag_bits & 1 for member in members):
        raise ContentError("a workbook that is protected by a password", file=title)


@dataclass(frozen=True)
class _Book:
    """A workbook, all but the cells of its sheets.

    Attributes:
        sheets: The path of each sheet of cells, by name.
        visible: The names of those that are not hidden.
        strings: The texts that the cells refer to.
        formats: What a number with a style stands for: "date", "datetime", "time", "timedelta".
        epoch: The day that dates count from.
    """

    archive: ZipFile
    title: str
    sheets: dict[str, str]
    visible: list[str]
    strings: list[str]
    formats: dict[int, str]
    epoch: datetime


def _open(archive: ZipFile, title: str) -> _Book:
    """Find the parts of a workbook, and read all but the sheets."""
    from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH

    path = _workbook_path(archive, title)
    root = _parse(archive, path)
    if _local(root) != "workbook":
        raise ContentError("not an Excel workbook (.xlsx)", file=title)
    parts = _parts(archive, path)
    by_kind = dict(parts.values())
    sheets, visible, epoch = {}, [], WINDOWS_EPOCH
    for element in root.iter():
        if _local(element) == "workbookPr" and element.get("date1904") in ("1", "true"):
            epoch = MAC_EPOCH
        if _local(element) == "sheet":
            identifier = next((v for k, v in element.items() if k.endswith("}id")), "")
            kind, part = parts.get(identifier, ("", ""))
            if kind == "worksheet":
                name = element.attrib["name"]
                sheets[name] = part
                if element.get("state", "visible") == "visible":
                    visible.append(name)
    return _Book(
        archive,
        title,
        sheets,
        visible,
        _strings(archive, by_kind.get("sharedStrings")),
        _formats(archive, by_kind.get("styles")),
        epoch,
    )


def _workbook_path(archive: ZipFile, title: str) -> str:
    names = archive.namelist()
    if "mimetype" in names and b"opendocument" in archive.read("mimetype"):
        raise ContentError("an OpenDocument file (.ods); save it as .xlsx", file=title)
    if "_rels/.rels" not in names:
        raise ContentError("a zip, but not an Excel workbook (.xlsx)", file=title)
    parts = _parts(archive, "")
    path = next((part for kind, part in parts.values() if kind == "officeDocument"), "")
    if path.endswith(".bin"):
        raise ContentError("a binary Excel workbook (.xlsb); save it as .xlsx", file=title)
    if path.startswith("word/"):
        raise ContentError("a Word document (.docx), not an Excel workbook", file=title)
    if not path or path.startswith("ppt/"):
        raise ContentError("an Office document, but not an Excel workbook", file=title)
    return path


def _parts(archive: ZipFile, path: str) -> dict[str, tuple[str, str]]:
    """Return the kind and the path of all that a part refers to, by identifier."""
    folder, name = posixpath.split(path)
    parts = {}
    for element in _parse(archive, posixpath.join(folder, "_rels", f"{name}.rels")):
        target = posixpath.join("/", folder, element.attrib["Target"])
        kind = element.attrib["Type"].rpartition("/")[2]
        parts[element.attrib["Id"]] = kind, posixpath.normpath(target).lstrip("/")
    return parts


def _strings(archive: ZipFile, path: str | None) -> list[str]:
    """Return the texts that the cells refer to by their index."""
    if path is None:
        return []
    strings = []
    for element in _elements(archive, path):
        if _local(element) == "si":
            strings.append(_text(element))
            element.clear()
    return strings


def _formats(archive: ZipFile, path: str | None) -> dict[int, str]:
    """Return what numbers stand for, by the index of their style, but for plain ones."""
    from openpyxl.styles.numbers import (
        BUILTIN_FORMATS,
        is_date_format,
        is_datetime,
        is_timedelta_format,
    )

    if path is None:
        return {}
    root = _parse(archive, path)
    codes = dict(BUILTIN_FORMATS)
    for element in root.iter():
        if _local(element) == "numFmt":
            codes[int(element.attrib["numFmtId"])] = element.attrib["formatCode"]
    formats = {}
    for index, style in enumerate(
        e for part in root if _local(part) == "cellXfs" for e in part
    ):
        code = codes.get(int(style.get("numFmtId", 0)), "General").lower()
        if is_timedelta_format(code):
            formats[index] = "timedelta"
        elif is_date_format(code):
            formats[index] = is_datetime(_NOT_OF_A_DATE.sub("", code))
    return formats


def _choose(book: _Book, sheet: str | None) -> str:
    """Return the name of the sheet that is meant."""
    if sheet is not None:
        if sheet not in book.sheets:
            raise SheetError(
                f"it has no sheet {sheet!r}", file=book.title, candidates=tuple(book.sheets)
            )
        return sheet
    if not book.sheets:
        raise ContentError("a workbook without a sheet of cells", file=book.title)
    for names in book.visible, book.sheets:
        filled = [name for name in names if _holds_anything(book, name)]
        if len(filled) == 1:
            return filled[0]
        if filled:
            raise SheetError(
                "several sheets hold something", file=book.title, candidates=filled
            )
    return next(iter(book.sheets))


def _holds_anything(book: _Book, name: str) -> bool:
    try:
        return any(cells for _, cells in _rows(book, name))
    except RowError:  # a formula
        return True


def _table(book: _Book, name: str) -> list[list[Cell]]:
    """Return all rows of a sheet, those of a width that the file leaves out among them."""
    rows: dict[int, list[Cell]] = {}
    width = 0
    for number, cells in _rows(book, name):
        if cells:
            if not 0 < number <= ROWS or number in rows:
                raise DamagedError(f"no sheet can have this row {number}", file=book.title)
            rows[number] = cells
            width = max(width, len(cells))
    height = max(rows, default=0)
    if height * width > LARGEST_TABLE:
        raise SizeError(
            f"a sheet that reaches over {height:,} rows and {width:,} columns", file=book.title
        )
    table = [rows.get(number, []) for number in range(1, height + 1)]
    for cells in table:
        cells.extend([None] * (width - len(cells)))
    return table


def _rows(book: _Book, name: str) -> Iterator[tuple[int, list[Cell]]]:
    """Yield the number of each row and its cells, without the empty ones at its end."""
    number, over = 0, False
    for element in _elements(book.archive, book.sheets[name]):
        kind = _local(element)
        # A drawing has rows, too, and they come later.
        over = over or kind == "sheetData"
        if kind == "row" and not over:
            number = int(float(element.get("r", number + 1)))
            yield number, _cells(book, element, number)
            element.clear()


def _cells(book: _Book, row: Element, number: int) -> list[Cell]:
    from openpyxl.utils.cell import column_index_from_string, get_column_letter

    cells: list[Cell] = []
    column = 0
    for element in row:
        if _local(element) != "c":
            continue
        place = element.get("r")
        column = column_index_from_string(place.rstrip("0123456789")) if place else column + 1
        if column > COLUMNS:
            raise DamagedError(f"no sheet can have this column {column}", file=book.title)
        try:
            value = _value(book, element)
        except _NoResultError:
            raise RowError(
                f"cell {get_column_letter(column)}{number} holds a formula without a stored "
                "result; open the workbook in a spreadsheet program and save it",
                file=book.title,
            ) from None
        if value is not None:
            cells.extend([None] * (column - len(cells)))
            cells[column - 1] = value
    return cells


class _NoResultError(Exception):
    """A cell holds a formula, and nothing that it gave."""


def _value(book: _Book, cell: Element) -> Cell:
    kind = cell.get("t", "n")
    parts = {_local(part): part for part in cell}
    if kind == "inlineStr":
        return (_text(parts["is"]) if "is" in parts else "") or None
    stored = parts["v"].text if "v" in parts else None
    if not stored:
        # A formula may give an empty text; only then the type is that of a text.
        if "f" in parts and (kind != "str" or "v" not in parts):
            raise _NoResultError
        return None
    if kind == "s":
        return book.strings[int(stored)] or None
    if kind == "str":
        return _unescaped(stored)
    if kind == "b":
        return stored.strip() in ("1", "true")
    if kind == "e":
        return ErrorValue(stored)
    if kind == "d":
        return _from_iso(stored)
    number = float(stored) if any(mark in stored for mark in ".eE") else int(stored)
    format_ = book.formats.get(int(cell.get("s", 0)))
    return number if format_ is None else _from_number(number, format_, book.epoch)


def _from_iso(stored: str) -> Cell:
    from openpyxl.utils.datetime import from_ISO8601

    value: Cell = from_ISO8601(stored)
    return value


def _from_number(number: int | float, format_: str, epoch: datetime) -> Cell:
    from openpyxl.utils.datetime import from_excel

    try:
        value: Cell = from_excel(number, epoch, timedelta=format_ == "timedelta")
    except (OverflowError, ValueError):
        return number  # Excel shows it as ####.
    if format_ == "date" and isinstance(value, datetime) and value.time() == time():
        return value.date()
    return value


def _text(element: Element) -> str:
    """Return a text without its format, and without how it is pronounced (rPh)."""
    pieces = []
    for part in element:
        kind = _local(part)
        if kind == "t":
            pieces.append(part.text or "")
        elif kind == "r":
            pieces.extend(piece.text or "" for piece in part if _local(piece) == "t")
    return _unescaped("".join(pieces))


def _unescaped(text: str) -> str:
    if "_x" not in text:
        return text
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)


def _local(element: Element) -> str:
    """Return a name without its namespace, of which there are two: the strict one, too."""
    return element.tag.rpartition("}")[2]


def _parse(archive: ZipFile, path: str) -> Element:
    from defusedxml.ElementTree import fromstring

    root: Element = fromstring(archive.read(path), forbid_dtd=True)
    return root


def _elements(archive: ZipFile, path: str) -> Iterator[Element]:
    """Yield each element of a part as it ends."""
    from defusedxml.ElementTree import iterparse

    with archive.open(path) as part:
        for _, element in iterparse(part, forbid_dtd=True):
            yield element


# Writing: a cell, an error, the end.


class _UnstorableError(Exception):
    """A cell cannot hold a value."""


def _stored(value: Cell, page: Any) -> Any:
    """Return what openpyxl writes as this value."""
    if isinstance(value, str):
        kind = "e" if isinstance(value, ErrorValue) else "s"
        return _cell(page, _escaped(value), kind)
    if value is None or isinstance(value, (bool, timedelta)):
        return value
    if isinstance(value, int):
        return value if abs(value) <= LARGEST else _cell(page, str(value), "s")
    if isinstance(value, float):
        # The text of a float is exact, where openpyxl would write 16 digits.
        return _cell(page, repr(value), "n" if isfinite(value) else "s")
    if isinstance(value, time):
        return value if value.tzinfo is None else _cell(page, value.isoformat(), "s")
    if isinstance(value, datetime):
        fits = value.tzinfo is None and value >= FIRST_DAY
        return value if fits else _cell(page, value.isoformat(), "s")
    if isinstance(value, date):
        return value if value >= FIRST_DAY.date() else _cell(page, value.isoformat(), "s")
    raise _UnstorableError(f"no cell can hold a value of the type {type(value).__name__}")


def _cell(page: Any, text: str, kind: str) -> Any:
    from openpyxl.cell import WriteOnlyCell

    cell = WriteOnlyCell(page, text)
    # Else openpyxl takes a text that begins with = for a formula.
    cell.data_type = kind
    return cell


def _escaped(text: str) -> str:
    """Return a text as it is stored, which is what Excel limits."""
    if _SURROGATE.search(text):
        raise _UnstorableError("no cell can hold half a character (a lone surrogate)")
    text = _TO_ESCAPE.sub(lambda match: f"_x{ord(match[0]):04X}_", text)
    # Cheap first: no text has more units than twice its characters.
    if len(text) > CHARACTERS // 2 and len(text.encode("utf-16-le")) // 2 > CHARACTERS:
        raise _UnstorableError(
            f"a cell holds {CHARACTERS:,} characters at most, and a text has more"
        )
    return text


@contextmanager
def _refusing_to_write(title: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise WriteError(
            f"cannot be written ({reason})", file=title, full=error.errno == ENOSPC
        ) from error


def _save(book: Any, file: BinaryIO) -> None:
    from zipfile import ZIP_DEFLATED, ZipFile

    from openpyxl.writer.excel import ExcelWriter

    archive = ZipFile(file, "w", ZIP_DEFLATED)
    try:
        ExcelWriter(book, archive).save()
    except BaseException:
        # An archive that is forgotten tries again to write, and Python shows what that raises.
        with suppress(Exception):
            archive.close()
        raise


def _discard(book: Any) -> None:
    """Remove the temporary file, which openpyxl does only once it has saved the workbook."""
    import io

    with suppress(Exception):
        book.save(io.BytesIO())
