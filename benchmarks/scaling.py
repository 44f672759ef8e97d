"""What one more song costs: time to pack it, and bytes of what is written about it.

python -m benchmarks.scaling
"""

import resource
import tempfile
import time
from pathlib import Path

import soundfile

from pipeline.manifest import MANIFEST_NAME, SONGS_NAME
from settings.config import load_config
from settings.sections import Config
from shards.prepare import prepare
from songkey.keys import KEYS
from songs import synthetic
from songs.song import Song

SAMPLE_RATE, SONG_SECONDS = 11025, 2
COUNTS = (100, 1_000, 10_000)  # songs
RERUN_SHARDS, RERUN_SECONDS = 1_000, 2  # shards there; most seconds that finding so may take
SETTINGS = (
    "prepare.workers=1", "prepare.interval_seconds=1.0", f"audio.sample_rate={SAMPLE_RATE}",
    "split.valid_fraction=0.0", "split.test_fraction=0.0",
)  # fmt: skip


def measure() -> None:
    """Print a line for each number of songs, and one for a run with nothing to do."""
    with tempfile.TemporaryDirectory() as folder:
        files = [_written(Path(folder), number) for number in range(len(KEYS))]
        _pack(_songs(files, 50), _config(Path(folder, "warm"), 32))
        for count in COUNTS:
            _report(_songs(files, count), Path(folder, str(count)))
        _measure_rerun(files, Path(folder, "again"))


def _report(songs: list[Song], folder: Path) -> None:
    seconds = _pack(songs, _config(folder, songs_per_shard=32))
    split = folder / "audio/bench/train"
    records = sum(path.stat().st_size for path in split.glob("[0-9]*.json"))
    table = (split / SONGS_NAME).stat().st_size
    manifest = (split / MANIFEST_NAME).stat().st_size
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(
        f"packing {len(songs):>6} songs of {SONG_SECONDS} s: {1000 * seconds / len(songs):.2f} ms, "
        f"records {records / len(songs):.0f} B, song table {table / len(songs):.1f} B, manifest "
        f"{manifest / len(songs):.1f} B a song; {peak:.0f} MB at most",
        flush=True,
    )


def _measure_rerun(files: list[Path], folder: Path) -> None:
    songs, config = _songs(files, 4 * RERUN_SHARDS), _config(folder, songs_per_shard=4)
    _pack(songs, config)
    seconds = min(_pack(songs, config) for _ in range(3))
    shards = len(list(folder.rglob("*.tar")))
    print(f"nothing to do over {shards} shards: {seconds:.2f} s (<= {RERUN_SECONDS})", flush=True)


def _pack(songs: list[Song], config: Config) -> float:
    began = time.perf_counter()
    prepare("bench", songs, [], "audio", config)
    return time.perf_counter() - began


def _config(folder: Path, songs_per_shard: int) -> Config:
    more = f'prepare.shards_dir="{folder}"', f"prepare.songs_per_shard={songs_per_shard}"
    return load_config(None, [*SETTINGS, *more])


def _songs(files: list[Path], count: int) -> list[Song]:
    """Songs under different names that share a few files, so that making them takes no time."""
    return [
        Song(f"{number:08d}", "bench", str(files[place]), KEYS[place], f"{number:08d}", "test", 1.0)
        for number in range(count)
        for place in [number % len(files)]
    ]


def _written(folder: Path, number: int) -> Path:
    path = folder / f"{number}.wav"
    waveform = synthetic.render(f"synthetic:0:{number}:{SONG_SECONDS}", SAMPLE_RATE)
    soundfile.write(path, waveform, SAMPLE_RATE)
    return path


if __name__ == "__main__":
    measure()
