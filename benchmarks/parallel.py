"""Packing in two processes against one, and through a Dask cluster against local processes.

Beside the first stands what this machine gives: the same tasks in two processes against one, each
process with a half of its own, once all has been loaded. Two virtual cores may share one real one.
"""

import multiprocessing
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.synchronize import Barrier
from pathlib import Path

from benchmarks.turns import report, seconds_of
from settings.config import load_config
from shards.pack import PackTask, pack_shard
from shards.plan import plan
from shards.prepare import prepare
from songs import synthetic

ROOT = Path(__file__).parent.parent
SONGS, SONG_SECONDS = 1440, 20.0  # in 180 shards; starting the processes is in the time
BOUND_TASKS = 40  # of them, in which the machine shows what it can
LEAST_SPEEDUP, LEAST_SHARE = 1.8, 0.90


def measure(count: int = SONGS) -> None:
    """Print how many times faster two processes are than one, and Dask's share of their rate."""
    with tempfile.TemporaryDirectory() as folder, cluster() as (scheduler, _):
        settings = [
            f'prepare.shards_dir="{folder}"', "prepare.songs_per_shard=8",
            "audio.sample_rate=22050",
        ]  # fmt: skip
        songs = synthetic.songs(count, SONG_SECONDS, seed=0)

        def packed(workers: int, scheduler: str = "") -> None:
            config = load_config(None, [*settings, f"prepare.workers={workers}"])
            prepare("bench", songs, [], "png", config, True, scheduler)

        bound = _bound(plan("bench", songs, "png", load_config(None, settings)).splits[0].tasks)
        one = seconds_of(lambda: packed(1))
        two = seconds_of(lambda: packed(2))
        dask = seconds_of(lambda: packed(2, scheduler))
    print(
        f"packing {count} synthetic songs as png, two processes: {one / two:.2f} times the rate of "
        f"one (>= {LEAST_SPEEDUP}); two bare loops: {bound:.2f} times that of one",
        flush=True,
    )
    report("packing on a Dask cluster of two, against two processes", dask, two, LEAST_SHARE)


def _bound(tasks: Sequence[PackTask]) -> float:
    """How many times faster two processes do tasks, with nothing between them, than one."""
    some = list(tasks[:BOUND_TASKS])
    one, two = (_seconds_in(some, processes) for processes in (1, 2))
    return one / two


def _seconds_in(tasks: Sequence[PackTask], processes: int) -> float:
    """How long so many processes take that share the tasks, from when all have begun."""
    context = multiprocessing.get_context("spawn")
    ready, ended = context.Barrier(processes + 1), context.Barrier(processes + 1)
    several = [
        context.Process(target=_pack, args=(tasks[number::processes], ready, ended))
        for number in range(processes)
    ]
    for process in several:
        process.start()
    ready.wait()
    seconds = seconds_of(ended.wait)
    for process in several:
        process.join()
    return seconds


def _pack(tasks: Sequence[PackTask], ready: Barrier, ended: Barrier) -> None:
    """A bare loop; the first task is done twice, to load all that is needed."""
    tasks[0].folder.mkdir(parents=True, exist_ok=True)  # type: ignore[union-attr]  # a Path
    pack_shard(tasks[0])
    ready.wait()
    for task in tasks:
        pack_shard(task)
    ended.wait()


@contextmanager
def cluster(workers: int = 2) -> Iterator[tuple[str, int]]:
    """The address of a scheduler here with so many workers, and its process id."""
    dask = str(Path(sys.executable).with_name("dask"))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    server = subprocess.Popen(
        [dask, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"],
        stderr=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip
    lines = iter(server.stderr or ())
    address = next(line.split()[-1] for line in lines if "Scheduler at:" in line)
    threading.Thread(target=list, args=(lines,), daemon=True).start()  # or its pipe runs full
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
