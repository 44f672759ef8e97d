"""Memory for batches, used again: each fresh page of it would cost a page fault."""

import sys

import numpy as np

MOST_ARRAYS = 4  # kept for use again; a consumer that holds more batches gets fresh memory


def _references_of_unheld() -> int:
    """What getrefcount says of an array that only a list and a loop over it hold: it varies."""
    (count,) = [sys.getrefcount(array) for array in [np.empty(1)]]
    return count


class Buffers:
    """Arrays of one shape and type; one is given again once no batch made of it is left."""

    def __init__(self, shape: tuple[int, ...], dtype: type[np.generic]):
        self.shape, self.dtype = shape, dtype
        self._arrays: list[np.ndarray] = []
        self._unheld = _references_of_unheld()

    def take(self) -> np.ndarray:
        """An array that nobody else holds, with anything in it."""
        for array in self._arrays:
            if sys.getrefcount(array) <= self._unheld:
                return array
        fresh = np.empty(self.shape, self.dtype)
        if len(self._arrays) < MOST_ARRAYS:
            self._arrays.append(fresh)
        return fresh
