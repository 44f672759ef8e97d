"""What one more song costs: time to pack it, and bytes of what is written about it."""

import resource
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.songs import under_other_names, written_songs
from benchmarks.turns import seconds_of
from pipeline.manifest import MANIFEST_NAME, SONGS_NAME
from settings.config import load_config
from shards.prepare import prepare
from songkey.keys import KEYS
from songs.song import Song

SAMPLE_RATE, SONG_SECONDS = 11025, 2
COUNTS = (100, 1_000, 10_000)  # songs
RERUN_SHARDS, RERUN_SECONDS = 1_000, 2  # shards there; most seconds that finding so may take
SETTINGS = (
    "prepare.workers=1", "prepare.interval_seconds=1.0", f"audio.sample_rate={SAMPLE_RATE}",
)  # fmt: skip


def measure() -> None:
    """Print a line for each number of songs, and one for a run with nothing to do."""
    with tempfile.TemporaryDirectory() as folder:
        files = written_songs(folder, len(KEYS), SONG_SECONDS, SAMPLE_RATE, "wav")
        _pack(under_other_names(files, 50), Path(folder, "warm"))
        for count in COUNTS:
            _report(under_other_names(files, count), Path(folder, str(count)))
        _measure_rerun(under_other_names(files, 4 * RERUN_SHARDS), Path(folder, "again"))


def _report(songs: Sequence[Song], folder: Path) -> None:
    seconds = _pack(songs, folder)
    split = folder / "audio/bench/train"
    records = sum(path.stat().st_size for path in split.glob("[0-9]*.json"))
    table, manifest = ((split / name).stat().st_size for name in (SONGS_NAME, MANIFEST_NAME))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(
        f"packing {len(songs):>6} songs of {SONG_SECONDS} s: {1000 * seconds / len(songs):.2f} ms, "
        f"records {records / len(songs):.0f} B, song table {table / len(songs):.1f} B, manifest "
        f"{manifest / len(songs):.1f} B a song; {peak:.0f} MB at most",
        flush=True,
    )


def _measure_rerun(songs: Sequence[Song], folder: Path) -> None:
    _pack(songs, folder, songs_per_shard=4)
    seconds = min(_pack(songs, folder, songs_per_shard=4) for _ in range(3))
    shards = len(list(folder.rglob("*.tar")))
    print(f"nothing to do over {shards} shards: {seconds:.2f} s (<= {RERUN_SECONDS})", flush=True)


def _pack(songs: Sequence[Song], folder: Path, songs_per_shard: int = 32) -> float:
    """The seconds that it takes."""
    more = f'prepare.shards_dir="{folder}"', f"prepare.songs_per_shard={songs_per_shard}"
    config = load_config(None, [*SETTINGS, *more])
    return seconds_of(lambda: prepare("bench", songs, [], "audio", config))
