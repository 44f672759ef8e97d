"""Training in two processes against one on the same intervals, one thread each."""

import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from benchmarks.songs import packed, under_other_names, written_songs
from settings.config import toml_of

ROOT = Path(__file__).parent.parent
ORIGINALS, SONGS, SONG_SECONDS, LEAST_SPEEDUP = 4, 192, 400.0, 1.6
STEPS_AT_THE_START = 10  # not counted: the first batches


def measure() -> None:
    """Print how many times the intervals a second of one process two processes train on."""
    with tempfile.TemporaryDirectory() as folder:
        valid, *files = written_songs(folder, 1 + ORIGINALS, SONG_SECONDS)
        songs = [*under_other_names(files, SONGS), replace(valid, split="valid")]
        config = packed(
            songs, folder, "png", f'train.runs_dir="{folder}"', 'train.datasets=["bench"]',
            "train.epochs=1",
        )  # fmt: skip
        Path(folder, "config.toml").write_bytes(toml_of(config))
        one, two = (_rate(Path(folder), processes) for processes in (1, 2))
    ratio = f"{two / one:.2f} times the rate of one (>= {LEAST_SPEEDUP})"
    print(f"training from png shards, two processes: {ratio}, {two:.0f} intervals a second")


def _rate(folder: Path, processes: int) -> float:
    """Intervals a second of one epoch, the median over its curve."""
    launch = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"]
    options = ["--name", f"{processes}", "--config", str(folder / "config.toml")]
    done = subprocess.run(
        [sys.executable, *launch, "train.py", *options],
        cwd=ROOT, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"},
    )  # fmt: skip
    if done.returncode:
        sys.exit(done.stderr)
    (run,) = folder.glob(f"*-{processes}")
    points = EventAccumulator(str(run)).Reload().Scalars("train/intervals_per_second")
    return float(np.median([point.value for point in points if point.step > STEPS_AT_THE_START]))
