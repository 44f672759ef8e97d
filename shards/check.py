"""Shards read back: sizes, checksums, counts, labels, no recording in two splits or two keys."""

import hashlib
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

from pipeline.bounded import ManifestError
from pipeline.changes import Changes, as_of_today, read_changes
from pipeline.contradictions import CORRECT, contradictions
from pipeline.index import INDEX_NAME, IndexRows, index_bytes
from pipeline.manifest import (
    MANIFEST_NAME,
    SONGS_NAME,
    Manifest,
    ManifestShard,
    read_manifest,
    read_songs,
)
from pipeline.overlap import REMEDY, overlap
from pipeline.record import read_records, task_of
from pipeline.songtable import SongTable, SplitSongs
from shards.checktar import problems_of_shard
from shards.splitfolder import SPLITS
from songkey.counted import counted
from storage.places import Place, StorageError, sizes
from storage.staging import local_copy


def manifest_folders(root: Place) -> list[Place]:
    """The folders below `root` that hold shards; raises ManifestError when there is none."""
    folders = {(root / path).parent for path in _files_below(root) if _belongs_to_shards(path)}
    if not folders:
        raise ManifestError(f"{root}: no manifest in it or below it; pack a data set first")
    return sorted(folders)


def _files_below(root: Place) -> Iterator[str]:
    """The paths, from `root`, of all files in it and below."""
    if isinstance(root, Path):
        return (path.relative_to(root).as_posix() for path in root.rglob("*"))
    return iter(root.find())


def _belongs_to_shards(path: str) -> bool:
    """Whether a file says that its folder is a split's: also one that lost its manifest."""
    name = path.rpartition("/")[2]
    return name == MANIFEST_NAME or name.endswith(".tar")


def problems_of(folders: list[Place]) -> Iterator[str]:
    """Everything wrong with the shards in `folders`, one line each."""
    split_of_recording: dict[tuple[Place, str], str] = {}
    songs_of: dict[Place, SplitSongs] = {}
    for folder in folders:
        told: set[str] = set()
        try:
            manifest = read_manifest(folder)
            changes = read_changes(folder, manifest)
            for problem in _problems_of_split(folder, manifest, changes):
                told.add(problem)
                yield problem
            yield from _problems_of_tables(folder, manifest, changes, split_of_recording, songs_of)
        except (ManifestError, StorageError) as error:
            if str(error) not in told:  # of a record, which the tables are compared with too
                yield str(error)
        except OSError as error:
            yield f"{error.filename or folder}: cannot be read ({error.strerror})"
    for root in dict.fromkeys(folder.parent.parent for folder in songs_of):
        yield from _problems_of_recordings(root, songs_of)


def _problems_of_recordings(root: Place, songs_of: dict[Place, SplitSongs]) -> Iterator[str]:
    """Recordings in two splits of different data sets below `root`, and in two keys."""
    tables = {}
    for split in SPLITS:
        its = {f: s for f, s in songs_of.items() if (f.parent.parent, f.name) == (root, split)}
        tables[split] = SongTable(tuple(one.parent.name for one in its), tuple(its.values()))
    for one, other in combinations(SPLITS, 2):
        shared = overlap(tables[one], tables[other])
        if count := len(shared.songs):
            yield f"{root}: {counted(count, f'song of {other}')} in {one} too: {shared}; {REMEDY}"
    for split, table in tables.items():
        several = contradictions(table)
        if count := len(several.songs):
            yield f"{root}: {count} songs of {split} have several keys: {several}; {CORRECT}"


def _problems_of_split(folder: Place, manifest: Manifest, changes: Changes) -> Iterator[str]:
    named, there = {shard.name for shard in manifest.shards}, sizes(folder)
    for stray in sorted(name for name in there if name.endswith(".tar") and name not in named):
        yield f"{folder / stray}: not in the manifest; delete it"
    for shard in manifest.shards:
        if shard.place:
            yield from _problems_elsewhere(shard.lies_in(folder), shard)
            continue
        if shard.name not in there:
            yield f"{folder / shard.name}: not there, though the manifest names it; pack again"
            continue
        try:
            yield from problems_of_shard(folder, shard, there[shard.name], manifest, changes)
        except ManifestError as error:  # of its record
            yield str(error)


def _problems_of_tables(
    folder: Place, manifest: Manifest, changes: Changes,
    split_of_recording: dict[tuple[Place, str], str], songs_of: dict[Place, SplitSongs],
) -> Iterator[str]:  # fmt: skip
    """Compare the table of songs and the index with the records, and recordings with all so far.

    The songs are added to `songs_of`.
    """
    rows, songs, table = IndexRows(), read_songs(folder), folder / manifest.table(SONGS_NAME)
    task_with: dict[str, str] = {}
    for packed in read_records(folder, (shard.name for shard in manifest.shards)):
        record = as_of_today(packed, changes)
        rows.add(record)
        for song in record.songs:
            if song != next(songs, None):
                yield f"{table}: lists other songs than the records; delete it, and pack again"
                return
            task = task_of(record.shard)
            if task_with.setdefault(song.song_id, task) != task and not record.place:
                yield (
                    f"{folder}: {song.song_id}: in {task_with[song.song_id]}.tar and in "
                    f"{task}.tar; delete the manifest and pack again: then one counts"
                )
            owner = (folder.parent, song.recording_id)
            other = split_of_recording.setdefault(owner, folder.name)
            if other != folder.name:
                yield f"{folder}: {song.song_id}: its recording is in {other} too; {REMEDY}"
    if next(songs, None) is not None:
        yield f"{table}: lists more songs than the records; delete it, and pack again"
    index = rows.finish()
    songs_of[folder] = index.songs
    if manifest.index_sha256:  # else packed before there was one
        yield from _problems_of_index(folder, manifest, index_bytes(index))


def _problems_of_index(folder: Place, manifest: Manifest, data: bytes) -> Iterator[str]:
    """Compare the file with the manifest, and that with the `data` that the records give."""
    name = manifest.table(INDEX_NAME)
    place, is_there = folder / name, name in sizes(folder)
    if not is_there:
        yield f"{place}: not there, though the manifest names it; pack again"
    elif _sha256_of(place) != manifest.index_sha256:
        yield f"{place}: not what the manifest says (sha256); delete it, and pack again"
    elif hashlib.sha256(data).hexdigest() != manifest.index_sha256:
        yield f"{place}: says other things than the records; delete it, and pack again"


def _sha256_of(place: Place) -> str:
    with local_copy(place) as path, open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _problems_elsewhere(place: Place, shard: ManifestShard) -> Iterator[str]:
    """A tar that others made has to be what it was when it was indexed, and no more."""
    try:
        sha256 = _sha256_of(place)
    except (OSError, StorageError) as error:
        yield f"{place}: cannot be read ({error})"
        return
    if sha256 != shard.sha256:
        yield f"{place}: its bytes are not those that were indexed; index the shards again"
