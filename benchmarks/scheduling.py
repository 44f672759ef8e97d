"""Through a Dask scheduler all the tasks of packing ten million songs, submitted as packing does.

They do nothing, so that what is measured is the scheduler's and the submission's own part.
"""

import sys
import time
from collections.abc import Iterator
from dataclasses import replace

import psutil

from benchmarks.parallel import cluster
from settings.config import load_config
from shards.cluster import run_on_cluster
from shards.pack import PackTask
from shards.plan import plan
from songs import synthetic

TASKS, SONGS_A_TASK = 312_500, 32
LINES = 100
LEAST_RATE = 50  # tasks a second, the first thousand not counted: 256 cores that pack end 25
MOST_GROWTH_MB = 200  # of the scheduler, from its first thousand tasks to its last


def measure(count: int = TASKS) -> None:
    """Print tasks a second and memory on the way; exits 1 where the scheduler slows or grows."""
    began, seen = time.perf_counter(), []
    with cluster() as (scheduler, server):
        for done, _ in enumerate(run_on_cluster(do_nothing, _tasks(count), scheduler), 1):
            if done == 1000 or done % max(1000, count // LINES) == 0:
                seconds = time.perf_counter() - began
                megabytes = [_megabytes(pid) for pid in (server, psutil.Process().pid)]
                seen.append((done, seconds, megabytes[0]))
                print(
                    f"{done:>7} tasks after {seconds:5.0f} s, {done / seconds:4.0f} a second; "
                    f"scheduler {megabytes[0]:.0f} MB, this process {megabytes[1]:.0f} MB",
                    flush=True,
                )
    first, *_, last = seen
    growth = last[2] - first[2]
    rate = (last[0] - first[0]) / (last[1] - first[1])
    print(
        f"scheduler {growth:+.0f} MB (<= {MOST_GROWTH_MB}), {rate:.0f} a second (>= {LEAST_RATE})"
    )
    sys.exit(growth > MOST_GROWTH_MB or rate < LEAST_RATE)


def do_nothing(task: PackTask) -> str:
    """A worker's part."""
    return task.name


def _tasks(count: int) -> Iterator[PackTask]:
    """As large as real ones, made when they are asked for: ten million songs would take 5 GB."""
    songs = synthetic.songs(SONGS_A_TASK, 120.0, seed=0)
    config = load_config(None, ["split.valid_fraction=0.0", "split.test_fraction=0.0"])
    one = plan("bench", songs, "audio", config).splits[0].tasks[0]
    for number in range(count):
        yield replace(one, name=f"{number:06d}")


def _megabytes(pid: int) -> float:
    return psutil.Process(pid).memory_info().rss / 1e6
