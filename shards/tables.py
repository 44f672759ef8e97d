"""What is made of a split's records once all are there: songs, index and, last of all, manifest."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

from pipeline.bounded import MissingError
from pipeline.changes import CHANGES_NAME, as_of_today, read_changes
from pipeline.index import INDEX_NAME, IndexRows, index_bytes
from pipeline.manifest import (
    SONGS_NAME,
    Manifest,
    ManifestShard,
    read_manifest,
    write_manifest,
    write_songs,
)
from pipeline.pack_settings import PackSettings
from pipeline.record import ShardRecord, SongEntry
from shards.splitfolder import records_of, remove, task_names, whole_manifest
from songkey.keys import KEYS
from songs.song import LeftOut
from storage.places import Place
from storage.whole import UNFINISHED, write_whole


def split_manifest(
    folder: Place, names: Sequence[str], settings: PackSettings, changes: bytes = b"",
    listing: str = "",
) -> Manifest:  # fmt: skip
    """The manifest of a split whose tasks are all done, written where it is another one."""
    there = whole_manifest(folder)
    if (
        there
        and there.index_sha256
        and (task_names(there), there.settings) == (list(names), settings)
    ):
        if there.listing != listing:
            there = there.model_copy(update={"listing": listing})
            write_manifest(folder, there)
        return there
    return write_split_manifest(folder, names, settings, changes, listing)


def write_split_manifest(
    folder: Place, names: Sequence[str], settings: PackSettings, changes: bytes = b"",
    listing: str = "", generation: int | None = None,
) -> Manifest:  # fmt: skip
    """Write the index, the table of songs and the manifest from the records of all tasks.

    `changes` is the table of those. The manifest that is there counts until the last moment.
    """
    remove(folder, UNFINISHED)  # by runs that were killed
    manifest = Manifest(
        settings=settings, fingerprint=settings.fingerprint, shards=(), songs_by_key={},
        left_out_by_reason={}, listing=listing,
        generation=_next_generation(folder) if generation is None else generation,
        changes_sha256=hashlib.sha256(changes).hexdigest() if changes else "",
    )  # fmt: skip
    if changes:
        write_whole(folder / manifest.table(CHANGES_NAME), changes)
    current, told = read_changes(folder, manifest), _Told()
    songs = told.songs(as_of_today(record, current) for record in records_of(folder, names))
    write_songs(folder, songs, manifest.table(SONGS_NAME))
    index = told.rows.finish()
    data = index_bytes(index)
    write_whole(folder / manifest.table(INDEX_NAME), data)
    keys = Counter(str(KEYS[key_id]) for key_id in index.songs.key_id)
    manifest = manifest.model_copy(
        update={
            "shards": tuple(told.shards), "songs_by_key": dict(keys),
            "left_out_by_reason": dict(told.left_out),
            "index_sha256": hashlib.sha256(data).hexdigest(),
        }
    )  # fmt: skip
    write_manifest(folder, manifest)
    return manifest


class _Told:
    """What records tell of a split, gathered while the table of its songs is written."""

    def __init__(self) -> None:
        self.rows = IndexRows()
        self.shards: list[ManifestShard] = []
        self.left_out: Counter[str] = Counter()  # by reason

    def songs(self, records: Iterable[ShardRecord]) -> Iterator[SongEntry]:
        for record in records:
            self.rows.add(record)
            self.left_out.update(LeftOut(*one).kind for one in record.left_out)
            self.shards.append(
                ManifestShard(
                    name=record.shard, songs=len(record.songs), intervals=len(record.song),
                    bytes=record.bytes, sha256=record.sha256, place=record.place,
                )
            )  # fmt: skip
            yield from record.songs


def _next_generation(folder: Place) -> int:
    """The number of the tables that are made beside those of the manifest that is there."""
    with suppress(MissingError):
        return read_manifest(folder).generation + 1
    return 0
