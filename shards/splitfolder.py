"""The folder of one split's shards: what is there, what is in the way, and clearing it."""

import fnmatch
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from pipeline.bounded import ManifestError, MissingError
from pipeline.changes import CHANGES_NAME
from pipeline.index import INDEX_NAME
from pipeline.manifest import MANIFEST_NAME, SONGS_NAME, Manifest, read_manifest
from pipeline.pack_settings import PackSettings
from pipeline.record import ShardRecord, read_record, read_records, record_name
from storage.places import Place, sizes
from storage.staging import refuse_unwritable
from storage.whole import UNFINISHED

SPLITS = ("train", "valid", "test")
RECORDS, TARS = "[0-9]*.json", "[0-9]*.tar"
TABLES = ("songs*.zst", "changes*.zst", "index*.safetensors")


def make_way(
    root: Place, settings: Mapping[str, PackSettings], source: object, overwrite: bool = False
) -> None:
    """Refuse to add to shards of other settings than those of `source`; `overwrite` clears.

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
        if there and (changed := there.changed_for_more(settings[split])):
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


def make_folder(folder: Place) -> None:
    """Make a split's folder; StorageError where files cannot be written to an address."""
    if isinstance(folder, Path):
        folder.mkdir(parents=True, exist_ok=True)
    else:
        refuse_unwritable(folder)


def clear(folder: Place) -> None:
    """Remove a split's shards, the files that make them count first, and a folder left empty."""
    remove(folder, MANIFEST_NAME, *TABLES, RECORDS, TARS, UNFINISHED)
    if isinstance(folder, Path):
        with suppress(OSError):  # it is not there, or holds other files
            folder.rmdir()


def remove_tables(folder: Place) -> None:
    """Remove all that indexing makes, and no tar."""
    remove(folder, MANIFEST_NAME, *TABLES, RECORDS, UNFINISHED)


def remove_strays(folder: Place, manifest: Manifest) -> None:
    """Remove what no longer belongs to a split: other shards, and tables of other generations."""
    keep = {*tables_of(manifest)} | {shard.name for shard in manifest.shards}
    keep |= {record_name(shard.name) for shard in manifest.shards}
    names = sizes(folder)
    for pattern in (RECORDS, *TABLES, TARS, UNFINISHED):
        for name in fnmatch.filter(names, pattern):
            if name not in keep:
                (folder / name).unlink(missing_ok=True)


def remove(folder: Place, *patterns: str) -> None:
    """Remove a folder's files, those of the first pattern first."""
    names = sizes(folder)
    for pattern in patterns:
        for name in fnmatch.filter(names, pattern):
            (folder / name).unlink(missing_ok=True)


def tables_of(manifest: Manifest) -> list[str]:
    """The tables that lie beside a manifest; no index where it was packed before there was one."""
    index = [INDEX_NAME] if manifest.index_sha256 else []
    changes = [CHANGES_NAME] if manifest.changes_sha256 else []
    return [manifest.table(name) for name in (*index, *changes, SONGS_NAME)]


def done_tasks(
    folder: Place, names: Sequence[str], there: Mapping[str, int]
) -> Iterator[tuple[str, list[ShardRecord]]]:
    """The tasks of `names` that have left their records and tars, each with its records.

    `there` says how large each of the folder's files is.
    """
    begun = [name for name in names if f"{name}.json" in there]
    for name, first in zip(begun, first_records(folder, begun), strict=True):
        if any(record_name(shard) not in there for shard in first.continued_by):
            continue
        records = [first, *read_records(folder, first.continued_by)]
        if all(record.place or there.get(record.shard) == record.bytes for record in records):
            yield name, records


def is_whole(manifest: Manifest, there: Mapping[str, int]) -> bool:
    """Whether all that a manifest names is among the files of its folder, with their bytes.

    Many times faster than `done_tasks`, for it opens no record.
    """
    return {*tables_of(manifest)} <= there.keys() and all(
        (shard.place or there.get(shard.name) == shard.bytes) and record_name(shard.name) in there
        for shard in manifest.shards
    )


def whole_manifest(folder: Place) -> Manifest | None:
    """The manifest of a split, if it and all that it names are there."""
    there = sizes(folder)
    if MANIFEST_NAME not in there:
        return None
    manifest = read_manifest(folder)
    return manifest if is_whole(manifest, there) else None


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
