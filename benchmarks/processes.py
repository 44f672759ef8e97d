"""Training in two processes against one on the same intervals, one thread each.

python -m benchmarks.processes
"""

import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from benchmarks.songs import flac_song, under_other_names
from settings.config import load_config
from shards.prepare import prepare

ROOT = Path(__file__).parent.parent
SONGS, SONG_SECONDS, COPIES, LEAST_SPEEDUP = 4, 400.0, 48, 1.6
STEPS_AT_THE_START = 10  # not counted: the first batches


def measure() -> None:
    """Print how many times the intervals a second of one process two processes train on."""
    with tempfile.TemporaryDirectory() as folder:
        rate = load_config().audio.sample_rate
        files = [flac_song(Path(folder), n, SONG_SECONDS, rate) for n in range(SONGS)]
        songs = [song for one in files for song in under_other_names(one, COPIES)]
        songs.append(replace(files[0], split="valid"))
        settings = [
            f'prepare.shards_dir="{folder}/shards"', f'train.runs_dir="{folder}/runs"',
            "stream.format=png", 'train.datasets=["bench"]', "train.epochs=1",
        ]  # fmt: skip
        prepare("bench", songs, [], "png", load_config(None, settings))
        one, two = (_rate(Path(folder), settings, processes) for processes in (1, 2))
    ratio = f"{two / one:.2f} times the rate of one (>= {LEAST_SPEEDUP})"
    print(f"training from png shards, two processes: {ratio}, {two:.0f} intervals a second")


def _rate(folder: Path, settings: list[str], processes: int) -> float:
    """Intervals a second of one epoch, the median over its curve."""
    launch = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"]
    overrides = [word for one in settings for word in ("--set", one)]
    subprocess.run(
        [sys.executable, *launch, "train.py", "--name", f"{processes}", *overrides],
        check=True, cwd=ROOT, stderr=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"},
    )  # fmt: skip
    (run,) = folder.glob(f"runs/*-{processes}")
    points = EventAccumulator(str(run)).Reload().Scalars("train/intervals_per_second")
    return float(np.median([point.value for point in points if point.step > STEPS_AT_THE_START]))


if __name__ == "__main__":
    measure()
