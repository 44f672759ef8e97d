"""The shards of several data sets as one numbered list of intervals, read by offset.

They lie in a local folder, and are read there, or at an address: then each process that needs a
shard reads its record from there, and the tar from a cache that is filled ahead.
"""

import logging
import os
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from io import FileIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from isal.isal_zlib import crc32

from pipeline.manifest import (
    SONGS_NAME,
    Manifest,
    ManifestError,
    ManifestShard,
    MissingError,
    ShardRecord,
    SongEntry,
    read_manifest,
    read_record,
    read_songs,
    record_name,
)
from pipeline.readahead import ReadAhead
from songkey.errors import AudioKeyError
from songkey.keys import parse_key
from storage.cache import Cache
from storage.places import Place, RemotePath, StorageError, place_of
from storage.whole import remove_leftovers

logger = logging.getLogger(__name__)

OPEN_SHARDS = 64  # tars and records a process keeps open


class BadSample(AudioKeyError):
    """A sample whose bytes are not what its shard's record says, or that cannot be decoded."""


class Stored(NamedTuple):
    """One sample as it lies in its shard."""

    media: bytes
    key_id: int
    song_index: int


@dataclass(frozen=True)
class ShardSet:
    """Shards in manifest order; interval and song numbers run through all of them."""

    folders: tuple[Place, ...]  # of each shard
    lines: tuple[ManifestShard, ...]
    intervals: np.ndarray  # (shards,) int64
    songs: np.ndarray  # (shards,) int64
    manifests: tuple[Manifest, ...]
    manifest_folders: tuple[Place, ...]
    cache: Cache  # for shards at an address
    unreachable: str  # what one that stays away does: "stop" or "leave_out"

    @property
    def format(self) -> str:
        """What the samples are: 'audio' or 'png'."""
        return self.manifests[0].settings.format

    @property
    def media_shape(self) -> tuple[int, ...]:
        """Of one decoded sample: (S,) of audio, (F, T) of a spectrogram with its margins."""
        settings = self.manifests[0].settings
        if (cqt := settings.cqt) is None:
            return (settings.interval_samples,)
        margins = 2 * cqt["margin_semitones"] * cqt["bins_per_octave"] // 12
        return (cqt["n_bins"] + margins, settings.interval_samples // cqt["hop_length"] + 1)

    @property
    def total(self) -> int:
        """Intervals in all shards."""
        return int(self.intervals.sum())

    @cached_property
    def ends(self) -> np.ndarray:
        """(shards,) one past the number of each shard's last interval."""
        return np.cumsum(self.intervals)

    @cached_property
    def first_songs(self) -> np.ndarray:
        """(shards,) the number of each shard's first song."""
        return np.cumsum(self.songs) - self.songs

    def tar(self, shard: int) -> tuple[Place, ManifestShard]:
        """The folder of the shard numbered so, and its line in the manifest."""
        return self.folders[shard], self.lines[shard]

    def of_epoch(self, epoch: int) -> "ShardSet":
        """What an epoch reads: packed intervals are the same in each."""
        return self

    def reader(self) -> "ShardReader":
        """What reads them in one process."""
        return ShardReader(self)

    @property
    def fingerprint(self) -> str:
        """What identifies the data to a checkpoint: all manifests' fingerprints."""
        return "+".join(manifest.fingerprint for manifest in self.manifests)

    def song_table(self) -> list[tuple[str, SongEntry]]:
        """(data set, song) for each `song_index`; ManifestError if a table is of other shards."""
        table = []
        for folder, manifest in zip(self.manifest_folders, self.manifests, strict=True):
            songs = list(read_songs(folder))
            if len(songs) != sum(shard.songs for shard in manifest.shards):
                raise ManifestError(f"{folder / SONGS_NAME}: not of these shards; pack again")
            table += [(manifest.settings.dataset, song) for song in songs]
        return table


def split_folder(shards_dir: str | Path, format: str, dataset: str, split: str) -> Place:
    """Where the shards of one split lie, or are to be written."""
    return place_of(shards_dir) / format / dataset / split


def open_shards(
    shards_dir: str, format: str, datasets: Sequence[str], split: str, shaped_by: dict[str, Any],
    cache: Cache, unreachable: str,
) -> ShardSet:  # fmt: skip
    """The shards of `split` of all `datasets`, checked to be whole and made with these settings.

    `shaped_by` holds today's sample_rate, interval_seconds and cqt. A data set may lack the split
    (a warning says so), but not all may.
    """
    if len(set(datasets)) < len(datasets):
        raise ManifestError(f"a data set is named twice: {', '.join(datasets)}; name each once")
    opened = []
    for dataset in datasets:
        folder = split_folder(shards_dir, format, dataset, split)
        if (manifest := _manifest(folder)) is None:
            logger.warning("%s has no %s split", dataset, split)
            continue
        _check_settings(folder, manifest, shaped_by)
        if isinstance(folder, Path):
            _check_files(folder, manifest)
        opened.append((folder, manifest))
    if not opened:
        raise ManifestError(
            f"{shards_dir}/{format}: no {split} split in {', '.join(datasets)}; name other data "
            "sets, or change [split] or the number of songs and pack again with --overwrite"
        )
    remove_leftovers(cache.folder)
    shards = _joined(opened, cache, unreachable)
    if not shards.total:
        raise ManifestError(
            f"{shards_dir}/{format}: the {split} split of {', '.join(datasets)} holds no interval; "
            "see left_out.tsv beside it for the reasons"
        )
    return shards


def _manifest(folder: Place) -> Manifest | None:
    """The manifest of a split, None where the data set has no such split."""
    try:
        return read_manifest(folder)
    except MissingError:
        # An address says only that the manifest is not there.
        if isinstance(folder, RemotePath) or (folder.parent.exists() and not folder.exists()):
            return None
        raise


def _joined(opened: list[tuple[Place, Manifest]], cache: Cache, unreachable: str) -> ShardSet:
    shards = [(folder, shard) for folder, manifest in opened for shard in manifest.shards]
    return ShardSet(
        folders=tuple(folder for folder, _ in shards),
        lines=tuple(shard for _, shard in shards),
        intervals=np.array([shard.intervals for _, shard in shards], dtype=np.int64),
        songs=np.array([shard.songs for _, shard in shards], dtype=np.int64),
        manifests=tuple(manifest for _, manifest in opened),
        manifest_folders=tuple(folder for folder, _ in opened),
        cache=cache,
        unreachable=unreachable,
    )


def _check_settings(folder: Place, manifest: Manifest, shaped_by: dict[str, Any]) -> None:
    settings = manifest.settings
    today = {n: value for n, value in shaped_by.items() if getattr(settings, n) is not None}
    if changed := settings.changed(today):
        raise ManifestError(
            f"{folder}: packed with other settings ({changed}); "
            "set them back, or pack again with --overwrite"
        )


def _check_files(folder: Path, manifest: Manifest) -> None:
    """Refuse what is missing or of another size before the first batch is read."""
    for shard in manifest.shards:
        path, record = folder / shard.name, folder / record_name(shard.name)
        size = path.stat().st_size if path.exists() else None
        if size != shard.bytes:
            state = "not there" if size is None else f"{size} bytes long"
            raise ManifestError(
                f"{path}: {state}, the manifest says {shard.bytes} bytes; delete {record.name} and "
                f"the manifest beside it, and pack again"
            )
        if not record.exists():
            raise ManifestError(f"{record}: not there; delete the manifest, and pack again")


class ShardReader:
    """Reads samples by their number; keeps a few tars and records open. One for each process."""

    def __init__(self, shards: ShardSet):
        self.shards = shards
        self._ends = shards.ends.tolist()  # a search in a list takes a tenth of one in an array
        self._open = lru_cache(maxsize=OPEN_SHARDS)(self._open_shard)
        self._ahead = ReadAhead(shards.tar, shards.cache, shards.unreachable)

    def expect(self, chunks: Iterable[np.ndarray], lanes: int) -> None:
        """Have shards at an address fetched ahead, of samples that will be read in that order."""
        if isinstance(self.shards.tar(0)[0], RemotePath):
            self._ahead.expect(chunks, self.shards.ends, lanes)

    def read(self, number: int) -> Stored:
        """The sample numbered `number`; BadSample where its bytes are not the recorded ones."""
        shard, place = self._shard_and_place(number)
        file, record, key_ids = self._open(shard)
        media = os.pread(file.fileno(), record.media_bytes[place], record.media_offset[place])
        if crc32(media) != record.media_crc32[place]:
            raise BadSample("its bytes differ from the recorded checksum")
        song = record.song[place]
        return Stored(media, key_ids[song], int(self.shards.first_songs[shard]) + song)

    def name(self, number: int) -> str:
        """Which sample that is, for a message: 'folder/000000.tar, sample 17'."""
        shard, place = self._shard_and_place(number)
        folder, line = self.shards.tar(shard)
        return f"{folder / line.name}, sample {place}"

    def _shard_and_place(self, number: int) -> tuple[int, int]:
        shard = bisect_right(self._ends, number)
        return shard, number - (self._ends[shard - 1] if shard else 0)

    def _open_shard(self, shard: int) -> tuple[FileIO, ShardRecord, tuple[int, ...]]:
        folder, line = self.shards.tar(shard)
        record = read_record(folder, line.name)
        key_ids = tuple(parse_key(song.key).id for song in record.songs)
        if isinstance(folder, Path):
            return FileIO(folder / line.name), record, key_ids
        if record.sha256 != line.sha256:
            raise StorageError(
                f"{folder / record_name(line.name)}: of another shard than the manifest's"
            )
        return self._ahead.open(shard), record, key_ids
