"""A Song into Intervals, streaming: memory does not grow with the song."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from songkey.audio import waveform_blocks
from songkey.errors import FILE_NOT_FOUND, AudioError
from songkey.intervals import intervals
from songs import scores, synthetic
from songs.identity import Identity
from songs.song import Interval, Song
from storage.places import Place, RemotePath, place_of
from storage.staging import local_copy

Decode = Callable[[str | Path, int], Iterator[np.ndarray]]  # a file, a rate -> its sound


def cut(
    song: Song, sample_rate: int, interval_seconds: float, decode: Decode = waveform_blocks,
    identity: Identity | None = None,
) -> Iterator[tuple[Interval, np.ndarray]]:  # fmt: skip
    """The song's intervals with their sound, int16 (S,), padded with zeros to the full length.

    `decode` gives the sound of a file, of which an `identity` hears all. Raises AudioError,
    possibly after some intervals, where the song turns out to be unusable.
    """
    interval_samples = round(interval_seconds * sample_rate)
    blocks = blocks_of(song, sample_rate, decode)
    if identity:
        blocks = identity.passing(blocks)
    for piece in intervals(blocks, interval_samples, song.song_id):
        start_seconds = piece.start_sample / sample_rate
        duration_seconds = piece.real_samples / sample_rate
        yield Interval(song, piece.number, start_seconds, duration_seconds), piece.waveform


def blocks_of(
    song: Song, sample_rate: int, decode: Decode = waveform_blocks
) -> Iterable[np.ndarray]:
    """The song's sound in consecutive blocks (S,), float32 of full scale 1 or int16."""
    if song.audio_path.startswith("synthetic:"):
        return [synthetic.render(song.audio_path, sample_rate)]
    if song.audio_path.startswith("scores:"):
        return [scores.render(song.audio_path, sample_rate)]
    return blocks_at(place_of(song.audio_path), sample_rate, decode)


def blocks_at(
    place: Place, sample_rate: int, decode: Decode = waveform_blocks
) -> Iterator[np.ndarray]:
    """The sound of an audio file, here or at an address, in such blocks."""
    if isinstance(place, RemotePath):
        return _remote_blocks(place, sample_rate, decode)
    return decode(place, sample_rate)


def _remote_blocks(place: RemotePath, sample_rate: int, decode: Decode) -> Iterator[np.ndarray]:
    """The blocks of a file at an address, fetched whole first."""
    try:
        with local_copy(place) as path:
            yield from decode(path, sample_rate)
    except FileNotFoundError as error:
        raise AudioError(str(place), f"{FILE_NOT_FOUND}: check the address") from error
    except AudioError as error:
        raise AudioError(str(place), error.reason) from error
