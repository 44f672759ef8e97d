"""Laws of Ctrl-C and SIGTERM: a run ends at a step's end, whole, and goes on as if nothing were."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import torch
from conftest import ROOT, settings, small_config
from test_train import curve

from evaluation.listener import shards_of
from model.checkpoint import load_checkpoint
from model.run_folder import resolve
from pipeline.loader import loader
from pipeline.stream import training_stream
from settings.config import load_config
from training.loop import Training
from training.signals import SECONDS_OF_ONE_REQUEST, Signals, Stopped

WATCH = """
import time
from training.signals import Signals
with Signals(1) as signals:
    print("ready", flush=True)
    while not signals.agreed():
        time.sleep(0.01)
    print("heard", flush=True)
    while {forever}:
        time.sleep(0.01)
print("ended")
"""


def interrupt_after(training: Training, batches: int, in_training: bool, number: int) -> None:
    """Let this process get a signal when that many batches have been computed."""
    seen = []

    def count(module, *_):
        if module.training == in_training:
            seen.append(1)
            if len(seen) == batches:
                os.kill(os.getpid(), number)

    training.learner.front_end.register_forward_hook(count)


@pytest.mark.parametrize(
    "batches, in_training, number, code, epoch, step",
    [
        (3, True, signal.SIGTERM, 143, 0, 3),
        (15, True, signal.SIGINT, 130, 1, None),
        (2, False, signal.SIGTERM, 143, 0, "all"),  # in validation
    ],
)
def test_a_signal_ends_the_step_and_the_run_goes_on_as_if_it_had_not_come(
    trained, packed, tmp_path, batches, in_training, number, code, epoch, step
):
    run = tmp_path / "stopped"
    training = Training(small_config(packed), run, resume=False)
    interrupt_after(training, batches, in_training, number)
    with pytest.raises(Stopped, match=f"stopped by {number.name}") as stopped:
        training.run()
    assert stopped.value.exit_code == code
    steps = training.data.steps_an_epoch
    progress = load_checkpoint(resolve(run, "last")).state["progress"]
    expected = {None: 15 - steps, "all": steps}.get(step, step)
    assert (progress["epoch"], progress["step"]) == (epoch, expected)
    time.sleep(1.1)  # TensorBoard puts a run's files in order by whole seconds
    best = Training(small_config(packed), run, resume=True).run()
    for name in ("train/loss", "valid/loss", "valid/mirex"):
        assert curve(run, name) == curve(trained, name)
    assert best == pytest.approx(max(curve(trained, "valid/mirex").values()), rel=1e-6)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_workers_go_on_reading_when_they_get_the_signal_too(packed, number):
    config = small_config(packed)
    shards = shards_of(config, config, ("synthetic",), "train")
    batches = iter(loader(training_stream(shards, 4, 0, 1, 0, 0, 48, 16), 2, pin_memory=False))
    read = [next(batches), next(batches)]  # one of each worker: both have begun
    for worker in psutil.Process().children():
        worker.send_signal(number)
    read += list(batches)
    assert len(read) == shards.total // 4 > 10


def test_handlers_are_those_from_before_when_a_run_has_ended():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with Signals(1) as signals:
        assert signals.agreed() == 0
        os.kill(os.getpid(), signal.SIGINT)
        assert signals.agreed() == signals.agreed() == signal.SIGINT
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def watch(forever: bool) -> subprocess.Popen:
    running = subprocess.Popen(
        [sys.executable, "-c", WATCH.format(forever=forever)], cwd=ROOT, text=True,
        stdout=subprocess.PIPE,
    )  # fmt: skip
    assert running.stdout.readline() == "ready\n"
    return running


def test_a_second_signal_ends_a_process_that_does_not_answer_the_first():
    running = watch(forever=True)
    running.send_signal(signal.SIGINT)
    assert running.stdout.readline() == "heard\n"
    time.sleep(SECONDS_OF_ONE_REQUEST)
    assert running.poll() is None
    running.send_signal(signal.SIGTERM)
    assert running.wait(60) == -signal.SIGTERM


def test_the_same_request_sent_twice_by_a_launcher_is_one():
    running = watch(forever=False)
    running.send_signal(signal.SIGINT)
    running.send_signal(signal.SIGTERM)
    assert running.communicate(timeout=300)[0] == "heard\nended\n" and running.returncode == 0


def start(packed: Path, name: str) -> subprocess.Popen:
    """A run in a process group of its own, as a terminal would start it, with two workers."""
    command = [sys.executable, "train.py", "--name", name]
    command += settings(packed, "stream.workers=2", "train.epochs=50", "train.keep_best=1")
    threads = {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    return subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **threads}, start_new_session=True, text=True,
        stderr=subprocess.PIPE,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    "number, send, code", [(signal.SIGINT, os.killpg, 130), (signal.SIGTERM, os.killpg, 143)]
)
def test_a_signal_to_all_processes_of_a_run_saves_and_says_how_to_go_on(
    packed, number, send: Callable, code
):
    running = start(packed, f"sent-{code}")
    while not (saved := list(packed.glob(f"runs/*-sent-{code}/checkpoints/last.safetensors"))):
        assert running.poll() is None
        time.sleep(0.01)
    send(running.pid, number)
    errors = running.communicate(timeout=300)[1]
    run = saved[0].parent.parent
    assert running.returncode == code, errors
    assert errors.splitlines()[-1] == f"stopped by {number.name}; go on with --resume {run}"
    assert "Traceback" not in errors and "Error" not in errors
    assert not [
        p for p in psutil.process_iter() if p.pid != running.pid and _group(p) == running.pid
    ]
    config = load_config(str(run / "config.toml"))
    before = load_checkpoint(resolve(run, "last")).state["progress"]
    went_on = Training(config, run, resume=True)
    assert [went_on.progress.epoch, went_on.progress.step] == [before["epoch"], before["step"]]


def _group(process: psutil.Process) -> int:
    try:
        return os.getpgid(process.pid)
    except ProcessLookupError:
        return 0
