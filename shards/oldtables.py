"""What a split's tables still tell of its songs where the manifest is gone, or not whole any more.

They stay until a new manifest is there, so that no song changes its split however often packing is
interrupted on the way.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress

from pipeline.bounded import ManifestError, unpacked_lines
from pipeline.index import mapped_index
from pipeline.record import SongEntry
from pipeline.strict import parse
from songkey.keys import KEYS
from storage.places import Place
from storage.staging import local_copy

SONGS = re.compile(r"songs(-\d+)?\.jsonl\.zst")
INDEX = re.compile(r"index(-\d+)?\.safetensors")


def are_there(names: Iterable[str]) -> bool:
    """Whether a manifest has been among the files of a folder: its tables are."""
    return any(SONGS.fullmatch(name) or INDEX.fullmatch(name) for name in names)


def songs_told(folder: Place, names: Iterable[str]) -> Iterator[SongEntry]:
    """The songs that counted, some twice: of the tables of songs, and of the index where none is.

    By that nothing is known of their recordings and sounds.
    """
    is_whole = False
    for name in filter(SONGS.fullmatch, names):
        with suppress(ManifestError):  # it is damaged too
            yield from _of_table(folder / name)
            is_whole = True
    for name in [] if is_whole else filter(INDEX.fullmatch, names):
        with suppress(ManifestError):
            yield from _of_index(folder / name)


def _of_table(path: Place) -> Iterator[SongEntry]:
    return (parse(SongEntry, path, line) for line in unpacked_lines(path))


def _of_index(path: Place) -> Iterator[SongEntry]:
    with local_copy(path) as copy:
        songs = mapped_index(copy).songs
        for place in range(min(len(songs), len(songs.song_id), len(songs.label_source))):
            song_id = songs.song_id[place]
            yield SongEntry(
                song_id=song_id, recording_id=song_id, key=str(KEYS[songs.key_id[place] % 24]),
                label_source=songs.label_source[place], confidence=0.0, intervals=0,
            )  # fmt: skip
