"""One form of 8-bit grey PNG, read and written four and three times as fast as by Pillow.

Each row is stored as its difference from the row above (filter "Up"), which one cumulative sum
undoes; Pillow chooses a filter for each row, and undoes them byte by byte. Its files are 4%
smaller. Any PNG reader opens these. Form: https://www.w3.org/TR/png-3/.
"""

import struct
import zlib
from functools import cache

import numpy as np
from isal import isal_zlib

from songkey.errors import AudioKeyError

UP = 2  # the filter's number, in front of each row
ZLIB_HEAD = b"\x78\x01"  # of what zlib packs by runs; Pillow's files have another


class PngError(AudioKeyError):
    """A file of which some bytes are not those that were written."""


def encode(picture: np.ndarray) -> bytes:
    """The PNG file of a uint8 picture (rows, columns); equal pictures give equal bytes."""
    rows, columns = picture.shape
    lines = np.full((rows, 1 + columns), UP, np.uint8)
    lines[0, 1:] = picture[0]
    np.subtract(picture[1:], picture[:-1], out=lines[1:, 1:])  # modulo 256
    # Differences hardly repeat: looking for runs alone gives the smallest files.
    packer = zlib.compressobj(strategy=zlib.Z_RLE)
    return b"".join(
        [_head(rows, columns), _chunk(b"IDAT", packer.compress(lines.data) + packer.flush()), _TAIL]
    )


def decode(data: bytes, shape: tuple[int, ...], out: np.ndarray | None = None) -> np.ndarray | None:
    """The uint8 picture (rows, columns) of a file of this form and `shape`, None for any other.

    It is put into `out` where that is given.

    PngError for one that is damaged: Pillow would pass over the checksums, and read other values.
    """
    head = _head(*shape)
    start = len(head) + 8  # behind the length and the name of the chunk with the picture
    end = len(data) - len(_TAIL) - 4  # in front of that chunk's checksum
    if data[: len(head)] != head or data[len(head) : start] != _opening(b"IDAT", end - start):
        return None
    if data[end:] != struct.pack(">I", isal_zlib.crc32(data[start - 4 : end])) + _TAIL:
        raise PngError("its checksum is of another picture")
    if data[start : start + 2] != ZLIB_HEAD:
        return None
    rows, columns = shape
    size = rows * (1 + columns)
    try:
        stream = isal_zlib.decompressobj()
        lines = stream.decompress(memoryview(data)[start:end], size)  # at most: it may be a bomb
    except isal_zlib.error as error:  # type: ignore[misc]  # its stub takes it for an instance
        raise PngError("its picture cannot be unpacked") from error
    if len(lines) != size or not stream.eof or stream.unused_data:
        raise PngError("its picture has another size than its head says")
    differences = np.frombuffer(lines, np.uint8).reshape(rows, 1 + columns)
    if (differences[:, 0] != UP).any():
        return None
    return np.add.accumulate(differences[:, 1:], axis=0, dtype=np.uint8, out=out)


def _opening(name: bytes, size: int) -> bytes:
    return struct.pack(">i", size) + name


def _chunk(name: bytes, content: bytes) -> bytes:
    return _opening(name, len(content)) + content + struct.pack(">I", zlib.crc32(name + content))


@cache
def _head(rows: int, columns: int) -> bytes:
    """A file's beginning: 8 bits, grey, not interlaced."""
    header = struct.pack(">2I5B", columns, rows, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header)


_TAIL = _chunk(b"IEND", b"")
