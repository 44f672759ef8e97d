"""The folder of one split's shards: what is there, clearing it, and its manifest."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pipeline.manifest import (
    MANIFEST_NAME,
    Manifest,
    ManifestError,
    ManifestShard,
    PackSettings,
    ShardRecord,
    differences,
    read_manifest,
    read_record,
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
    for shard in tars_of(folder, name):
        record = read_record(folder, shard)
        path = folder / shard
        if not path.exists() or path.stat().st_size != record.bytes:
            return False
    return True


def write_split_manifest(folder: Path, names: Sequence[str], settings: PackSettings) -> Manifest:
    """Write the manifest and the table of songs from the records of all tasks."""
    records = [read_record(folder, shard) for name in names for shard in tars_of(folder, name)]
    manifest = manifest_of(records, settings)
    write_songs(folder, [song for record in records for song in record.songs])
    write_manifest(folder, manifest)
    for leftover in folder.glob(".*.tmp"):  # of runs that were killed
        leftover.unlink()
    return manifest


def manifest_of(records: Sequence[ShardRecord], settings: PackSettings) -> Manifest:
    """The manifest of the shards that have these records."""
    songs = [song for record in records for song in record.songs]
    key_of = {song.song_id: song.key for song in songs}  # a song may lie in two tars
    left_out = [LeftOut(*one).kind for record in records for one in record.left_out]
    return Manifest(
        settings=settings,
        fingerprint=settings.fingerprint,
        shards=tuple(
            ManifestShard(
                name=record.shard, songs=len(record.songs), intervals=len(record.song),
                bytes=record.bytes, sha256=record.sha256,
            )
            for record in records
        ),
        songs_by_key=dict(Counter(key_of.values())),
        left_out_by_reason=dict(Counter(left_out)),
    )  # fmt: skip


def tars_of(folder: Path, name: str) -> list[str]:
    """The tar of a task and, where it grew too large, its further ones."""
    first = f"{name}.tar"
    return [first, *read_record(folder, first).continued_by]


def task_names(manifest: Manifest) -> list[str]:
    """The tasks behind a manifest: '000000' for both 000000.tar and 000000-001.tar."""
    return [shard.name.removesuffix(".tar") for shard in manifest.shards if "-" not in shard.name]
