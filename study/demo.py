"""The whole path on songs made here: pack, train, evaluate on full songs, predict one file.

    python -m study.demo

Exits 1 unless the trained network scores at least 80 weighted on the songs held out.
"""

import settings.extras  # noqa: F401  # isort: skip

import subprocess
import sys
import time
from pathlib import Path

import soundfile

from evaluation.predictions import compare
from settings.command import run
from settings.config import load_config
from songkey.errors import AudioKeyError
from songs import synthetic

SETTINGS = "experiments/demo.toml"
LEAST_WEIGHTED = 80.0
LAUNCH = (  # one process; all said, so that Accelerate does not list what was not
    "launch", "--quiet", "--num_processes=1", "--num_machines=1", "--mixed_precision=no",
    "--dynamo_backend=no",
)  # fmt: skip


def main() -> None:
    """Run every command as a user would, one after the other."""
    began = time.perf_counter()
    config = load_config(SETTINGS)
    launch = [str(Path(sys.executable).with_name("accelerate")), *LAUNCH]
    runs = Path(config.train.runs_dir)
    # Anew: an older version of this program may have made other songs of the same settings.
    _run(sys.executable, "-m", "shards", "pack", "synthetic", "--config", SETTINGS, "--overwrite")
    before = set(runs.glob("*-demo"))
    _run(*launch, "train.py", "--config", SETTINGS, "--name", "demo")
    (trained,) = set(runs.glob("*-demo")) - before
    _run(*launch, "eval.py", "--config", SETTINGS, "--checkpoint", str(trained))
    song = _write_song(trained, config.audio.sample_rate)
    _run(sys.executable, "predict.py", "--checkpoint", str(trained), str(song))
    answers = trained / "predictions-best-audio-synthetic-test.tsv"
    weighted = compare(answers, answers).score.weighted
    minutes = (time.perf_counter() - began) / 60
    print(f"\n{minutes:.1f} minutes; weighted score {weighted:.1f} on songs held out")
    print(f"shards in {config.prepare.shards_dir}, weights, curves and answers in {trained}")
    print(f"curves: just tensorboard    your own music: just predict --checkpoint {trained} FILE")
    if weighted < LEAST_WEIGHTED:
        raise AudioKeyError(f"the score is below {LEAST_WEIGHTED}: something is broken")


def _run(*command: str) -> None:
    print(f"\n$ {' '.join(command)}", flush=True)
    if code := subprocess.run(command).returncode:
        raise AudioKeyError(f"this command failed with exit code {code}")


def _write_song(folder: Path, sample_rate: int) -> Path:
    """A song from another seed than the training's, as an audio file."""
    song = synthetic.song_of(seed=1, number=0, song_seconds=60.0)
    path = folder / f"a song in {song.key}.flac"
    soundfile.write(path, synthetic.render(song.audio_path, sample_rate), sample_rate)
    return path


if __name__ == "__main__":
    run(main)
