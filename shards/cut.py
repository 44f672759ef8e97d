"""A Song into Intervals, streaming: memory does not grow with the song."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from songkey.audio import waveform_blocks
from songkey.errors import FILE_NOT_FOUND, AudioError
from songkey.identity import Identity
from songkey.intervals import intervals
from songs import scores, synthetic
from songs.song import Interval, Song
from storage.places import Place, RemotePath, place_of
from storage.staging import local_copy

# What renders the songs whose paths begin so
RENDERERS = {"synthetic:": synthetic.render, "scores:": scores.render}
# A file, a rate, and what is to hear all of it -> its sound
Decode = Callable[[str | Path, int, Identity], Iterator[np.ndarray]]


def decoded(path: str | Path, sample_rate: int, identity: Identity) -> Iterator[np.ndarray]:
    """By this process, which a damaged file may crash."""
    return waveform_blocks(path, sample_rate, hear=identity.hear)


def cut(
    song: Song, sample_rate: int, interval_seconds: float, decode: Decode = decoded,
    identity: Identity | None = None,
) -> Iterator[tuple[Interval, np.ndarray]]:  # fmt: skip
    """The song's intervals with their sound, int16 (S,), padded with zeros to the full length.

    `decode` gives the sound of a file, of which an `identity` hears all. Raises AudioError,
    possibly after some intervals, where the song turns out to be unusable.
    """
    interval_samples = round(interval_seconds * sample_rate)
    blocks = _blocks_of(song, sample_rate, decode, identity or Identity())
    for piece in intervals(blocks, interval_samples, song.song_id):
        start_seconds = piece.start_sample / sample_rate
        duration_seconds = piece.real_samples / sample_rate
        yield Interval(song, piece.number, start_seconds, duration_seconds), piece.waveform


def _blocks_of(
    song: Song, sample_rate: int, decode: Decode, identity: Identity
) -> Iterable[np.ndarray]:
    """The song's sound in consecutive blocks (S,), float32 of full scale 1 or int16."""
    for scheme, render in RENDERERS.items():
        if song.audio_path.startswith(scheme):
            waveform = render(song.audio_path, sample_rate)
            identity.hear(sample_rate, waveform)
            return [waveform]
    return blocks_at(place_of(song.audio_path), sample_rate, decode, identity)


def blocks_at(
    place: Place, sample_rate: int, decode: Decode, identity: Identity
) -> Iterator[np.ndarray]:
    """The sound of an audio file, here or at an address, in such blocks."""
    if isinstance(place, RemotePath):
        return _remote_blocks(place, sample_rate, decode, identity)
    return decode(place, sample_rate, identity)


def _remote_blocks(
    place: RemotePath, sample_rate: int, decode: Decode, identity: Identity
) -> Iterator[np.ndarray]:
    """The blocks of a file at an address, fetched whole first."""
    try:
        with local_copy(place) as path:
            yield from decode(path, sample_rate, identity)
    except FileNotFoundError as error:
        raise AudioError(str(place), f"{FILE_NOT_FOUND}: check the address") from error
    except AudioError as error:
        raise AudioError(str(place), error.reason) from error
