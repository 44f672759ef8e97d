"""How long packing takes to end after Ctrl-C, unfinished files removed.

python -m benchmarks.interrupting
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
RUNS, MOST_SECONDS = 3, 5


def measure() -> None:
    """Print the longest of a few interruptions of two processes at work."""
    seconds = max(_interrupted() for _ in range(RUNS))
    print(f"Ctrl-C while two processes pack: ended after {seconds:.1f} s (<= {MOST_SECONDS} s)")


def _interrupted() -> float:
    """Seconds from the signal, to all processes as by a terminal, to the program's end."""
    with tempfile.TemporaryDirectory() as folder:
        settings = (f'prepare.shards_dir="{folder}"', "prepare.workers=2")
        overrides = [word for one in settings for word in ("--set", one)]
        packing = subprocess.Popen(
            [sys.executable, "-m", "shards", "pack", "synthetic", *overrides], cwd=ROOT,
            start_new_session=True, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        while not list(Path(folder).rglob("*.json")):  # until the first shard is whole
            if packing.poll() is not None:
                raise ValueError(f"packing ended by itself, with exit code {packing.returncode}")
            time.sleep(0.05)
        began = time.perf_counter()
        os.killpg(packing.pid, signal.SIGINT)
        packing.wait()
        seconds = time.perf_counter() - began
        if leftovers := list(Path(folder).rglob("*.tmp")):
            raise ValueError(f"unfinished files are left: {leftovers}")
    return seconds


if __name__ == "__main__":
    measure()
