"""Memory for batches that a worker fills and its parent reads, used again.

Fresh shared memory for each batch, as PyTorch takes it, costs a page fault a page: 1.3 ms of a core
for an interval of 20 s at 44.1 kHz, whose FLAC is decoded in 4.3.
"""

import mmap
import os
from math import prod
from typing import NamedTuple
from weakref import finalize

import numpy as np
from numpy.typing import DTypeLike

PLACES = 4  # two batches wait, one is in use, and the next is already asked for


class Memory(NamedTuple):
    """Room for one batch, with anything in it."""

    media: np.ndarray  # (B, S) int16 or (B, F, T) uint8
    labels: np.ndarray  # (B, 3) int64: key_id, song_index, valid
    place: int | None  # in the buffers; None of memory that is used once


class Buffers:
    """Places for one worker's batches; each is filled again once nothing made of it is left."""

    def __init__(self, shape: tuple[int, ...], dtype: DTypeLike, shared: bool = False):
        """`shape` is of a batch's media; processes forked later see `shared` memory."""
        empty = _shared if shared else np.empty
        self._media = empty((PLACES, *shape), dtype)
        self._labels = empty((PLACES, shape[0], 3), np.int64)
        self._taken = empty((PLACES,), np.bool_)
        self._taken[:] = False

    def take(self) -> Memory:
        """A free place; fresh memory where the consumer holds them all."""
        for place in range(PLACES):
            if not self._taken[place]:
                self._taken[place] = True
                return Memory(self._media[place], self._labels[place], place)
        return Memory(np.empty_like(self._media[0]), np.empty_like(self._labels[0]), None)

    def lent(self, place: int) -> Memory:
        """What lies at a place, for its consumer, once: free when no tensor of the media is left.

        Only what torch.from_numpy makes of `media` counts, not a numpy view of it.
        """
        media = self._media[place]
        finalize(media, self._free, place, os.getpid()).atexit = False
        return Memory(media, self._labels[place], place)

    def _free(self, place: int, consumer: int) -> None:
        """By the consumer alone: a process that it forked may let go of a copy that it reads on."""
        if os.getpid() == consumer:
            self._taken[place] = False


def _shared(shape: tuple[int, ...], dtype: DTypeLike) -> np.ndarray:
    """Memory that forked processes share, of no file: /dev/shm may be small."""
    memory = mmap.mmap(-1, prod(shape) * np.dtype(dtype).itemsize)
    return np.frombuffer(memory, dtype).reshape(shape)
