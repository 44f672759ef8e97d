"""Laws of the memory that a guard's two processes share."""

import os

import numpy as np
import pytest

from songkey import carried
from songkey.carried import Carrier, shared_file


def carriers(shared: bool) -> tuple[Carrier, Carrier]:
    """Both ends."""
    descriptor = shared_file() if shared else None
    ends = Carrier(descriptor), Carrier(descriptor)
    if descriptor is not None:
        os.close(descriptor)
    return ends


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("samples", [0, 1, 441_000, 20_000_000])  # the last have no room
def test_what_is_sent_arrives_and_stays_when_the_next_comes(shared: bool, samples: int) -> None:
    one, other = carriers(shared)
    block = np.arange(samples).astype(np.int16)
    kind, arrived = other.unpacked(one.packed(("answer", block)))
    other.unpacked(one.packed(("answer", block + 1)))
    assert kind == "answer"
    assert arrived.dtype == np.int16
    assert np.array_equal(arrived, block)
    arrived += 1  # as that of any other function


def test_several_arrays_lie_beside_each_other_until_there_is_no_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(carried, "ROOM_BYTES", 3000)
    one, other = carriers(True)
    blocks = [np.full(size, size % 251, np.uint8) for size in (1000, 1500, 800, 400)]
    data, sizes = parcel = one.packed(blocks)
    assert list(sizes) == [1000, 1500, 400]
    assert 800 < len(data) < 1500  # the third is in the pickle
    for block, arrived in zip(blocks, other.unpacked(parcel), strict=True):
        assert np.array_equal(arrived, block)
