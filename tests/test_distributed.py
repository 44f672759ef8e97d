"""Laws of several processes: they stop together, and what one number began another ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from conftest import ROOT, settings, small_config, torchrun
from test_train import curve, launch

from evaluation.listener import shards_of
from model.checkpoint import load_checkpoint
from model.run_folder import resolve
from pipeline.stream import training_stream
from settings.config import load_config
from training.loop import Training

FEW = (
    "stream.workers=0", "train.epochs=2", "train.checkpoint_every_steps=3", "train.ema_decay=0.9",
)  # fmt: skip


def start(packed: Path, processes: int, name: str, *overrides: str) -> subprocess.Popen:
    """Begin a run of several processes on the CPU."""
    command = [*torchrun(processes), "train.py", "--name", name]
    return subprocess.Popen(
        [sys.executable, *command, *settings(packed, *FEW, *overrides)], cwd=ROOT, text=True,
        stderr=subprocess.PIPE, start_new_session=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"},
    )  # fmt: skip


def wait_for_checkpoint(packed: Path, running: subprocess.Popen, name: str) -> Path:
    """The folder of the run `name`, once its first checkpoint is there."""
    while not (saved := list(packed.glob(f"runs/*-{name}/checkpoints/last.safetensors"))):
        assert running.poll() is None, running.communicate()[1]
        time.sleep(0.005)
    return saved[0].parent.parent


def ranks(running: subprocess.Popen) -> list[psutil.Process]:
    return psutil.Process(running.pid).children()


def kill_one(running: subprocess.Popen) -> None:
    ranks(running)[-1].kill()


def kill_all(running: subprocess.Popen) -> None:
    for process in (psutil.Process(running.pid), *ranks(running)):  # the launcher first
        process.kill()


@pytest.mark.parametrize("before, after", [(1, 4), (4, 2), (4, 1), (2, 8)])
def test_going_on_with_another_number_of_processes_reads_the_same_intervals(packed, before, after):
    config = small_config(packed)
    shards = shards_of(config, config, ("synthetic",), "train")

    def songs(processes: int, first_step: int) -> list[list[int]]:
        """The songs of each step's global batch, sorted."""
        streams = [
            training_stream(shards, 8, rank, processes, 0, 1, 48, 16, first_step)
            for rank in range(processes)
        ]
        parts = zip(*streams, strict=True)
        return [sorted(i for part in step for i in part.song_index.tolist()) for step in parts]

    undisturbed = songs(before, 0)
    assert undisturbed[5:] == songs(after, 5) and len(undisturbed) > 6


@pytest.mark.slow
@pytest.mark.parametrize(
    "processes, kill, fewer", [(4, kill_one, 2), (2, kill_all, 1)], ids=["one", "all"]
)
def test_a_run_whose_processes_are_killed_goes_on_with_fewer_to_the_same_number_of_steps(
    packed, trained, processes, kill: Callable, fewer
):
    name = f"{kill.__name__}"
    running = start(packed, processes, name)
    run = wait_for_checkpoint(packed, running, name)
    kill(running)
    running.communicate(timeout=300)
    assert running.returncode != 0
    progress = load_checkpoint(resolve(run, "last")).state["progress"]
    assert (progress["epoch"], progress["step"] % 3) == (0, 0)
    time.sleep(1.1)  # TensorBoard puts a run's files in order by whole seconds
    if fewer == 1:
        Training(load_config(str(run / "config.toml")), run, resume=True).run()
    else:
        done = launch(fewer, "train.py", "--resume", str(run))
        assert done.returncode == 0, done.stderr
    assert list(curve(run, "train/loss")) == list(curve(trained, "train/loss"))
    assert len(curve(run, "valid/mirex")) == 2


@pytest.mark.slow
def test_a_signal_to_one_process_stops_all_at_one_step_whole(packed):
    running = start(packed, 2, "told", "train.epochs=50")
    run = wait_for_checkpoint(packed, running, "told")
    ranks(running)[-1].send_signal(signal.SIGTERM)
    errors = running.communicate(timeout=300)[1]
    assert running.returncode != 0
    assert errors.count(f"stopped by SIGTERM; go on with --resume {run}") == 1, errors
    steps = sorted(curve(run, "train/loss"))
    training = Training(load_config(str(run / "config.toml")), run, resume=True)
    assert steps == list(range(1, training.global_step + 1))


@pytest.mark.slow
def test_a_loss_that_is_not_finite_in_all_processes_is_told_with_the_songs_of_all(packed):
    wild = ("train.learning_rate=1e30", "train.warmup_fraction=0.0", "train.log_every_steps=4")
    done = launch(2, "train.py", "--name", "wild", *settings(packed, *FEW, *wild))
    line = next(line for line in done.stderr.splitlines() if "not finite" in line)
    names = line.partition("of songs ")[2].partition(";")[0].split(", ")
    assert line.startswith("error: the loss or its gradient is not finite since step 2, ")
    assert 4 < len(names) <= 8 and all(name.startswith("synthetic/") for name in names)
