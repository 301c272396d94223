"""Workbooks: written values are read back, and foreign or damaged files are named."""

from __future__ import annotations

import io
import re
import struct
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from disaster_tweets.tables import workbook
from disaster_tweets.tables.errors import (
    ContentError,
    DamagedError,
    MissingLibraryError,
    RowError,
    SheetError,
    SizeError,
    WriteError,
)
from disaster_tweets.tables.workbook import Cell, ErrorValue, Sheet, read, write

openpyxl = pytest.importorskip("openpyxl", reason="needs the extra excel")
pytest.importorskip("defusedxml", reason="needs the extra excel")

NAMESPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
STRICT = "http://purl.oclc.org/ooxml/"
OLE = bytes.fromhex("d0cf11e0a1b11ae1")


def written(rows: Sequence[Sequence[Cell]], **options: str) -> bytes:
    file = io.BytesIO()
    write(file, iter(rows), "out.xlsx", **options)
    return file.getvalue()


def rows_of(content: bytes, sheet: str | None = None) -> list[list[Cell]]:
    return read(io.BytesIO(content), "t.xlsx", sheet).rows


def saved(book: Any) -> bytes:
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def package(
    *sheets: str, strings: str = "", styles: str = "", workbook: str = "", strict: bool = False
) -> bytes:
    """Return a workbook of sheets S1, S2, ... from the XML of their rows."""
    main = f"{STRICT}spreadsheetml/main" if strict else NAMESPACE
    relations = f"{STRICT}officeDocument/relationships" if strict else RELATIONS
    links = [("officeDocument", "xl/workbook.xml")]
    inner = [("worksheet", f"/xl/worksheets/s{i}.xml") for i in range(1, len(sheets) + 1)]
    inner += [("sharedStrings", "sharedStrings.xml"), ("styles", "styles.xml")]
    entries = "".join(
        f'<sheet name="S{i}" sheetId="{i}" r:id="r{i}"/>' for i in range(1, len(sheets) + 1)
    )
    members = {
        "_rels/.rels": relationships(links, relations),
        "xl/_rels/workbook.xml.rels": relationships(inner, relations),
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{relations}">'
        f"{workbook or f'<sheets>{entries}</sheets>'}</workbook>",
        "xl/sharedStrings.xml": f'<sst xmlns="{main}">{strings}</sst>',
        "xl/styles.xml": f'<styleSheet xmlns="{main}">{styles}</styleSheet>',
    }
    for i, rows in enumerate(sheets, 1):
        members[f"xl/worksheets/s{i}.xml"] = (
            rows
            if rows.startswith("<?xml")
            else f'<worksheet xmlns="{main}"><dimension ref="A1"/>'
            f"<sheetData>{rows}</sheetData></worksheet>"
        )
    return zipped(members)


def relationships(links: list[tuple[str, str]], namespace: str) -> str:
    return "<Relationships>{}</Relationships>".format(
        "".join(
            f'<Relationship Id="r{i}" Type="{namespace}/{kind}" Target="{target}"/>'
            for i, (kind, target) in enumerate(links, 1)
        )
    )


def zipped(members: dict[str, str]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def office(kind: str, target: str) -> bytes:
    """Return a zip that only says what its main part is."""
    return zipped({"_rels/.rels": relationships([(kind, target)], "")})


def changed(content: bytes, name: str, old: str, new: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {member: archive.read(member).decode() for member in archive.namelist()}
    assert old in members[name]
    return zipped({**members, name: members[name].replace(old, new)})


TEXTS = [
    *("cake", " cake ", "\tcake\t", "\n", " ", "a\r\nb\rc\nd", "<&>\"'", "e\u0301"),
    *("=1+1", "+1", "-1", "@SUM(A1)", "=", "#REF!", "#N/A", "1e5", "TRUE"),
    *("\x00\x01\x1f\x7f\ufffe\uffff\x85\u2028", "_x0041_", "_x005F_x0041_", "_x0041_x0042_"),
    *("_x0041\x01", "_x000d_ x005F_ _x00", "_xD83D__xDE00_"),
    *("🔥" * 10, "x" * 32_767, "🔥" * 16_383),
]


class TestRoundTrip:
    def test_texts(self) -> None:
        rows: list[list[Cell]] = [[text, number] for number, text in enumerate(TEXTS)]

        assert rows_of(written(rows)) == rows

    def test_other_programs_read_texts_as_texts(self) -> None:
        book = openpyxl.load_workbook(io.BytesIO(written([[text] for text in TEXTS])))
        cells = [cell for (cell,) in book["Sheet1"].iter_rows()]

        assert [cell.data_type for cell in cells] == ["s"] * len(TEXTS)
        # The escape is part of the format, but openpyxl does not resolve it.
        plain = [text for text in TEXTS if not re.search(r"[\x00\r]|_x", text)]
        assert set(plain) <= {cell.value for cell in cells}

    @pytest.mark.parametrize(
        "value",
        [
            *(True, False, 0, -1, 10**15 - 1, 1 - 10**15),
            *(0.1 + 0.2, 1e300, -5e-324, 1 / 3, 2.0),
            datetime(2015, 8, 5, 23, 59, 58, 123000),
            *(datetime(1900, 3, 1), datetime(9999, 12, 31, 12)),
            *(date(2015, 8, 5), date(1900, 3, 1), time(12, 30, 1), time(0)),
            *(timedelta(days=40, seconds=1), timedelta(seconds=-1), timedelta(0)),
        ],
        ids=repr,
    )
    def test_values_keep_their_type(self, value: Cell) -> None:
        ((back,),) = rows_of(written([[value]]))

        assert back == value
        assert type(back) is type(value)

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (10**15, "1000000000000000"),
            (-629107893439434752, "-629107893439434752"),
            (float("nan"), "nan"),
            (float("-inf"), "-inf"),
            (datetime(2015, 8, 5, tzinfo=timezone.utc), "2015-08-05T00:00:00+00:00"),
            (time(1, tzinfo=timezone.utc), "01:00:00+00:00"),
            (date(1815, 12, 10), "1815-12-10"),
            (datetime(1900, 2, 28, 23), "1900-02-28T23:00:00"),
        ],
        ids=repr,
    )
    def test_what_excel_cannot_hold_becomes_text(self, value: Cell, text: str) -> None:
        assert rows_of(written([[value]])) == [[text]]

    def test_an_error_stays_one(self) -> None:
        ((back, text),) = rows_of(written([[ErrorValue("#REF!"), "#REF!"]]))

        assert isinstance(back, ErrorValue)
        assert back == "#REF!"
        assert type(text) is str

    def test_empty_rows_and_columns(self) -> None:
        empty: list[Cell] = [None] * 3
        rows: list[list[Cell]] = [
            [],
            [None, "a", None],
            [],
            [None, None, "b", None],
            [None],
            [],
        ]

        assert rows_of(written(rows)) == [empty, [None, "a", None], empty, [None, None, "b"]]

    @pytest.mark.parametrize("rows", [[], [[]], [[None, ""]], [["", "", ""]]])
    def test_nothing_at_all(self, rows: list[list[Cell]]) -> None:
        assert read(io.BytesIO(written(rows)), "t.xlsx") == Sheet("Sheet1", [])

    @settings(max_examples=60, deadline=None)
    @example([["_x0041\x01_x0042_"]])
    @given(
        st.lists(
            st.lists(
                st.none()
                | st.booleans()
                | st.integers(-(10**15) + 1, 10**15 - 1)
                | st.floats(allow_nan=False, allow_infinity=False)
                | st.text(st.sampled_from("_x0041fD8\x00\r\n \t=é🔥\uffff"), min_size=1)
                | st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
                max_size=4,
            ),
            max_size=4,
        )
    )
    def test_whatever_is_written_is_read(self, rows: list[list[Cell]]) -> None:
        back = rows_of(written(rows))
        width = max((len(row) for row in back), default=0)

        assert all(len(row) == width for row in back)
        padded = [row + [None] * (9 - len(row)) for row in back]
        padded += [[None] * 9] * (len(rows) - len(back))
        assert repr(padded) == repr([row + [None] * (9 - len(row)) for row in rows])


class TestWriting:
    @pytest.mark.parametrize(
        ("value", "problem"),
        [
            ("x" * 32_768, "32,767 characters"),
            ("🔥" * 16_384, "32,767 characters"),
            ("cake \ud83d", "surrogate"),
            (["cake"], "type list"),
        ],
        ids=["long", "long in UTF-16", "surrogate", "list"],
    )
    def test_a_value_that_no_cell_can_hold(self, value: Any, problem: str) -> None:
        with pytest.raises(RowError, match=rf"^out\.xlsx, row 2: .*{problem}"):
            written([["cake"], ["cake", value]])

    def test_too_many_rows(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(workbook, "ROWS", 3)

        assert len(rows_of(written([["a"]] * 3))) == 3
        with pytest.raises(SizeError, match="3 rows"):
            written([["a"]] * 4)

    def test_too_many_columns(self) -> None:
        assert len(rows_of(written([["a"] * 16_384]))[0]) == 16_384
        with pytest.raises(SizeError, match="16,384 columns"):
            written([["a"] * 16_385])

    @pytest.mark.parametrize("name", ["", "a/b", "x" * 32, "[a]", "\x00"])
    def test_a_name_that_no_sheet_can_have(self, name: str) -> None:
        with pytest.raises(SheetError, match="name"):
            written([["a"]], sheet=name)

    def test_the_name_of_the_sheet(self) -> None:
        content = written([["a"]], sheet="Ärger & <b>")
        assert read(io.BytesIO(content), "t").name == "Ärger & <b>"

    def test_an_error_of_the_rows_passes_and_no_temporary_file_stays(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

        def rows() -> Iterator[list[Cell]]:
            yield ["a"]
            raise OSError(5, "of the rows")

        file = io.BytesIO()
        with pytest.raises(OSError, match="of the rows"):
            write(file, rows(), "out.xlsx")
        assert file.getvalue() == b""
        assert list(tmp_path.iterdir()) == []

    def test_a_full_disk(self) -> None:
        class Full(io.BytesIO):
            def write(self, content: Any, /) -> int:
                raise OSError(28, "No space left on device")

        with pytest.raises(WriteError, match=r"^out\.xlsx: .*No space") as caught:
            write(Full(), iter([["a"]]), "out.xlsx")
        assert caught.value.full

    def test_no_temporary_folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
        with pytest.raises(WriteError, match="No such file"):
            written([["a"]])

    def test_no_name_of_a_user_is_stored(self) -> None:
        with zipfile.ZipFile(io.BytesIO(written([["a"]]))) as archive:
            core = archive.read("docProps/core.xml").decode()

        assert re.findall(r"\bcreator\b[^>]*>([^<]+)</", core) == ["openpyxl"]
        assert "lastModifiedBy" not in core


class TestCells:
    def test_every_kind_of_text(self) -> None:
        strings = (
            "<si><t>plain x005F_</t></si>"
            '<si><r><t>rich </t></r><r><rPr><b/></rPr><t xml:space="preserve"> text</t></r>'
            "<rPh sb='0' eb='1'><t>phonetic</t></rPh></si>"
            "<si><t>a_x000D_\nb _x005F_x0041_ _xD83D_</t></si><si><t/></si><si/>"
        )
        row = "".join(f'<c t="s"><v>{i}</v></c>' for i in range(5))
        row += '<c t="inlineStr"><is><t> in_x0009_line </t></is></c>'
        row += '<c t="str"><f>A1</f><v>result_x0021_</v></c><c t="inlineStr"/>'

        assert rows_of(package(f"<row>{row}</row>", strings=strings)) == [
            [
                *("plain x005F_", "rich  text", "a\r\nb _x0041_ _xD83D_", None, None),
                *(" in\tline ", "result!"),
            ]
        ]

    def test_every_kind_of_value(self) -> None:
        row = (
            "<c><v>1</v></c><c t='n'><v>1.50</v></c><c><v>1E3</v></c><c t='b'><v>1</v></c>"
            "<c t='b'><v>0</v></c><c t='e'><v>#N/A</v></c>"
            "<c t='d'><v>2015-08-05T01:02:03</v></c><c><f>1+1</f><v>2</v></c>"
            "<c t='str'><f>\"\"</f><v></v></c><c/>"
        )
        ((*values, error, day, result),) = rows_of(package(f"<row>{row}</row>"))

        assert values == [1, 1.5, 1000.0, True, False]
        assert [type(value) for value in values] == [int, float, float, bool, bool]
        assert isinstance(error, ErrorValue)
        assert (day, result) == (datetime(2015, 8, 5, 1, 2, 3), 2)

    @pytest.mark.parametrize(
        ("code", "number", "value"),
        [
            ("yyyy-mm-dd", 42221, date(2015, 8, 5)),
            ("[$-en-US]d mmm yy;@", 42221, date(2015, 8, 5)),
            ('d "hours" mmm', 42221, date(2015, 8, 5)),
            ("YYYY-MM-DD", 42221.5, datetime(2015, 8, 5, 12)),
            ("yyyy-mm-dd hh:mm", 42221, datetime(2015, 8, 5)),
            ("h:mm", 0.5, time(12)),
            ("[h]:mm", 1.5, timedelta(days=1.5)),
            ("yyyy", 1e9, 1_000_000_000.0),
            ("yyyy", -1e9, -1_000_000_000.0),
            ('0 "days"', 3, 3),
            ("[Red]0", 3, 3),
        ],
    )
    def test_a_number_with_a_format(self, code: str, number: float, value: Cell) -> None:
        code = code.replace('"', "&quot;")
        styles = (
            f'<numFmts><numFmt numFmtId="164" formatCode="{code}"/></numFmts>'
            '<cellXfs><xf/><xf numFmtId="164"/></cellXfs>'
        )
        ((back,),) = rows_of(package(f'<row><c s="1"><v>{number}</v></c></row>', styles=styles))

        assert back == value
        assert type(back) is type(value)

    def test_days_that_count_from_1904(self) -> None:
        book = openpyxl.Workbook()
        book.epoch = openpyxl.utils.datetime.MAC_EPOCH
        book.active.append([datetime(2015, 8, 5, 1)])

        assert rows_of(saved(book)) == [[datetime(2015, 8, 5, 1)]]

    @pytest.mark.parametrize("cell", ["<f>A1</f>", "<f>A1</f><v/>", "<f>A1</f><v></v>"])
    def test_a_formula_without_a_result(self, cell: str) -> None:
        rows = f'<row r="3"><c r="B3">{cell}</c></row>'
        with pytest.raises(
            RowError, match=r"^t\.xlsx: cell B3 holds a formula without"
        ) as caught:
            rows_of(package(rows))
        assert "\n" not in str(caught.value)

    def test_cells_in_any_order_and_a_wrong_dimension(self) -> None:
        rows = (
            '<row r="4"><c r="C4"><v>3</v></c><c r="A4"><v>1</v></c><c r="XFD4" s="0"/></row>'
            '<row r="2"><c r="B2"><v>2</v></c></row><row r="1048576"><c r="A1048576"/></row>'
        )
        assert rows_of(package(rows)) == [
            *([None] * 3, [None, 2, None]),
            *([None] * 3, [1, None, 3]),
        ]

    def test_merged_cells_and_looks_that_are_wrong(self) -> None:
        content = changed(
            package('<row><c t="b"><v>1</v></c></row>'),
            "xl/worksheets/s1.xml",
            "</sheetData>",
            '</sheetData><mergeCells><mergeCell ref="A1:B2"/></mergeCells>'
            "<dataValidations><dataValidation type='no'/></dataValidations><x><row r='9'/></x>",
        )
        assert rows_of(content) == [[True]]

    def test_a_workbook_without_styles(self) -> None:
        content = package("<row><c><v>1</v></c></row>")
        links = ("xl/_rels/workbook.xml.rels", '/styles"', '/other"')

        assert rows_of(changed(content, *links)) == [[1]]

    def test_strict_workbooks(self) -> None:
        assert rows_of(package("<row><c><v>1</v></c></row>", strict=True)) == [[1]]


class TestSheets:
    ONE = "<row><c><v>1</v></c></row>"

    def test_the_only_one_that_holds_anything(self) -> None:
        content = package("", self.ONE, "<row r='5'/>", "<row><c r='B1'/></row>")

        assert read(io.BytesIO(content), "t") == Sheet("S2", [[1]])

    def test_several(self) -> None:
        content = package(self.ONE, "", "<row><c><f>A1</f></c></row>")
        with pytest.raises(SheetError, match=r"^t\.xlsx: several sheets") as caught:
            rows_of(content)

        assert caught.value.candidates == ("S1", "S3")
        assert rows_of(content, "S1") == [[1]]
        assert rows_of(content, "S2") == []

    def test_one_that_is_not_there(self) -> None:
        with pytest.raises(SheetError, match="no sheet 'T'") as caught:
            rows_of(package(self.ONE, self.ONE), "T")

        assert caught.value.candidates == ("S1", "S2")

    def test_hidden_ones(self) -> None:
        book = openpyxl.Workbook()
        book.active.append(["seen"])
        for state in "hidden", "veryHidden":
            sheet = book.create_sheet(state)
            sheet.append([state])
            sheet.sheet_state = state
        content = saved(book)

        assert rows_of(content) == [["seen"]]
        assert rows_of(content, "hidden") == [["hidden"]]
        book.active.delete_rows(1)
        with pytest.raises(SheetError) as caught:
            rows_of(saved(book))
        assert caught.value.candidates == ("hidden", "veryHidden")

    def test_a_sheet_that_is_a_chart(self) -> None:
        book = openpyxl.Workbook()
        book.active.append([1])
        chart = book.create_chartsheet("Chart")
        chart.add_chart(openpyxl.chart.BarChart())
        content = saved(book)

        assert rows_of(content) == [[1]]
        with pytest.raises(SheetError):
            rows_of(content, "Chart")

    def test_no_sheet(self) -> None:
        with pytest.raises(ContentError, match="without a sheet"):
            rows_of(package(workbook="<sheets/>"))


class TestForeignFiles:
    @pytest.mark.parametrize(
        ("content", "problem"),
        [
            (b"text,a\ncake,1\n", "not an Excel workbook"),
            (b"", "not an Excel workbook"),
            (OLE + bytes(5000), r"old Excel workbook \(\.xls\)"),
            (OLE + bytes(999) + "EncryptedPackage".encode("utf-16-le"), "password"),
            (
                zipped({"mimetype": "application/vnd.oasis.opendocument.spreadsheet"}),
                r"\(\.ods",
            ),
            (office("officeDocument", "xl/workbook.bin"), r"\(\.xlsb\)"),
            (office("officeDocument", "word/document.xml"), "Word"),
            (office("officeDocument", "ppt/p.xml"), "Office"),
            (office("other", "a.xml"), "Office"),
            (zipped({"t.csv": "text"}), "a zip, but not"),
            (zipped({}), "a zip, but not"),
        ],
        ids=range(11),
    )
    def test_each_is_named(self, content: bytes, problem: str) -> None:
        with pytest.raises(ContentError, match=rf"^t\.xlsx: .*{problem}") as caught:
            rows_of(content)
        assert "\n" not in str(caught.value)

    def test_a_zip_with_a_password(self) -> None:
        content = bytearray(package(""))
        content[content.index(b"PK\x01\x02") + 8] |= 1
        with pytest.raises(ContentError, match="password"):
            rows_of(bytes(content))

    @pytest.mark.parametrize(
        "declaration",
        [
            '<!DOCTYPE a [<!ENTITY e "x">]>',
            '<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
            '<!DOCTYPE a SYSTEM "http://127.0.0.1:1/a.dtd">',
        ],
    )
    def test_entities_are_refused(self, declaration: str) -> None:
        sheet = f'<?xml version="1.0"?>{declaration}<worksheet><sheetData/></worksheet>'
        with pytest.raises(ContentError, match="entities"):
            rows_of(package(sheet))

    def test_a_medium_that_cannot_be_read(self) -> None:
        class Broken(io.BytesIO):
            def read(self, size: int | None = -1, /) -> bytes:
                raise OSError(5, "Input/output error")

        with pytest.raises(workbook.FileError, match="Input/output"):
            read(Broken(), "t.xlsx")


class TestDamage:
    def test_a_file_that_is_cut_short(self) -> None:
        content = written([["cake", number] for number in range(50)])
        for length in range(2, len(content), 97):
            with pytest.raises((DamagedError, ContentError), match=r"^t\.xlsx: ") as caught:
                rows_of(content[:length])
            assert "\n" not in str(caught.value)

    def test_an_altered_byte_is_noticed_or_harmless(self) -> None:
        rows: list[list[Cell]] = [[f"cake {number * 7919}", number] for number in range(50)]
        content = written(rows)
        for place in range(0, len(content), 29):
            altered = content[:place] + bytes([content[place] ^ 0x55]) + content[place + 1 :]
            try:
                assert rows_of(altered) == rows
            except (DamagedError, ContentError, SizeError):
                continue

    @pytest.mark.parametrize(
        "row",
        [
            '<row><c t="s"><v>7</v></c></row>',
            '<row><c t="s"><v>x</v></c></row>',
            "<row><c><v>x</v></c></row>",
            '<row r="x"/>',
            '<row r="0"><c><v>1</v></c></row>',
            '<row r="1048577"><c><v>1</v></c></row>',
            '<row><c r="XFE1"><v>1</v></c></row>',
            '<row><c r="1"><v>1</v></c></row>',
            '<row r="1"><c><v>1</v></c></row><row r="1"><c><v>1</v></c></row>',
            "<row><c>",
            '<row><c t="d"><v>yesterday</v></c></row>',
        ],
    )
    def test_cells_that_make_no_sense(self, row: str) -> None:
        with pytest.raises(DamagedError, match=r"^t\.xlsx: ") as caught:
            rows_of(package(row))
        assert "\n" not in str(caught.value)

    def test_a_part_that_is_missing(self) -> None:
        content = changed(package(""), "xl/_rels/workbook.xml.rels", "/s1.xml", "/s9.xml")
        with pytest.raises(DamagedError, match="damaged"):
            rows_of(content)


class TestSize:
    def test_a_bomb(self) -> None:
        with pytest.raises(SizeError, match="unpacks"):
            rows_of(package("<?xml" + " " * (100 << 20)))

    def test_more_than_fits_into_memory(self) -> None:
        content = bytearray(package(""))
        place = content.index(b"PK\x01\x02") + 20
        content[place : place + 8] = struct.pack("<II", 1 << 30, (1 << 30) + 1)
        with pytest.raises(SizeError, match="1 GiB"):
            rows_of(bytes(content))

    def test_cells_far_apart(self) -> None:
        rows = '<row r="1"><c r="XFD1"><v>1</v></c></row><row r="9999"><c><v>1</v></c></row>'
        with pytest.raises(SizeError, match="9,999 rows and 16,384 columns"):
            rows_of(package(rows))


@pytest.mark.parametrize("name", ["openpyxl", "defusedxml"])
def test_without_a_library(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    content = written([["a"]])
    for module in [name, *(m for m in sys.modules if m.startswith(f"{name}."))]:
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingLibraryError, match=rf"^t\.xlsx: .*{name}") as caught:
        rows_of(content)
    assert caught.value.extra == "excel"
