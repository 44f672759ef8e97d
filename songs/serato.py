"""Serato's library, `_Serato_/database V2` on each drive and in the user's music folder.

Fields of four letters, their size in four bytes (big endian), and what they hold; text is UTF-16
(big endian). An `otrk` holds the fields of one track, among them `pfil`, its path from the drive's
root, and `tkey`. (Described by J. Holthuis for Mixxx: github.com/mixxxdj/mixxx/wiki/
Serato-Database-Format.)
"""

from collections.abc import Iterator
from pathlib import Path

from songkey.errors import AudioKeyError, printable
from songs.tags import spelled
from songs.track import Track

BEGINNING = b"vrsn"


def read_library(path: Path) -> list[Track]:
    """The tracks that have a key; AudioKeyError for what is no such library, or not whole."""
    data = path.read_bytes()
    if not data.startswith(BEGINNING):
        raise AudioKeyError(f"{printable(path)}: no Serato library: it has not its beginning")
    try:
        tracks = [_track(number, dict(_fields(held))) for number, held in _tracks(data)]
    except ValueError:
        raise AudioKeyError(
            f"{printable(path)}: damaged or cut; close Serato, and copy it anew"
        ) from None
    return [one for one in tracks if one.key and one.path]


def _tracks(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Each track's number in the library and its fields."""
    tracks = (held for name, held in _fields(data) if name == b"otrk")
    yield from enumerate(tracks, start=1)


def _fields(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The fields of data by their names; AudioKeyError where one is not whole."""
    at = 0
    while at < len(data):
        begin = at + 8
        end = begin + int.from_bytes(data[at + 4 : begin])
        if end > len(data) or begin > len(data):
            raise AudioKeyError(f"a field at byte {at} is cut")
        yield data[at : at + 4], data[begin:end]
        at = end


def _track(number: int, fields: dict[bytes, bytes]) -> Track:
    texts = {name: held.decode("utf-16-be") for name, held in fields.items() if name[:1] in b"pt"}
    return Track(
        number=str(number),
        artist=texts.get(b"tart", ""),
        title=texts.get(b"tsng", ""),
        path=f"/{path}" if (path := texts.get(b"pfil")) else "",
        key=spelled(texts.get(b"tkey", "").strip()),
    )
