"""Laws of memory that is used again."""

import numpy as np
import torch

from pipeline.buffers import MOST_ARRAYS, Buffers


def test_memory_is_given_again_only_when_no_view_of_it_is_left():
    buffers = Buffers((4, 1000), np.int16)
    batch = torch.from_numpy(buffers.take())
    address, view = batch.data_ptr(), batch[2:]
    del batch
    other = torch.from_numpy(buffers.take())
    assert other.data_ptr() != address
    del view
    assert torch.from_numpy(buffers.take()).data_ptr() == address


def test_a_consumer_that_keeps_every_batch_gets_each_its_own_memory():
    buffers = Buffers((10,), np.uint8)
    kept = [torch.from_numpy(buffers.take()) for _ in range(3 * MOST_ARRAYS)]
    assert len({batch.data_ptr() for batch in kept}) == len(kept)
