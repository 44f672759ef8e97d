"""The songs of a split, or of several, as columns: nothing of a song is an object of its own.

A song's place is its `song_index`, everywhere.
"""

import hashlib
from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from pipeline.record import SongEntry
from settings.marks import MARKS
from songkey.keys import parse_key

TEXT_COLUMNS = ("song_id", "label_source", "genre")


@dataclass(frozen=True)
class Texts:
    """Many short texts as two arrays; each is decoded when it is asked for."""

    utf8: np.ndarray  # (bytes,) uint8, one after the other
    ends: np.ndarray  # (texts,) int64, one past the last byte of each

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, place: int) -> str:
        start = self.ends[place - 1] if place else 0
        return self.utf8[start : self.ends[place]].tobytes().decode(errors="replace")


@dataclass(frozen=True)
class SplitSongs:
    """The songs of one split in the order of its shards, one row each: (songs,) columns."""

    key_id: np.ndarray  # uint8
    intervals: np.ndarray  # int32
    confidence: np.ndarray  # float32
    song_id: Texts
    label_source: Texts
    genre: Texts
    # uint64, of what `SongEntry` says, 0 where that is nothing; None where it is for all songs.
    identity: np.ndarray | None = None
    name: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.key_id)

    def digests(self, column: str) -> np.ndarray:
        """(songs,) uint64: one of the columns that may be absent."""
        found = getattr(self, column)
        return np.zeros(len(self), np.uint64) if found is None else found


class SongRows:
    """Rows that are added one by one, without an object for each."""

    def __init__(self) -> None:
        self._key_id, self._intervals, self._confidence = array("B"), array("i"), array("f")
        self._texts = {name: (bytearray(), array("q")) for name in TEXT_COLUMNS}
        self._digests = {name: array("Q") for name in MARKS}
        self._last = ("", "")  # song_id, key

    def add(self, song: SongEntry) -> int:
        """Its row; a song that goes on in a further tar comes again, and keeps the last row."""
        if (song.song_id, song.key) == self._last:
            self._intervals[-1] += song.intervals
            return len(self._key_id) - 1
        self._last = (song.song_id, song.key)
        self._key_id.append(parse_key(song.key).id)
        self._intervals.append(song.intervals)
        self._confidence.append(song.confidence)
        for name, (utf8, ends) in self._texts.items():
            utf8 += getattr(song, name).encode()
            ends.append(len(utf8))
        for name, column in self._digests.items():
            column.append(digest(getattr(song, name)))
        return len(self._key_id) - 1

    def finish(self) -> SplitSongs:
        """All rows."""
        texts: dict[str, Any] = {
            name: Texts(np.frombuffer(utf8, np.uint8), np.frombuffer(ends, np.int64))
            for name, (utf8, ends) in self._texts.items()
        }
        digests: dict[str, Any] = {
            name: np.frombuffer(column, np.uint64)
            for name, column in self._digests.items()
            if any(column)
        }
        return SplitSongs(
            np.frombuffer(self._key_id, np.uint8),
            np.frombuffer(self._intervals, np.int32),
            np.frombuffer(self._confidence, np.float32),
            **texts,
            **digests,
        )


def digest(text: str) -> int:
    """64 bits of a text, 0 for none."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") if text else 0


@dataclass(frozen=True)
class SongTable:
    """The songs of several splits, numbered through all of them."""

    datasets: tuple[str, ...]  # of each split
    splits: tuple[SplitSongs, ...]

    def __len__(self) -> int:
        return sum(map(len, self.splits))

    @cached_property
    def dataset(self) -> np.ndarray:
        """(songs,) int64: each song's place in `datasets`."""
        return np.repeat(np.arange(len(self.splits)), [len(split) for split in self.splits])

    @cached_property
    def key_id(self) -> np.ndarray:
        """(songs,) uint8."""
        return self._joined("key_id")

    @cached_property
    def intervals(self) -> np.ndarray:
        """(songs,) int32: how many there are of each."""
        return self._joined("intervals")

    @cached_property
    def confidence(self) -> np.ndarray:
        """(songs,) float32: of the labels, 0 to 1."""
        return self._joined("confidence")

    def digests(self, column: str) -> np.ndarray:
        """(songs,) uint64: what recordings are known by, 0 where it is unknown."""
        return np.concatenate([np.zeros(0, np.uint64), *(s.digests(column) for s in self.splits)])

    def all_digests(self, songs: np.ndarray | slice = slice(None)) -> np.ndarray:
        """(N,) uint64: of these songs in all columns, one after the other."""
        return np.concatenate([self.digests(column)[songs] for column in MARKS])

    def song_id(self, song_index: int) -> str:
        """The song's name in its data set."""
        return self._text("song_id", song_index)

    def label_source(self, song_index: int) -> str:
        """Where its key is from."""
        return self._text("label_source", song_index)

    def genre(self, song_index: int) -> str:
        """Its genre, empty where unknown."""
        return self._text("genre", song_index)

    def dataset_of(self, song_index: int) -> str:
        """The data set that the song is of."""
        return self.datasets[self.dataset[song_index]]

    def where(self, song_indices: Iterable[int]) -> list[str]:
        """The songs as 'data set/song', each once, sorted."""
        return sorted({f"{self.dataset_of(one)}/{self.song_id(one)}" for one in song_indices})

    def _joined(self, column: str) -> np.ndarray:
        return np.concatenate([getattr(split, column) for split in self.splits])

    def _text(self, column: str, song_index: int) -> str:
        split = self.dataset[song_index]
        first = sum(map(len, self.splits[:split]))
        return getattr(self.splits[split], column)[song_index - first]
