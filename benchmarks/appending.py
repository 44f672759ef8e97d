"""How long it takes to add one song to many that are packed, against packing all of them anew."""

import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile

from benchmarks.turns import seconds_of

ROOT = Path(__file__).parent.parent
SONGS, SONG_SECONDS, SAMPLE_RATE = 10_000, 2.0, 8000
RUNS, MOST_SECONDS = 3, 10


def measure() -> None:
    """Print what the whole command takes at first, with one song more, and with nothing to do."""
    with tempfile.TemporaryDirectory() as folder:
        music = Path(folder, "music/C minor")
        music.mkdir(parents=True)
        for number in range(SONGS):
            _write(music, number)
        anew = _pack(folder)
        tars = _tars(folder)
        added = []
        for number in range(SONGS, SONGS + RUNS):
            _write(music, number)
            added.append(_pack(folder))
        unchanged = _pack(folder)
        if not _tars(folder).items() > tars.items():
            raise ValueError("a shard was packed again, or none was added")
    longest = max(added)
    print(
        f"adding 1 song to {SONGS:,}: {longest} (<= {MOST_SECONDS} s); all of them anew: {anew}; "
        f"nothing to do: {unchanged}",
        flush=True,
    )


class _Seconds(NamedTuple):
    seconds: float
    of_cpu: float  # which tells a slow command from a busy machine

    def __str__(self) -> str:
        return f"{self.seconds:.1f} s, {self.of_cpu:.1f} s of CPU"


def _write(music: Path, number: int) -> None:
    noise = np.random.default_rng(number).normal(0, 0.1, round(SONG_SECONDS * SAMPLE_RATE))
    soundfile.write(music / f"{number:06d}.flac", noise, SAMPLE_RATE)


def _pack(folder: str) -> _Seconds:
    settings = [
        f'prepare.shards_dir="{folder}/shards"', f"audio.sample_rate={SAMPLE_RATE}",
        "prepare.interval_seconds=1.0",
    ]  # fmt: skip
    words = [word for setting in settings for word in ("--set", setting)]
    command = [sys.executable, "-m", "shards", "pack", "folder", f"{folder}/music", *words]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = seconds_of(
        lambda: subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    of_cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return _Seconds(seconds, of_cpu)


def _tars(folder: str) -> dict[Path, int]:
    """Of each tar when it was written."""
    return {path: path.stat().st_mtime_ns for path in Path(folder, "shards").rglob("*.tar")}
