"""Mixxx's library, mixxxdb.sqlite in its settings folder: each track's key.

`library.key_id` numbers the keys: 1 to 12 are C to B major, 13 to 24 C to B minor, 0 none (Mixxx's
keys.proto, ChromaticKey); `library.key` is the same as the user's notation has it, or as the
file's tag had it.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from songkey.errors import AudioKeyError, printable
from songkey.keys import KEYS
from songs.tags import spelled
from songs.track import Track

QUERY = """SELECT library.id, artist, title, track_locations.location, "key", key_id
FROM library JOIN track_locations ON library.location = track_locations.id
WHERE mixxx_deleted = 0 AND (key_id BETWEEN 1 AND 24 OR "key" <> '') ORDER BY library.id"""
NUMBERS = {str(key.id + 1): str(key) for key in KEYS}
UNFINISHED = ("-journal", "-wal")  # of a library that is being written, or was when Mixxx crashed


def read_library(path: Path) -> list[Track]:
    """The tracks that have a key; nothing is written. AudioKeyError for what is no such library."""
    where = printable(path)
    path.stat()  # FileNotFoundError, where SQLite would say that it is damaged
    for ending in UNFINISHED:
        beside = path.with_name(path.name + ending)
        if beside.exists() and beside.stat().st_size:
            raise AudioKeyError(
                f"{where}: Mixxx has it open, or did not end well ({beside.name} is beside it); "
                "close Mixxx, or start and close it"
            )
    try:
        address = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
        with closing(sqlite3.connect(address, uri=True)) as library:
            library.text_factory = lambda text: text.decode("utf-8", "replace")
            return [_track(*row) for row in library.execute(QUERY)]
    except (sqlite3.Error, ValueError) as error:  # the latter: of damaged text
        raise AudioKeyError(f"{where}: no library of Mixxx, or damaged: {error}") from error


def _track(
    number: int, artist: object, title: object, path: object, text: object, key_id: object
) -> Track:
    return Track(
        number=str(number),
        artist=str(artist or ""),
        title=str(title or ""),
        path=str(path or ""),
        key=NUMBERS.get(str(key_id)) or spelled(str(text or "").strip()),
    )
