"""Laws of memory that is used again."""

import multiprocessing

import numpy as np
import torch

from pipeline.buffers import PLACES, Buffers


def handed_over(buffers):
    """A place that was taken, as its consumer has it: a tensor; None where there was none."""
    place = buffers.take().place
    return None if place is None else torch.from_numpy(buffers.lent(place).media)


def test_a_place_is_free_only_when_no_tensor_made_of_it_is_left():
    buffers = Buffers((4, 1000), np.int16)
    batch = handed_over(buffers)
    address, view = batch.data_ptr(), batch[2:].numpy()
    del batch
    other = handed_over(buffers)
    assert other.data_ptr() != address
    del view
    assert handed_over(buffers).data_ptr() == address


def test_a_place_that_is_filled_and_not_lent_yet_is_not_given_again():
    buffers = Buffers((4, 10), np.uint8)
    taken = [buffers.take().place for _ in range(PLACES + 2)]
    assert sorted(taken[:PLACES]) == list(range(PLACES)) and taken[PLACES:] == [None, None]


def test_a_consumer_that_keeps_every_batch_gets_each_its_own_memory():
    buffers = Buffers((10,), np.uint8)
    memories = [buffers.take() for _ in range(3 * PLACES)]
    assert len({memory.media.ctypes.data for memory in memories}) == 3 * PLACES


def fill(buffers, places, count):
    """In a worker: each number into a place of its own while there is room."""
    for number in range(count):
        memory = buffers.take()
        if memory.place is not None:
            memory.media[:], memory.labels[:] = number, number
        places.put(memory.place)


def test_what_a_forked_process_fills_its_parent_has_as_it_is():
    context = multiprocessing.get_context("fork")
    buffers, places = Buffers((2, 3), np.int16, shared=True), context.Queue()
    worker = context.Process(target=fill, args=(buffers, places, PLACES + 1))
    worker.start()
    came = [places.get() for _ in range(PLACES + 1)]
    worker.join()
    assert came == [*range(PLACES), None]
    lent = [buffers.lent(place) for place in range(PLACES)]
    for number, memory in enumerate(lent):
        assert (memory.media == number).all() and (memory.labels == number).all()
    del lent[1], memory
    again = context.Process(target=fill, args=(buffers, places, 2))  # in place 1 there is room
    again.start()
    assert [places.get(), places.get()] == [1, None]
    again.join()
    assert (buffers.lent(1).media == 0).all()
