"""Packing in two processes against one, and through a Dask cluster against local processes."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.turns import report, seconds_of
from settings.config import load_config
from shards.prepare import prepare
from songs import synthetic

ROOT = Path(__file__).parent.parent
SONGS, SONG_SECONDS = 1440, 20.0  # in 180 shards; starting the processes is in the time
LEAST_SPEEDUP, LEAST_SHARE = 1.7, 0.85


def measure() -> None:
    """Print how many times faster two processes are than one, and Dask's share of their rate."""
    with tempfile.TemporaryDirectory() as folder, cluster() as (scheduler, _):
        settings = [
            f'prepare.shards_dir="{folder}"', "prepare.songs_per_shard=8",
            "audio.sample_rate=22050",
        ]  # fmt: skip

        def packed(workers: int, scheduler: str = "") -> None:
            config = load_config(None, [*settings, f"prepare.workers={workers}"])
            songs = synthetic.songs(SONGS, SONG_SECONDS, seed=0)
            prepare("bench", songs, [], "png", config, True, scheduler)

        one = seconds_of(lambda: packed(1))
        two = seconds_of(lambda: packed(2))
        cluster = seconds_of(lambda: packed(2, scheduler))
    ratio = f"{one / two:.2f} times the rate of one (>= {LEAST_SPEEDUP})"
    print(f"packing {SONGS} synthetic songs as png, two processes: {ratio}", flush=True)
    report("packing on a Dask cluster of two, against two processes", cluster, two, LEAST_SHARE)


@contextmanager
def cluster(workers: int = 2) -> Iterator[tuple[str, int]]:
    """The address of a scheduler here with so many workers, and its process id."""
    dask = str(Path(sys.executable).with_name("dask"))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    server = subprocess.Popen(
        [dask, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"],
        stderr=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip
    address = next(line.split()[-1] for line in server.stderr or () if "Scheduler at:" in line)
    nannies = subprocess.Popen(
        [dask, "worker", address, "--nworkers", str(workers), "--nthreads", "1", "--no-dashboard"],
        stderr=subprocess.DEVNULL, env=environment,
    )  # fmt: skip
    time.sleep(5)  # until both workers are there
    try:
        yield address, server.pid
    finally:
        for process in (nannies, server):
            process.terminate()
            process.wait()
