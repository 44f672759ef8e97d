"""The shards of several data sets as one numbered list of intervals, read by offset.

They lie in a local folder, and are read there, or at an address: then from a cache of whole,
verified ones that is filled ahead. Where each interval lies is in the index of its split; no record
is read.
"""

import os
from bisect import bisect_right
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, lru_cache
from io import FileIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
from isal.isal_zlib import crc32

from pipeline.excerpt import Excerpt
from pipeline.index import Index, mapped_index
from pipeline.manifest import Manifest, ManifestShard
from pipeline.readahead import ReadAhead
from pipeline.songtable import SongTable
from songkey.errors import AudioKeyError
from storage.cache import Cache
from storage.places import Place, RemotePath

OPEN_SHARDS = 512  # tars that a process keeps open at most


class BadSample(AudioKeyError):
    """A sample whose bytes are not what its shard's record says, or that cannot be decoded."""


class Stored(NamedTuple):
    """One sample as it lies in its shard."""

    media: bytes
    key_id: int
    song_index: int
    excerpt: Excerpt | None = None  # what of the medium is meant, where others made it


@dataclass(frozen=True)
class Split:
    """The shards of one data set."""

    folder: Place
    manifest: Manifest
    index_path: Path  # here, also where the shards lie at an address

    def index(self) -> Index:
        """Where its intervals lie, mapped into memory; `open_shards` has checked it."""
        return mapped_index(self.index_path)


@dataclass(frozen=True)
class ShardSet:
    """Shards in manifest order; interval and song numbers run through all of them.

    It holds no row of the indexes, so that it crosses processes lightly.
    """

    splits: tuple[Split, ...]
    cache: Cache  # for shards at an address
    unreachable: str  # what one that stays away does: "stop" or "leave_out"

    @property
    def format(self) -> str:
        """What the samples are: 'audio' or 'png'."""
        return self.splits[0].manifest.settings.format

    @property
    def media_shape(self) -> tuple[int, ...]:
        """Of one decoded sample: (S,) of audio, (F, T) of a spectrogram with its margins."""
        return self.splits[0].manifest.settings.media_shape

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
        """Where the shard numbered so lies, and its line in the manifest."""
        number = bisect_right(self._first_shards, shard) - 1
        split = self.splits[number]
        line = split.manifest.shards[shard - self._first_shards[number]]
        return line.lies_in(split.folder), line

    @cached_property
    def is_remote(self) -> bool:
        """Whether a shard lies at an address."""
        return any(
            isinstance(split.folder, RemotePath)
            or any("://" in shard.place for shard in split.manifest.shards)
            for split in self.splits
        )

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
        self._ahead = ReadAhead(shards.tar, shards.cache, shards.unreachable)

    def expect(self, chunks: Iterable[np.ndarray], lanes: int) -> None:
        """Have shards at an address fetched ahead, of samples that will be read in that order.

        No more are kept open than are needed, so that what the cache removes is soon gone.
        """
        if self.shards.is_remote:
            needed = self._ahead.expect(chunks, np.array(self._ends), lanes)
            self._open = lru_cache(maxsize=min(needed, _open_at_most()))(self._open_shard)

    def close(self) -> None:
        """Close the tars, and fetch no more: its cache would keep them until Python tidies up."""
        self._open.cache_clear()
        self._ahead.close()

    def read(self, number: int) -> Stored:
        """The sample numbered `number`; BadSample where its bytes are not the recorded ones."""
        shard, (split, row) = bisect_right(self._ends, number), self._split_and_row(number)
        index = self._indexes[split]
        media = self._media(shard, index, row)
        if media is None and not isinstance(self.shards.tar(shard)[0], Path):
            self._renew(shard)
            media = self._media(shard, index, row)
        if media is None:
            raise BadSample("its bytes differ from the recorded checksum")
        song = index.song.item(row)
        key_id, song_index = index.songs.key_id.item(song), self._first_songs[split] + song
        if index.excerpt is None:
            return Stored(media, key_id, song_index)
        sample_rate = self.shards.splits[split].manifest.settings.sample_rate
        return Stored(media, key_id, song_index, Excerpt(index.excerpt.item(row), sample_rate))

    def _media(self, shard: int, index: Index, row: int) -> bytes | None:
        """The bytes of one sample; None where they are not the recorded ones."""
        size, offset = index.media_bytes.item(row), index.media_offset.item(row)
        media = os.pread(self._open(shard).fileno(), size, offset)
        return media if crc32(media) == index.media_crc32.item(row) else None

    def _renew(self, shard: int) -> None:
        """Have this tar fetched again if its copy was damaged after it came."""
        _, line = self.shards.tar(shard)
        self.shards.cache.discard_damaged(line.sha256)
        self._open.cache_clear()

    def song_index(self, number: int) -> int:
        """Whose that sample is, also where it cannot be read."""
        split, row = self._split_and_row(number)
        return self._first_songs[split] + self._indexes[split].song.item(row)

    def name(self, number: int) -> str:
        """Which sample that is, for a message: 'folder/000000.tar, sample 17'."""
        shard = bisect_right(self._ends, number)
        place, _ = self.shards.tar(shard)
        return f"{place}, sample {number - (self._ends[shard - 1] if shard else 0)}"

    def _split_and_row(self, number: int) -> tuple[int, int]:
        split = bisect_right(self._split_ends, number)
        return split, number - (self._split_ends[split - 1] if split else 0)

    def _open_shard(self, shard: int) -> FileIO:
        place, _ = self.shards.tar(shard)
        if isinstance(place, Path):
            return open(place, "rb", buffering=0)
        return self._ahead.open(shard)


def _open_at_most() -> int:
    """Files that this process keeps open: half of what the system lets it."""
    with suppress(ImportError):  # Windows has none
        import resource

        return min(OPEN_SHARDS, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2)
    return OPEN_SHARDS
