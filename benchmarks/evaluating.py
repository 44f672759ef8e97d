"""How long the songs of a test set take: eval.py on PNG shards, its start included.

python -m benchmarks.evaluating
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.songs import flac_song, under_other_names
from evaluation.listener import network_of
from model.checkpoint import save_checkpoint
from settings.config import load_config
from shards.prepare import prepare

ROOT = Path(__file__).parent.parent
ORIGINALS, SONGS, SONG_SECONDS, MOST_SECONDS = 4, 604, 120.0, 60


def measure() -> None:
    """Print the wall time of evaluating 604 songs of six intervals."""
    with tempfile.TemporaryDirectory() as folder:
        overrides = [f'prepare.shards_dir="{folder}"', "stream.format=png"]
        config = load_config(None, overrides)
        rate = config.audio.sample_rate
        files = [flac_song(Path(folder), n, SONG_SECONDS, rate) for n in range(ORIGINALS)]
        songs = [s for one in files for s in under_other_names(one, SONGS // ORIGINALS)]
        prepare("bench", songs, [], "png", config)
        checkpoint = Path(folder, "untrained.safetensors")
        save_checkpoint(checkpoint, network_of(config), config.model_dump(mode="json"), {})
        began = time.perf_counter()
        command = ["--checkpoint", str(checkpoint), "--datasets", "bench"]
        settings = [word for one in [*overrides, "eval.split=train"] for word in ("--set", one)]
        subprocess.run(
            [sys.executable, "eval.py", *command, *settings], check=True, cwd=ROOT,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        seconds = time.perf_counter() - began
    print(
        f"evaluating {SONGS} songs of 6 intervals from png shards: {seconds:.1f} s "
        f"(<= {MOST_SECONDS} s)"
    )


if __name__ == "__main__":
    measure()
