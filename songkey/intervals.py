"""A stream of blocks -> intervals of one length in 16 bit, as training and prediction hear them."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from songkey.audio import to_int16
from songkey.errors import AudioError

SILENT_PEAK = 3  # of 32768: -80.8 dB; what never gets louder has no key to be heard
PARTS = 40  # of an interval: where one of them alone sounds, that is a click, or what goes before
# an onset when a song is resampled


class Piece(NamedTuple):
    """One interval of a waveform; `waveform` is int16 (S,), zero after its `real_samples`."""

    number: int  # from 0
    start_sample: int
    real_samples: int
    waveform: np.ndarray

    @property
    def sounding(self) -> tuple[int, int]:
        """The song's first sample in this interval that is not silent, and the one after its last.

        As `intervals` has it: no interval without such samples is given.
        """
        heard = np.flatnonzero((self.waveform > SILENT_PEAK) | (self.waveform < -SILENT_PEAK))
        return self.start_sample + int(heard[0]), self.start_sample + int(heard[-1]) + 1


def intervals(
    blocks: Iterable[np.ndarray], interval_samples: int, where: str, step_samples: int = 0
) -> Iterator[Piece]:
    """Consecutive intervals of blocks (S,), without the silent ones; numbers count all.

    With `step_samples` they begin so far apart and overlap. A last piece shorter than half an
    interval is dropped, unless it sounds for longer than all before it. Raises AudioError, naming
    `where`, if all is silent.
    """
    steps = round(interval_samples / step_samples) if step_samples else 1
    given, faint = False, None  # the latter hardly sounds
    heard = 0  # samples of the given intervals that do not overlap
    for piece in _pieces(blocks, interval_samples, step_samples or interval_samples):
        sounds = _sounding_samples(piece)
        if 2 * piece.real_samples < interval_samples and sounds <= heard:
            continue
        if 0 < sounds <= piece.real_samples / PARTS:
            faint = faint or piece
        elif sounds:
            heard += sounds if piece.number % steps == 0 else 0
            given = True
            yield piece
    if faint and not given:
        yield faint
    elif not given:
        raise AudioError(where, "silent: nothing in it is louder than -80 dB of full scale")


def _sounding_samples(piece: Piece) -> int:
    """How many samples are in parts of it that are not silent."""
    part = max(1, piece.real_samples // PARTS)
    parts = piece.waveform[: piece.real_samples // part * part].reshape(-1, part)
    loud = (parts.max(axis=1) > SILENT_PEAK) | (parts.min(axis=1) < -SILENT_PEAK)
    return part * int(loud.sum())


def _pieces(
    blocks: Iterable[np.ndarray], interval_samples: int, step_samples: int
) -> Iterator[Piece]:
    number, filled, waveform = 0, 0, np.zeros(interval_samples, np.int16)
    for block in blocks:
        rest = to_int16(block)
        while len(rest):
            taken = rest[: interval_samples - filled]
            waveform[filled : filled + len(taken)] = taken
            filled += len(taken)
            rest = rest[len(taken) :]
            if filled == interval_samples:
                yield Piece(number, number * step_samples, filled, waveform)
                waveform = _moved_on(waveform, step_samples)
                number, filled = number + 1, interval_samples - step_samples
    while filled > 0:
        yield Piece(number, number * step_samples, filled, waveform)
        waveform = _moved_on(waveform, step_samples)
        number, filled = number + 1, filled - step_samples


def _moved_on(waveform: np.ndarray, step_samples: int) -> np.ndarray:
    """What the next interval has in common with this one, zeros behind it, (S,)."""
    following = np.zeros_like(waveform)
    following[: len(waveform) - step_samples] = waveform[step_samples:]
    return following
