"""Read and write compressed data: gzip, bzip2, xz, zstd, and reading zip.

The content of a file decides its compression. The format inside is left to other modules.
"""

from __future__ import annotations

import importlib
import io
import zlib
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, cast

from disaster_tweets.tables.errors import (
    ContentError,
    DamagedError,
    MissingLibraryError,
    SizeError,
)

if TYPE_CHECKING:
    from zipfile import ZipFile, ZipInfo

    from _typeshed import WriteableBuffer

# File name suffixes for compressed output. A zip is read, not written.
SUFFIXES = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".zst": "zstd"}

# Padding that tapes and block devices add after the last member, in these two formats.
PADDING, PADDED = b"\0", {"gzip", "xz"}

BUFFER = 1 << 16
# The package zstandard has no limit on the output of one call. A zstd block takes at least
# 4 bytes and gives at most 128 KiB, so this many input bytes give at most 32 MiB.
ZSTD_BUFFER = 1 << 10
# Texts shrink to about a quarter, and a repetitive file to a hundredth. Deflate can reach a
# ratio of 1032, and the other methods a million. A small file is harmless at any ratio.
HARMLESS = 64 << 20
RATIO = 250
# Memory limits of decoders. The zstd command refuses a longer window by default, and the
# highest level of xz needs 65 MiB.
ZSTD_WINDOW_LOG = 27
XZ_MEMORY = 128 << 20
# Zip methods that need little memory: stored, deflate and bzip2.
ZIP_METHODS = {0, 8, 12}


def compression_of(beginning: bytes) -> str | None:
    """Return the compression of a file, given its first 6 bytes or more.

    Returns:
        "gzip", "bzip2", "xz", "zstd", "zip" (also for a workbook), or None.
    """
    if beginning.startswith(b"\x1f\x8b"):
        return "gzip"
    if beginning.startswith(tuple(b"BZh%d" % level for level in range(1, 10))):
        return "bzip2"
    if beginning.startswith(b"\xfd7zXZ\0"):
        return "xz"
    # A file may begin with a skippable frame, as pzstd writes it.
    if beginning.startswith(b"\x28\xb5\x2f\xfd") or (
        beginning[1:4] == b"\x2a\x4d\x18" and 0x50 <= beginning[0] <= 0x5F
    ):
        return "zstd"
    if beginning.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    return None


def is_bomb(packed: int, unpacked: int) -> bool:
    """Say whether the compression ratio is too high for an honest file."""
    return unpacked > HARMLESS and unpacked > RATIO * packed


def decompressed(file: BinaryIO, compression: str, title: str) -> Decompressed:
    """Return the content of a compressed file as a stream, in constant memory.

    Args:
        file: Any file with a ``read`` method, such as a pipe. It is left open.
        compression: One of the values of `SUFFIXES`.
        title: The name of the file in messages.

    Raises:
        MissingLibraryError: zstd needs the package zstandard before Python 3.14.
        DamagedError: While reading: the data is truncated or altered, or other data follows.
        SizeError: While reading: the content is too large, or decoding needs too much memory.
    """
    # ``read`` of a pipe blocks until all requested bytes are there; ``read1`` does not.
    source = _Source(getattr(file, "read1", file.read))
    chunks = _members(source, compression, _decoders(compression, title), title)
    return Decompressed(chunks, lambda produced: source.consumed)


def single_member(file: BinaryIO, title: str) -> tuple[str, Decompressed]:
    """Return the name of the only file in a zip, and its content as a stream.

    Args:
        file: A seekable file. It is left open.
        title: The name of the zip in messages.

    Raises:
        ContentError: The zip holds no file, several files, or an unsupported one.
        DamagedError: The zip is truncated or altered; also raised while reading.
        SizeError: The file in the zip is too large.
    """
    import zipfile

    try:
        archive = zipfile.ZipFile(file)
        members = [member for member in archive.infolist() if not _is_litter(member.filename)]
    except (zipfile.BadZipFile, EOFError, NotImplementedError, ValueError) as error:
        raise DamagedError("damaged zip data", file=title) from error
    names = [_printable(member.filename) for member in members]
    if not members:
        raise ContentError("a zip without a file in it", file=title)
    if len(members) > 1:
        some = ", ".join(names[:5]) + " and others" * (len(names) > 5)
        raise ContentError(
            f"a zip of {len(members)} files, but one is expected: {some}",
            file=title,
            candidates=names[:5],
        )
    member = members[0]
    if member.flag_bits & 1:
        raise ContentError("a zip that is protected by a password", file=title)
    if member.compress_type not in ZIP_METHODS:
        raise ContentError(
            f"a zip of the method {member.compress_type}, which cannot be read here", file=title
        )
    # The zipfile module never returns more bytes than the zip declares.
    if is_bomb(member.compress_size, member.file_size):
        raise _too_large(title)
    return names[0], Decompressed(
        _zip_member(archive, member, title),
        lambda produced: member.compress_size * produced // (member.file_size or 1),
    )


def compress(content: bytes, compression: str) -> bytes:
    """Compress the content as a complete member, which may follow other members in a file.

    The same content gives the same bytes, because no time and no name is stored.

    Raises:
        MissingLibraryError: zstd needs the package zstandard before Python 3.14.
    """
    if compression == "gzip":
        # Some versions of Python write the name of the system into the header of gzip.
        packer = zlib.compressobj(6, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
        packed = packer.compress(content) + packer.flush()
        return packed[:9] + b"\xff" + packed[10:]
    if compression == "bzip2":
        import bz2

        return bz2.compress(content)
    if compression == "xz":
        import lzma

        return lzma.compress(content)
    return _zstd_compress(content)


class Decompressed(io.BufferedReader):
    """The content of a compressed file; reads bytes and lines, and seeks forward only."""

    def __init__(self, chunks: Iterator[bytes], consumed: Callable[[int], int]) -> None:
        self._chunks = Pieces(chunks)
        self._consumed = consumed
        super().__init__(self._chunks, BUFFER)

    @property
    def consumed(self) -> int:
        """Compressed bytes read so far; approximate for a zip."""
        return self._consumed(self._chunks.tell())

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Skip forward to an offset of the content, or to its end."""
        missing = offset - self.tell()
        if whence != io.SEEK_SET or missing < 0:
            raise io.UnsupportedOperation("compressed data is read forward only")
        while missing and (skipped := len(self.read(min(missing, BUFFER)))):
            missing -= skipped
        return self.tell()


class Pieces(io.RawIOBase):
    """A raw file over an iterator of bytes. After an error, every read raises it again."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = memoryview(b"")
        self._produced = 0
        self._error: BaseException | None = None

    def readable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the number of bytes returned so far."""
        return self._produced

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Fill a buffer, and return the number of its bytes that are filled."""
        # A generator that raised is exhausted, and a further read would see the end of the
        # file.
        if self._error is not None:
            raise self._error
        target = memoryview(buffer).cast("B")
        try:
            while not self._rest:
                self._rest = memoryview(next(self._chunks))
        except StopIteration:
            return 0
        except BaseException as error:
            self._error = error
            raise
        count = min(len(target), len(self._rest))
        target[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        self._produced += count
        return count


class _Source:
    """Counts the bytes read, because a pipe has no ``tell``."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read
        self.consumed = 0

    def read(self, size: int) -> bytes:
        data = self._read(size)
        self.consumed += len(data)
        return data


class _Decoders(NamedTuple):
    """Makes a decompressor for each member.

    Attributes:
        new: Returns a decompressor, as in the standard library.
        size: The number of bytes to read at once.
        limit: The arguments of ``decompress`` that limit its output.
    """

    new: Callable[[], Any]
    size: int = BUFFER
    limit: tuple[int, ...] = (BUFFER,)


def _members(
    source: _Source, compression: str, decoders: _Decoders, title: str
) -> Iterator[bytes]:
    """Yield the content of all members, one after the other."""
    produced = 0
    data = source.read(decoders.size)
    while data:
        member = decoders.new()
        while not member.eof:
            # Only zlib returns the rest of its input; the others hold it, and say so.
            if not data and getattr(member, "needs_input", True):
                data = source.read(decoders.size)
                if not data:
                    raise DamagedError(f"{compression} data that is cut short", file=title)
            try:
                content = member.decompress(data, *decoders.limit)
            except MemoryError:
                raise
            # Each decompressor has its own errors, and bz2 raises OSError.
            except Exception as error:
                if "memory" in str(error).lower():
                    raise SizeError(
                        f"{compression} data that takes too much memory to unpack", file=title
                    ) from error
                raise DamagedError(f"damaged {compression} data", file=title) from error
            data = getattr(member, "unconsumed_tail", b"")
            produced += len(content)
            if is_bomb(source.consumed, produced):
                raise _too_large(title)
            if content:
                yield content
        data = member.unused_data or source.read(decoders.size)
        if compression in PADDED:
            while data.startswith(PADDING) and not (data := data.lstrip(PADDING)):
                data = source.read(decoders.size)


def _decoders(compression: str, title: str) -> _Decoders:
    if compression == "gzip":  # zlib checks the header, the checksum and the length
        return _Decoders(lambda: zlib.decompressobj(16 + zlib.MAX_WBITS))
    if compression == "bzip2":
        import bz2

        return _Decoders(bz2.BZ2Decompressor)
    if compression == "xz":
        import lzma

        return _Decoders(lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY))
    if zstd := _standard_zstd():
        options = {zstd.DecompressionParameter.window_log_max: ZSTD_WINDOW_LOG}
        return _Decoders(lambda: zstd.ZstdDecompressor(options=options))
    unpacker = _zstandard(title).ZstdDecompressor(max_window_size=1 << ZSTD_WINDOW_LOG)
    return _Decoders(unpacker.decompressobj, ZSTD_BUFFER, ())


def _zstd_compress(content: bytes) -> bytes:
    # With a checksum: the zstd command writes one by default, and the libraries do not.
    if zstd := _standard_zstd():
        options = {zstd.CompressionParameter.checksum_flag: 1}
        return cast(bytes, zstd.compress(content, options=options))
    return cast(bytes, _zstandard().ZstdCompressor(write_checksum=True).compress(content))


def _standard_zstd() -> ModuleType | None:
    """Return the zstd module of the standard library, which exists since Python 3.14."""
    try:
        return importlib.import_module("compression.zstd")
    except ImportError:
        return None


def _zstandard(title: str | None = None) -> ModuleType:
    """Return the package zstandard, for versions of Python without zstd."""
    try:
        return importlib.import_module("zstandard")
    except ImportError:
        raise MissingLibraryError(
            "zstd needs the package zstandard", extra="zstd", file=title
        ) from None


def _zip_member(archive: ZipFile, member: ZipInfo, title: str) -> Iterator[bytes]:
    """Yield the content of a zip member; zipfile verifies its checksum at the end."""
    from zipfile import BadZipFile

    try:
        with archive.open(member) as file:
            while content := file.read(BUFFER):
                yield content
    # An OSError without a number comes from bz2, one with a number from the medium.
    except (
        BadZipFile,
        EOFError,
        NotImplementedError,
        OSError,
        ValueError,
        zlib.error,
    ) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise DamagedError("damaged zip data", file=title) from error


def _is_litter(name: str) -> bool:
    """Say whether a zip member is a folder, or a file that macOS adds."""
    return name.endswith(("/", ".DS_Store")) or name.startswith("__MACOSX/")


def _printable(name: str) -> str:
    """Return a member name without control characters."""
    return "".join(character if character.isprintable() else "?" for character in name)


def _too_large(title: str) -> SizeError:
    return SizeError(
        f"it unpacks to more than {RATIO} times its size, as no table of texts does", file=title
    )
