"""The folder of one split's shards: what is there, clearing it, and its manifest."""

import fnmatch
import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from pipeline.bounded import ManifestError, MissingError
from pipeline.index import INDEX_NAME, IndexRows, index_bytes
from pipeline.manifest import (
    MANIFEST_NAME,
    SONGS_NAME,
    Manifest,
    ManifestShard,
    read_manifest,
    write_manifest,
    write_songs,
)
from pipeline.pack_settings import PackSettings
from pipeline.record import ShardRecord, SongEntry, read_record, read_records, record_name
from songkey.keys import KEYS
from songs.song import LeftOut
from storage.places import Place, sizes
from storage.whole import UNFINISHED, write_whole

SPLITS = ("train", "valid", "test")
RECORDS = "[0-9]*.json"


def make_way(
    root: Place, settings: Mapping[str, PackSettings], source: object, overwrite: bool = False
) -> None:
    """Refuse to add to shards of other settings or songs than `source` has; `overwrite` clears.

    Of a split without `settings`, which `source` lacks, no shards may be there.
    """
    for split in SPLITS:
        folder = root / split
        if overwrite:
            clear(folder)
        there = _settings_in(folder)
        if there and split not in settings:
            raise ManifestError(
                f"{folder}: there, but {source} has no {split} split; "
                "begin anew with --overwrite, or take another folder"
            )
        if there and (changed := there.changed(settings[split].everything)):
            raise ManifestError(
                f"{folder}: packed with other settings ({changed}); "
                "set them back, take another folder, or begin anew with --overwrite"
            )


def _settings_in(folder: Place) -> PackSettings | None:
    """The settings of a folder's shards, if it holds some."""
    with suppress(MissingError):
        return read_manifest(folder).settings
    if records := fnmatch.filter(sizes(folder), RECORDS):
        return read_record(folder, f"{min(records).removesuffix('.json')}.tar").settings
    return None


def manifests_in(root: Place) -> dict[str, Manifest]:
    """The manifests of a data set's splits, as far as they are there."""
    found = {}
    for split in SPLITS:
        with suppress(MissingError):
            found[split] = read_manifest(root / split)
    return found


def clear(folder: Place) -> None:
    """Remove a split's shards, the files that make them count first, and a folder left empty."""
    remove(folder, "*.zst", INDEX_NAME, RECORDS, "[0-9]*.tar", UNFINISHED)
    if isinstance(folder, Path):
        with suppress(OSError):  # it is not there, or holds other files
            folder.rmdir()


def remove_tables(folder: Place) -> None:
    """Remove all that indexing makes, and no tar."""
    remove(folder, "*.zst", INDEX_NAME, RECORDS, UNFINISHED)


def remove(folder: Place, *patterns: str) -> None:
    """Remove a folder's files, those of the first pattern first."""
    names = sizes(folder)
    for pattern in patterns:
        for name in fnmatch.filter(names, pattern):
            (folder / name).unlink(missing_ok=True)


def done_tasks(
    folder: Place, names: Sequence[str], there: Mapping[str, int]
) -> Iterator[tuple[str, ShardRecord]]:
    """The tasks of `names` that have left their records and tars, each with its first record.

    `there` says how large each of the folder's files is.
    """
    begun = [name for name in names if f"{name}.json" in there]
    for name, first in zip(begun, first_records(folder, begun), strict=True):
        if any(record_name(shard) not in there for shard in first.continued_by):
            continue
        records = [first, *read_records(folder, first.continued_by)]
        if all(record.place or there.get(record.shard) == record.bytes for record in records):
            yield name, first


def is_whole(folder: Place, settings: PackSettings, there: Mapping[str, int]) -> bool:
    """Whether the manifest of these settings is there, and every record and tar it names.

    Many times faster than `done_tasks`, for it opens no record.
    """
    if not {MANIFEST_NAME, SONGS_NAME, INDEX_NAME} <= there.keys():
        return False
    manifest = read_manifest(folder)
    return manifest.fingerprint == settings.fingerprint and all(
        (shard.place or there.get(shard.name) == shard.bytes) and record_name(shard.name) in there
        for shard in manifest.shards
    )


def split_manifest(folder: Place, names: Sequence[str], settings: PackSettings) -> Manifest:
    """The manifest of a split whose tasks are all done, written where it is not whole."""
    if is_whole(folder, settings, sizes(folder)):
        return read_manifest(folder)
    return write_split_manifest(folder, names, settings)


def write_split_manifest(folder: Place, names: Sequence[str], settings: PackSettings) -> Manifest:
    """Write the index, the table of songs and the manifest from the records of all tasks."""
    shards: list[ManifestShard] = []
    rows = IndexRows()
    left_out: Counter[str] = Counter()

    def songs() -> Iterator[SongEntry]:
        for record in records_of(folder, names):
            rows.add(record)
            left_out.update(LeftOut(*one).kind for one in record.left_out)
            shards.append(
                ManifestShard(
                    name=record.shard, songs=len(record.songs), intervals=len(record.song),
                    bytes=record.bytes, sha256=record.sha256, place=record.place,
                )
            )  # fmt: skip
            yield from record.songs

    remove(folder, UNFINISHED)  # by runs that were killed
    write_songs(folder, songs())
    index = rows.finish()
    data = index_bytes(index)
    write_whole(folder / INDEX_NAME, data)
    keys = Counter(str(KEYS[key_id]) for key_id in index.songs.key_id)
    manifest = Manifest(
        settings=settings, fingerprint=settings.fingerprint, shards=tuple(shards),
        songs_by_key=dict(keys), left_out_by_reason=dict(left_out),
        index_sha256=hashlib.sha256(data).hexdigest(),
    )  # fmt: skip
    write_manifest(folder, manifest)
    return manifest


def records_of(folder: Place, names: Sequence[str]) -> Iterator[ShardRecord]:
    """Of each task the record of its tar and, where that grew too large, of its further ones."""
    for first in first_records(folder, names):
        yield first
        yield from read_records(folder, first.continued_by)


def first_records(folder: Place, names: Sequence[str]) -> Iterator[ShardRecord]:
    """The record of each task's first tar, which also says what the task left out."""
    return read_records(folder, (f"{name}.tar" for name in names))


def refuse_foreign(folder: Place, manifest: Manifest) -> None:
    """Raise ManifestError where the shards are those of others, of which only an index is here."""
    if any(shard.place for shard in manifest.shards):
        raise ManifestError(
            f"{folder}: its shards were made by others and lie elsewhere; only those that were "
            "packed here (python -m shards pack) can be copied or made into spectrograms"
        )


def task_names(manifest: Manifest) -> list[str]:
    """The tasks behind a manifest: '000000' for both 000000.tar and 000000-001.tar."""
    return [shard.name.removesuffix(".tar") for shard in manifest.shards if "-" not in shard.name]
