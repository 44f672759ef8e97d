"""Laws of who reads what, on numbers alone."""

import tracemalloc
from hashlib import sha256

import numpy as np
import pytest

from pipeline.order import (
    epoch_order,
    epoch_total,
    padded_step_count,
    share,
    shares,
    spread,
    step_count,
    substitutes,
)
from settings.config import load_config

UNEVEN = np.array([7, 1, 300, 0, 64, 12, 129, 5])
TOTAL = int(UNEVEN.sum())


RATES = {
    "all once": np.ones(TOTAL),
    "some thrice, some half": np.where(np.arange(TOTAL) % 5 == 0, 3.0, 0.5),
    "uneven": np.random.default_rng(0).uniform(0.01, 4.0, TOTAL),
    "one far more often": np.where(np.arange(TOTAL) == 300, 70.25, 0.3),
}
every_rate = pytest.mark.parametrize("rates", RATES.values(), ids=RATES.keys())

# What a run that goes on relies on: its order of before, from whatever version of ours and numpy.
COUNTS = {
    "uneven": UNEVEN,
    "even": np.full(71, 320),
    "ragged": np.random.default_rng(1).integers(0, 2001, 40),
}
DIGESTS = {  # of: counts, seed, epoch, lanes, block_intervals, with rates
    ("uneven", 0, 0, 48, 2048, False): "288b2fc8924365d9",
    ("uneven", 2**40, 0, 1, 256, False): "6b23aed94069465b",
    ("uneven", 3, 2, 1000, 8192, True): "6dcbd7a5b2878465",
    ("even", 0, 0, 48, 2048, False): "b5de4d379ebb8942",
    ("even", 0, 1, 48, 2048, False): "ea6ceb1c11c60b13",
    ("even", 7, 3, 16, 50, True): "b4381751dc0f9de5",
    ("even", 0, 0, 5, 1, False): "24d21fa8cb04817b",
    ("ragged", 0, 0, 48, 2048, False): "19706d87b54ac8eb",
    ("ragged", 7, 3, 16, 50, True): "fca1d30796a902a4",
    ("ragged", 3, 2, 1000, 8192, True): "96eef1cbcb18cc68",
}


def order_of(epoch=0, lanes=16, block=50, seed=0, rates=None):
    return epoch_order(UNEVEN, seed, epoch, lanes, block, rates)


@pytest.mark.parametrize("lanes", [1, 3, 16, 1000])
@pytest.mark.parametrize("block", [1, 50, 10_000])
def test_an_epoch_holds_every_interval_exactly_once(lanes, block):
    assert sorted(order_of(lanes=lanes, block=block)) == list(range(TOTAL))


def test_the_order_depends_on_seed_and_epoch_and_on_nothing_else():
    assert np.array_equal(order_of(), order_of())
    assert not np.array_equal(order_of(), order_of(epoch=1))
    assert not np.array_equal(order_of(), order_of(seed=1))


@pytest.mark.parametrize("made_of", DIGESTS)
@pytest.mark.parametrize("piece", [100, 1 << 20])
def test_an_order_is_for_ever_what_it_was(made_of, piece, monkeypatch):
    monkeypatch.setattr("pipeline.order.PIECE_INTERVALS", piece)
    name, *numbers, rated = made_of
    total = COUNTS[name].sum()
    rates = np.random.default_rng(2).uniform(0.01, 4.0, total) if rated else None
    order = epoch_order(COUNTS[name], *numbers, rates)
    assert sha256(np.ascontiguousarray(order, "<i8")).hexdigest()[:16] == DIGESTS[made_of]


@pytest.mark.parametrize("rated", [False, True])
def test_an_order_takes_eight_bytes_an_interval_and_half_of_them_only_while_it_is_made(
    rated, monkeypatch
):
    monkeypatch.setattr("pipeline.order.PIECE_INTERVALS", 1 << 12)
    counts = np.full(1000, 1000)
    rates = np.ones(counts.sum()) if rated else None
    tracemalloc.start()
    order = epoch_order(counts, 0, 0, 48, 2048, rates)
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert order.dtype == np.int32
    assert kept < 4.1 * counts.sum() and peak < 8.5 * counts.sum()


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


def test_a_substitute_comes_from_the_same_lane_first_and_is_never_the_bad_one():
    for position in (0, 17, TOTAL - 1):
        others = list(substitutes(position, TOTAL, lanes=16))
        assert sorted([position, *others]) == list(range(TOTAL))
        lane = range(position % 16, TOTAL, 16)
        assert set(others[: len(lane) - 1]) == set(lane) - {position}


def test_neighbours_in_a_shard_are_parted_by_the_shuffle():
    order = epoch_order(np.full(100, 50), 0, 0, lanes=16, block_intervals=1000)
    assert np.mean(np.abs(np.diff(order)) == 1) < 0.01


@pytest.mark.parametrize("shards, batch", [(71, 32), (71, 256), (2000, 32)])
def test_by_default_a_batch_holds_no_more_pairs_of_one_song_than_by_chance(shards, batch):
    stream = load_config(None, []).stream
    songs = epoch_order(np.full(shards, 320), 0, 0, stream.lanes, stream.block_intervals) // 10
    rows = songs[: len(songs) // batch * batch].reshape(-1, batch)
    pairs = np.mean([(np.bincount(row)[row] - 1).sum() / 2 for row in rows[:500]])
    assert pairs <= batch * (batch - 1) / 2 * 9 / (len(songs) - 1)


@pytest.mark.parametrize("epoch", range(5))
def test_where_all_rates_are_1_the_order_is_the_one_without_rates(epoch):
    assert np.array_equal(order_of(epoch, rates=np.ones(TOTAL)), order_of(epoch))


@every_rate
def test_an_epoch_holds_each_interval_its_rate_rounded_down_or_up_and_a_known_number_in_all(rates):
    for epoch in range(20):
        order = order_of(epoch, rates=rates)
        counts = np.bincount(order, minlength=TOTAL)
        stretched = rates * epoch_total(rates) / rates.sum()
        assert len(order) == epoch_total(rates)
        assert (counts >= np.floor(stretched - 1e-9)).all()
        assert (counts <= np.ceil(stretched + 1e-9)).all()


@every_rate
def test_over_many_epochs_each_interval_comes_as_often_as_its_rate_says(rates):
    epochs = 400
    orders = [order_of(epoch, rates=rates) for epoch in range(epochs)]
    means = np.bincount(np.concatenate(orders), minlength=TOTAL) / epochs
    stretched = rates * epoch_total(rates) / rates.sum()
    # A count is one of two neighbours, so that its deviation is 0.5 at most; five of the mean's.
    assert np.abs(means - stretched).max() < 5 * 0.5 / epochs**0.5


@every_rate
@pytest.mark.parametrize("ranks", [1, 2, 3])
def test_with_rates_too_processes_share_each_global_batch_and_read_their_own_lanes(rates, ranks):
    order, batch, lanes = order_of(rates=rates, lanes=6), 12, 6
    for step in range(step_count(len(order), batch)):
        parts = [share(order, step, batch, rank, ranks) for rank in range(ranks)]
        together = np.sort(np.concatenate(parts))
        assert np.array_equal(together, np.arange(step * batch, (step + 1) * batch))
        assert all(set(part % lanes) <= set(range(r, lanes, ranks)) for r, part in enumerate(parts))


def test_with_rates_too_the_order_depends_on_seed_and_epoch_alone():
    rates = RATES["uneven"]
    assert np.array_equal(order_of(rates=rates), order_of(rates=rates))
    assert not np.array_equal(order_of(rates=rates), order_of(epoch=1, rates=rates))
    assert not np.array_equal(order_of(rates=rates), order_of(seed=1, rates=rates))


@pytest.mark.parametrize("total, count", [(10, 1), (10, 3), (100, 7), (7, 7), (648, 640)])
def test_numbers_that_are_spread_are_apart_by_one_distance_rounded_down_or_up(total, count):
    numbers = spread(total, count)
    assert len(numbers) == count and numbers[0] == 0
    steps = np.diff(numbers, append=total)
    assert set(steps) <= {total // count, -(-total // count)}


@pytest.mark.parametrize("steps", [range(20), range(3, 33, 4), range(5, 5), range(60, 70)])
def test_the_shares_of_many_steps_are_each_step_s_one_after_the_other(steps, monkeypatch):
    monkeypatch.setattr("pipeline.order.STEPS_TOGETHER", 3)
    order = order_of()[:250]
    chunks = list(shares(order, steps, 8, 1, 2))
    expected = [number for step in steps for number in order[share(order, step, 8, 1, 2)]]
    assert [number for chunk in chunks for number in chunk] == expected
    assert len(chunks) == -(-len(steps) // 3)
