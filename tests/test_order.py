"""Laws of who reads what, on numbers alone."""

import numpy as np
import pytest

from pipeline.order import epoch_order, padded_step_count, share, step_count, substitutes

UNEVEN = np.array([7, 1, 300, 0, 64, 12, 129, 5])
TOTAL = int(UNEVEN.sum())


def order_of(epoch=0, lanes=16, block=50, seed=0):
    return epoch_order(UNEVEN, seed, epoch, lanes, block)


@pytest.mark.parametrize("lanes", [1, 3, 16, 1000])
@pytest.mark.parametrize("block", [1, 50, 10_000])
def test_an_epoch_holds_every_interval_exactly_once(lanes, block):
    assert sorted(order_of(lanes=lanes, block=block)) == list(range(TOTAL))


def test_the_order_depends_on_seed_and_epoch_and_on_nothing_else():
    assert np.array_equal(order_of(), order_of())
    assert not np.array_equal(order_of(), order_of(epoch=1))
    assert not np.array_equal(order_of(), order_of(seed=1))


@pytest.mark.parametrize("ranks", [1, 2, 3, 4, 6, 12])
def test_any_number_of_processes_sees_the_same_global_batches(ranks):
    order, batch = order_of(), 12
    for step in range(step_count(TOTAL, batch)):
        parts = [order[share(order, step, batch, rank, ranks)] for rank in range(ranks)]
        assert {len(part) for part in parts} == {batch // ranks}
        assert np.array_equal(
            np.stack(parts, axis=1).ravel(), order[step * batch : (step + 1) * batch]
        )


def test_training_reads_all_but_the_remainder_and_evaluation_reads_all():
    order, batch, ranks = order_of(), 16, 4
    for count, expected in ((step_count, TOTAL - TOTAL % batch), (padded_step_count, TOTAL)):
        read = [
            share(order, step, batch, rank, ranks)
            for step in range(count(TOTAL, batch))
            for rank in range(ranks)
        ]
        assert len(np.unique(np.concatenate(read))) == sum(map(len, read)) == expected


@pytest.mark.parametrize("ranks", [2, 4, 8])
def test_a_process_reads_only_its_own_lanes_when_they_divide(ranks):
    lanes, batch = 16, 32
    order = order_of(lanes=lanes)
    for rank in range(ranks):
        for step in range(step_count(TOTAL, batch)):
            positions = share(order, step, batch, rank, ranks)
            assert set(positions % lanes) <= set(range(rank, lanes, ranks))


def test_a_substitute_comes_from_the_same_lane_and_is_never_the_bad_one():
    for position in (0, 17, TOTAL - 1):
        others = substitutes(position, TOTAL, lanes=16)
        assert position not in others
        assert set(others % 16) == {position % 16}
        assert len(others) == len(range(position % 16, TOTAL, 16)) - 1


def test_neighbours_in_a_shard_are_parted_by_the_shuffle():
    order = epoch_order(np.full(100, 50), 0, 0, lanes=16, block_intervals=1000)
    assert np.mean(np.abs(np.diff(order)) == 1) < 0.01
