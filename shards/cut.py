"""A Song into Intervals, streaming: memory does not grow with the song."""

from collections.abc import Iterable, Iterator

import numpy as np

from pipeline.audio import waveform_blocks
from pipeline.intervals import intervals
from shards import synthetic
from shards.song import Interval, Song


def cut(
    song: Song, sample_rate: int, interval_seconds: float
) -> Iterator[tuple[Interval, np.ndarray]]:
    """The song's intervals with their sound, int16 (S,), padded with zeros to the full length.

    Raises AudioError, possibly after some intervals, where the song turns out to be unusable.
    """
    interval_samples = round(interval_seconds * sample_rate)
    for piece in intervals(blocks_of(song, sample_rate), interval_samples, song.song_id):
        start_seconds = piece.start_sample / sample_rate
        duration_seconds = piece.real_samples / sample_rate
        yield Interval(song, piece.index, start_seconds, duration_seconds), piece.waveform


def blocks_of(song: Song, sample_rate: int) -> Iterable[np.ndarray]:
    """The song's sound in consecutive blocks, float32 (S,)."""
    if song.audio_path.startswith("synthetic:"):
        return [synthetic.render(song.audio_path, sample_rate)]
    return waveform_blocks(song.audio_path, sample_rate)
