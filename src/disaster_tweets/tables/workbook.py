"""Read a sheet of an Excel workbook (.xlsx), and write a new workbook.

openpyxl writes the workbooks. Its reader alters texts that contain ``x005F_``, and cannot
distinguish a formula without a stored result from an empty cell. So this module reads the
cells itself.
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

# Limits of an Excel sheet. The length of a text is counted in UTF-16 units.
ROWS, COLUMNS, CHARACTERS = 1_048_576, 16_384, 32_767
# Excel counts days from 1900, and counts a 29 February 1900 that did not exist.
FIRST_DAY = datetime(1900, 3, 1)
# Excel keeps 15 digits of a number, and real ids have up to 19.
LARGEST = 10**15 - 1
# The rows of a workbook are held in memory and padded to one width, so a few distant cells
# could take much more memory than the file suggests.
LARGEST_UNPACKED = 1 << 30
LARGEST_TABLE = 50_000_000

# Excel writes characters that XML cannot hold as _xHHHH_, and escapes an underscore that
# could begin such an escape. A carriage return is escaped because an XML parser changes it.
_FORBIDDEN = r"[\x00-\x08\x0b-\x1f\ufffe\uffff]"
_TO_ESCAPE = re.compile(rf"{_FORBIDDEN}|_(?=x[0-9A-Fa-f]{{4}}(?:_|{_FORBIDDEN}))")
# An escaped surrogate stays escaped: a lone surrogate is no text.
_ESCAPE = re.compile("_x(?![Dd][89A-Fa-f])([0-9A-Fa-f]{4})_")
_SURROGATE = re.compile("[\ud800-\udfff]")
# A number format may contain a locale, a colour or a quoted word; these are no date codes.
_NOT_OF_A_DATE = re.compile(r'\[[^\]]*\]|"[^"]*"|;.*')
_NOT_IN_TITLES = re.compile(r"[\\*?:/\[\]\x00-\x1f\ufffe\uffff\ud800-\udfff]")


SHEET = "Sheet1"  # the name of a sheet that has no other


class ErrorValue(str):
    """The value of a cell with a failed formula, such as ``#REF!``."""

    __slots__ = ()


@dataclass(frozen=True)
class Sheet:
    """The content of a sheet.

    Attributes:
        name: The name of the sheet.
        rows: The cells by row, all rows padded to the widest one. ``rows[0]`` is row 1 of the
            sheet. Empty rows and columns are kept before and between others, and dropped at the
            end.
    """

    name: str
    rows: list[list[Cell]]


def read(file: BinaryIO, title: str, sheet: str | None = None) -> Sheet:
    """Read a sheet of a workbook into memory.

    An empty cell and an empty text are both None. Dates and times have the type of their
    number format, to the millisecond. A formula gives its stored result. A merged range gives
    its value in the first cell only.

    Args:
        file: The workbook, a seekable file. It is left open.
        title: The name of the file in messages.
        sheet: The name of the sheet. None for the only sheet that is not empty; hidden sheets
            count only if all visible ones are empty.

    Raises:
        ContentError: The file is no .xlsx workbook, or it is protected by a password.
        DamagedError: The file is truncated or altered.
        FileError: The file cannot be read from its medium.
        MissingLibraryError: openpyxl or defusedxml is not installed.
        RowError: A formula has no stored result.
        SheetError: The sheet does not exist, or several sheets are not empty.
        SizeError: The decompressed workbook is too large.
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
    file: BinaryIO, rows: Iterator[Sequence[Cell]], title: str, sheet: str = SHEET
) -> None:
    """Write a workbook of one sheet; rows are buffered in a temporary file, not in memory.

    A text stays a text, whatever it begins with. `read` returns the same values with two
    exceptions. An empty text becomes None. A value that Excel cannot hold becomes text: an
    integer of more than 15 digits, ``nan`` and ``inf``, a time with a time zone, and a date
    before March 1900 (times and dates in ISO 8601).

    Args:
        file: The file to write, which is left open.
        rows: The rows, including the header if there is one.
        title: The name of the file in messages.
        sheet: The name of the sheet.

    Raises:
        MissingLibraryError: openpyxl is not installed.
        RowError: A cell holds a text that is too long, a lone surrogate, or a value that is
            no `Cell`. Its ``row`` counts the given rows from 1.
        SheetError: The sheet name is not allowed.
        SizeError: There are more rows or columns than a sheet can hold.
        WriteError: The file or the temporary file cannot be written.
    """
    openpyxl = _library("openpyxl", title)
    if sheet_name(sheet) != sheet:
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


def sheet_name(name: str | None) -> str:
    """Return the name of a sheet, or that of a new one if Excel would refuse this name."""
    if name is None or not 0 < len(name) <= 31 or _NOT_IN_TITLES.search(name):
        return SHEET
    return name


class Checker:
    """Checks rows for values that a workbook cannot hold, before they are written.

    Args:
        title: The name of the input table in messages.

    Raises:
        MissingLibraryError: openpyxl is not installed.
    """

    def __init__(self, title: str) -> None:
        self._title, self._rows = title, 0
        _library("openpyxl", title)

    def check(self, cells: Sequence[Cell], row: int | None) -> None:
        """Raise RowError if the cells do not fit; ``row`` is the row's number in its table."""
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
    """Turn any error of the libraries into a DamagedError."""
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
    """Raise ContentError if the file is no .xlsx workbook."""
    beginning = file.read(8)
    if beginning == bytes.fromhex("d0cf11e0a1b11ae1"):
        # A protected workbook is stored in the old container format, which names its content.
        if "EncryptedPackage".encode("utf-16-le") in file.read(64 << 20):
            raise ContentError("a workbook that is protected by a password", file=title)
        raise ContentError("an old Excel workbook (.xls); save it as .xlsx", file=title)
    if not beginning.startswith(b"PK"):
        raise ContentError("not an Excel workbook (.xlsx)", file=title)
    file.seek(0)


def _require_modest(archive: ZipFile, title: str) -> None:
    """Raise an error if an archive is too large when decompressed, or protected."""
    members = archive.infolist()
    # The zipfile module never returns more bytes than the archive declares.
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
    """A workbook without the cells of its sheets.

    Attributes:
        sheets: The path of each worksheet, by its name.
        visible: The names of the sheets that are not hidden.
        strings: The shared texts, which cells refer to by index.
        formats: The meaning of a styled number: "date", "datetime", "time" or "timedelta".
        epoch: The day from which dates count.
    """

    archive: ZipFile
    title: str
    sheets: dict[str, str]
    visible: list[str]
    strings: list[str]
    formats: dict[int, str]
    epoch: datetime


def _open(archive: ZipFile, title: str) -> _Book:
    """Find the parts of a workbook, and read all parts except the sheets."""
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
    """Return the kind and the path of each part that a part refers to, by identifier."""
    folder, name = posixpath.split(path)
    parts = {}
    for element in _parse(archive, posixpath.join(folder, "_rels", f"{name}.rels")):
        target = posixpath.join("/", folder, element.attrib["Target"])
        kind = element.attrib["Type"].rpartition("/")[2]
        parts[element.attrib["Id"]] = kind, posixpath.normpath(target).lstrip("/")
    return parts


def _strings(archive: ZipFile, path: str | None) -> list[str]:
    """Return the shared texts."""
    if path is None:
        return []
    strings = []
    for element in _elements(archive, path):
        if _local(element) == "si":
            strings.append(_text(element))
            element.clear()
    return strings


def _formats(archive: ZipFile, path: str | None) -> dict[int, str]:
    """Return the meaning of numbers by style index, for styles of dates and times."""
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
    """Return the name of the sheet to read."""
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
    """Return all rows of a sheet, padded to one width, with the rows that the file omits."""
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
    """Yield the number of each row and its cells, without trailing empty cells."""
    number, over = 0, False
    for element in _elements(book.archive, book.sheets[name]):
        kind = _local(element)
        # A drawing has row elements too, after the sheet data.
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
    """A cell holds a formula without a stored result."""


def _value(book: _Book, cell: Element) -> Cell:
    kind = cell.get("t", "n")
    parts = {_local(part): part for part in cell}
    if kind == "inlineStr":
        return (_text(parts["is"]) if "is" in parts else "") or None
    stored = parts["v"].text if "v" in parts else None
    if not stored:
        # A formula may give an empty text; only then its type is text.
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
    """Return a text without its formatting and without its phonetic reading (rPh)."""
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
    """Return a tag without its namespace, which differs in the strict variant of the format."""
    return element.tag.rpartition("}")[2]


def _parse(archive: ZipFile, path: str) -> Element:
    from defusedxml.ElementTree import fromstring

    root: Element = fromstring(archive.read(path), forbid_dtd=True)
    return root


def _elements(archive: ZipFile, path: str) -> Iterator[Element]:
    """Yield each element of a part when it ends."""
    from defusedxml.ElementTree import iterparse

    with archive.open(path) as part:
        for _, element in iterparse(part, forbid_dtd=True):
            yield element


# Writing: a cell, an error, the file.


class _UnstorableError(Exception):
    """A cell cannot hold a value."""


def _stored(value: Cell, page: Any) -> Any:
    """Return the openpyxl value or cell that stores this value."""
    if isinstance(value, str):
        kind = "e" if isinstance(value, ErrorValue) else "s"
        return _cell(page, _escaped(value), kind)
    if value is None or isinstance(value, (bool, timedelta)):
        return value
    if isinstance(value, int):
        return value if abs(value) <= LARGEST else _cell(page, str(value), "s")
    if isinstance(value, float):
        # The repr of a float is exact; openpyxl would write 16 digits.
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
    # Otherwise openpyxl takes a text that begins with = for a formula.
    cell.data_type = kind
    return cell


def _escaped(text: str) -> str:
    """Return a text with Excel's escapes; the limit of Excel applies to the escaped text."""
    if _SURROGATE.search(text):
        raise _UnstorableError("no cell can hold half a character (a lone surrogate)")
    text = _TO_ESCAPE.sub(lambda match: f"_x{ord(match[0]):04X}_", text)
    # The cheap test first: a text has at most twice as many UTF-16 units as characters.
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
        # An unclosed archive writes again when it is deleted, and Python prints the error.
        with suppress(Exception):
            archive.close()
        raise


def _discard(book: Any) -> None:
    """Remove openpyxl's temporary file, which it removes only after saving the workbook."""
    import io

    with suppress(Exception):
        book.save(io.BytesIO())
