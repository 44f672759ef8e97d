"""Packing through a Dask cluster whose workers are killed on the way, beside packing undisturbed.

A worker dies each time so many shards are there: by the clock, a busy machine would kill workers
that have not yet loaded their libraries, again and again.
"""

import hashlib
import random
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from benchmarks.parallel import cluster
from benchmarks.turns import seconds_of
from settings.config import load_config
from shards.prepare import prepare
from songs import synthetic

SONGS, SONG_SECONDS = 1440, 5.0
SETTINGS = "audio.sample_rate=11025", "prepare.interval_seconds=2.5", "prepare.songs_per_shard=4"
KILL_SHARDS = 24  # of 360, from one killed worker to the next
WATCH_SECONDS = 0.1


def measure() -> None:
    """Print what the killings cost; exits 1 where a file is missing or differs."""
    with tempfile.TemporaryDirectory() as folder, cluster() as (scheduler, _):

        def packed(name: str, workers: int, scheduler: str = "") -> None:
            places = f'prepare.shards_dir="{folder}/{name}"', f"prepare.workers={workers}"
            songs = synthetic.songs(SONGS, SONG_SECONDS, seed=0)
            config = load_config(None, [*SETTINGS, *places])
            prepare("bench", songs, [], "audio", config, scheduler=scheduler)

        quiet = seconds_of(lambda: packed("quiet", 1))
        with killing(Path(folder, "disturbed")) as killed:
            disturbed = seconds_of(lambda: packed("disturbed", 1, scheduler))
        one, other = (_digests(Path(folder, name)) for name in ("quiet", "disturbed"))
    differing = sum(one.get(name) != other.get(name) for name in {*one, *other})
    print(
        f"packing {SONGS} songs through Dask, a worker killed each {KILL_SHARDS} shards: "
        f"{len(killed)} killed in {disturbed:.0f} s (one process undisturbed: {quiet:.0f} s); "
        f"{differing} of {len(one)} files missing or different (0)",
        flush=True,
    )
    sys.exit(differing > 0 or not killed)


@contextmanager
def killing(folder: Path) -> Iterator[list[int]]:
    """Kill one of this program's Dask workers as shards come; their process ids."""
    ended, killed = threading.Event(), list[int]()

    def kill() -> None:
        while not ended.wait(WATCH_SECONDS):
            due = len(list(folder.rglob("[0-9]*.json"))) // KILL_SHARDS
            if len(killed) < due and (workers := _workers()):
                worker = random.choice(workers)
                with suppress(psutil.NoSuchProcess):
                    worker.kill()
                    killed.append(worker.pid)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        yield killed
    finally:
        ended.set()
        killer.join()


def _workers() -> list[psutil.Process]:
    """The processes that their nannies start; not those that guard their decoders."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if "spawn_main" in " ".join(process.cmdline()):
                found.append(process)
    return found


def _digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file, by its path below the folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }
