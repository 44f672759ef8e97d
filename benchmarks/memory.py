"""Peak memory of packing a song of three hours beside one of three minutes.

python -m benchmarks.memory
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile

from settings.config import load_config
from shards.prepare import prepare
from songkey.keys import KEYS
from songs.song import Song

SAMPLE_RATE = 44100
MOST_MB = 300


def measure() -> None:
    """Print the peak memory of a process that packs each song, and their difference."""
    with tempfile.TemporaryDirectory() as folder:
        peaks = {}
        for minutes in (3, 180):
            path = Path(folder) / f"{minutes} minutes.flac"
            _write(path, minutes)
            command = [sys.executable, "-m", "benchmarks.memory", str(path)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            peaks[minutes] = int(done.stdout)
            path.unlink()
    difference = peaks[180] - peaks[3]
    print(
        f"peak memory while packing: {peaks[3]} MB for 3 minutes, {peaks[180]} MB for 3 hours: "
        f"{difference} MB more (<= {MOST_MB} MB)"
    )


def _pack_and_print_peak(path: Path) -> None:
    config = load_config(None, [f'prepare.shards_dir="{path}.shards"', "prepare.workers=1"])
    song = Song("song", "bench", str(path), KEYS[0], "song", "none", 1.0, "train")
    prepare("bench", [song], [], "audio", config)
    print(_peak_kilobytes() // 1024)


def _peak_kilobytes() -> int:
    """This program's own peak: getrusage's begins with that of the process that started it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def _write(path: Path, minutes: int) -> None:
    """Stereo noise and a tone, a minute at a time."""
    random = np.random.default_rng(0)
    tone = 0.3 * np.sin(2 * np.pi * 220 * np.arange(60 * SAMPLE_RATE) / SAMPLE_RATE)
    with soundfile.SoundFile(path, "w", SAMPLE_RATE, 2, "PCM_16") as file:
        for _ in range(minutes):
            noise = random.normal(0, 0.02, (len(tone), 2)).astype(np.float32)
            file.write(noise + tone[:, None].astype(np.float32))


if __name__ == "__main__":
    if len(sys.argv) == 2:
        _pack_and_print_peak(Path(sys.argv[1]))
    else:
        measure()
