"""How long the songs of a test set take: eval.py on PNG shards, its start included."""

import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.songs import packed, under_other_names, written_songs
from benchmarks.turns import seconds_of
from evaluation.listener import network_of
from model.checkpoint import save_checkpoint
from settings.config import toml_of

ROOT = Path(__file__).parent.parent
ORIGINALS, SONGS, SONG_SECONDS, MOST_SECONDS = 4, 604, 120.0, 60


def measure() -> None:
    """Print the wall time of evaluating 604 songs of six intervals."""
    with tempfile.TemporaryDirectory() as folder:
        songs = under_other_names(written_songs(folder, ORIGINALS, SONG_SECONDS), SONGS)
        config = packed(songs, folder, "png", 'eval.datasets=["bench"]', "eval.split=train")
        checkpoint, settings = Path(folder, "best.safetensors"), Path(folder, "config.toml")
        save_checkpoint(checkpoint, network_of(config), config.model_dump(mode="json"), {})
        settings.write_bytes(toml_of(config))
        options = ["--checkpoint", str(checkpoint), "--config", str(settings)]
        command = [sys.executable, "eval.py", *options]
        seconds = seconds_of(
            lambda: subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
        )
    print(
        f"evaluating {SONGS} songs of 6 intervals from png shards: {seconds:.1f} s "
        f"(<= {MOST_SECONDS} s)"
    )
