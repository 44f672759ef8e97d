"""The folder of one split's shards: what is there, clearing it, and its manifest."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline.manifest import (
    MANIFEST_NAME,
    SONGS_NAME,
    Manifest,
    ManifestError,
    ManifestShard,
    PackSettings,
    ShardRecord,
    SongEntry,
    differences,
    read_manifest,
    read_record,
    record_name,
    write_manifest,
    write_songs,
)
from shards.song import LeftOut


def refuse_other_settings(folder: Path, settings: PackSettings) -> None:
    """Refuse to add to shards that were packed with other settings or songs."""
    if (folder / MANIFEST_NAME).exists():
        there = read_manifest(folder).settings
    elif records := sorted(folder.glob("[0-9]*.json")):
        there = read_record(folder, records[0].with_suffix(".tar").name).settings
    else:
        return
    if changed := differences(there.model_dump(), settings.model_dump()):
        raise ManifestError(
            f"{folder}: packed with other settings ({changed}); "
            "set them back, or pack anew with --overwrite"
        )


def clear(folder: Path) -> None:
    """Remove a split's shards, the files that make them count first."""
    for pattern in ("*.zst", "[0-9]*.json", "[0-9]*.tar", ".*.tmp"):
        for path in folder.glob(pattern):
            path.unlink()


def is_done(folder: Path, name: str) -> bool:
    """Whether the task `name` has left its record, and all of its tars are there."""
    if not (folder / f"{name}.json").exists():
        return False
    return all(
        _has_size(folder / record.shard, record.bytes) for record in records_of(folder, name)
    )


def is_whole(folder: Path, settings: PackSettings) -> bool:
    """Whether the manifest of these settings is there, and every record and tar it names.

    A few times faster than `is_done` for each task, for it opens no record.
    """
    if not (folder / MANIFEST_NAME).exists() or not (folder / SONGS_NAME).exists():
        return False
    manifest = read_manifest(folder)
    return manifest.fingerprint == settings.fingerprint and all(
        _has_size(folder / shard.name, shard.bytes) and (folder / record_name(shard.name)).exists()
        for shard in manifest.shards
    )


def _has_size(path: Path, size: int) -> bool:
    return path.exists() and path.stat().st_size == size


def write_split_manifest(folder: Path, names: Sequence[str], settings: PackSettings) -> Manifest:
    """Write the manifest and the table of songs from the records of all tasks, one at a time."""
    shards, songs_by_key, left_out = [], Counter(), Counter()

    def songs() -> Iterator[SongEntry]:
        last = None
        for record in (record for name in names for record in records_of(folder, name)):
            left_out.update(LeftOut(*one).kind for one in record.left_out)
            shards.append(
                ManifestShard(
                    name=record.shard, songs=len(record.songs), intervals=len(record.song),
                    bytes=record.bytes, sha256=record.sha256,
                )
            )  # fmt: skip
            for song in record.songs:
                songs_by_key[song.key] += song.song_id != last  # a song may go on in a further tar
                last = song.song_id
                yield song

    for leftover in folder.glob(".*.tmp"):  # of runs that were killed
        leftover.unlink()
    write_songs(folder, songs())
    manifest = Manifest(
        settings=settings, fingerprint=settings.fingerprint, shards=tuple(shards),
        songs_by_key=dict(songs_by_key), left_out_by_reason=dict(left_out),
    )  # fmt: skip
    write_manifest(folder, manifest)
    return manifest


def records_of(folder: Path, name: str) -> Iterator[ShardRecord]:
    """The record of a task's tar and, where that grew too large, of its further ones."""
    first = read_record(folder, f"{name}.tar")
    yield first
    for shard in first.continued_by:
        yield read_record(folder, shard)


def task_names(manifest: Manifest) -> list[str]:
    """The tasks behind a manifest: '000000' for both 000000.tar and 000000-001.tar."""
    return [shard.name.removesuffix(".tar") for shard in manifest.shards if "-" not in shard.name]
