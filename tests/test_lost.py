"""Laws of samples that cannot be read: each counted once, the reads bounded, the warnings few."""

import logging
import multiprocessing
import shutil
import signal
import time
from collections.abc import Collection, Iterable
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from conftest import settings, small_config
from test_signals import interrupt_after
from test_train import curve, launch

import train
from evaluation.listener import shards_of
from model.checkpoint import load_checkpoint
from model.run_folder import resolve
from pipeline.loader import loader
from pipeline.lost import NAMED, StreamError
from pipeline.shardset import BadSample, Stored
from pipeline.stream import Stream, evaluation_stream, training_stream
from settings.sections import Config
from training.loop import Training
from training.signals import Stopped

SHARDS, INTERVALS = 5, 120
TOTAL = SHARDS * INTERVALS
BATCH = 12
EVERY = range(TOTAL)


class Holed:
    """Intervals of which some cannot be read; it counts the reads of each, in all processes."""

    format, media_shape, total = "pcm", (4,), TOTAL
    intervals = np.full(SHARDS, INTERVALS)

    def __init__(self, bad: Collection[int]):
        self.bad = bad
        self._reads = multiprocessing.Array("i", TOTAL)

    @property
    def reads(self) -> np.ndarray:
        return np.array(self._reads[:])

    def of_epoch(self, epoch: int) -> "Holed":
        return self

    def reader(self) -> "Holed":
        return self

    def expect(self, chunks: Iterable[np.ndarray], lanes: int) -> None:
        """Nothing is fetched ahead."""

    def close(self) -> None:
        """Nothing is open."""

    def read(self, number: int) -> Stored:
        with self._reads.get_lock():
            self._reads[number] += 1
        if number in self.bad:
            raise BadSample("a hole")
        return Stored(np.full(4, number, np.int16).tobytes(), 0, number)

    def name(self, number: int) -> str:
        return f"interval {number}"


def stream_of(source: Holed, kind: str, limit: int) -> Stream:
    if kind == "training":
        return training_stream(source, BATCH, 0, 1, 0, 0, 6, 16, max_bad_samples=limit)
    return evaluation_stream(source, BATCH, 0, 1, max_bad_samples=limit)


both_kinds = pytest.mark.parametrize("kind", ["training", "evaluation"])


@both_kinds
@pytest.mark.parametrize("workers", [0, 1, 2])
@pytest.mark.parametrize("limit", [0, 40])
def test_where_nothing_can_be_read_reading_ends_at_the_limit(kind, workers, limit):
    source = Holed(EVERY)
    message = rf"{limit + 1} intervals? could not be read \(stream.max_bad_samples = {limit}\)"
    with pytest.raises(StreamError, match=message):
        list(loader(stream_of(source, kind, limit), workers, pin_memory=False))
    most = max(1, workers)  # of these each may be reading the same one
    assert limit < np.count_nonzero(source.reads) <= limit + most and source.reads.max() <= most


@both_kinds
@pytest.mark.parametrize("workers", [0, 2])
def test_each_lost_interval_is_counted_once_however_often_it_was_due(kind, workers):
    bad = {*range(7, 30), 100, 101, 350, TOTAL - 1}  # of which many stand in for each other
    source = Holed(bad)
    stream = stream_of(source, kind, len(bad))
    batches = list(loader(stream, workers, pin_memory=False))
    assert stream.lost.of_all() == sorted(bad)
    assert source.reads[sorted(bad)].max() <= max(1, workers)
    read = {int(song) for batch in batches for song in batch.song_index[batch.valid]}
    assert read == set(EVERY) - bad
    with pytest.raises(StreamError, match=f"{len(bad)} intervals"):
        list(loader(stream_of(source, kind, len(bad) - 1), workers, pin_memory=False))


def test_batches_do_not_depend_on_how_many_workers_know_what_is_lost():
    bad = range(7, 30)
    songs = [
        [
            batch.song_index.tolist()
            for batch in loader(stream_of(Holed(bad), "training", 50), workers, pin_memory=False)
        ]
        for workers in (0, 2)
    ]
    assert songs[0] == songs[1]


def test_a_pass_that_goes_on_neither_reads_nor_counts_again_what_was_lost_before():
    bad = range(200, 260)
    whole, source = stream_of(Holed(bad), "training", 60), Holed(bad)
    list(loader(whole, 0, pin_memory=False))
    first = stream_of(source, "training", 60)
    list(islice(loader(first, 0, pin_memory=False), 20))
    assert 0 < len(first.lost) < len(bad)
    rest = training_stream(
        source, BATCH, 0, 1, 0, 0, 6, 16, 20, max_bad_samples=60, lost=first.lost.of_all()
    )
    list(loader(rest, 0, pin_memory=False))
    assert rest.lost.of_all() == whole.lost.of_all() == list(bad)
    assert source.reads[list(bad)].max() == 1


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("count", [NAMED, NAMED + 15])
def test_only_the_first_are_named_and_the_last_line_says_how_many_more_there_were(
    tmp_path, workers, count
):
    log = logging.FileHandler(tmp_path / "log")  # which workers write to as well
    logging.getLogger("pipeline.lost").addHandler(log)
    try:
        list(loader(stream_of(Holed(range(count)), "evaluation", count), workers, False))
    finally:
        logging.getLogger("pipeline.lost").removeHandler(log)
        log.close()
    lines = (tmp_path / "log").read_text().splitlines()
    named = [line for line in lines if line.startswith("bad sample left out: interval ")]
    assert len(named) == NAMED and all(line.endswith(": a hole") for line in named)
    more = [line for line in lines if line not in named]
    assert sorted(more) == (
        []
        if count == NAMED
        else [
            f"15 more left out, {count} in all",
            f"more than {NAMED} samples left out; the others are counted, not named",
        ]
    )


@pytest.mark.parametrize("workers", [0, 2])
def test_a_lane_of_which_nothing_can_be_read_is_made_up_for_by_others(workers):
    stream = stream_of(Holed(()), "training", 0)
    lane = stream.order[2::6].tolist()
    stream = stream_of(Holed(lane), "training", len(lane))
    batches = list(loader(stream, workers, pin_memory=False))
    assert len(batches) == TOTAL // BATCH and all(batch.valid.all() for batch in batches)
    assert stream.lost.of_all() == sorted(lane)


def test_where_nothing_can_be_read_the_run_ends_whatever_the_limit():
    source = Holed(EVERY)
    with pytest.raises(StreamError, match=f"none of {TOTAL} intervals could be read"):
        list(loader(stream_of(source, "training", 10**9), 0, pin_memory=False))
    assert source.reads.max() == 1


@pytest.fixture
def damaged(packed, tmp_path) -> Path:
    """A copy of the audio shards of which a train shard and a valid sample cannot be read."""
    shutil.copytree(packed / "shards/audio", tmp_path / "shards/audio")
    for name, size in (("train/000001.tar", None), ("valid/000000.tar", 6000)):
        tar = tmp_path / "shards/audio/synthetic" / name
        data = tar.read_bytes()
        tar.write_bytes(bytes(size or len(data)) + data[size or len(data) :])
    return tmp_path


def lost_in(config: Config, epoch: int) -> int:
    """How many intervals an epoch of that run cannot read."""
    shards, setting = shards_of(config, config, ("synthetic",), "train"), config.stream
    stream = training_stream(
        shards, 8, 0, 1, 0, epoch, setting.lanes, setting.block_intervals, max_bad_samples=100
    )
    list(loader(stream, 0, pin_memory=False))
    return len(stream.lost)


def test_each_epoch_says_how_many_intervals_it_lost_also_where_it_was_interrupted(
    damaged, tmp_path, caplog
):
    config, run = small_config(damaged), tmp_path / "run"
    training = Training(config, run, resume=False)
    interrupt_after(training, training.data.steps_an_epoch // 2, True, signal.SIGTERM)
    with pytest.raises(Stopped):
        training.run()
    assert load_checkpoint(resolve(run, "last")).state["progress"]["lost"]
    time.sleep(1.1)  # TensorBoard puts a run's files in order by whole seconds
    with caplog.at_level("INFO"):
        Training(config, run, resume=True).run()
    expected = [lost_in(config, epoch) for epoch in range(2)]
    assert min(expected) > 1
    assert list(curve(run, "stream/lost_intervals").values()) == expected
    assert list(curve(run, "valid/lost_intervals").values()) == [1, 1]
    lines = [line for line in caplog.messages if line.startswith("epoch ")]
    for line, count in zip(lines, expected, strict=True):
        assert line.endswith(f" intervals/s  lost {count} intervals, 1 of the valid split")


def test_two_processes_lose_what_one_does(damaged):
    words = settings(damaged, "train.epochs=1", "stream.workers=0")
    done = launch(2, "train.py", *words, "--name", "two")
    assert done.returncode == 0, done.stderr
    (run,) = damaged.glob("runs/*-two")
    expected = lost_in(small_config(damaged), epoch=0)
    assert list(curve(run, "stream/lost_intervals").values()) == [expected]
    assert f"  lost {expected} intervals, 1 of the valid split" in done.stderr


def test_a_run_that_reads_all_says_nothing_of_lost_intervals_but_in_its_curves(packed, trained):
    for name in ("stream", "valid"):
        assert list(curve(trained, f"{name}/lost_intervals").values()) == [0, 0]


def test_more_than_allowed_end_a_run_in_one_line(called, damaged):
    words = [*settings(damaged, "stream.max_bad_samples=2"), "--name", "few"]
    done = called(train.main, *words)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("error: 3 intervals could not be read (stream.")
