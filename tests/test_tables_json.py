"""JSON Lines and JSON documents: every byte stays."""

from __future__ import annotations

import io
import json
import random
import re
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from disaster_tweets.tables import json_rows
from disaster_tweets.tables.errors import (
    ContentError,
    DamagedError,
    RowError,
    SizeError,
    TableError,
)
from disaster_tweets.tables.json_document import (
    Document,
    activity_text,
    archive_text_path,
    text_of_html,
)
from disaster_tweets.tables.json_rows import ABSENT, Number

SOME = settings(deadline=None, max_examples=60)
# Text with many characters that are special in JSON, without surrogates that JSON escapes would
# join.
STRINGS = st.text(st.sampled_from('"\\{}[],: \n\r\t/u0aé\u2028🔥\ud83d\udd25'), max_size=8).map(
    lambda text: json.loads(json.dumps(text))
)
KEYS = st.sampled_from(["text", "a", "a.b", "/", "é", "data", '"', "🔥"]) | STRINGS
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | STRINGS
VALUES = st.recursive(
    SCALARS,
    lambda values: st.lists(values, max_size=3) | st.dictionaries(KEYS, values, max_size=3),
    max_leaves=6,
)
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=4)
RANDOM = st.randoms(use_true_random=False)
SPACES = ["", "", " ", "\n", "\r\n", "\r", "\t ", "\n  "]


def space(chance: random.Random) -> str:
    return chance.choice(SPACES)


def spelled(value: Any, chance: random.Random) -> str:
    """Return a value as JSON with white space at every possible place."""
    if isinstance(value, dict):
        pairs = [
            f"{space(chance)}{spelled(key, chance)}{space(chance)}:{space(chance)}"
            f"{spelled(member, chance)}{space(chance)}"
            for key, member in value.items()
        ]
        return "{" + (",".join(pairs) or space(chance)) + "}"
    if isinstance(value, list):
        items = [f"{space(chance)}{spelled(item, chance)}{space(chance)}" for item in value]
        return "[" + (",".join(items) or space(chance)) + "]"
    return json.dumps(value, ensure_ascii=chance.random() < 0.5)


class TestParse:
    @SOME
    @given(record=OBJECTS, chance=RANDOM)
    def test_both_read_the_same(self, record: dict[str, Any], chance: random.Random) -> None:
        text = spelled(record, chance)
        exact = json_rows.parse_exactly(text)

        assert json_rows.parse(text) == json.loads(text)
        assert json.loads(json_rows.dump(exact)) == json.loads(text)

    @pytest.mark.parametrize("read", [json_rows.parse, json_rows.parse_exactly])
    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ('{"a": }', "not JSON (Expecting value at character 7)"),
            ('{\n"a": }', "not JSON (Expecting value at character 8)"),
            ("", "not JSON (Expecting value at character 1)"),
            ("[1]", "not a JSON object"),
            ('"{}"', "not a JSON object"),
            ('{"a": ' + "[" * 200_000 + "]" * 200_000 + "}", "not JSON that can be read here"),
        ],
    )
    def test_what_is_no_object(
        self, read: Callable[[str], Any], text: str, problem: str
    ) -> None:
        with pytest.raises(RowError) as caught:
            read(text)

        assert str(caught.value) == problem

    def test_numbers_stay_as_they_are_spelled(self) -> None:
        digits = "1" * 5000
        text = f'{{"a": 1.10, "b": [1e400, -0], "c": {{"d": {digits}}}, "e": NaN}}'
        record = json_rows.parse_exactly(text)

        assert record["a"] == Number("1.10")
        assert isinstance(record["b"][0], Number)
        assert json_rows.dump(record) == text

    def test_a_number_of_too_many_digits(self) -> None:
        text = f'{{"a": {"1" * 5000}}}'
        try:
            json.loads(text)
        except ValueError:
            with pytest.raises(RowError, match="not JSON that can be read here"):
                json_rows.parse(text)


class TestValueAt:
    RECORD = json_rows.parse(
        '{"a": {"b": {"c": 1}, "b.c": 2}, "a.b": {"d": 3}, "x.y": 4, "x": {"y": 5, "z": null},'
        ' "list": [{"a": 6}]}'
    )

    @pytest.mark.parametrize(
        ("path", "value"),
        [
            ("a.b.c", 2),
            ("a.b.d", 3),
            ("x.y", 4),
            ("x.z", None),
            ("list", [{"a": 6}]),
            ("list.0", ABSENT),
            ("list.a", ABSENT),
            ("x.y.z", ABSENT),
            ("b", ABSENT),
            ("", ABSENT),
            (".", ABSENT),
        ],
    )
    def test_paths(self, path: str, value: object) -> None:
        assert json_rows.value_at(self.RECORD, path) == value

    def test_keys_are_listed_level_by_level(self) -> None:
        record = {"a": {"b": {"c": {"d": {"e": 1}}}}, "f": [{"g": 1}], "a.b": 2}

        assert list(json_rows.keys(record)) == ["a", "f", "a.b", "a.b.c", "a.b.c.d"]

    @SOME
    @given(record=OBJECTS)
    def test_each_listed_key_has_a_value(self, record: dict[str, Any]) -> None:
        for key in json_rows.keys(record):
            assert json_rows.value_at(record, key) is not ABSENT


class TestMembers:
    @SOME
    @given(record=OBJECTS, more=OBJECTS, chance=RANDOM)
    def test_without_and_with(
        self, record: dict[str, Any], more: dict[str, Any], chance: random.Random
    ) -> None:
        # Two objects merged into one, so that keys repeat.
        first, second = spelled(record, chance), spelled(more, chance)
        comma = "," if record and more else ""
        text = f"{space(chance)}{first[:-1]}{comma}{second[1:]}{space(chance)}"
        found = json_rows.members(text)
        pairs = [json.loads(f"{{{text[start:end]}}}") for _, start, end in found]
        names = chance.sample([*record, *more], chance.randint(0, len(record) + len(more)))
        kept = [pair for pair in pairs if pair.keys().isdisjoint(names)]
        left = json_rows.without(text, names)
        added = json_rows.with_members(left, '"p": 0.5, "q": "x"')

        assert [[member.key] for member in found] == [[*pair] for pair in pairs]
        assert json.loads(left, object_pairs_hook=list) == [
            (key, json.loads(json.dumps(pair[key]), object_pairs_hook=list))
            for pair in kept
            for key in pair
        ]
        assert [member.key for member in json_rows.members(added)][-2:] == ["p", "q"]
        if len(kept) == len(found):
            assert left == text
        for key in {**record, **more}:
            repeated = sum(member.key == key for member in found) > 1
            assert json_rows.has_repeated(text, json.loads(text), key) == repeated

    @pytest.mark.parametrize(
        ("text", "names", "left"),
        [
            ('{"a": 1}', "a", "{}"),
            ('{\n  "a": 1\n}', "a", "{}"),
            ('{"a": 1,  "b": 1.10 , "c":1e400 }', "a", '{"b": 1.10 , "c":1e400 }'),
            ('{"a": 1,  "b": 1.10 , "c":1e400 }', "b", '{"a": 1 , "c":1e400 }'),
            ('{"a": 1,  "b": 1.10 , "c":1e400 }', "c", '{"a": 1,  "b": 1.10 }'),
            ('{"a": 1, "b": 2, "a": [{"b": 3}]}\n', "a", '{"b": 2}\n'),
            ('{"\\u0061": 1, "b": 2}', "a", '{"b": 2}'),
            ('{\n  "a": 1,\n  "b": 2\n}', "a", '{\n  "b": 2\n}'),
            ('{\n  "a": 1,\n  "b": 2\n}', "b", '{\n  "a": 1\n}'),
            ("{ }", "a", "{ }"),
        ],
    )
    def test_without(self, text: str, names: str, left: str) -> None:
        assert json_rows.without(text, names) == left

    @pytest.mark.parametrize(
        ("text", "after"),
        [
            ("{}", "{ADDED}"),
            ("{ }", "{ ADDED}"),
            ("{\n}", "{ADDED\n}"),
            ('{"a": 1}', '{"a": 1, ADDED}'),
            ('{"a": 1 }', '{"a": 1 , ADDED}'),
            ('{"a": "}"\t} ', '{"a": "}"\t, ADDED} '),
            ('{"a": {}}', '{"a": {}, ADDED}'),
            ('{\n  "a": 1\n}', '{\n  "a": 1, ADDED\n}'),
            ('{\r\n  "a": 1\r\n}\r\n', '{\r\n  "a": 1, ADDED\r\n}\r\n'),
            ('{\n "a": 1 }', '{\n "a": 1 , ADDED}'),
        ],
    )
    def test_with_members(self, text: str, after: str) -> None:
        added = '"probability": 0.5, "label": "x"'

        assert json_rows.with_members(text, added) == after.replace("ADDED", added)

    @pytest.mark.parametrize(
        ("text", "key", "repeated"),
        [
            ('{"text": 1, "a": {"text": 2}}', "text", False),
            ('{"text": 1, "a": "text"}', "text", False),
            ('{"text": 1, "text": 1}', "text", True),
            ('{"text": 1, "te\\u0078t": "x"}', "text", True),
            ('{"TEXT": 1, "te\\u0078t": "\\n"}', "text", False),
            ('{"a/b": 1, "a\\/b": 2}', "a/b", True),
            ('{"🔥": 1, "\\uD83D\\udd25": 2}', "🔥", True),
            ('{"\\"": 1, "\\u0022": 2}', '"', True),
            ('{"a": 1}', "text", False),
        ],
    )
    def test_repeated_keys(self, text: str, key: str, repeated: bool) -> None:
        assert json_rows.has_repeated(text, json.loads(text), key) is repeated


class TestOnOneLine:
    @SOME
    @given(value=VALUES, chance=RANDOM)
    def test_the_value_stays(self, value: Any, chance: random.Random) -> None:
        text = f"{space(chance)}{spelled(value, chance)}{space(chance)}"
        line = json_rows.on_one_line(text)

        assert not re.search(r"[\r\n]", line)
        assert json.loads(line) == json.loads(text)
        if not re.search(r"[\r\n]", text):
            assert line == text

    def test_pretty_printed(self) -> None:
        record = {"a": [1, {}, [], "x,\n\u2028"], "b": {"c": None}}
        text = json.dumps(record, indent=2, ensure_ascii=False)

        assert json_rows.on_one_line(text) == (
            '{"a": [1, {}, [], "x,\\n\u2028"], "b": {"c": null}}'
        )


class TestDump:
    @SOME
    @given(value=VALUES)
    def test_as_json_does(self, value: Any) -> None:
        text = json_rows.dump(value)

        assert json.loads(text.encode()) == value
        expected = json.dumps(value, ensure_ascii=False)
        assert text == expected.encode(errors="backslashreplace").decode()

    def test_nested_as_deeply_as_one_likes(self) -> None:
        value: Any = Number("1.0")
        for _ in range(50_000):
            value = [value]

        assert json_rows.dump(value) == "[" * 50_000 + "1.0" + "]" * 50_000

    def test_lone_surrogates(self) -> None:
        assert json_rows.dump({"\ud83d": ("\udd25🔥",)}) == '{"\\ud83d": ["\\udd25🔥"]}'


def reader(text: str, chance: random.Random) -> Callable[[int], str]:
    """Return a function that reads pieces of any length."""
    stream = io.StringIO(text, newline="")
    most = chance.choice([1, 3, 50])
    return lambda size: stream.read(min(size, chance.randint(1, most)))


def whole(text: str) -> Callable[[int], str]:
    return io.StringIO(text, newline="").read


KINDS = ["array", "assignment", "object", "values"]


def documents(kind: str, rows: list[Any], chance: random.Random) -> tuple[str, str]:
    """Return a document in two parts; a cut in the second part loses nothing."""
    before = space(chance)
    texts = [spelled(row, chance) for row in rows]
    if kind == "values":
        ends = [chance.choice(["\n", " ", "\r\n", "\n\n"]) for _ in rows]
        joined = "".join(map("".join, zip(texts, ends, strict=True)))
        return before + joined.rstrip(), joined[len(joined.rstrip()) :]
    array = f"[{','.join(f'{space(chance)}{text}{space(chance)}' for text in texts)}]"
    if kind == "assignment":
        before += f"window.YTD.posts.part0{space(chance)}={space(chance)}"
        return before + array, chance.choice(["", ";", f"{space(chance)};"]) + space(chance)
    if kind == "object":
        others = {"meta": {"n": [1, {}]}, "ids": [1, 2], "empty": [], "data ]": '"}'}
        members = [f"{spelled(key, chance)}:{spelled(others[key], chance)}" for key in others]
        members.insert(chance.randint(0, 4), f'"rows" {space(chance)}:{array}')
        return f"{before}{{{','.join(members)}{space(chance)}}}", space(chance)
    return before + array, space(chance)


@pytest.mark.one_python
class TestDocument:
    @pytest.mark.parametrize("kind", KINDS)
    @SOME
    @given(
        objects=st.lists(OBJECTS, min_size=1, max_size=3),
        values=st.lists(VALUES, max_size=3),
        chance=RANDOM,
    )
    def test_every_character_stays(
        self, kind: str, objects: list[Any], values: list[Any], chance: random.Random
    ) -> None:
        # A single object could be an object with an array.
        rows = [*([{}] if kind == "values" else []), *objects, *values]
        text = "".join(documents(kind, rows, chance))
        block = chance.choice([1, 2, 7, 64, 1 << 20])
        document = Document(reader(text, chance), "x.json", block=block)
        elements = list(document)
        pieces = [(element.before, element.text) for element in elements]
        at = 0

        assert document.kind == kind
        assert document.wrapper_key == ("rows" if kind == "object" else None)
        assert "".join(map("".join, pieces)) + document.after == text
        assert [json.loads(element.text) for element in elements] == rows
        for before, element, line in elements:
            at += len(before)
            assert line == 1 + len(re.findall(r"\r\n|\r|\n", text[:at]))
            at += len(element)

    @pytest.mark.parametrize("kind", KINDS)
    @settings(deadline=None, max_examples=30)
    @given(rows=st.lists(OBJECTS, min_size=1, max_size=3), chance=RANDOM)
    def test_a_cut_is_never_silent(
        self, kind: str, rows: list[Any], chance: random.Random
    ) -> None:
        rows = [{}, *rows] if kind == "values" else rows
        needed, rest = documents(kind, rows, chance)
        text = needed + rest
        for cut in range(len(text)):
            document = Document(whole(text[:cut]), "x.json", block=chance.choice([1, 9, 999]))
            found = []
            try:
                for element in document:
                    found.append(json.loads(element.text))
            except (ContentError, DamagedError):
                assert cut < len(needed)
            else:
                # Values may end between two of them.
                assert cut >= len(needed) or (
                    kind == "values" and text[:cut].rstrip().endswith(element.text)
                )
            assert found == rows[: len(found)]

    @SOME
    @given(text=st.text(st.sampled_from('{}[]",:;\\ \n\r1.e-+truNa=x'), max_size=14))
    def test_any_text_is_read_whole_or_refused(self, text: str) -> None:
        results = []
        for block in (1, 3, 1 << 20):
            document = Document(whole(text), "x.json", block=block)
            pieces: list[Any] = []
            try:
                for before, element, _ in document:
                    json.loads(element)
                    pieces += [before, element]
                pieces += [document.after, document.kind]
                assert "".join(pieces[:-1]) == text
            except TableError as error:
                pieces.append((type(error), str(error)))
            results.append(pieces)

        assert results[0] == results[1] == results[2]

    @pytest.mark.parametrize(
        ("text", "key", "rows"),
        [
            ('{"data": [{"a": 1}], "includes": [{"b": 2}]}', "data", 1),
            ('{"data": [], "errors": [{"b": 2}]}', "data", 0),
            ('{"meta": [], "posts": [{"a": 1}, null]}', "posts", 2),
            ('{"@context": ["x", {"y": 1}], "orderedItems": [{}]}', "orderedItems", 1),
            ('{"@context": [{"y": 1}], "orderedItems": []}', "orderedItems", 0),
        ],
    )
    def test_arrays_in_objects(self, text: str, key: str, rows: int) -> None:
        document = Document(whole(text), "x.json")
        document.begin()

        assert (document.kind, document.wrapper_key) == ("object", key)
        assert document.is_activity_stream == (key == "orderedItems")
        assert len(list(document)) == rows

    @pytest.mark.parametrize(
        "text", ['{"text": "cake"}', '{"a": [], "b": [1]}', '{"data": {"a": 1}}\n', "{}", " 1 "]
    )
    def test_a_single_value(self, text: str) -> None:
        document = Document(whole(text), "x.json")
        (element,) = document

        assert (document.kind, element.text) == ("values", text.strip())

    @pytest.mark.parametrize("text", ["[]", " [\n] ", "window.YTD.post.part0 = []\n;"])
    def test_nothing_in_an_array(self, text: str) -> None:
        document = Document(whole(text), "x.json")

        assert list(document) == []
        assert document.after == text

    @pytest.mark.parametrize(
        ("text", "error", "problem"),
        [
            ("", ContentError, "x.json: is empty"),
            (" \n ", ContentError, "x.json: is empty"),
            ("<html>", ContentError, "x.json, line 1: not JSON (Expecting value)"),
            ("text\ncake", ContentError, "x.json, line 1: not JSON (Expecting value)"),
            ('[\n{"a": 1}\n{"a": 2}]', ContentError, "line 3: not JSON (Expecting ',' or ']')"),
            ('[\r\n{"a": 1},\r\n{"a" 2}, 1]', ContentError, "line 3: not JSON (Expecting ':'"),
            ('[{"a": 1},\r{"a": 1', DamagedError, "line 2: the file breaks off"),
            ('[{"a": 1}\n', DamagedError, "line 2: the file breaks off"),
            ('{"a": [{}]\n,"b', DamagedError, "line 2: the file breaks off"),
            ('{"a": 1}\n{"a": "\\u12', DamagedError, "line 2: the file breaks off"),
            ("a =\n", DamagedError, "line 2: the file breaks off"),
            ("[1, 2.", DamagedError, "line 1: the file breaks off"),
            ("[]\n\n[]", ContentError, "line 3: there is more behind the end of the array"),
            ("[];", ContentError, "line 1: there is more behind the end of the array"),
            ("a = [];\n;", ContentError, "line 2: there is more behind the end of the array"),
            ("a = {}", ContentError, "line 1: JavaScript that assigns something else than an"),
            ('{"a": [{}]}\n;', ContentError, "line 2: there is more behind the end of the obj"),
            ("{}\n,{}", ContentError, "line 2: not JSON (Expecting value)"),
            ('{"a": [{}], "b": [{}]}', ContentError, "x.json: holds several arrays of objects"),
            ("{1: 2}", ContentError, "not JSON (Expecting property name enclosed in double"),
            ("[\n" + "[" * 200_000, ContentError, "line 2: nested too deeply to be read"),
            ('{"a":\n' + "[" * 200_000, ContentError, "nested too deeply to be read"),
        ],
    )
    def test_what_is_no_document(self, text: str, error: type[Exception], problem: str) -> None:
        with pytest.raises(error, match=re.escape(problem)):
            list(Document(whole(text), "x.json"))

    def test_candidates(self) -> None:
        text = '{"a": [{}], "b": [], "c": [{}], "d": [1]}'
        with pytest.raises(ContentError) as caught:
            Document(whole(text), "x.json").begin()

        assert caught.value.candidates == ("a", "c")

    def test_sizes(self) -> None:
        long = json.dumps({"a": "x" * 3000})
        for text in (f"[1,\n{long}]", f"1\n{long}", f'{{"a": 1,\n"data": [{long}]}}'):
            with pytest.raises(SizeError, match="line 2: a value of more than 2,000"):
                list(Document(whole(text), "x.json", longest=2000, block=16))
        rows = json.dumps({"data": [{"a": 1}] * 50})
        fits = Document(whole(rows), "x.json", largest=len(rows), block=16)
        with pytest.raises(SizeError, match=f"an object of more than {len(rows) - 1} char"):
            Document(whole(rows), "x.json", largest=len(rows) - 1, block=16).begin()

        assert len(list(fits)) == 50
        assert len(list(Document(whole("{}\n" * 500), "x", largest=99, block=16))) == 500

    def test_a_number_of_many_digits(self) -> None:
        (element,) = Document(whole(f"[{'1' * 5000}]"), "x.json")

        assert len(element.text) == 5000

    def test_little_is_held(self) -> None:
        count, asked = 20_000, []
        text = "[" + ",\n".join(['{"text": "cake"}'] * count) + "]"
        stream = io.StringIO(text)

        def read(size: int) -> str:
            asked.append(size)
            return stream.read(size)

        document = Document(read, "x.json", block=1000)

        tracemalloc.start()
        try:
            for number, element in enumerate(document, start=1):
                assert element.line == number
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert number == count
        assert most < len(text) / 4
        assert len(asked) < 2 * len(text) / 1000


class TestArchives:
    @pytest.mark.parametrize(
        ("records", "path"),
        [
            ([{"post": {"full_text": "a", "text": "b"}}], "post.full_text"),
            ([{"post": {"text": "a"}}, {"post": {"id": 1}}], "post.text"),
            ([{"post": {"full_text": "a"}, "x": 1}, {"post": {}, "y": 2}], "post.full_text"),
            ([{"post": {"full_text": "a"}}, {"post": None}], None),
            ([{"post": {"full_text": "a"}, "user": {}}], None),
            ([{"post": {"body": "a"}}], None),
            ([{"a": {"text": "a"}}, {"b": {"text": "a"}}], None),
            ([{"text": "a"}], None),
            ([{}], None),
            ([], None),
        ],
    )
    def test_where_the_text_is(self, records: list[dict[str, Any]], path: str | None) -> None:
        assert archive_text_path(records) == path

    @pytest.mark.parametrize(
        ("record", "text"),
        [
            ({"type": "Create", "object": {"content": "<p>a &amp; b</p>"}}, "a & b"),
            ({"type": "Create", "object": {"content": ""}}, ""),
            ({"type": "Create", "object": {"content": 1}}, 1),
            ({"type": "Create", "object": {"content": None}}, None),
            ({"type": "Create", "object": {}}, None),
            ({"type": "Announce", "object": "https://example.com/1"}, None),
            ({"type": "Announce", "object": {"content": "<p>of others</p>"}}, None),
            ({}, None),
        ],
    )
    def test_activities(self, record: dict[str, Any], text: object) -> None:
        assert activity_text(record) == text


class TestHtml:
    @pytest.mark.parametrize(
        ("source", "text"),
        [
            ("<p>a<br>b<br />c</p><p>d</p>", "a\nb\nc\nd"),
            ("cake &amp; &lt;bread&gt; &#128293;&nbsp;", "cake & <bread> 🔥\xa0"),
            (
                '<p>see <a href="https://example.com/abc"><span class="invisible">https://'
                '</span><span class="ellipsis">example.com/a</span><span class="invisible">bc'
                '</span></a> <a class="mention hashtag">#<span>cake</span></a></p>',
                "see https://example.com/abc #cake",
            ),
            ("a<script>b < c</script>d<style>e</style>f<script>g", "adf"),
            ("<ul><li>a</li><li>b</li></ul>", "a\nb"),
            ("<!-- a -->b<![foo[c]]>d &amp;", "bd &"),
            ("a < b", "a < b"),
            ("<a " * 50_000 + "<p>b &amp; c</p>", "<a " * 50_000 + "b & c"),
            ("", ""),
        ],
    )
    def test_text(self, source: str, text: str) -> None:
        assert text_of_html(source) == text

    @SOME
    @given(
        st.lists(
            st.sampled_from([*"<>&#;/!?-[]='\"ax \n", "9" * 5000, "<!doctype "])
            | st.sampled_from(
                "<! <![ <!-- <![CDATA[ <? <p> </p> <br <script> </script &#x &amp".split()
            ),
            max_size=12,
        ).map("".join)
    )
    def test_whatever_is_wrong(self, source: str) -> None:
        assert not text_of_html(source).endswith(("\n", "\r"))
