"""Memory for batches that a worker fills and its parent reads, used again.

Fresh shared memory for each batch, as PyTorch takes it, costs a page fault a page: 1.3 ms of a core
for an interval of 20 s at 44.1 kHz, whose FLAC is decoded in 5.
"""

from typing import NamedTuple
from weakref import finalize

import numpy as np
import torch
from torch import Tensor

PLACES = 4  # two batches wait, one is in use, and the next is already asked for


class Memory(NamedTuple):
    """Room for one batch, with anything in it."""

    media: np.ndarray  # (B, S) int16 or (B, F, T) uint8
    labels: np.ndarray  # (B, 3) int64: key_id, song_index, valid
    place: int | None  # in the buffers; None of memory that is used once


class Buffers:
    """Places for one worker's batches; each is filled again once nothing made of it is left."""

    def __init__(self, shape: tuple[int, ...], dtype: torch.dtype, shared: bool = False):
        """`shape` is that of a batch's media; `shared` memory is for two processes."""
        empty = _shared if shared else torch.empty
        self._media = empty((PLACES, *shape), dtype=dtype)
        self._labels = empty((PLACES, shape[0], 3), dtype=torch.int64)
        self._taken = empty((PLACES,), dtype=torch.bool).zero_()

    def take(self) -> Memory:
        """A free place; fresh memory where the consumer holds them all."""
        taken = self._taken.numpy()
        for place in range(PLACES):
            if not taken[place]:
                taken[place] = True
                return Memory(self._media[place].numpy(), self._labels[place].numpy(), place)
        media, labels = torch.empty_like(self._media[0]), torch.empty_like(self._labels[0])
        return Memory(media.numpy(), labels.numpy(), None)

    def lent(self, place: int) -> Memory:
        """What lies at a place, for its consumer: free as soon as no tensor of the media is left.

        Only what torch.from_numpy makes of `media` counts, not a numpy view of it.
        """
        media = self._media[place].numpy()
        finalize(media, self._taken.numpy().__setitem__, place, False).atexit = False
        return Memory(media, self._labels[place].numpy(), place)


def _shared(shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """Zeros that forked and spawned processes share; a page is only taken when it is written to."""
    count = int(np.prod(shape))
    storage = torch.UntypedStorage._new_shared(count * dtype.itemsize, device="cpu")
    return torch.empty(0, dtype=dtype).set_(storage).view(shape)
