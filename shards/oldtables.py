"""What a split's tables still tell of its songs where the manifest is gone, or not whole any more.

They stay until a new manifest is there, so that no song changes its split however often packing is
interrupted on the way.
"""

import os
import re
import tarfile
from collections.abc import Callable, Collection, Generator, Iterable, Iterator
from contextlib import suppress

from pipeline.bounded import ManifestError, unpacked_lines
from pipeline.index import mapped_index
from pipeline.record import MOST_INFO_BYTES, SongEntry, record_name
from pipeline.sample import SampleInfo
from pipeline.strict import parse
from shards.tarmembers import members
from songkey.keys import KEYS
from storage.places import Place
from storage.staging import local_copy

SONGS = re.compile(r"songs(-\d+)?\.jsonl\.zst")
INDEX = re.compile(r"index(-\d+)?\.safetensors")


def are_there(names: Iterable[str]) -> bool:
    """Whether a manifest has been among the files of a folder: its tables are."""
    return any(SONGS.fullmatch(name) or INDEX.fullmatch(name) for name in names)


def songs_told(folder: Place, names: Collection[str], or_tars: bool = False) -> Iterator[SongEntry]:
    """The songs that counted, some twice: of the tables of songs, and of the index where none is.

    Where there is no index either, `or_tars` gives those of tars that lost their records, also if
    they are gone. By index and tars nothing is known of recordings and sounds.
    """
    tables, indices = filter(SONGS.fullmatch, names), filter(INDEX.fullmatch, names)
    is_told = yield from _readable(_of_table, folder, tables)
    is_told = is_told or (yield from _readable(_of_index, folder, indices))
    if or_tars and not is_told:
        alone = (name for name in names if name.endswith(".tar") and record_name(name) not in names)
        yield from _readable(_of_tar, folder, alone)


def _readable(
    read: Callable[[Place], Iterator[SongEntry]], folder: Place, names: Iterable[str]
) -> Generator[SongEntry, None, bool]:
    """The songs of files as far as they are whole; whether one is."""
    is_whole = False
    for name in names:
        with suppress(ManifestError, tarfile.TarError):
            yield from read(folder / name)
            is_whole = True
    return is_whole


def _of_table(path: Place) -> Iterator[SongEntry]:
    return (parse(SongEntry, path, line) for line in unpacked_lines(path))


def _of_index(path: Place) -> Iterator[SongEntry]:
    with local_copy(path) as copy:
        songs = mapped_index(copy).songs
        for place in range(min(len(songs), len(songs.song_id), len(songs.label_source))):
            key = str(KEYS[songs.key_id[place] % len(KEYS)])
            yield _known_by_name(songs.song_id[place], key, songs.label_source[place])


def _of_tar(path: Place) -> Iterator[SongEntry]:
    with local_copy(path) as copy, open(copy, "rb") as file:
        for member in members(file):
            if member.name.endswith(".json") and member.size <= MOST_INFO_BYTES:
                data = os.pread(file.fileno(), member.size, member.offset)
                info = parse(SampleInfo, path, data)
                yield _known_by_name(info.song_id, info.key, info.label_source)


def _known_by_name(song_id: str, key: str, label_source: str) -> SongEntry:
    return SongEntry(
        song_id=song_id, recording_id=song_id, key=key, label_source=label_source,
        confidence=0.0, intervals=0,
    )  # fmt: skip
