"""`disaster-tweets score` on odd files: the exact texts, or an error.

A case is a file that a user may have. The files in odd/ were written by programs. If a case is
about bytes, its file is written here, byte for byte. All texts are made up.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from .conftest import Completed
from .fingerprint import added, fingerprints, scores_in, scores_of
from .test_score import score, summary

ODD = Path(__file__).parent / "odd"
BOM = b"\xef\xbb\xbf"
MARK = "§"  # the place of the new fields in a row

Texts = tuple["str | None", ...]
Content = bytes | Callable[[], bytes]


@dataclass(frozen=True)
class Case:
    """A file, the options of its scoring, and the expected result.

    Attributes:
        odd: The oddity of the file.
        name: The name of the file.
        content: The bytes of the file, or a function that returns them.
        texts: The texts that are scored, in order, with None for a missing text. If this is
            None, the run must fail.
        words: Words in the error line, or in the notes beside the summary, in upper or lower
            case.
        options: Options of the command.
        output: The bytes of the output; None if the format does not keep the bytes of rows.
        to: The name of the output.
        encoding: The encoding of the output.
    """

    odd: str
    name: str
    content: Content
    texts: Texts | None
    words: tuple[str, ...]
    options: str = ""
    output: bytes | None = None
    to: str = "out.jsonl"
    encoding: str = "utf-8"


def rows(
    odd: str,
    name: str,
    content: str,
    *texts: str | None,
    d: str = ",",
    header: bool = True,
    encoding: str = "utf-8",
    said: str = "",
    options: str = "",
) -> Case:
    """Return a case of delimited text. Each row has a mark at the place of its new fields."""
    first, *others = content.split(MARK)
    fields = [("probability", "label")] * header + [added(text) for text in texts]
    assert len(fields) == len(others), odd
    output = first + "".join(
        d + d.join(new) + other for new, other in zip(fields, others, strict=True)
    )
    raw, scored = content.replace(MARK, "").encode(encoding), output.encode(encoding)
    to = f"out{Path(name).suffix}"
    return Case(odd, name, raw, texts, (said,), options, scored, to, encoding)


def reads(
    odd: str,
    name: str,
    content: Content,
    *texts: str | None,
    to: str = "out.jsonl",
    said: str = "",
    options: str = "",
) -> Case:
    """Return a case of a file whose output rows have another form."""
    return Case(odd, name, content, texts, (said,), options, None, to, "utf-8-sig")


def file(
    name: str,
    *texts: str | None,
    odd: str = "",
    encoding: str = "utf-8",
    said: str = "",
    options: str = "",
) -> Case:
    """Return a case of a file in odd/. Delimited text keeps its form."""
    path = ODD / name
    to = "out.jsonl" if path.suffix in (".js", ".json", ".jsonl") else f"out{path.suffix}"
    read = path.read_bytes
    return Case(odd or path.stem, name, read, texts, (said,), options, None, to, encoding)


def fails(
    odd: str, name: str, content: Content | str, *words: str, options: str = "", to: str = ""
) -> Case:
    """Return a case of a file that cannot be scored."""
    raw = content.encode() if isinstance(content, str) else content
    suffix = Path(name).suffix if Path(name).suffix in (".csv", ".tsv", ".jsonl") else ".csv"
    return Case(odd, name, raw, None, words, options, to=to or f"out{suffix}")


def odd(name: str) -> Callable[[], bytes]:
    return (ODD / name).read_bytes


# -- binary files -------------------------------------------------------------------------


def _arrow() -> Any:
    return pytest.importorskip("pyarrow", reason="makes Parquet and Arrow files with pyarrow")


def parquet(**columns: Any) -> Callable[[], bytes]:
    """Return a Parquet file. A column is a list, or a list and the name of a type."""

    def make() -> bytes:
        _arrow()
        from pyarrow import parquet as module

        sink = io.BytesIO()
        module.write_table(_table(columns), sink, row_group_size=2)
        return sink.getvalue()

    return make


def arrow(kind: str, compression: str | None = None, **columns: Any) -> Callable[[], bytes]:
    """Return an Arrow file or stream, or a Feather file of version 1."""

    def make() -> bytes:
        pa, sink, table = _arrow(), io.BytesIO(), _table(columns)
        if kind == "stream":
            with pa.ipc.new_stream(sink, table.schema) as writer:
                writer.write_table(table)
        else:
            options = pa.ipc.IpcWriteOptions(compression=compression)
            with pa.ipc.new_file(sink, table.schema, options=options) as writer:
                writer.write_table(table)
        return sink.getvalue()

    return make


def _table(columns: dict[str, Any]) -> Any:
    pa = _arrow()
    types = {
        "dictionary": lambda: pa.dictionary(pa.int32(), pa.string()),
        "large_string": pa.large_string,
        "string_view": pa.string_view,
        "binary": pa.binary,
        "null": pa.null,
    }
    return pa.table(
        {
            name: pa.array(values[0], types[values[1]]())
            if isinstance(values, tuple)
            else pa.array(values)
            for name, values in columns.items()
        }
    )


def xlsx(*sheets: list[list[Any]], hidden: int | None = None) -> Callable[[], bytes]:
    """Return a workbook that openpyxl writes. A sheet is a list of rows."""

    def make() -> bytes:
        openpyxl = pytest.importorskip("openpyxl", reason="makes workbooks with openpyxl")
        book = openpyxl.Workbook()
        for number, content in enumerate(sheets):
            sheet = book.active if number == 0 else book.create_sheet()
            for row in content:
                sheet.append(row)
            if number == hidden:
                sheet.sheet_state = "hidden"
        sink = io.BytesIO()
        book.save(sink)
        return sink.getvalue()

    return make


def zipped(**members: Content) -> Callable[[], bytes]:
    def make() -> bytes:
        sink = io.BytesIO()
        with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(name, content if isinstance(content, bytes) else content())
        return sink.getvalue()

    return make


def zstd(content: bytes) -> Callable[[], bytes]:
    def make() -> bytes:
        module = pytest.importorskip("zstandard", reason="makes zstd files with zstandard")
        packed: bytes = module.ZstdCompressor().compress(content)
        return packed

    return make


def cut(content: Content, end: int) -> Callable[[], bytes]:
    """Return a truncated file, like an interrupted download."""
    return lambda: (content if isinstance(content, bytes) else content())[:-end]


def lines(*records: Any) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


# -- delimiters, quotes, headers ----------------------------------------------------------

QUOTING = "--quoting none"

DELIMITERS = [
    rows("commas", "in.csv", "id,text§\n1,cake§\n2,bread§\n", "cake", "bread"),
    rows("semicolons in csv", "in.csv", "id;text§\n1;cake, sugar§\n2;rain§\n", "cake, sugar",
         "rain", d=";", said="semicolons"),
    rows("tabs in csv", "in.csv", "id\ttext§\n1\tcake, sugar; spoons§\n", "cake, sugar; spoons",
         d="\t", said="tabs"),
    rows("bars in csv", "in.csv", "id|text§\n1|cake, sugar§\n2|rain, wind§\n", "cake, sugar",
         "rain, wind", d="|", said="pipes"),
    rows("commas in tsv", "in.tsv", "id,text§\n1,cake§\n2,a\ttab§\n", "cake", "a\ttab",
         said="commas"),
    rows("a name that ends in tab", "in.tab", "id\ttext§\n1\ta, b§\n", "a, b", d="\t"),
    rows("more commas than semicolons", "in.csv",
         "id;text§\n1;a, b, c, d§\n2;e, f, g, h§\n3;i, j, k, l§\n", "a, b, c, d", "e, f, g, h",
         "i, j, k, l", d=";"),
    rows("as many semicolons as commas", "in.csv", "id,text§\n1,sugar; cake§\n2,rain; wind§\n",
         "sugar; cake", "rain; wind"),
    rows("bars in every text", "in.csv", "id,text§\n1,LIVE | cake§\n2,LIVE | bread§\n",
         "LIVE | cake", "LIVE | bread"),
    rows("a quoted delimiter of another kind in the header", "in.csv",
         '"a;b;c",text§\n1,cake§\n', "cake"),
    rows("times in every row", "in.csv", "10:43:05,text§\n10:36:49,cake at 10:10:10§\n",
         "cake at 10:10:10"),
    rows("sep=;", "in.csv", "sep=;\nid;text§\n1;a, b§\n", "a, b", d=";"),
    rows("SEP=| in capitals", "in.csv", "SEP=|\r\nid|text§\r\n1|a, b§\r\n", "a, b", d="|"),
    rows("sep=, as the name says", "in.csv", "sep=,\nid,text§\n1,a§\n", "a"),
    rows("sep=; behind a mark of UTF-8", "in.csv", "sep=;\r\nid;text§\r\n1;a, b§", "a, b",
         d=";", encoding="utf-8-sig"),
    rows("a column that is named sep=", "in.csv", "id,sep=,text§\n1,2,a§\n", "a"),
    fails("sep=; without anything behind it", "in.csv", "sep=;\n", "empty"),
    rows("--delimiter ;", "in.csv", "a,b;text,c§\n1,1;cake, sugar§\n", "cake, sugar", d=";",
         options="--delimiter ; --text-column text,c"),
    rows("--delimiter tab", "in.csv", "a,b,c\ttext§\n1,2,3\tx,y,z§\n", "x,y,z", d="\t",
         options="--delimiter tab"),
    rows("a delimiter that is not detected", "in.csv", "id~text§\n1~cake, sugar§\n",
         "cake, sugar", d="~", options="--delimiter ~"),
    rows("a delimiter outside ASCII", "in.csv", "id¦text§\n1¦cake, sugar§\n", "cake, sugar",
         d="¦", options="--delimiter ¦"),
    file("sep.csv", "cake, sugar, spoons", "rain, wind"),
    file("semicolons.csv", "cake, sugar, spoons", "rain, wind, more rain", "calm",
         said="semicolons"),
    file("entities.csv", "sugar &amp; cake", "rain &lt;3 wind", "calm &amp; dry"),
    fails("columns that spaces align", "in.csv", odd("aligned.csv"), "id   text"),
    fails("a Markdown table", "in.csv", odd("markdown.csv")),
    fails("one column whose texts hold commas", "in.csv", "text\ncake, sugar\ncalm\n",
          "row 1 (line 2): 2 fields, but the header has 1"),
]  # fmt: skip

QUOTES = [
    rows("quoted line breaks, delimiters and quotes", "in.csv",
         'id,text§\n1,"a, ""b""\nc"§\n2,"""cake"""§\n', 'a, "b"\nc', '"cake"'),
    rows("a CRLF in a field of a file of LF", "in.csv", 'id,text§\n1,"two\r\nlines"§\n2,b§\n',
         "two\r\nlines", "b"),
    rows("an LF in a field of a file of CRLF", "in.csv",
         'id,text§\r\n1,"two\nlines"§\r\n2,b§\r\n', "two\nlines", "b"),
    fails("a field whose lines look like rows", "in.csv",
          'id,text\n1,"list:\n2,bread\n3,honey"\n4,b\n', "line 2", "look like 3 rows", QUOTING,
          "--quoting standard"),
    rows("quotes amid a field", "in.csv", 'id,text§\n1,a 5" tart§\n', 'a 5" tart'),
    rows("a quote at the end of a field", "in.csv", 'id,text§\n1,tart of 5"§\n', 'tart of 5"'),
    rows("a backslash before a closing quote", "in.csv", 'id,text,n§\n1,"C:\\",2§\n2,"b",3§\n',
         "C:\\", "b"),
    rows("quotes of typographers", "in.csv", "id,text§\n1,“cake”§\n2,„rain“§\n3,'wind'§\n",
         "“cake”", "„rain“", "'wind'"),
    rows("an apostrophe that opens", "in.csv", "id,text§\n1,'tis sugar§\n2,it's calm§\n",
         "'tis sugar", "it's calm"),
    rows("all fields quoted", "in.csv", '"id","text"§\r\n"1","cake"§\r\n"2",""§\r\n', "cake",
         None),
    rows("spaces before quotes", "in.csv", 'id, "text"§\n1, "cake, sugar"§\n2, "two\nlines"§\n',
         "cake, sugar", "two\nlines"),
    rows("tabs and spaces before quotes", "in.tsv", 'id\t "text"§\n1\t "cake\tsugar"§\n',
         "cake\tsugar", d="\t"),
    rows("quotes kept with --quoting none", "in.tsv",
         'id\ttext§\n1\t"Cake!" she said§\n2\t"Run§\n3\tthey say"§\n4\t"a"§\n',
         '"Cake!" she said', '"Run', 'they say"', '"a"', d="\t", options=QUOTING),
    rows("commas with --quoting none", "in.csv", 'id,text§\n1,"cake§\n2,""§\n', '"cake', '""',
         options=QUOTING),
    fails("a quote never closed", "in.csv", 'id,text\n1,a\n2,"b\n3,c\n', "line 3", QUOTING),
    fails("a quote never closed, with --on-error skip", "in.csv", 'id,text\n1,a\n2,"b\n3,c\n',
          "line 3", QUOTING, options="--on-error skip"),
    fails("a quote that closes early", "in.csv", 'id,text\n1,a\n2,"b" she said\n3,c\n',
          "line 3", QUOTING),
    fails("a quote that closes early, with --on-error skip", "in.csv",
          'id,text\n1,a\n2,"b" she said\n3,c\n', "line 3", QUOTING, options="--on-error skip"),
    fails("a quote that closes some lines below", "in.csv",
          'id,text\n1,a\n2,"b\n3,c\n4,"d\n5,e\n', "line 3", QUOTING),
    fails("a closing quote of a typographer", "in.csv", 'id,text\n1,"a”\n2,b\n', "line 2",
          QUOTING),
    fails("a space behind a closing quote", "in.csv", 'id,text\n1,"a" \n2,"b"\n', "line 2"),
    fails("a quote never closed in the header", "in.csv", 'id,"text\n1,a\n', "line 1"),
    fails("posts that begin and end with quotes", "in.tsv", odd("quotes.tsv"), QUOTING),
    file("quotes.tsv", '"Cake!" she shouted', 'we watched "Tootsie"', '"Run',
         'as they say" said no one', "just rain", odd="the same, told", options=QUOTING),
    fails("quotes that backslashes escape", "in.csv", odd("mysql.csv"), options="--no-header"),
    fails("a last quote that a backslash escapes", "in.csv",
          'id,text\n1,"cake\\"\n2,"rain\n3,"wind"\n', QUOTING),
    fails("whole lines quoted", "in.csv", odd("whole-lines.csv"), "id,text"),
    file("spaces.csv", "Cake trays, three of them, on site", 'calm "today"'),
    file("thread.csv", "First line\n\nthird line, after a blank one\n", "ends here"),
]  # fmt: skip

HEADERS = [
    rows("a header that breaks its line", "in.csv", '"post\nid",text§\n1,cake§\n', "cake"),
    rows("a header of quotes and commas", "in.csv", '"a ""b"", c",text§\n1,a§\n', "a"),
    rows("a quoted header behind a mark of UTF-8", "in.csv", '"text","id"§\n"cake","1"§\n',
         "cake", encoding="utf-8-sig"),
    fails("two marks of UTF-8", "in.csv", BOM + BOM + b"text,id\ncake,1\n",
          "no column is named 'text'"),
    fails("files with marks put together", "in.csv",
          2 * (BOM + b"text,id\ncake,1\n"), "row 2 (line 3): the header again"),
    rows("names twice", "in.csv", "id,id,text§\n1,2,a§\n", "a"),
    fails("two known names", "in.csv", "post,message\na,b\n", "'post', 'message'",
          "--text-column"),
    fails("the text twice", "in.csv", "text,id,text\na,1,b\n", "text", "--text-column"),
    rows("a nameless first column", "in.csv", ",text§\n0,cake§\n1,bread§\n", "cake", "bread"),
    rows("numbers as names", "in.csv", "0,1§\n5,cake§\n", "cake", options="--text-column 1"),
    rows("a padded name", "in.csv", "id, text §\n1,cake§\n", "cake"),
    rows("a known name", "in.csv", "id,post§\n1,cake§\n", "cake", said="'post'"),
    rows("a known name in capitals", "in.csv", "ID,Post_Text§\n1,cake§\n", "cake",
         said="'Post_Text'"),
    rows("Text in capitals", "in.csv", "ID,TEXT§\n1,cake§\n", "cake"),
    rows("text before other known names", "in.csv", "post,text,message§\na,cake,b§\n", "cake"),
    rows("one column of a known name", "in.csv", "message§\ncake§\n", "cake", said="'message'"),
    rows("a named column", "in.csv", "text,note§\na,cake§\n", "cake",
         options="--text-column note"),
    fails("unknown names", "in.csv", "größe,notiz\n1,cake\n", "größe", "notiz",
          "--text-column"),
    fails("one column of an unknown name", "in.csv", "The dough is firm\ncake\n", "--no-header",
          "--text-column"),
    fails("a column that is not there", "in.csv", "id,text\n1,a\n", "post", "id", "text",
          options="--text-column post"),
    fails("the first row as header", "in.csv", "1,The dough is firm\n2,calm\n",
          "The dough is firm"),
    rows("no header", "in.csv", "1,cake§\n2,bread§\n", "cake", "bread",
         options="--no-header --text-column 2", header=False),
    rows("no header, and one column", "in.csv", 'cake§\n"bread, rain"§\n', "cake",
         "bread, rain", options="--no-header --text-column 1", header=False),
    rows("no header, semicolons", "in.csv", "1;cake, sugar§\r\n2;bread§\r\n", "cake, sugar",
         "bread", options="--no-header --text-column 2", d=";", header=False),
    fails("no header, and no such column", "in.csv", "1,cake\n", "3", "2",
          options="--no-header --text-column 3"),
    fails("no header, and column 0", "in.csv", "1,cake\n", "0",
          options="--no-header --text-column 0"),
    fails("comments above the header", "in.csv", odd("preamble.csv")),
    fails("a title above the header", "in.csv", "Report of May\n\nid,text\n1,cake\n"),
    file("hashtags.csv", "#cake in the hills", "# not a comment", "// neither", "-- nor this"),
]  # fmt: skip

ROWS = [
    rows("a header only", "in.csv", "id,text§\n"),
    rows("blank lines before, between and behind", "in.csv",
         "\n\nid,text§\n\n1,cake§\n\r\n\n2,bread§\n\n\n", "cake", "bread"),
    fails("a line of spaces", "in.csv", "id,text\n1,cake\n  \n2,bread\n", "row 2 (line 3)"),
    rows("rows of delimiters only", "in.csv", "id,text,n§\n1,cake,2§\n,,§\n,,§\n", "cake", None,
         None),
    rows("an empty last column", "in.csv", "id,text,§\n1,cake,§\n", "cake"),
    fails("a delimiter behind every row, not the header", "in.csv",
          "id,text\n1,cake,\n2,bread,\n", "row 1 (line 2)"),
    fails("a delimiter behind the header only", "in.csv", "id,text,\n1,cake\n", "row 1"),
    fails("too many fields, from commas in a text", "in.csv",
          'id,text\n1,"a\nb"\n2,cake, sugar\n', "in.csv, row 2 (line 4)"),
    rows("the words that others take for missing", "in.csv",
         "id,text§\n1,NULL§\n2,NA§\n3,\\N§\n4,nan§\n5,None§\n6,#N/A§\n7,null§\n8,-§\n", "NULL",
         "NA", "\\N", "nan", "None", "#N/A", "null", "-"),
    rows("blank texts", "in.csv",
         'id,text§\n1,§\n2,""§\n3,"  "§\n4,"\n"§\n5,\t§\n6,\u00a0§\n7,.§\n', None, None, None,
         None, None, None, "."),
    rows("texts that are numbers and dates", "in.csv",
         "id,text§\n007,1e5§\n008,2020-01-01§\n009,TRUE§\n", "1e5", "2020-01-01", "TRUE"),
    rows("texts that are formulas", "in.csv", "id,text§\n1,=1+1§\n2,@you§\n", "=1+1", "@you"),
    rows("decimal commas", "in.csv", "n;text§\n0,5;cake§\n1,5;bread, rain§\n", "cake",
         "bread, rain", d=";"),
    rows("a long line", "in.csv", f"id,text§\n1,{'cake ' * 40_000}§\n", "cake " * 40_000),
    rows("what only Unicode takes for line ends", "in.csv",
         "id,text§\n1,a\u2028b§\n2,a\u2029b§\n3,a\x85b§\n4,a\x0bb§\n5,a\x0cb§\n6,a\x1cb\x1db\x1e§\n",
         "a\u2028b", "a\u2029b", "a\x85b", "a\x0bb", "a\x0cb", "a\x1cb\x1db\x1e"),
    rows("NUL in a text", "in.csv", "id,text§\n1,a\0b§\n2,c§\n", "a\0b", "c"),
    fails("NULs at the end", "in.csv", b"id,text\n1,a\n" + bytes(64), "row 2"),
    rows("a mark and spaces of no width in texts", "in.csv",
         "id,text§\n1,\ufeffcake§\n2,\u200brain\u200b§\n", "\ufeffcake", "\u200brain\u200b"),
    rows("letters composed and not", "in.csv", "id,text§\n1,caf\u00e9§\n2,cafe\u0301§\n",
         "caf\u00e9", "cafe\u0301"),
    rows("HTML in a text", "in.csv", "text,id§\n<html> is a tag,1§\n", "<html> is a tag"),
    rows("backslashes in texts", "in.tsv", "id\ttext§\n1\tcake\\tand\\nsugar§\n2\t\\\\§\n",
         "cake\\tand\\nsugar", "\\\\", d="\t"),
    file("postgres.tsv", "cake\\tand sugar\\nat C:\\\\temp", "\\N"),
    file("mysql-null.csv", "sugar, lots of it", "\\N"),
    file("excel-empty.csv", "cake", "calm", None, None),
    rows("columns that are dropped", "in.csv", "id;text§\n1;cake§\n", "cake", d=";",
         options="--overwrite-columns"),
    fails("a column of the new name", "in.csv", "text;label\na;1\n", "--overwrite-columns"),
]  # fmt: skip

ENDS = [
    rows("CR", "in.csv", "id,text§\r1,cake§\r2,bread§\r", "cake", "bread"),
    rows("CR, not ended", "in.csv", "id,text§\r1,cake§\r2,bread§", "cake", "bread"),
    rows("CR, semicolons", "in.csv", "id;text§\r1;a, b§\r", "a, b", d=";"),
    rows("CRLF", "in.csv", "id,text§\r\n1,cake§\r\n2,bread§", "cake", "bread"),
    rows("CRLF and LF", "in.csv", "id,text§\r\n1,cake§\n2,bread§\r\n3,c§\n", "cake", "bread",
         "c"),
    fails("CR behind the header, then LF", "in.csv", "id,text\r1,cake\n2,bread\n", "row 1"),
    fails("LF behind a closing quote in a file of CR", "in.csv",
          'id,text\r1,"cake"\n\r2,cake\r', "row 1", "line feed"),
    fails("CR between stray quotes", "in.csv", 'text\na 5"\rb 6"\nc\n', "row 1",
          "carriage return"),
    rows("CR in a quoted field of a file of LF", "in.csv", 'id,text§\n1,"a\rb"§\n', "a\rb"),
    rows("CRCRLF", "in.csv", "id,text§\r\r\n1,cake§\r\r\n", "cake"),
    file("mac.csv", "Soft cakes at noon", "two\rlines", "all quiet"),
]  # fmt: skip

ENCODINGS = [
    rows("a mark of UTF-8", "in.csv", "text,id§\ncafé,1§\n", "café", encoding="utf-8-sig"),
    rows("UTF-16", "in.csv", "id,text§\n1,café 🔥§\n", "café 🔥", encoding="utf-16"),
    rows("UTF-16 with CR", "in.csv", "id,text§\r1,café§\r2,Ċ Ȭ 火§\r", "café", "Ċ Ȭ 火",
         encoding="utf-16"),
    rows("UTF-16 without a mark, told", "in.csv",
         'id;text§\r\n1;"cake; ""x"" Ċ ∢ ഊ ⰱ"§\r\n2;b§', 'cake; "x" Ċ ∢ ഊ ⰱ', "b", d=";",
         options="--encoding utf-16-le", encoding="utf-16-le"),
    fails("UTF-16 without a mark", "in.csv", "id,text\n1,cake\n".encode("utf-16-be"), "UTF-16",
          "--encoding utf-16-be"),
    fails("UTF-16 that is cut", "in.csv", "id,text\n1,cake\n".encode("utf-16")[:-1]),
    reads("UTF-32", "in.csv", "id,text\n1,cake\n".encode("utf-32"), "cake", to="out.jsonl"),
    rows("Latin-1, told", "in.csv", "id;text§\n1;Fluß in Köln§\n", "Fluß in Köln", d=";",
         options="--encoding latin-1", encoding="latin-1"),
    rows("NEL in Latin-1", "in.csv", "id,text§\n1,a\x85b§\n", "a\x85b",
         options="--encoding latin-1", encoding="latin-1"),
    rows("Cyrillic, told", "in.csv", "id;text§\n1;пирог, чай§\n", "пирог, чай", d=";",
         options="--encoding cp1251", encoding="cp1251"),
    file("shift-jis.csv", "ポテトが焼けた", "今日は晴れ", odd="bars within Shift-JIS",
         options="--encoding shift-jis", encoding="shift-jis"),
    file("latin-1.csv", "Überraschung in Köln", "alles trocken", options="--encoding latin-1",
         encoding="latin-1"),
    fails("Latin-1 without a word", "in.csv", odd("latin-1.csv"), "line 2", "--encoding"),
    file("cp1252.tsv", "“Cake” – he said", "it’s fine…", options="--encoding cp1252",
         encoding="cp1252"),
    fails("cp1252 without a word", "in.tsv", odd("cp1252.tsv"), "line 2", "cp1252"),
    fails("Latin-1 in the header", "in.csv", b"id,gr\xf6\xdfe,text\n1,2,a\n", "in.csv, line 1",
          "--encoding cp1252"),
    fails("a bad byte in a header of several lines", "in.csv", b'"a\n\xe9b",text\n1,cake\n',
          "in.csv, line 1", "--encoding"),
    fails("a character that is spelled in two ways", "in.csv", b"id,text\n1,x\x87\x90y\n",
          "in.csv", "UTF-8", options="--encoding cp932"),
    fails("the same in a document", "in.json", b'[{"id": 1, "text": "x\x87\x90y"}]', "in.json",
          "UTF-8", options="--encoding cp932"),
    fails("a new column that the encoding lacks", "in.csv", b"id,text\n1,caf\xe9\n",
          "new column", options="--encoding latin-1 --label-column €"),
    rows("a mark of UTF-8, told", "in.csv", "id,text§\n1,cake§\n", "cake",
         options="--encoding utf-8-sig", encoding="utf-8-sig"),
    fails("half a surrogate pair", "in.csv", b"id,text\n1,\xed\xa0\x80\n", "line 2"),
    fails("told UTF-8, is not", "in.csv", b"id,text\n1,a\n2,caf\xe9\n", "line 3",
          options="--encoding utf-8"),
    file("unicode-text.csv", 'She said "run", and we ran', "Ċ Ȭ 🔥 in the yard",
         odd="Unicode text of Excel", encoding="utf-16", said="tabs"),
    file("big-endian.csv", "café on time", "“quotes” and 火", encoding="utf-16"),
]  # fmt: skip

# -- JSON ---------------------------------------------------------------------------------

CAKE = {"text": "cake"}

JSON = [
    reads("Lines", "in.jsonl", lines(CAKE, {"text": "bread", "n": [1]}), "cake", "bread"),
    reads("Lines named ndjson", "in.ndjson", lines(CAKE), "cake"),
    reads("blank lines", "in.jsonl", b'\n{"text": "a"}\n\n \n{"text": "b"}', "a", "b"),
    reads("CRLF", "in.jsonl", b'{"text": "a"}\r\n{"text": "b"}\r\n', "a", "b"),
    reads("a mark of UTF-8", "in.jsonl", BOM + lines(CAKE), "cake"),
    reads("escapes", "in.jsonl",
          b'{"text": "caf\\u00e9 \\ud83d\\udd25 \\"x\\" \\/ \\n \\u0000"}\n',
          'café 🔥 "x" / \n \0'),
    reads("half a surrogate pair", "in.jsonl", b'{"text": "a \\ud83d b"}\n', "a \ud83d b"),
    reads("what only Unicode takes for line ends", "in.jsonl",
          '{"text": "a\u2028b\x85c"}\n{"text": "d"}\n'.encode(), "a\u2028b\x85c", "d"),
    fails("a key twice", "in.jsonl", b'{"text": "first", "text": "last"}\n',
          "row 1 (line 1): a key of 'text' is repeated"),
    reads("missing, null and blank texts", "in.jsonl",
          lines(CAKE, {"n": 1}, {"text": None}, {"text": " \n"}, {"text": "b"}), "cake", None,
          None, None, "b"),
    reads("a key that comes late", "in.jsonl",
          lines(*({"n": number} for number in range(999)), CAKE), *(None,) * 999, "cake"),
    fails("a key that comes too late", "in.jsonl",
          lines(*({"n": number} for number in range(1500)), CAKE), "n"),
    reads("the only strings", "in.jsonl", lines({"n": 1, "q": "cake"}), "cake", said="'q'"),
    reads("a known name among strings", "in.jsonl",
          lines({"user": "a", "Full_Text": "cake", "id": "1"}), "cake", said="'Full_Text'"),
    fails("no strings", "in.jsonl", lines({"größe": [], "n": 7}), "größe", "'n'"),
    reads("a text before what is nested", "in.jsonl",
          lines({**CAKE, "quoted": {"text": "old"}}, {"quoted": {"text": "old"}}), "cake",
          None),
    reads("blank lines before the first row", "in.jsonl",
          b"\n" * 10_500 + lines({"post": "cake"}), "cake", options="--text-column post"),
    fails("the object of the texts is overwritten", "in.jsonl", lines({"label": CAKE, "n": 1}),
          "'label'", "--label-column", options="--text-column label.text --overwrite-columns"),
    fails("a text that is an object", "in.jsonl", lines({"post": {"id": 1, "body": "cake"}}),
          "row 1 (line 1): the text is not a string but dict; ",
          "; a string in it has the path 'post.body'; "),
    fails("a key twice on a path", "in.jsonl",
          b'{"m": {"t": "a"}}\n{"m": {"t": "cake", "t": "bread"}}\n', "row 2", "is repeated",
          options="--text-column m.t"),
    reads("no lines", "in.jsonl", b""),
    reads("an empty key", "in.jsonl", lines({"": "cake"}), "cake", options="--text-column="),
    fails("a guess of an empty key", "in.jsonl", lines({"": "cake"}), "''", "--text-column"),
    fails("several strings", "in.jsonl", lines({"q": "a", "w": "b"}), "q", "w",
          "--text-column"),
    reads("a dotted path", "in.jsonl",
          lines({"data": {"text": "cake", "id": "1"}}, {"data": {}}, {"data": None}, {"x": 1}),
          "cake", None, None, None, options="--text-column data.text"),
    reads("a key with a dot", "in.jsonl", lines({"data.text": "cake"}), "cake",
          options="--text-column data.text"),
    fails("a named key that no row has", "in.jsonl", lines(CAKE, {"text": "bread"}),
          "no row has the key 'post'", "'text'",
          options="--text-column post"),
    fails("a text that is a number", "in.jsonl", lines(CAKE, {"text": 5}), "row 2 (line 2)"),
    fails("commas behind lines", "in.jsonl", b'{"text": "a"},\n{"text": "b"}\n', "row 1"),
    fails("single quotes", "in.jsonl", b"{'text': 'a'}\n", "row 1"),
    fails("an object over lines", "in.jsonl", b'{\n  "text": "a"\n}\n', "line 1"),
    fails("a sequence of RFC 7464", "in.jsonl", b'\x1e{"text": "a"}\n', "row 1"),
    fails("NUL behind a line", "in.jsonl", b'{"text": "a"}\n\0\0\0\0', "row 2"),
    reads("a number that is none", "in.jsonl", b'{"text": "a", "n": NaN}\n', "a"),
    reads("UTF-16", "in.jsonl", '{"text": "a"}\n'.encode("utf-16"), "a", to="out.csv"),
    reads("an array", "in.json", json.dumps([CAKE, {"text": "b"}]).encode(), "cake", "b"),
    reads("an array over lines, with a mark", "in.json",
          BOM + json.dumps([CAKE, {"text": "b", "n": {"x": [1, {}]}}], indent=4).encode(),
          "cake", "b"),
    reads("brackets and quotes in an array's texts", "in.json",
          json.dumps([{"text": 'a ], [ {"b": "}"} \\'}, {"text": '\\"'}]).encode(),
          'a ], [ {"b": "}"} \\', '\\"'),
    reads("an empty array", "in.json", b"[]\n"),
    reads("data", "in.json", json.dumps({"data": [CAKE, {"n": 1}]}).encode(), "cake", None),
    reads("data behind other keys", "in.json",
          json.dumps({"meta": {"data": [1]}, "data": [CAKE]}).encode(), "cake"),
    fails("an array that is cut", "in.json", b'[{"text": "cake"}, {"te'),
    fails("an array that is never closed", "in.json", b'[{"text": "cake"}\n'),
    fails("a comma at the end of an array", "in.json", b'[{"text": "cake"},]'),
    fails("more behind an array", "in.json", b'[{"text": "cake"}]\n[{"text": "b"}]'),
    fails("an array of arrays", "in.json", b'[["id", "text"], [1, "cake"]]'),
    fails("an array of strings", "in.json", b'["cake", "bread"]', "holds no objects"),
    fails("an array with a number in it", "in.json", b'[{"text": "cake"}, 5]', "row 2"),
    fails("an object with other keys", "in.json", odd("no-results.json")),
    fails("columns in place of rows", "in.json", odd("columns.json")),
    fails("nothing", "in.json", b"", "empty"),
    fails("null", "in.json", b"null"),
    fails("two arrays of objects", "in.json",
          b'{"posts": [{"text": "a"}], "users": [{"text": "b"}]}', "'posts', 'users'"),
    fails("one object", "in.json", b'{\n"text": "a"\n}', "write a list of objects"),
    fails("errors in place of rows", "in.json", b'{"errors": [{"message": "no such page"}]}',
          "holds errors"),
    reads("an activity, and another key of it", "in.json",
          json.dumps({"orderedItems": [{"type": "Create", "summary": "cake",
                                        "object": {"content": "<p>tea</p>"}}]}).encode(),
          "cake", options="--text-column summary"),
    file("posts.js", "Cake on the table & the shop is closed",
         "my phone is dying, brb\nreally", "🔥🔥🔥"),
    file("post.js", "Bread is out of the oven", "this soup is a delight"),
    fails("an archive that is cut", "posts.js", cut(odd("posts.js"), 60)),
    fails("a script", "posts.js", b"window.alert('cake');\n"),
    file("outbox.json", "The oven is working, for now", None, "Traffic & rain"),
    file("search.json", "Tea in town, cups are dented", "thanks to the chef"),
    file("lines.json", "man on time about soup", "warehouse opens", odd="Lines in a .json",
         options="--text-column headline"),
    fails("an array in a .jsonl", "in.jsonl", odd("pretty.jsonl"), "--format json"),
]  # fmt: skip

# -- Parquet, Arrow, Excel ----------------------------------------------------------------

STRINGS = ["cake", None, " ", "bread", ""]
READ = ("cake", None, None, "bread", None)

COLUMNS = [
    reads("Parquet", "in.parquet", parquet(n=[1, 2, 3, 4, 5], text=STRINGS), *READ),
    reads("Parquet named pq", "in.pq", parquet(text=STRINGS), *READ),
    reads("Parquet, large strings", "in.parquet", parquet(text=(STRINGS, "large_string")),
          *READ),
    reads("Parquet, dictionary", "in.parquet", parquet(text=(STRINGS, "dictionary")), *READ),
    reads("Parquet, no texts", "in.parquet", parquet(text=([None, None], "null")), None, None),
    reads("Parquet, no rows", "in.parquet", parquet(text=([], "large_string"))),
    reads("Parquet, known name", "in.parquet", parquet(a=["x"], Post=["b"]), "b",
          said="'Post'"),
    reads("Parquet, only strings", "in.parquet", parquet(n=[1], q=["b"]), "b", said="'q'"),
    reads("Parquet, an object inside an object", "in.parquet",
          parquet(post=[{"full_text": "cake", "text": "c"}]), "cake", said="'post.full_text'"),
    fails("Parquet, strings without a name", "in.parquet", parquet(n=[1], **{"": ["a"]}),
          "it has 'n', ''; ", "--text-column"),
    fails("Parquet, several strings", "in.parquet", parquet(q=["a"], w=["b"]), "q", "w"),
    fails("Parquet, numbers as text", "in.parquet", parquet(text=[1, 2]), "text"),
    reads("Parquet, bytes without a type", "in.parquet",
          parquet(text=([b"cake", b"caf\xc3\xa9"], "binary")), "cake", "café"),
    fails("Parquet, bytes of Latin-1", "in.parquet", parquet(text=([b"caf\xe9"], "binary"))),
    fails("Parquet that is cut", "in.parquet", cut(parquet(text=["cake"]), 30), "in.parquet"),
    fails("Parquet of nothing", "in.parquet", b"", "in.parquet"),
    fails("Parquet, ends only", "in.parquet", b"PAR1PAR1", "in.parquet"),
    reads("Arrow", "in.arrow", arrow("file", text=STRINGS, n=[1, 2, 3, 4, 5]), *READ),
    reads("Arrow, a stream", "in.arrow", arrow("stream", text=STRINGS), *READ),
    reads("Arrow, views", "in.arrow", arrow("file", text=(STRINGS, "string_view")), *READ),
    reads("Arrow, dictionary", "in.arrow", arrow("file", text=(STRINGS, "dictionary")), *READ),
    reads("Feather, LZ4", "in.feather", arrow("file", "lz4", text=STRINGS), *READ),
    reads("Feather, zstd", "in.feather", arrow("file", "zstd", text=STRINGS), *READ),
    fails("Feather of version 1", "in.feather", b"FEA1" + bytes(40) + b"FEA1", "Feather"),
    fails("Arrow that is cut", "in.arrow", cut(arrow("file", text=["cake"]), 30), "in.arrow"),
]  # fmt: skip

XLSX = [
    reads("a workbook", "in.xlsx", xlsx([["id", "text"], [1, "cake"], [2, None]]), "cake",
          None),
    reads("empty rows between and behind", "in.xlsx",
          xlsx([["text"], ["a"], [], ["b"], [None], []]), "a", None, "b"),
    reads("columns without names", "in.xlsx",
          xlsx([["id", None, "text", None], [1, "x", "cake"]]), "cake"),
    reads("cells that are left out", "in.xlsx",
          xlsx([["id", None, "text"], [None, 5, "a"], [3]]), "a", None),
    reads("the only texts", "in.xlsx", xlsx([["n", "q"], [1, "cake"]]), "cake", said="'q'"),
    reads("an empty second sheet", "in.xlsx", xlsx([["text"], ["cake"]], []), "cake"),
    reads("a hidden first sheet", "in.xlsx",
          xlsx([["secret"], ["x"]], [["text"], ["cake"]], hidden=0), "cake"),
    fails("a title above the header", "in.xlsx",
          xlsx([["Report"], ["id", "text"], [1, "cake"], [2, "bread"]]),
          "it has 'Report', ''; ", "--text-column", "delete the rows above the header"),
    reads("texts without a name", "in.xlsx", xlsx([["id", None], [1, "cake"]]), "cake",
          options="--text-column="),
    fails("two sheets of rows", "in.xlsx", xlsx([["text"], ["a"]], [["text"], ["b"]]),
          "Sheet1"),
    fails("no rows at all", "in.xlsx", xlsx([]), "in.xlsx"),
    fails("a formula that was never calculated", "in.xlsx", xlsx([["text"], ["=1+1"]]),
          "cell A2"),
    fails("an error in a cell", "in.xlsx", xlsx([["text"], ["#REF!"]]), "row 1"),
    fails("a workbook that is cut", "in.xlsx", cut(xlsx([["text"], ["cake"]]), 300), "in.xlsx"),
    fails("a zip of something else", "in.xlsx", zipped(**{"a.txt": b"cake"}), "in.xlsx"),
]  # fmt: skip

# -- compression, and files that are something else ---------------------------------------

CSV = b"id,text\n1,cake\n2,bread\n"
TWO = ("cake", "bread")


def csv_of(odd: str, name: str, content: Content) -> Case:
    return reads(odd, name, content, *TWO, to="out.csv")


COMPRESSED = [
    csv_of("gzip", "in.csv.gz", gzip.compress(CSV)),
    csv_of("bzip2", "in.csv.bz2", bz2.compress(CSV)),
    csv_of("xz", "in.csv.xz", lzma.compress(CSV)),
    csv_of("zstd", "in.csv.zst", zstd(CSV)),
    csv_of("zip", "in.csv.zip", zipped(**{"posts.csv": CSV})),
    csv_of("zip with a folder", "in.csv.zip", zipped(**{"a/": b"", "a/posts.csv": CSV})),
    csv_of("zip of a Mac", "in.csv.zip",
           zipped(**{"posts.csv": CSV, "__MACOSX/._posts.csv": b"\0\5\x16\7"})),
    csv_of("gzip without its name", "in.csv", gzip.compress(CSV)),
    csv_of("zip without its name", "in.csv", zipped(**{"posts.csv": CSV})),
    csv_of("xz named gz", "in.csv.gz", lzma.compress(CSV)),
    csv_of("plain named gz", "in.csv.gz", CSV),
    csv_of("gzip in parts", "in.csv.gz", b"".join(map(gzip.compress, (CSV[:9], b"", CSV[9:])))),
    fails("gzip twice", "in.csv.gz", gzip.compress(gzip.compress(CSV)), "compressed twice"),
    reads("JSON in gzip", "in.json.gz", gzip.compress(b'[{"text": "a"}]'), "a"),
    reads("an archive in a zip", "posts.zip", zipped(**{"data/posts.js": odd("post.js")}),
          "Bread is out of the oven", "this soup is a delight"),
    fails("zip of two", "in.zip", zipped(**{"a.csv": CSV, "b.csv": CSV}), "a.csv", "b.csv"),
    fails("zip of none", "in.zip", zipped(), "zip"),
    fails("zip of an old workbook", "in.zip", zipped(**{"a.xls": b"x"}),
          "a.xls in in.zip: ", "save it as .xlsx"),
    fails("zip of an unknown name", "in.zip", zipped(**{"a.md": b"x"}),
          "a.md in in.zip: its name ends in no known format", "--format"),
    fails("zip of a zip", "in.zip", zipped(**{"a.zip": zipped(**{"a.csv": CSV})}),
          "a.zip in in.zip: compressed twice; unpack it once"),
    reads("zip of an unknown name, with --format", "in.zip", zipped(**{"a.md": CSV}), *TWO,
          options="--format csv"),
    fails("zip of a page", "in.csv.zip", zipped(**{"a.csv": odd("page.csv")}), "HTML"),
]  # fmt: skip


def sqlite() -> bytes:
    return b"SQLite format 3\0\x10\0\1\1\0\x40\x20\x20" + bytes(76)


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)

OTHERS = [
    fails("nothing", "in.csv", b"", "is empty; a header line is needed"),
    fails("nothing in gzip", "in.csv.gz", gzip.compress(b""), "is empty"),
    fails("nothing in tsv", "in.tsv", b"", "is empty; a header line is needed"),
    fails("a mark only", "in.csv", BOM, "empty"),
    fails("blank lines only", "in.csv", b"\n\r\n\n", "empty"),
    fails("a page", "in.csv", odd("page.csv"), "HTML"),
    fails("a page behind a mark", "in.csv", BOM + b"<HTML><BODY>a, b</BODY>", "HTML"),
    fails("a page named jsonl", "in.jsonl", odd("page.csv"), "HTML"),
    fails("a page named json", "in.json", odd("page.csv"), "HTML"),
    fails("a page named parquet", "in.parquet", odd("page.csv"), "HTML"),
    fails("a page named xlsx", "in.xlsx", odd("page.csv"), "HTML"),
    fails("XML", "in.csv", odd("feed.csv"), "XML"),
    fails("a pointer of Git LFS", "in.csv", odd("pointer.csv"), "Git LFS"),
    fails("a pointer named parquet", "in.parquet", odd("pointer.csv"), "Git LFS"),
    fails("PDF", "in.csv", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n", "PDF"),
    fails("PNG", "in.csv", b"\x89PNG\r\n\x1a\n" + bytes(30), "PNG"),
    fails("JPEG", "in.csv", b"\xff\xd8\xff\xe0\0\x10JFIF\0" + bytes(30), "JPEG"),
    fails("GIF", "in.csv", b"GIF89a" + bytes(30), "GIF"),
    fails("SQLite", "in.csv", sqlite(), "SQLite"),
    fails("SQLite under its name", "in.db", sqlite()),
    fails("an old workbook", "in.xls", OLE, "save it as .xlsx"),
    fails("an old workbook named xlsx", "in.xlsx", OLE),
    fails("an old workbook named csv", "in.csv", OLE),
    fails("a workbook named csv", "in.csv", xlsx([["text"], ["cake"]]), "Excel"),
    fails("Parquet named csv", "in.csv", parquet(text=["cake"]), "Parquet"),
    fails("Arrow named csv", "in.csv", arrow("file", text=["cake"]), "Arrow"),
    fails("JSON Lines named csv", "in.csv", lines(CAKE, CAKE), "is JSON Lines, not a CSV file",
          "--format jsonl"),
    fails("an array named csv", "in.csv", json.dumps([CAKE]).encode(),
          "is JSON, not a CSV file", "--format json"),
    fails("JSON Lines named txt", "in.txt", lines(CAKE), "JSON Lines", "--format jsonl"),
    fails("a table named txt", "in.txt", "Post index\tLabel2\tPost text\n1\t0\tcake\n",
          "table of 3 columns", "--format tsv"),
    reads("a table named txt, told", "in.txt", b"Post index\tPost\n1\tcake\n",
          "Post index\tPost", "1\tcake", options="--format txt", to="out.csv"),
    fails("a table named txt, with a text of two lines", "in.txt",
          "id\ttext\n" + "1\ta word\n" * 10 + '11\t"two\nlines"\n', "table of 2 columns",
          "--format tsv"),
    fails("CSV named jsonl", "in.jsonl", CSV, "JSON"),
    fails("CSV named json", "in.json", CSV, "JSON"),
    fails("CSV named parquet", "in.parquet", CSV, "Parquet"),
    fails("CSV named xlsx", "in.xlsx", CSV, "Excel"),
    fails("BibTeX named csv", "in.csv", odd("bibtex.csv")),
    fails("a name that says nothing", "in.dat", CSV, "--format"),
    fails("--delimiter of two characters", "in.csv", CSV, "--delimiter",
          options="--delimiter ab"),
    fails("an empty --sheet of CSV", "in.csv", CSV, "--sheet is for xlsx", options="--sheet="),
    fails("--delimiter of a quote", "in.csv", CSV, "--delimiter", options='--delimiter "'),
    fails("--quoting of another kind", "in.csv", CSV, "--quoting", options="--quoting some"),
]  # fmt: skip

# -- one format to another ----------------------------------------------------------------

CONVERTED = [
    reads("JSON to CSV", "in.jsonl", lines({"text": 'a, "b"\nc'}, {"n": 1}), 'a, "b"\nc', None,
          to="out.csv"),
    reads("CSV to JSON", "in.csv", CSV, *TWO),
    reads("UTF-16 to JSON", "in.csv", 'id,text\n1,"é\n火"\n'.encode("utf-16"), "é\n火"),
    reads("semicolons to tabs", "in.csv", b'id;text\n1;"a;\tb"\n2;c\n', "a;\tb", "c",
          to="out.tsv"),
    reads("quotes of none to CSV", "in.tsv", b'id\ttext\n1\t"a, b\n2\tc"\n', '"a, b', 'c"',
          options=QUOTING, to="out.csv"),
    reads("CR to JSON", "in.csv", b"id,text\r1,a\r2,b", "a", "b"),
    reads("Parquet to CSV", "in.parquet", parquet(text=STRINGS, n=[1, 2, 3, 4, 5]), *READ,
          to="out.csv"),
    reads("a workbook to CSV", "in.xlsx", xlsx([["id", "text"], [1, "a, b"]]), "a, b",
          to="out.csv"),
    reads("Arrow to CSV", "in.arrow", arrow("file", text=STRINGS), *READ, to="out.csv"),
    fails("two columns of one name to JSON", "in.csv", b"id,id,text\n1,2,a\n",
          "2 columns are named 'id'", to="out.jsonl"),
    fails("a key twice to CSV", "in.jsonl", b'{"text": "a", "n": 1, "n": 2}\n', "row 1",
          "a key is repeated, which a table cannot hold", to="out.csv"),
    fails("the key of the texts twice to CSV", "in.jsonl", b'{"text": null, "text": "cake"}\n',
          "row 1", "is repeated", to="out.csv"),
    fails("the same the other way round", "in.jsonl", b'{"text": "cake", "text": null}\n',
          "row 1", "is repeated", to="out.csv"),
    fails("half a surrogate pair to CSV", "in.jsonl", b'{"text": "a", "n": "\\ud800"}\n',
          "row 1", "; name the output .json or .jsonl", to="out.csv"),
    reads("no lines to CSV", "in.txt", b"", to="out.csv"),
    reads("lines of text to CSV", "in.txt", b"a, b\n\nc\n", "a, b", None, "c", to="out.csv"),
]  # fmt: skip

CASES = {
    f"{group}: {case.odd}": case
    for group, cases in {
        "delimiter": DELIMITERS,
        "quote": QUOTES,
        "header": HEADERS,
        "row": ROWS,
        "line end": ENDS,
        "encoding": ENCODINGS,
        "JSON": JSON,
        "columns": COLUMNS,
        "workbook": XLSX,
        "compressed": COMPRESSED,
        "other": OTHERS,
        "converted": CONVERTED,
    }.items()
    for case in cases
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty current folder, so that errors do not show its name."""
    monkeypatch.chdir(tmp_path)
    with fingerprints():
        yield tmp_path


LIBRARIES = {
    ".xlsx": "openpyxl",
    ".zst": "zstandard",
    **dict.fromkeys((".parquet", ".pq", ".arrow", ".feather"), "pyarrow"),
}


def run(case: Case) -> Completed:
    for suffix in {Path(case.name).suffix, Path(case.to).suffix} & LIBRARIES.keys():
        pytest.importorskip(LIBRARIES[suffix], reason=f"reads or writes {suffix}")
    content = case.content if isinstance(case.content, bytes) else case.content()
    Path(case.name).write_bytes(content)
    return score(case.name, "-o", case.to, "--jobs", "1", *case.options.split())


def assert_in(words: tuple[str, ...], text: str) -> None:
    for word in words:
        assert word.lower() in text.lower()


def refused(completed: Completed, words: tuple[str, ...]) -> None:
    """Check that only the last line is an error; notes may precede it."""
    status, out, err = completed
    *notes, error = err.splitlines()
    assert (status in (1, 2), out) == (True, ""), completed
    assert error.startswith("Error: ")
    assert "Traceback" not in err
    assert not any("rror" in note for note in notes)
    assert len(error) < 600
    assert_in(words, error)


@pytest.mark.parametrize("name", CASES)
def test_each(name: str, folder: Path) -> None:
    case = CASES[name]
    completed = run(case)
    if case.texts is None:
        refused(completed, case.words)
        assert {path.name for path in folder.iterdir()} == {case.name}
        return
    assert completed.status == 0, completed.err
    missing = scores_of(case.texts).count("")
    assert summary(completed.err) == (len(case.texts), len(case.texts) - missing, missing, 0)
    assert_in(case.words, completed.err)
    output = Path(case.to)
    if case.output is not None:
        assert output.read_bytes() == case.output
    else:
        assert scores_in(output, case.encoding) == scores_of(case.texts)


@pytest.mark.parametrize(
    ("name", "content", "rejected", "texts"),
    [
        ("in.csv", b"id;text\n1;a\n2\n3;b;c\n4;d\n", b"id;text\n2\n3;b;c\n", "ad"),
        ("in.csv", b"id,text\r1,a\r2\r3,b\r", b"id,text\r2\r", "ab"),
        ("in.csv", b"sep=;\nid;text\n1;a\n2\n", b"sep=;\nid;text\n2\n", "a"),
        ("in.csv", b'id,text\n1,"b\nc",d\n2,e\n', b'id,text\n1,"b\nc",d\n', "e"),
        ("in.csv", b"id,text\n1,a\n2,caf\xe9\n3,b\n", b"id,text\n2,caf\xe9\n", "ab"),
        ("utf-16.csv", "id,text\r\n1,é\r\n2\r\n3,b\r\n".encode("utf-16"),
         "id,text\r\n2\r\n".encode("utf-16"), "éb"),
        ("in.jsonl", b'{"text": "a"}\nno\n[]\n', b"no\n[]\n", "a"),
    ],
)  # fmt: skip
def test_rows_are_set_aside_as_they_were(
    name: str, content: bytes, rejected: bytes, texts: str
) -> None:
    Path(name).write_bytes(content)
    output = Path(name).with_stem("out")
    status, _, err = score(name, "-o", output, "--on-error", "skip", "--jobs", "1")

    assert status == 0, err
    rows, *counts = summary(err)
    assert counts == [len(texts), 0, rows - len(texts)]
    encoding = "utf-16" if "utf-16" in name else "utf-8"
    assert scores_in(output, encoding) == scores_of(texts)
    assert Path(f"{output}.rejected").read_bytes() == rejected


class TestValues:
    """Values of the other columns of a row, which stay the same in another format."""

    ROW = ("007", "1234567890123456789", "1e5", "TRUE", "=1+1", "0.10", "  a ", 'b, "c"')
    NAMES = tuple("abcdefgh")

    @pytest.mark.parametrize("to", ["out.jsonl", "out.parquet", "out.xlsx"])
    def test_of_csv(self, to: str) -> None:
        header = ";".join((*self.NAMES, "text"))
        fields = (f'"{value.replace(chr(34), chr(34) * 2)}"' for value in self.ROW)
        content = f"{header}\n{';'.join(fields)};cake\n".encode()
        assert run(reads("values", "in.csv", content, to=to)).status == 0
        (record,) = records_in(Path(to))

        assert list(record) == [*self.NAMES, "text", "probability", "label"]
        assert tuple(record[name] for name in self.NAMES) == self.ROW
        assert record["probability"] == pytest.approx(float(added("cake")[0]), abs=1e-6)

    def test_of_a_workbook_in_parquet(self) -> None:
        content = xlsx([["id", "text"], [1, "cake"], [2, None]])
        assert run(reads("values", "in.xlsx", content, to="out.parquet")).status == 0
        records = records_in(Path("out.parquet"))

        assert [record["id"] for record in records] == [1, 2]
        assert [record["text"] for record in records] == ["cake", None]
        assert [record["label"] is None for record in records] == [False, True]

    def test_of_json_in_csv(self) -> None:
        content = lines({"id": 1234567890123456789, "ok": True, "none": None, "text": "a"})
        assert run(reads("values", "in.jsonl", content, to="out.csv")).status == 0

        assert "1234567890123456789,true,,a," in Path("out.csv").read_text("utf-8")


def records_in(output: Path) -> list[dict[str, Any]]:
    """Return the rows of an output as dictionaries."""
    if output.suffix == ".parquet":
        from pyarrow import parquet as module

        records: list[dict[str, Any]] = module.read_table(output).to_pylist()
        return records
    if output.suffix == ".xlsx":
        import openpyxl

        sheet = openpyxl.load_workbook(output).active
        header, *rows = ([cell.value for cell in cells] for cells in sheet.iter_rows())
        return [dict(zip(header, row, strict=True)) for row in rows]
    return [json.loads(line) for line in output.read_text("utf-8").splitlines()]


class Pipe(io.BytesIO):
    """A stream that cannot be read twice."""

    def seekable(self) -> bool:
        return False

    def seek(self, offset: int, whence: int = 0) -> int:
        raise io.UnsupportedOperation("seek")

    def tell(self) -> int:
        raise io.UnsupportedOperation("tell")


def piped(raw: bytes) -> io.TextIOWrapper:
    """Return a replacement for standard input."""
    return io.TextIOWrapper(io.BufferedReader(Pipe(raw)))  # type: ignore[arg-type]


class TestPipes:
    @pytest.mark.parametrize(
        ("format_", "content"),
        [
            ("csv", CSV),
            ("csv", CSV.replace(b",", b";")),
            ("csv", CSV.decode().encode("utf-16")),
            ("csv", gzip.compress(CSV)),
            ("csv", lzma.compress(CSV)),
            ("csv", CSV.replace(b"\n", b"\r")),
            ("tsv", CSV.replace(b",", b"\t")),
            ("jsonl", lines(CAKE, {"text": "bread"})),
            ("json", json.dumps([CAKE, {"text": "bread"}]).encode()),
            ("parquet", parquet(text=["cake", "bread"])),
            ("arrow", arrow("file", text=["cake", "bread"])),
            ("xlsx", xlsx([["text"], ["cake"], ["bread"]])),
        ],
        ids=(
            "commas semicolons UTF-16 gzip xz CR tabs Lines array Parquet Arrow workbook"
        ).split(),
    )
    def test_in(self, monkeypatch: pytest.MonkeyPatch, format_: str, content: Content) -> None:
        raw = content if isinstance(content, bytes) else content()
        monkeypatch.setattr(sys, "stdin", piped(raw))
        completed = score("-", "--format", format_, "-o", "out.jsonl", "--jobs", "1")

        assert completed.status == 0, completed.err
        assert scores_in(Path("out.jsonl")) == scores_of(TWO)

    @pytest.mark.parametrize(
        "content",
        [odd("page.csv"), odd("quotes.tsv"), b"", b"\xff"],
        ids=("page", "quotes", "nothing", "no UTF-8"),
    )
    def test_of_what_cannot_be(self, monkeypatch: pytest.MonkeyPatch, content: Content) -> None:
        raw = content if isinstance(content, bytes) else content()
        monkeypatch.setattr(sys, "stdin", piped(raw))
        completed = score("-", "--format", "csv", "-o", "out.csv", "--jobs", "1")

        refused(completed, ("standard input",))
        assert not Path("out.csv").exists()
