"""A stream of blocks -> intervals of one length in 16 bit, as training and prediction hear them."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from songkey.audio import to_int16
from songkey.decode import AudioError

SILENT_PEAK = 3  # of 32768: -80.8 dB; what never gets louder has no key to be heard


class Piece(NamedTuple):
    """One interval of a waveform; `waveform` is int16 (S,), zero after its `real_samples`."""

    number: int  # from 0
    start_sample: int
    real_samples: int
    waveform: np.ndarray


def intervals(blocks: Iterable[np.ndarray], interval_samples: int, where: str) -> Iterator[Piece]:
    """Consecutive intervals of float blocks (S,), without the silent ones; numbers count all.

    A last piece shorter than half an interval is dropped, unless it is the only one. Raises
    AudioError, naming `where`, if all is silent.
    """
    heard = False
    for piece in _pieces(blocks, interval_samples):
        if max(int(piece.waveform.max()), -int(piece.waveform.min())) > SILENT_PEAK:
            heard = True
            yield piece
    if not heard:
        raise AudioError(where, "silent: nothing in it is louder than -80 dB of full scale")


def _pieces(blocks: Iterable[np.ndarray], interval_samples: int) -> Iterator[Piece]:
    number, filled, waveform = 0, 0, np.zeros(interval_samples, np.int16)
    for block in blocks:
        rest = to_int16(block)
        while len(rest):
            taken = rest[: interval_samples - filled]
            waveform[filled : filled + len(taken)] = taken
            filled += len(taken)
            rest = rest[len(taken) :]
            if filled == interval_samples:
                yield Piece(number, number * interval_samples, filled, waveform)
                number, filled, waveform = number + 1, 0, np.zeros(interval_samples, np.int16)
    if filled and (number == 0 or 2 * filled >= interval_samples):
        yield Piece(number, number * interval_samples, filled, waveform)
