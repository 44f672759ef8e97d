"""Songs made while training, in place of packed shards: nothing is stored, no song comes twice.

A number says all of a song, so that every process makes the same ones. Epoch e of N songs has the
numbers from e N: going on in mid-epoch, with any number of processes, stays arithmetic.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from threadpoolctl import threadpool_limits

from pipeline.record import SongEntry
from pipeline.shardset import Stored
from pipeline.songtable import SongRows, SongTable
from songkey.audio import to_int16
from songs import synthetic
from songs.song import Song


@dataclass(frozen=True)
class MadeSongs:
    """A pipeline.source.Source: one interval of each of an epoch's `total` synthetic songs."""

    total: int
    seed: int
    sample_rate: int
    interval_seconds: float
    epoch: int = 0

    @property
    def format(self) -> str:
        """16-bit samples."""
        return "pcm"

    @property
    def media_shape(self) -> tuple[int, ...]:
        """(S,) of one interval."""
        return (round(self.interval_seconds * self.sample_rate),)

    @property
    def intervals(self) -> np.ndarray:
        """(1,) int64: as of one shard."""
        return np.array([self.total])

    @property
    def fingerprint(self) -> str:
        """What identifies the songs to a checkpoint."""
        return f"made-{synthetic.VERSION}-{self.seed}-{self.total}"

    def song(self, number: int) -> Song:
        """The song that gives the epoch's interval `number`."""
        return synthetic.song_of(self.seed, self.epoch * self.total + number, self.interval_seconds)

    def song_table(self) -> SongTable:
        """The epoch's songs."""
        rows = SongRows()
        for number in range(self.total):
            rows.add(_entry(self.song(number)))
        return SongTable((self.song(0).dataset,), (rows.finish(),))

    def of_epoch(self, epoch: int) -> "MadeSongs":
        """The songs of that epoch."""
        return replace(self, epoch=epoch)

    def reader(self) -> "SongMaker":
        """What makes them in one process."""
        return SongMaker(self)


class SongMaker:
    """Makes songs by their number in the epoch; a pipeline.source.Reader."""

    def __init__(self, songs: MadeSongs):
        self.songs = songs

    def read(self, number: int) -> Stored:
        """The song numbered `number`, rendered."""
        song = self.songs.song(number)
        with threadpool_limits(1):  # a process for each core makes songs already
            waveform = synthetic.render(song.audio_path, self.songs.sample_rate)
        return Stored(to_int16(waveform).tobytes(), song.key.id, number)

    def expect(self, chunks: Iterable[np.ndarray], lanes: int) -> None:
        """Nothing is made ahead."""

    def close(self) -> None:
        """Nothing is open."""

    def name(self, number: int) -> str:
        """Which song that is, for a message."""
        return self.songs.song(number).song_id


def _entry(song: Song) -> SongEntry:
    return SongEntry(
        song_id=song.song_id, recording_id=song.recording_id, key=str(song.key),
        label_source=song.label_source, confidence=song.confidence, intervals=1,
    )  # fmt: skip
