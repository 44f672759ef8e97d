"""Peak memory of packing a song of three hours beside one of three minutes."""

import multiprocessing
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import soundfile

from benchmarks.songs import packed
from songkey.keys import KEYS
from songs.song import Song

SAMPLE_RATE = 44100
MOST_MB = 300


def measure() -> None:
    """Print the peak memory of a process that packs each song, and their difference."""
    short, long = _peak_mb(3), _peak_mb(180)
    print(
        f"peak memory while packing: {short} MB for 3 minutes, {long} MB for 3 hours: "
        f"{long - short} MB more (<= {MOST_MB} MB)"
    )


def _peak_mb(minutes: int) -> int:
    """Of a new process that packs a song of that length."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "song.flac")
        _write(path, minutes)
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            return pool.submit(_pack, path).result() // 1024


def _pack(path: Path) -> int:
    """Packs a song; this process's own peak, kB: getrusage's begins with its parent's."""
    song = Song("song", "bench", str(path), KEYS[0], "song", "none", 1.0, "train")
    packed([song], path.parent, "audio", "prepare.workers=1")
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
