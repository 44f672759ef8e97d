"""Proofs of who reads what: over many made-up layouts on numbers, and with processes on shards.

On numbers, the real stream reads a source whose intervals are nothing but their number, as each
worker of each process would.
"""

from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from multiprocessing import get_context

import numpy as np
import pytest
from conftest import pack_synthetic, small_config
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from test_stream import fingerprints

from evaluation.listener import shards_of
from pipeline.loader import loader
from pipeline.order import epoch_order, epoch_total, share, step_count
from pipeline.shardset import Stored
from pipeline.stream import evaluation_stream, training_stream

MOST_OF_AN_ORDER, MOST_OF_A_STREAM = 30_000, 2_000  # intervals: a stream reads one by one
BATCH = 8  # intervals of real shards


@dataclass(frozen=True)
class Numbers:
    """A source of intervals whose song is their number, and its own reader."""

    intervals: np.ndarray  # (shards,)
    format = "pcm"
    media_shape = (1,)

    @property
    def total(self):
        return int(self.intervals.sum())

    def of_epoch(self, epoch):
        return self

    def reader(self):
        return self

    def expect(self, chunks: Iterable[np.ndarray], lanes: int) -> None:
        """Numbers have not to be fetched."""

    def close(self) -> None:
        """Nothing is open."""

    def read(self, number):
        return Stored(b"\0\0", 0, number)


@dataclass(frozen=True)
class Layout:
    """Shards, and how they are to be read."""

    counts: np.ndarray  # (shards,) intervals
    lanes: int
    block_intervals: int
    rates: np.ndarray | None
    seed: int

    @property
    def total(self):
        """Intervals of an epoch."""
        return self.counts.sum() if self.rates is None else epoch_total(self.rates)

    def order(self, epoch=0, seed=None):
        seed = self.seed if seed is None else seed
        return epoch_order(
            self.counts, seed, epoch, self.lanes, self.block_intervals, self.rates
        )  # fmt: skip

    def stream(self, batch, rank, ranks, first_step):
        return training_stream(
            Numbers(self.counts), batch, rank, ranks, self.seed, 0, self.lanes,
            self.block_intervals, first_step, self.rates,
        )  # fmt: skip


def sizes_of_shards(kind, size, shards, random):
    match kind:
        case "even":
            return np.full(shards, size)
        case "ragged":
            return random.integers(1, size + 1, shards)
        case "all in one":
            return np.where(np.arange(shards) == random.integers(shards), size, 1)
    return random.choice([0, 1, size], shards)  # very uneven


def reading_rates(kind, total, random):
    match kind:
        case "ones":
            return np.ones(total)
        case "some thrice, some half":
            return np.where(random.random(total) < 0.2, 3.0, 0.5)
        case "uneven":
            return random.uniform(0.01, 4.0, total)


@st.composite
def layouts(draw, most):
    """Of at most so many intervals: shards of 1 to 2,000, lanes fewer and more than shards."""
    random = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    size = draw(st.integers(1, min(2_000, most)))
    shards = draw(st.integers(1, min(200, most // size)))
    kind = draw(st.sampled_from(["even", "ragged", "all in one", "very uneven"]))
    counts = sizes_of_shards(kind, size, shards, random)
    assume(counts.any())
    kind = draw(st.sampled_from(["none", "ones", "some thrice, some half", "uneven"]))
    return Layout(
        counts,
        lanes=draw(st.integers(1, 100)),
        block_intervals=draw(st.sampled_from([1, 7, 64, 500, 10_000])),
        rates=reading_rates(kind, counts.sum(), random),
        seed=draw(st.integers(0, 1 << 40)),
    )


def as_worker(stream, number, workers):
    """The songs of each batch that this worker makes; of all where there are none."""
    batches = list(stream.part(number, workers) if workers else stream)
    assert all(batch.valid.all() for batch in batches if stream.lanes)
    return [batch.song_index[batch.valid].tolist() for batch in batches]


def steps_of(stream, workers):
    """The songs of each step of a process: its loader takes its workers' batches in turn."""
    parts = [as_worker(stream, number, workers) for number in range(max(1, workers))]
    steps = [part[turn] for turn in range(len(parts[0])) for part in parts if turn < len(part)]
    assert len(steps) == len(stream)
    return steps


def global_batches(streams, workers):
    """The songs of each step of all processes together, in order of their numbers."""
    parts = [steps_of(stream, workers) for stream in streams]
    return [sorted(chain(*step)) for step in zip(*parts, strict=True)]


@settings(max_examples=250)
@given(layouts(MOST_OF_AN_ORDER), st.integers(1, 64), st.integers(1, 9))
def test_each_interval_comes_once_an_epoch_but_for_the_last_incomplete_batch(layout, ranks, size):
    order, batch = layout.order(), ranks * size
    steps = range(step_count(layout.total, batch))
    read = [share(order, step, batch, rank, ranks) for step in steps for rank in range(ranks)]
    assert {len(part) for part in read} <= {size}
    times = np.bincount(np.concatenate([*read, np.arange(0)]), minlength=len(order))
    assert set(times) <= {0, 1} and times.sum() > layout.total - batch
    assert len(order) == layout.total
    rates = np.ones(layout.counts.sum()) if layout.rates is None else layout.rates
    rates = rates * layout.total / rates.sum()
    numbers = np.bincount(order, minlength=len(rates))
    assert (np.floor(rates - 1e-9) <= numbers).all() and (numbers <= np.ceil(rates + 1e-9)).all()


@settings(max_examples=150)
@given(layouts(MOST_OF_AN_ORDER), st.integers(0, 1000))
def test_each_epoch_and_each_seed_has_an_order_of_its_own_and_always_the_same(layout, epoch):
    assume(layout.block_intervals > 1 and layout.total > 2 * layout.lanes + 40)
    order = layout.order(epoch)
    assert np.array_equal(order, layout.order(epoch))
    assert not np.array_equal(order, layout.order(epoch + 1))
    assert not np.array_equal(order, layout.order(epoch, seed=layout.seed + 1))


@settings(max_examples=120)
@given(
    layouts(MOST_OF_A_STREAM), st.integers(1, 64), st.integers(1, 6), st.integers(0, 8), st.data()
)
def test_any_processes_and_workers_that_go_on_at_any_step_read_the_rest_of_the_same_batches(
    layout, ranks, size, workers, data
):
    batch = ranks * size
    assume(batch <= layout.total)
    steps = range(data.draw(st.integers(0, layout.total // batch)), layout.total // batch)
    streams = [layout.stream(batch, rank, ranks, steps.start) for rank in range(ranks)]
    order = layout.order()
    assert global_batches(streams, workers) == [
        sorted(order[step * batch : (step + 1) * batch].tolist()) for step in steps
    ]


@settings(max_examples=100)
@given(layouts(MOST_OF_A_STREAM), st.integers(1, 64), st.integers(1, 6), st.integers(0, 8))
def test_an_evaluation_reads_each_interval_once_in_as_many_steps(layout, ranks, size, workers):
    source = Numbers(layout.counts)
    streams = [evaluation_stream(source, ranks * size, rank, ranks) for rank in range(ranks)]
    assert sorted(chain(*global_batches(streams, workers))) == list(range(source.total))


@pytest.fixture(scope="module")
def uneven(packed, tmp_path_factory):
    """A folder with two data sets: few shards of 15 intervals, and many of two."""
    folder = tmp_path_factory.mktemp("uneven")
    (folder / "shards/audio").mkdir(parents=True)
    (folder / "shards/audio/synthetic").symlink_to(packed / "shards/audio/synthetic")
    short = "datasets.synthetic.songs=24", "datasets.synthetic.song_seconds=7.0"
    config = small_config(folder, *short, "prepare.songs_per_shard=1")
    pack_synthetic(config, dataset="single", seed=3)
    return folder


def opened(folder):
    config = small_config(folder)
    return shards_of(config, config, ("synthetic", "single"), "train")


def one_reads(folder, workers, rates, steps, ranks, rank):
    """Each step's intervals of a process that opens the shards itself."""
    stream = training_stream(opened(folder), BATCH, rank, ranks, 0, 1, 6, 16, steps.start, rates)
    batches = islice(loader(stream, workers, pin_memory=False), len(steps))
    return [fingerprints([batch]) for batch in batches]


def all_read(folder, workers, rates, steps, ranks):
    """Each step's intervals of so many processes, which read at the same time."""
    read = partial(one_reads, folder, workers, rates, steps, ranks)
    with ProcessPoolExecutor(ranks, get_context("fork")) as pool:
        parts = list(pool.map(read, range(ranks), timeout=120))
    assert [len(part) for part in parts] == ranks * [len(steps)]
    return [Counter(chain(*step)) for step in zip(*parts, strict=True)]


@pytest.mark.parametrize("before, after, workers", [(2, 4, 0), (4, 2, 1), (2, 2, 3)])
def test_processes_cut_off_and_others_that_go_on_read_each_interval_of_their_shards_once(
    uneven, before, after, workers
):
    total = opened(uneven).total
    steps, cut = range(total // BATCH), total // BATCH // 3
    read = all_read(uneven, workers, None, steps[:cut], before)
    read += all_read(uneven, workers, None, steps[cut:], after)
    assert set(sum(read, Counter()).values()) == {1}
    assert sum(map(Counter.total, read)) == total - total % BATCH
    assert read == all_read(uneven, 0, None, steps, 1)


def test_processes_read_intervals_as_often_as_their_rates_say(uneven):
    total = opened(uneven).total
    rates = np.where(np.arange(total) % 3, 0.75, 2.0)
    steps = range(epoch_total(rates) // BATCH)
    assert all_read(uneven, 1, rates, steps, 4) == all_read(uneven, 0, rates, steps, 1)
    assert set(sum(all_read(uneven, 0, rates, steps, 2), Counter()).values()) == {1, 2}
