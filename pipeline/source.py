"""What intervals come from: packed shards, or songs that are made on the way."""

from collections.abc import Iterable
from typing import Protocol

import numpy as np

from pipeline.shardset import Stored
from pipeline.songtable import SongTable


class Reader(Protocol):
    """What reads the intervals of a source in one process."""

    def read(self, number: int) -> Stored:
        """The interval numbered `number`; ValueError or OSError where it cannot be had."""

    def expect(self, chunks: Iterable[np.ndarray], lanes: int) -> None:
        """What will be read, in that order, from so many streams at the same time."""

    def close(self) -> None:
        """Let go of what is open; nothing is read any more."""

    def name(self, number: int) -> str:
        """Which interval that is, for a message."""


class Source(Protocol):
    """Intervals, numbered from 0 in an epoch, of songs that are numbered too."""

    @property
    def format(self) -> str:
        """What an interval is stored as: 'audio' (FLAC), 'png' or 'pcm' (16-bit samples)."""

    @property
    def media_shape(self) -> tuple[int, ...]:
        """Of one interval: (S,) of audio, (F, T) of a spectrogram with its margins."""

    @property
    def intervals(self) -> np.ndarray:
        """(shards,) int64, of each shard."""

    @property
    def total(self) -> int:
        """Intervals of an epoch."""

    @property
    def fingerprint(self) -> str:
        """What identifies the data to a checkpoint."""

    def song_table(self) -> SongTable:
        """The songs, in the order of their `song_index`."""

    def of_epoch(self, epoch: int) -> "Source":
        """What that epoch reads."""

    def reader(self) -> Reader:
        """What reads the intervals in one process."""
