"""Files of metadata, read within bounds: whoever made them, they fill neither memory nor time."""

import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

import zstandard

from songkey.errors import AudioKeyError
from storage.places import Place, RemotePath

MOST_RECORD_BYTES = 1 << 24  # of 200,000 samples; to parse it takes up to 40 times as much
MOST_MANIFEST_BYTES = 1 << 27  # unpacked: of 600,000 shards
MOST_TABLE_BYTES = 1 << 36  # unpacked, of which little is held at a time
MOST_PACKED_BYTES = 1 << 30
MOST_LINE_BYTES = 1 << 16
MOST_WINDOW_BYTES = 1 << 23  # that unpacking looks back: what any zstd may count on
PIECE_BYTES = 256  # unpacked at a time, for each byte may become 32,768


class ManifestError(AudioKeyError):
    """A manifest or record that is missing, damaged, or of other settings than today's."""


class MissingError(ManifestError):
    """A manifest or record that is not there."""


def read(path: Place, most_bytes: int) -> bytes:
    """The whole file; raises ManifestError where it cannot be read or is larger."""
    try:
        if isinstance(path, RemotePath):
            data = path.first_bytes(most_bytes + 1)
            size = len(data)
        else:
            size = _size(path)
            data = path.read_bytes() if size <= most_bytes else b""
    except FileNotFoundError:
        raise MissingError(
            f"{path}: not there; pack this data set first (just prepare-shards)"
        ) from None
    except OSError as error:
        raise ManifestError(f"{path}: cannot be read ({error.strerror})") from None
    if size > most_bytes:
        raise ManifestError(f"{path}: larger than {most_bytes} bytes, which no packing here makes")
    return data


def _size(path: Path) -> int:
    """The bytes of a file; ManifestError where opening it may wait for ever, as of a pipe."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise ManifestError(f"{path}: not a file; remove it, and pack again")
    return status.st_size


def packed(pieces: Iterable[bytes]) -> bytes:
    """A zstd file of these bytes, with a checksum: no damage to it unpacks to other bytes."""
    stream = zstandard.ZstdCompressor(write_checksum=True).compressobj()
    return b"".join([*map(stream.compress, pieces), stream.flush()])


def unpacked(path: Place, most_bytes: int) -> Iterator[bytes]:
    """The content of a zstd file, piece by piece; ManifestError where it is larger than that.

    The same where it is damaged or cut, which may be found after some pieces only.
    """
    data = read(path, min(most_bytes, MOST_PACKED_BYTES))
    stream = zstandard.ZstdDecompressor(max_window_size=MOST_WINDOW_BYTES).decompressobj()
    size = 0
    for start in range(0, len(data), PIECE_BYTES):
        try:
            piece = stream.decompress(data[start : start + PIECE_BYTES])
        except zstandard.ZstdError:
            raise ManifestError(f"{path}: damaged; delete it, and pack again") from None
        if (size := size + len(piece)) > most_bytes:
            raise ManifestError(f"{path}: unpacks to more than {most_bytes} bytes; pack again")
        yield piece
    if not stream.eof:  # a cut stream unpacks to its beginning without an error
        raise ManifestError(f"{path}: only a part of the file is there; delete it, and pack again")
    if stream.unused_data:
        raise ManifestError(f"{path}: other bytes follow its end; delete it, and pack again")


def unpacked_lines(path: Place) -> Iterator[bytes]:
    """The lines of a zstd file, as they are unpacked; ManifestError where one is far too long."""
    rest = b""
    for piece in unpacked(path, MOST_TABLE_BYTES):
        *whole, rest = (rest + piece).split(b"\n")
        yield from whole
        if len(rest) > MOST_LINE_BYTES:
            raise ManifestError(f"{path}: a line of more than {MOST_LINE_BYTES} bytes; pack again")
    if rest:
        yield rest
