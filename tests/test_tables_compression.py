"""Compressed files: detected, read as a stream, rejected when damaged or too large."""

from __future__ import annotations

import bz2
import gzip
import importlib.util
import io
import lzma
import random
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from disaster_tweets.tables import compression
from disaster_tweets.tables.compression import (
    BUFFER,
    HARMLESS,
    SUFFIXES,
    Decompressed,
    compress,
    compression_of,
    decompressed,
    single_member,
)
from disaster_tweets.tables.errors import (
    ContentError,
    DamagedError,
    MissingLibraryError,
    SizeError,
    TableError,
)

TEXT = "".join(f"{number},cake in sector {number * 7919 % 1009}\n" for number in range(20_000))
CONTENT = TEXT.encode()


HAS_ZSTD = sys.version_info >= (3, 14) or importlib.util.find_spec("zstandard") is not None
needs_zstd = pytest.mark.skipif(not HAS_ZSTD, reason="needs zstandard, or Python 3.14")
KINDS = [pytest.param(k, marks=needs_zstd) if k == "zstd" else k for k in SUFFIXES.values()]
each_kind = pytest.mark.parametrize("kind", KINDS)


class Pipe:
    """A file with only a read method, which returns less than requested."""

    def __init__(self, content: bytes, most: int = 1 << 20) -> None:
        self._file, self._most = io.BytesIO(content), most

    def read(self, size: int) -> bytes:
        return self._file.read(min(size, self._most))


def content_of(packed: bytes, kind: str) -> bytes:
    return decompressed(io.BytesIO(packed), kind, "t").read()


def read_all(stream: Decompressed, read: Callable[[Any], bytes] | None = None) -> None:
    while read(stream) if read else stream.read(BUFFER):
        pass


def skippable(content: bytes) -> bytes:
    return struct.pack("<II", 0x184D2A50, len(content)) + content


class TestDetection:
    @each_kind
    def test_what_is_written_is_recognized(self, kind: str) -> None:
        assert compression_of(compress(b"cake", kind)[:6]) == kind
        assert compression_of(compress(b"", kind)[:6]) == kind

    @pytest.mark.parametrize("level", range(1, 10))
    def test_every_level_of_bzip2(self, level: int) -> None:
        assert compression_of(bz2.compress(b"cake", level)) == "bzip2"

    def test_a_zip_and_an_empty_one(self) -> None:
        assert compression_of(zipped({"a": b""})) == "zip"
        assert compression_of(zipped({})) == "zip"

    def test_a_skippable_frame_is_of_zstd(self) -> None:
        assert compression_of(skippable(b"cake")) == "zstd"

    @pytest.mark.parametrize(
        "beginning", [b"", b"B", b"BZh", b"BZhard", b"P", b"text,a", b"\x1f"]
    )
    def test_anything_else_is_not_compressed(self, beginning: bytes) -> None:
        assert compression_of(beginning) is None


class TestReading:
    @each_kind
    @pytest.mark.parametrize("most", [1, 7, 1 << 20])
    def test_a_pipe_with_several_members(self, kind: str, most: int) -> None:
        parts = [CONTENT[:1000], b"", CONTENT[1000:5000]]
        packed = b"".join(compress(part, kind) for part in parts)

        assert decompressed(Pipe(packed, most), kind, "t").read() == CONTENT[:5000]  # type: ignore[arg-type]

    @each_kind
    @pytest.mark.parametrize("size", [0, 3 * BUFFER + 5])
    def test_content_without_any_order(self, kind: str, size: int) -> None:
        noise = random.Random(0).randbytes(size)

        assert content_of(compress(noise, kind), kind) == noise

    @each_kind
    def test_lines_and_wrapped_text(self, kind: str) -> None:
        stream = decompressed(io.BytesIO(compress(CONTENT, kind)), kind, "t")

        assert stream.readline() == CONTENT.partition(b"\n")[0] + b"\n"
        assert io.TextIOWrapper(stream, "utf-8").read() == TEXT.partition("\n")[2]

    @each_kind
    def test_seek_reads_on(self, kind: str) -> None:
        stream = decompressed(Pipe(compress(CONTENT, kind)), kind, "t")  # type: ignore[arg-type]
        offset = 2 * BUFFER + 7

        assert stream.read(3) == CONTENT[:3]
        assert stream.seek(offset) == offset == stream.tell()
        assert stream.read(9) == CONTENT[offset : offset + 9]
        with pytest.raises(io.UnsupportedOperation, match="forward"):
            stream.seek(0)
        with pytest.raises(io.UnsupportedOperation, match="forward"):
            stream.seek(0, io.SEEK_END)
        assert stream.seek(1 << 40) == len(CONTENT)

    @each_kind
    def test_consumed_grows_to_the_size_of_the_file(self, kind: str) -> None:
        packed = b"".join(compress(random.Random(n).randbytes(BUFFER), kind) for n in range(9))
        stream = decompressed(io.BytesIO(packed), kind, "t")
        seen = []
        while stream.read(BUFFER):
            seen.append(stream.consumed)

        assert seen == sorted(seen)
        assert seen[0] < len(packed) // 2
        assert stream.consumed == len(packed)

    @each_kind
    def test_the_file_stays_open(self, kind: str) -> None:
        file = io.BytesIO(compress(CONTENT, kind))
        decompressed(file, kind, "t").close()

        assert not file.closed

    @needs_zstd
    def test_frames_that_a_decoder_skips(self) -> None:
        frame = compress(b"cake", "zstd")
        packed = skippable(b"a") + frame + skippable(b"") + frame + skippable(b"b" * 5000)

        assert content_of(packed, "zstd") == b"cakecake"

    @pytest.mark.parametrize("kind", ["gzip", "xz"])
    def test_padding_after_a_member(self, kind: str) -> None:
        member, padding = compress(b"cake", kind), bytes(2 * BUFFER)

        assert content_of(member + padding + member + bytes(4), kind) == b"cakecake"

    def test_an_error_of_the_file_itself_passes(self) -> None:
        class Broken(io.RawIOBase):
            def read(self, size: int = -1, /) -> bytes:
                raise OSError(5, "Input/output error")

        stream = decompressed(Broken(), "bzip2", "t")  # type: ignore[arg-type]
        with pytest.raises(OSError, match="Input/output"):
            stream.read()


class TestDamage:
    @each_kind
    @pytest.mark.parametrize(
        "read", [lambda f: f.read(), lambda f: f.read(9), lambda f: f.readline()]
    )
    def test_data_that_is_cut_short(self, kind: str, read: Callable[[Any], bytes]) -> None:
        packed = compress(b"cake", kind)
        for length in range(1, len(packed)):
            stream = decompressed(io.BytesIO(packed[:length]), kind, "t.csv.x")
            with pytest.raises(DamagedError, match=rf"^t\.csv\.x: .*{kind} data") as caught:
                read_all(stream, read)
            assert "\n" not in str(caught.value)

    @each_kind
    def test_large_data_that_is_cut_short(self, kind: str) -> None:
        packed = compress(CONTENT, kind)
        stream = decompressed(io.BytesIO(packed[: len(packed) * 3 // 4]), kind, "t")
        with pytest.raises(DamagedError, match=f"{kind} data that is cut short"):
            stream.read()
        # A further read must not look like the end of the file.
        with pytest.raises(DamagedError):
            stream.read(1)

    @each_kind
    @pytest.mark.parametrize("garbage", [b"x", b"<html>", b"\xff" * 100])
    def test_garbage_at_the_end(self, kind: str, garbage: bytes) -> None:
        with pytest.raises(DamagedError, match=f"{kind} data"):
            content_of(compress(b"cake", kind) + garbage, kind)

    @each_kind
    def test_any_altered_byte(self, kind: str) -> None:
        # Some bytes of the header can change without a change of the content.
        packed = compress(CONTENT[:500], kind)
        for place in range(len(packed)):
            altered = packed[:place] + bytes([packed[place] ^ 0x55]) + packed[place + 1 :]
            try:
                assert content_of(altered, kind) == CONTENT[:500]
            except TableError:
                continue

    @each_kind
    def test_a_wrong_checksum(self, kind: str) -> None:
        packed = bytearray(compress(b"cake" * 100, kind))
        place = {"gzip": -8, "bzip2": 11, "xz": -29, "zstd": -1}[kind]
        packed[place] ^= 1
        with pytest.raises(DamagedError, match=f"damaged {kind} data"):
            content_of(bytes(packed), kind)


class TestBombs:
    @each_kind
    def test_a_bomb_is_refused_early(self, kind: str) -> None:
        bomb = compress(bytes(HARMLESS // 4), kind) * 5
        stream = decompressed(io.BytesIO(bomb), kind, "t")
        with pytest.raises(SizeError, match="250 times"):
            read_all(stream)
        assert stream.tell() <= HARMLESS

    @each_kind
    def test_a_small_file_may_repeat_itself(self, kind: str) -> None:
        packed = compress(bytes(HARMLESS // 4), kind) * 4

        assert content_of(packed, kind) == bytes(HARMLESS)

    def test_xz_that_asks_for_memory(self) -> None:
        # The encoder needs the declared memory, so the header of a small file is altered.
        small = lzma.compress(b"cake", preset=0)
        header = bytearray(small[12:24])
        header[header.index(0x21) + 2] = 37
        header[-4:] = struct.pack("<I", zlib.crc32(header[:-4]))
        with pytest.raises(SizeError, match="memory"):
            content_of(small[:12] + bytes(header) + small[24:], "xz")

    @needs_zstd
    def test_zstd_that_asks_for_memory(self) -> None:
        # A frame of one raw block whose header declares a window of 2 GiB.
        block = struct.pack("<I", (4 << 3) | 1)[:3] + b"cake"
        with pytest.raises(SizeError, match="memory"):
            content_of(b"\x28\xb5\x2f\xfd\0" + bytes([21 << 3]) + block, "zstd")
        assert content_of(b"\x28\xb5\x2f\xfd\0" + bytes([17 << 3]) + block, "zstd") == b"cake"


class TestWriting:
    @pytest.mark.parametrize(
        ("kind", "library"), [("gzip", gzip), ("bzip2", bz2), ("xz", lzma)]
    )
    def test_the_standard_library_agrees(self, kind: str, library: Any) -> None:
        assert library.decompress(compress(CONTENT, kind) + compress(b"", kind)) == CONTENT
        assert content_of(library.compress(CONTENT), kind) == CONTENT

    @each_kind
    def test_the_same_bytes_each_time(self, kind: str) -> None:
        assert compress(CONTENT, kind) == compress(CONTENT, kind)

    def test_gzip_stores_no_time_and_no_system(self) -> None:
        assert compress(b"cake", "gzip")[:10] == b"\x1f\x8b\x08" + bytes(6) + b"\xff"


class TestZstdLibraries:
    @pytest.fixture
    def neither(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("compression.zstd", "zstandard"):
            monkeypatch.setitem(sys.modules, name, None)  # type: ignore[arg-type]

    @pytest.mark.usefixtures("neither")
    def test_without_a_library(self) -> None:
        with pytest.raises(MissingLibraryError, match=r"^t\.zst: .*zstandard") as caught:
            decompressed(io.BytesIO(skippable(b"")), "zstd", "t.zst")
        assert caught.value.extra == "zstd"
        with pytest.raises(MissingLibraryError):
            compress(b"", "zstd")

    def test_nothing_is_imported_before_it_is_needed(self, run: Any) -> None:
        code = (
            "import sys; before = set(sys.modules)\n"
            "import disaster_tweets.tables.compression, disaster_tweets.tables.workbook\n"
            "print({'bz2', 'compression', 'defusedxml', 'gzip', 'lzma', 'openpyxl', 'xml',"
            " 'zipfile', 'zstandard'} & (set(sys.modules) - before))"
        )
        assert run("python", "-c", code).out == "set()\n"


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


class TestZip:
    @pytest.mark.parametrize(
        "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2]
    )
    def test_the_only_file(self, method: int) -> None:
        litter = {"data/": b"", "__MACOSX/._t.csv": b"x", "data/.DS_Store": b"x"}
        packed = zipped({**litter, "data/t.csv": CONTENT}, method)
        name, stream = single_member(io.BytesIO(packed), "t.zip")

        assert name == "data/t.csv"
        assert stream.readline() + stream.read() == CONTENT
        assert 0 < stream.consumed < len(packed)

    def test_an_empty_file(self) -> None:
        name, stream = single_member(io.BytesIO(zipped({"t.csv": b""})), "t.zip")

        assert (name, stream.read(), stream.consumed) == ("t.csv", b"", 0)

    def test_several_files(self) -> None:
        packed = zipped({f"{number}.csv": b"" for number in range(9)})
        with pytest.raises(ContentError, match=r"^t\.zip: a zip of 9 files") as caught:
            single_member(io.BytesIO(packed), "t.zip")

        assert caught.value.candidates == ("0.csv", "1.csv", "2.csv", "3.csv", "4.csv")

    @pytest.mark.parametrize("members", [{}, {"a/": b""}])
    def test_no_file(self, members: dict[str, bytes]) -> None:
        with pytest.raises(ContentError, match="without a file"):
            single_member(io.BytesIO(zipped(members)), "t.zip")

    def test_a_password(self) -> None:
        packed = bytearray(zipped({"t.csv": b"cake"}))
        for header, flags in (b"PK\x03\x04", 6), (b"PK\x01\x02", 8):
            packed[packed.index(header) + flags] |= 1
        with pytest.raises(ContentError, match="password"):
            single_member(io.BytesIO(packed), "t.zip")

    def test_a_method_that_is_not_known(self) -> None:
        packed = zipped({"t.csv": b"cake"}, zipfile.ZIP_LZMA)
        with pytest.raises(ContentError, match="method 14"):
            single_member(io.BytesIO(packed), "t.zip")

    def test_every_way_to_be_damaged(self) -> None:
        packed = zipped({"t.csv": CONTENT[:300]})
        damaged = [packed[:length] for length in range(4, len(packed))]
        for place in range(len(packed)):
            damaged.append(packed[:place] + bytes([packed[place] ^ 0x55]) + packed[place + 1 :])
        refused = 0
        for content in damaged:
            try:
                _, stream = single_member(io.BytesIO(content), "t.zip")
                assert stream.read() == CONTENT[:300]
            except (ContentError, DamagedError, SizeError):
                refused += 1

        assert refused > len(packed)

    def test_a_wrong_checksum(self) -> None:
        packed = bytearray(zipped({"t.csv": b"cake"}, zipfile.ZIP_STORED))
        packed[packed.index(b"cake")] ^= 1
        _, stream = single_member(io.BytesIO(packed), "t.zip")
        with pytest.raises(DamagedError, match=r"^t\.zip: damaged zip data$"):
            stream.read()

    def test_a_bomb(self) -> None:
        packed = zipped({"t.csv": bytes(2 * HARMLESS)})
        with pytest.raises(SizeError, match="250 times"):
            single_member(io.BytesIO(packed), "t.zip")

    def test_a_bomb_that_declares_less(self) -> None:
        packed = zipped({"t.csv": bytes(2 * HARMLESS + 12345)})
        size = struct.pack("<I", 2 * HARMLESS + 12345)
        packed = packed.replace(size, struct.pack("<I", 1000))
        _, stream = single_member(io.BytesIO(packed), "t.zip")
        with pytest.raises(DamagedError):
            stream.read()

    @pytest.mark.parametrize(
        ("raw", "flags"), [(b"\x80\xff\x1b.csv", 0), (b"\xff\xfe\xfd.csv", 0x800)]
    )
    def test_names_in_any_encoding(self, raw: bytes, flags: int) -> None:
        packed = zipped({"abc.csv": b"cake"})
        packed = packed.replace(b"abc.csv", raw.ljust(7, b"x")[:7])
        altered = bytearray(packed)
        for header, place in (b"PK\x03\x04", 6), (b"PK\x01\x02", 8):
            start = altered.index(header) + place
            altered[start : start + 2] = struct.pack("<H", flags)
        try:
            name, stream = single_member(io.BytesIO(altered), "t.zip")
        except DamagedError:
            assert flags
        else:
            assert name.isprintable()
            assert name.endswith(".csv")
            assert stream.read() == b"cake"


def test_memory_stays_the_same(run: Any) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("needs a system that tells the memory in KiB")
    code = (
        "import io, random, resource\n"
        "from disaster_tweets.tables.compression import compress, decompressed\n"
        "part = random.Random(0).randbytes(1 << 16) + bytes(1 << 20)\n"
        "packed = compress(part, 'gzip') * 200\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "stream = decompressed(io.BytesIO(packed), 'gzip', 't')\n"
        "assert stream.seek(1 << 40) == 200 * len(part)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    done = run("python", "-c", code)

    assert done.err == ""
    assert int(done.out) < 4096


def test_the_constants_fit_the_worst_case() -> None:
    # A zstd block takes at least 4 bytes, and gives at most 128 KiB.
    assert compression.ZSTD_BUFFER // 4 * (128 << 10) == 32 << 20
