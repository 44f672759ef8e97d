"""Laws of reading ahead: what is fetched when, on numbers alone, and what failures cost."""

import logging
import shutil
import threading
import time
import traceback

import numpy as np
import pytest
import torch
from conftest import small_config
from http_server import Fault, serving

from evaluation.listener import shards_of
from pipeline import readahead
from pipeline.fetching import LATER, plan_of, uses_of
from pipeline.loader import loader
from pipeline.lost import StreamError
from pipeline.order import epoch_order, shares
from pipeline.readahead import UnreachableShard
from pipeline.stream import evaluation_stream, training_stream
from storage import places
from storage.places import StorageError

INTERVALS = np.array([7, 1, 300, 0, 64, 12, 129, 5] * 5)
ENDS = np.cumsum(INTERVALS)
SIZES = 1000 + 10 * INTERVALS
TRAIN = "/audio/synthetic/train"


def read_by(rank, ranks, worker=0, workers=1, lanes=6, block=50, first_step=0):
    """The shards that a worker reads from, in its order."""
    order = epoch_order(INTERVALS, 0, 0, lanes, block)
    steps = range(first_step, len(order) // 12)[worker::workers]
    numbers = np.concatenate(list(shares(order, steps, 12, rank, ranks)))
    return np.searchsorted(ENDS, numbers, side="right")


READERS = [(0, 1), (1, 2), (2, 3, 1, 2), (0, 1, 3, 4, 12, 10), (0, 2, 0, 1, 6, 1000, 100)]
every_reader = pytest.mark.parametrize("reader", READERS)


def uses(shards):
    """Those of shards of one sample each, told in chunks of seven."""
    chunks = [shards[start : start + 7] for start in range(0, len(shards), 7)]
    return uses_of(chunks, np.arange(1, len(INTERVALS) + 1))


@every_reader
def test_the_first_and_last_use_of_each_shard_is_where_it_is_read(reader):
    read = read_by(*reader).tolist()
    found = uses(np.array(read))
    for shard in range(len(INTERVALS)):
        there = [position for position, one in enumerate(read) if one == shard]
        expected = (there[0], there[-1]) if there else (LATER, -1)
        assert (found.first[shard], found.last[shard]) == expected


@every_reader
@pytest.mark.parametrize("most_bytes", [0, 5000, 20_000, 10**9])
def test_shards_are_asked_for_in_turn_early_enough_and_no_more_than_fit(reader, most_bytes):
    read = read_by(*reader).tolist()
    plan = plan_of(uses(np.array(read)), SIZES, 6, most_bytes)
    turn = list(dict.fromkeys(read))
    assert plan.shards.tolist() == turn
    most = most_shards = 0
    for place, shard in enumerate(turn):
        now = read.index(shard)
        in_use = set(read[: now + 1]) & set(read[now:])
        in_use_bytes, until = SIZES[list(in_use)].sum(), plan.until[place]
        most, most_shards = max(most, in_use_bytes), max(most_shards, len(in_use))
        ahead = turn[place + 1 : until]
        assert until >= min(place + 2, len(turn))
        if until > max(plan.until[:place], default=0) and len(ahead) > 1:
            assert in_use_bytes + SIZES[ahead].sum() <= most_bytes
        if most_bytes == 10**9:
            assert until >= min(place + 1 + max(6, len(in_use)), len(turn))
    assert (plan.most, plan.most_bytes) == (most_shards, most)


def test_a_process_that_reads_nothing_plans_nothing():
    plan = plan_of(uses(np.array([], int)), SIZES, 6, 10**9)
    assert (plan.shards.tolist(), plan.until.tolist(), *plan[2:]) == ([], [], 0, 0)


@pytest.fixture
def server(packed, monkeypatch):
    """All shards on a server that counts; what fails is tried again soon."""
    monkeypatch.setattr(places, "WAITS_SECONDS", ())
    monkeypatch.setattr(readahead, "WAITS_SECONDS", (0.05, 0.1))
    folder = packed / "shards"
    files = {f"/{path.relative_to(folder)}": path for path in folder.rglob("*") if path.is_file()}
    with serving({name: path.read_bytes() for name, path in files.items()}) as server:
        yield server


@pytest.fixture
def remote(server, tmp_path):
    """The train split at that server; takes settings."""

    def open_split(*overrides):
        where = f'prepare.shards_dir="{server.url()}"', f'stream.cache_dir="{tmp_path}/cache"'
        config = small_config(tmp_path, *where, *overrides)
        return shards_of(config, config, ("synthetic",), "train")

    return open_split


def stream_of(shards, rank=0, ranks=1, **more):
    return training_stream(shards, 12, rank, ranks, 0, 0, 6, 16, **more)


def batches(stream, workers=0):
    return list(loader(stream, workers, pin_memory=False))


def tars(shards):
    return [f"{TRAIN}/{shards.tar(shard)[1].name}" for shard in range(len(shards.intervals))]


@pytest.mark.parametrize("ranks, workers", [(1, 0), (1, 2), (2, 2)])
def test_an_epoch_fetches_each_shard_once_whatever_reads_it(server, remote, ranks, workers):
    server.wait_seconds = 0.02
    shards = remote()
    streams = [stream_of(shards, rank, ranks) for rank in range(ranks)]
    loaders = [loader(stream, workers, pin_memory=False) for stream in streams]
    read = sum(int(batch.valid.sum()) for parts in zip(*loaders, strict=True) for batch in parts)
    assert read == shards.total - shards.total % 12
    assert [len(server.asked(tar)) for tar in tars(shards)] == [1] * len(shards.intervals)


def test_shards_come_before_they_are_needed(server, remote):
    shards = remote()
    stream = training_stream(shards, 2, 0, 1, 0, 0, 2, 1)  # two lanes, in the order of the shards
    read = iter(stream)
    next(read)  # of two shards, and of the seven
    wanted = 2 + readahead.FETCHERS
    _until(lambda: sum(bool(server.asked(tar)) for tar in tars(shards)) >= wanted)
    time.sleep(0.1)
    assert sum(bool(server.asked(tar)) for tar in tars(shards)) == wanted < len(tars(shards))


def _until(condition):
    deadline = time.monotonic() + 60
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)


def test_a_shard_that_fails_for_a_while_costs_no_sample(server, remote):
    shards = remote()
    server.faults[tars(shards)[1]] = Fault(times=2, status=503)
    stream = stream_of(shards)
    assert all(batch.valid.all() for batch in batches(stream)) and stream.bad_samples == 0
    assert len(server.asked(tars(shards)[1])) == 3


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize(
    "fault, tries, reason",
    [(Fault(status=503), 3, "failed"), (Fault(body=b"other"), 2, "its 5 bytes are not those")],
)
def test_a_shard_that_stays_away_ends_the_run_with_its_name(
    server, remote, workers, fault, tries, reason
):
    shards = remote()
    tar = tars(shards)[1]
    server.faults[tar] = fault
    with pytest.raises(
        UnreachableShard, match=f"{reason}.* .tried {tries} times.; go on"
    ) as caught:
        batches(stream_of(shards), workers)
    traceback.clear_frames(caught.tb)  # ends the workers, which a collector of garbage waits for
    message = str(caught.value)
    assert message.startswith(f"{server.url(tar)}: ") and "\n" not in message


def test_samples_of_a_shard_that_is_left_out_are_replaced_and_counted(server, remote):
    shards = remote('stream.unreachable="leave_out"')
    server.faults[tars(shards)[1]] = Fault(status=503)
    stream = stream_of(shards, max_bad_samples=100)
    read = batches(stream)
    assert len(read) == shards.total // 12 and all(batch.valid.all() for batch in read)
    assert shards.intervals[1] - 12 <= stream.bad_samples <= shards.intervals[1]
    with pytest.raises(StreamError, match="1 interval could not be read"):
        batches(stream_of(shards, max_bad_samples=0))


def test_a_shard_that_was_left_out_is_read_once_it_is_there_again(server, remote):
    shards = remote('stream.unreachable="leave_out"')
    server.faults[tars(shards)[1]] = Fault(status=503)
    reader, number = shards.reader(), int(shards.intervals[0])
    for _ in range(3):
        with pytest.raises(StorageError, match="000001.tar: failed .503"):
            reader.read(number)
    assert len(server.asked(tars(shards)[1])) < 3
    del server.faults[tars(shards)[1]]
    _until(lambda: _can_be_read(reader, number))
    assert reader.read(number).media


def _can_be_read(reader, number):
    try:
        return reader.read(number)
    except StorageError:
        return None


def test_evaluation_goes_without_a_shard_that_is_left_out(server, remote):
    shards = remote('stream.unreachable="leave_out"')
    server.faults[tars(shards)[1]] = Fault(status=404)
    stream = evaluation_stream(shards, 16, 0, 1, max_bad_samples=100)
    valid = torch.cat([batch.valid for batch in batches(stream)])
    assert valid.sum() == shards.total - shards.intervals[1]
    assert stream.bad_samples == shards.intervals[1]


def test_a_cache_that_holds_too_few_shards_is_said_once_and_loses_nothing(
    server, remote, packed, tmp_path, caplog
):
    local = small_config(packed)
    expected = batches(stream_of(shards_of(local, local, ("synthetic",), "train")))
    largest = max(len(body) for name, body in server.files.items() if name.endswith(".tar"))
    shards = remote(f"stream.cache_gigabytes={2 * largest / 1e9}")
    with caplog.at_level(logging.WARNING):
        read = batches(stream_of(shards))
    for one, other in zip(read, expected, strict=True):
        assert torch.equal(one.waveform, other.waveform)
    assert len(caplog.records) == 1
    assert "GB are read at the same time, but stream.cache_gigabytes leaves 0.00" in caplog.text
    assert sum(path.stat().st_size for path in (tmp_path / "cache").iterdir()) <= 2 * largest
    caplog.clear()
    batches(stream_of(remote()))
    assert not caplog.records


def test_local_shards_need_no_cache(packed, tmp_path):
    shutil.copytree(packed / "shards", tmp_path / "shards")
    config = small_config(tmp_path, 'stream.cache_dir="/proc/nowhere"')
    stream = stream_of(shards_of(config, config, ("synthetic",), "train"))
    assert all(batch.valid.all() for batch in batches(stream))


def test_a_shard_that_is_there_again_is_asked_for_before_a_run_ends(server, remote, monkeypatch):
    monkeypatch.setattr(readahead, "WAITS_SECONDS", (0.01, 0.01))
    shards = remote()
    reader, name = shards.reader(), tars(shards)[0]
    server.faults[name] = Fault(status=503)
    for _ in range(3):  # as by reading ahead
        reader._ahead._tried_now.add(0)
        assert reader._ahead._tried(0, reader._ahead._cache.fetch) is None
    del server.faults[name]
    time.sleep(0.05)
    assert reader.read(0).media


def test_threads_end_with_the_pass_also_one_that_is_left(server, remote):
    before = threading.active_count()
    for _ in range(3):
        batches = iter(stream_of(remote()))
        next(batches)
        batches.close()
    _until(lambda: threading.active_count() <= before)


def test_what_a_library_raises_is_a_failure_of_the_shard(server, remote, monkeypatch):
    def strange(*_: object) -> None:
        raise ZeroDivisionError("of some library")

    reader = remote('stream.unreachable="leave_out"').reader()
    monkeypatch.setattr("storage.cache.fetch", strange)
    with pytest.raises(StorageError, match=r"failed \(ZeroDivisionError: of some library\)"):
        while True:
            reader.read(0)
