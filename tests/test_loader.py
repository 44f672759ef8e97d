"""Laws of the processes that read ahead: what they hand over, and what becomes of the killed."""

import ast
import multiprocessing
import os
import signal
import warnings

import pytest
from conftest import run_program
from test_stream import fingerprints, open_split
from torch.utils.data.dataloader import _MultiProcessingDataLoaderIter

from pipeline.buffers import PLACES
from pipeline.loader import loader
from pipeline.stream import training_stream

WORKERS = 2


@pytest.fixture(scope="module")
def stream(packed):
    """One epoch of many small batches."""
    return training_stream(open_split(packed), 4, 0, 1, 0, 0, 6, 16)


@pytest.fixture(scope="module")
def reference(stream):
    """What each of its batches holds."""
    return [fingerprints([batch]) for batch in loader(stream, 0, pin_memory=False)]


def test_batches_lie_in_memory_that_the_workers_fill_again_and_again(stream, reference):
    addresses, read = set(), []
    for batch in loader(stream, WORKERS, pin_memory=False):
        assert not batch.waveform.is_shared()  # PyTorch, which would send it, knows nothing of that
        addresses.add(batch.waveform.data_ptr())
        read.append(fingerprints([batch]))
    assert read == reference and len(addresses) <= WORKERS * PLACES < len(reference) // 2


def test_a_batch_that_is_held_stays_as_it_is_while_others_are_read(stream, reference):
    held = {}
    for step, batch in enumerate(loader(stream, WORKERS, pin_memory=False)):
        if step % 5 < 2:
            held[step] = batch
    assert all(fingerprints([batch]) == reference[step] for step, batch in held.items())


def test_a_forked_process_that_drops_its_copy_of_a_batch_leaves_it_to_its_parent(stream, reference):
    batches = loader(stream, 1, pin_memory=False)
    held = [next(batches)]
    next(batches)  # else the loader holds the first one, too
    child = multiprocessing.get_context("fork").Process(target=held.clear)
    child.start()
    child.join()
    for _ in range(3 * PLACES):
        next(batches)
    assert child.exitcode == 0 and fingerprints(held) == reference[0]


def test_workers_hand_over_the_same_by_pytorch_which_pins_memory(stream, reference):
    with warnings.catch_warnings(action="ignore"):  # that there is no GPU
        batches = loader(stream, WORKERS, pin_memory=True)
        assert [fingerprints([batch]) for batch in batches] == reference


def test_workers_that_are_spawned_hand_over_the_same(packed, reference):
    code = f"""
import multiprocessing
from pipeline.loader import loader
from pipeline.stream import training_stream
from test_stream import fingerprints, open_split
multiprocessing.set_start_method("spawn")
stream = training_stream(open_split({str(packed)!r}), 4, 0, 1, 0, 0, 6, 16)
batches = loader(stream, 1, pin_memory=False)
print([fingerprints([batch]) for batch in batches])
"""
    done = run_program("-c", code, PYTHONPATH="tests")
    assert ast.literal_eval(done.stdout) == reference, done.stderr


def test_a_program_that_ends_in_mid_epoch_does_not_wait_for_its_workers(packed):
    code = f"""
from conftest import small_config
from evaluation.listener import shards_of
from pipeline.loader import loader
from pipeline.stream import training_stream
config = small_config({str(packed)!r})
shards = shards_of(config, config, ("synthetic",), "train")
batches = iter(loader(training_stream(shards, 4, 0, 1, 0, 0, 6, 16), 2, False))
next(batches)
def endless():
    yield from batches
never_closed = endless()
next(never_closed)
import builtins; builtins.kept = never_closed
"""
    done = run_program("-c", code, PYTHONPATH="tests")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("error", [EOFError(), ConnectionResetError(104, "reset by peer")])
@pytest.mark.parametrize("is_killed", [True, False])
def test_a_worker_that_is_killed_while_it_hands_a_batch_over_is_said_to_be_killed(
    packed, monkeypatch, error, is_killed
):
    def broken(batches, *_, **__):
        if is_killed:
            os.kill(batches._workers[0].pid, signal.SIGKILL)
        raise error

    stream = training_stream(open_split(packed), 12, 0, 1, 0, 0, 6, 16)
    batches = loader(stream, 1, pin_memory=False)
    next(batches)
    monkeypatch.setattr(_MultiProcessingDataLoaderIter, "_try_get_data", broken)
    with pytest.raises(RuntimeError if is_killed else type(error)) as raised:
        next(batches)
    assert str(raised.value).startswith("DataLoader worker (pid") == is_killed


def test_a_killed_worker_is_told_of_where_a_batch_is_waited_for_and_nowhere_else(packed):
    before, others = signal.getsignal(signal.SIGCHLD), set(multiprocessing.active_children())
    batches = loader(training_stream(open_split(packed), 4, 0, 1, 0, 0, 6, 16), 1, pin_memory=False)
    next(batches)
    assert signal.getsignal(signal.SIGCHLD) == before
    (worker,) = set(multiprocessing.active_children()) - others
    worker.kill()
    worker.join()
    with pytest.raises(RuntimeError, match=r"^DataLoader worker \(pid\(s\) \d+\) exited"):
        list(batches)
