"""The shards of several data sets as one numbered list of intervals, read by offset.

They lie in a local folder, and are read there, or at an address: then from a cache of whole,
verified ones. Where each interval lies is in the index of its split; no record is read.
"""

import os
from bisect import bisect_right
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, lru_cache
from io import FileIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
from isal.isal_zlib import crc32

from pipeline.index import Index, open_index
from pipeline.manifest import Manifest, ManifestShard
from pipeline.songtable import SongTable
from songkey.errors import AudioKeyError
from storage.copies import cached
from storage.places import Place, StorageError

OPEN_SHARDS = 512  # tars that a process keeps open at most


class BadSample(AudioKeyError):
    """A sample whose bytes are not what its shard's record says, or that cannot be decoded."""


class Stored(NamedTuple):
    """One sample as it lies in its shard."""

    media: bytes
    key_id: int
    song_index: int


@dataclass(frozen=True)
class Split:
    """The shards of one data set."""

    folder: Place
    manifest: Manifest
    index_path: Path  # here, also where the shards lie at an address

    def index(self) -> Index:
        """Where its intervals lie, mapped into memory."""
        return open_index(self.index_path, self.manifest)


@dataclass(frozen=True)
class ShardSet:
    """Shards in manifest order; interval and song numbers run through all of them.

    It holds no row of the indexes, so that it crosses processes lightly.
    """

    splits: tuple[Split, ...]
    cache_dir: Path  # for shards at an address

    @property
    def format(self) -> str:
        """What the samples are: 'audio' or 'png'."""
        return self.splits[0].manifest.settings.format

    @property
    def media_shape(self) -> tuple[int, ...]:
        """Of one decoded sample: (S,) of audio, (F, T) of a spectrogram with its margins."""
        settings = self.splits[0].manifest.settings
        if (cqt := settings.cqt) is None:
            return (settings.interval_samples,)
        margins = 2 * cqt["margin_semitones"] * cqt["bins_per_octave"] // 12
        return (cqt["n_bins"] + margins, settings.interval_samples // cqt["hop_length"] + 1)

    @cached_property
    def intervals(self) -> np.ndarray:
        """(shards,) int64: how many there are in each."""
        counts = [shard.intervals for split in self.splits for shard in split.manifest.shards]
        return np.array(counts, dtype=np.int64)

    @property
    def total(self) -> int:
        """Intervals in all shards."""
        return int(self.intervals.sum())

    @cached_property
    def _first_shards(self) -> list[int]:
        """The number of each split's first shard, and how many shards there are."""
        return np.cumsum([0, *(len(split.manifest.shards) for split in self.splits)]).tolist()

    def tar(self, shard: int) -> tuple[Place, ManifestShard]:
        """The folder of the shard numbered so, and its line in the manifest."""
        number = bisect_right(self._first_shards, shard) - 1
        split = self.splits[number]
        return split.folder, split.manifest.shards[shard - self._first_shards[number]]

    def of_epoch(self, epoch: int) -> "ShardSet":
        """What an epoch reads: packed intervals are the same in each."""
        return self

    def reader(self) -> "ShardReader":
        """What reads them in one process."""
        return ShardReader(self)

    @property
    def fingerprint(self) -> str:
        """What identifies the data to a checkpoint: all manifests' fingerprints."""
        return "+".join(split.manifest.fingerprint for split in self.splits)

    def song_table(self) -> SongTable:
        """The songs, in the order of their `song_index`."""
        datasets = tuple(split.manifest.settings.dataset for split in self.splits)
        return SongTable(datasets, tuple(split.index().songs for split in self.splits))


class ShardReader:
    """Reads samples by their number; keeps a few tars open. One for each process."""

    def __init__(self, shards: ShardSet):
        self.shards = shards
        self._indexes = [split.index() for split in shards.splits]
        # Searches in lists take a tenth of those in arrays.
        self._ends = np.cumsum(shards.intervals).tolist()  # of each shard
        self._split_ends = np.cumsum([len(index.song) for index in self._indexes]).tolist()
        self._first_songs = np.cumsum([0, *(len(index.songs) for index in self._indexes)]).tolist()
        self._open = lru_cache(maxsize=_open_at_most())(self._open_shard)
        self._failed: dict[int, str] = {}  # shards at an address, and why not to try again

    def read(self, number: int) -> Stored:
        """The sample numbered `number`; BadSample where its bytes are not the recorded ones."""
        file = self._open(bisect_right(self._ends, number))
        split = bisect_right(self._split_ends, number)
        row = number - (self._split_ends[split - 1] if split else 0)
        index = self._indexes[split]
        media = os.pread(file.fileno(), int(index.media_bytes[row]), int(index.media_offset[row]))
        if crc32(media) != index.media_crc32[row]:
            raise BadSample("its bytes differ from the recorded checksum")
        song = int(index.song[row])
        return Stored(media, int(index.songs.key_id[song]), self._first_songs[split] + song)

    def name(self, number: int) -> str:
        """Which sample that is, for a message: 'folder/000000.tar, sample 17'."""
        shard = bisect_right(self._ends, number)
        folder, tar = self.shards.tar(shard)
        return f"{folder / tar.name}, sample {number - (self._ends[shard - 1] if shard else 0)}"

    def _open_shard(self, shard: int) -> FileIO:
        folder, tar = self.shards.tar(shard)
        path = f"{folder}/{tar.name}" if isinstance(folder, Path) else self._cached(shard)
        return open(path, "rb", buffering=0)

    def _cached(self, shard: int) -> Path:
        """The local copy of a shard at an address; a failure is remembered."""
        if shard in self._failed:
            raise BadSample(self._failed[shard])
        folder, tar = self.shards.tar(shard)
        try:
            return cached(folder / tar.name, tar.bytes, tar.sha256, self.shards.cache_dir)
        except StorageError as error:
            self._failed[shard] = str(error)
            raise


def _open_at_most() -> int:
    """Files that this process keeps open: half of what the system lets it."""
    with suppress(ImportError):  # Windows has none
        import resource

        return min(OPEN_SHARDS, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2)
    return OPEN_SHARDS
