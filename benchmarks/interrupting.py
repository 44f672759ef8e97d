"""How long packing takes to end after Ctrl-C, unfinished files removed."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.turns import seconds_of

ROOT = Path(__file__).parent.parent
RUNS, MOST_SECONDS = 3, 5


def measure() -> None:
    """Print the longest of a few interruptions of two processes at work."""
    seconds = max(_interrupted() for _ in range(RUNS))
    print(f"Ctrl-C while two processes pack: ended after {seconds:.1f} s (<= {MOST_SECONDS} s)")


def _interrupted() -> float:
    """Seconds from the signal, to all processes as by a terminal, to the program's end."""
    with tempfile.TemporaryDirectory() as folder:
        settings = ["--set", f'prepare.shards_dir="{folder}"', "--set", "prepare.workers=2"]
        packing = subprocess.Popen(
            [sys.executable, "-m", "shards", "pack", "synthetic", *settings], cwd=ROOT,
            start_new_session=True, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        while not list(Path(folder).rglob("*.json")):  # until the first shard is whole
            if packing.poll() is not None:
                raise ValueError(f"packing ended by itself, with exit code {packing.returncode}")
            time.sleep(0.05)
        os.killpg(packing.pid, signal.SIGINT)
        seconds = seconds_of(packing.wait)
        if leftovers := list(Path(folder).rglob("*.tmp")):
            raise ValueError(f"unfinished files are left: {leftovers}")
    return seconds
