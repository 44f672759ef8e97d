"""Half an hour of training and of naming keys: memory, open files and rates have to stay flat.

python -m benchmarks.soaking
python -m benchmarks.soaking 60
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from benchmarks.songs import written_songs
from benchmarks.watching import Watched, growth
from settings.config import load_config
from shards.prepare import prepare
from songs import synthetic

SONGS, SONG_SECONDS = 240, 20.0
TRAINING = (
    "audio.sample_rate=11025", "prepare.interval_seconds=4.0", "cqt.hop_length=2048",
    "prepare.songs_per_shard=8", "train.epochs=1000000", "train.schedule=constant",
    "train.checkpoint_every_steps=200", "train.limit_fraction=1.0", "stream.workers=2",
)  # fmt: skip
# A hundred of them, each with workers of its own.
SHORT_EPOCHS = "stream.format=png", "train.dataset_weights={bench = 10.0}"
ONE_EPOCH = "stream.format=audio", "train.dataset_weights={bench = 1e4}"  # that never ends
FILES, FILE_SECONDS, FILE_RATE = 5000, 60.0, 44_100
ENDINGS = "mp3", "flac"
ORIGINALS = 12  # of each
MOST_LOSS = 0.10  # of what a second of processor time does: other programs lower that too


def main() -> None:
    """Soak; exits 1 where something grows."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("minutes", nargs="?", type=float, default=30.0, help="of training: 30")
    parser.add_argument("--files", type=int, default=FILES, help=f"to name keys of: {FILES}")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        complaints = _training(Path(folder), 60 * arguments.minutes / 2)
        complaints += _naming(Path(folder), arguments.files)
    for complaint in complaints:
        print(f"not flat: {complaint}", file=sys.stderr)
    sys.exit(bool(complaints))


def _training(folder: Path, seconds: float) -> list[str]:
    """Short epochs, then one without an end, for so long each; what is not flat."""
    places = f'prepare.shards_dir="{folder}/shards"', f'train.runs_dir="{folder}/runs"'
    settings = [*TRAINING, *places, 'train.datasets=["bench"]']
    for format in ("audio", "png"):
        songs = synthetic.songs(SONGS, SONG_SECONDS, seed=0)
        prepare("bench", songs, [], format, load_config(None, settings))
    complaints = []
    for name, more in (("short-epochs", SHORT_EPOCHS), ("one-epoch", ONE_EPOCH)):
        words = [word for one in (*settings, *more) for word in ("--set", one)]
        command = [sys.executable, "train.py", "--name", name, *words]
        program = Watched(command, seconds, OMP_NUM_THREADS="1")
        if program.exit_code != 130:  # after Ctrl-C, with everything saved
            raise SystemExit(f"train.py ended with {program.exit_code}: {program.errors}")
        (run,) = folder.glob(f"runs/*-{name}")
        times, steps = _trained(run)
        complaints += _report(f"steps, {name}", program, times - program.began, steps)
    return complaints


def _trained(run: Path) -> tuple[np.ndarray, np.ndarray]:
    """When a run told how many steps it had done, and how many those were."""
    events = EventAccumulator(str(run), size_guidance={"scalars": 0})
    events.Reload()
    points = events.Scalars("train/loss")
    return np.array([point.wall_time for point in points]), np.array([p.step for p in points])


def _naming(folder: Path, count: int) -> list[str]:
    """The keys of so many files by `songkey`, and by predict.py with the run's own network."""
    music = folder / "music"
    originals = folder / "originals"
    music.mkdir()
    for ending in ENDINGS:
        place = originals / ending
        place.mkdir(parents=True)
        written_songs(place, ORIGINALS, FILE_SECONDS, FILE_RATE, ending, channels=2)
    files = sorted(originals.rglob("*.*"))
    for number in range(count):
        original = files[number % len(files)]
        os.link(original, music / f"{number:05d}{original.suffix}")
    run = str(next(iter(folder.glob("runs/*-short-epochs"))))
    complaints = []
    for program_name, command in (
        ("songkey", ["-m", "songkey"]),
        ("predict.py", ["predict.py", "--checkpoint", run]),
    ):
        program = Watched(
            [sys.executable, *command, "--jsonl", "--workers", "2", str(music)], every_seconds=0.5
        )
        if program.exit_code or len(program.lines) != count:
            raise SystemExit(
                f"{program_name}: {len(program.lines)} of {count} files, {program.errors}"
            )
        complaints += _report(f"files, {program_name}", program, program.lines, range(count))
    return complaints


def _report(
    what: str, program: Watched, seconds: Sequence[float] | np.ndarray,
    done: Sequence[float] | np.ndarray,
) -> list[str]:  # fmt: skip
    """Print what was seen of a program; what of it is not flat."""
    ends, rates, dear = program.rates(seconds, done)
    gain, dear_gain = (growth(ends, each) / each.mean() for each in (rates, dear))
    print(
        f"{what}: {done[-1]} in {program.seconds:.0f} s, {np.median(rates):.1f} a second "
        f"({gain:+.1%} after warm-up), {np.median(dear):.1f} in one of processor time "
        f"({dear_gain:+.1%})"
    )
    complaints = [f"{what}: work takes {-dear_gain:.1%} more"] if -dear_gain > MOST_LOSS else []
    for name, series in program.judged().items():
        print("  " + series.line(name), flush=True)
        complaints += [f"{what}: {one}" for one in series.complaints(name)]
    return complaints


if __name__ == "__main__":
    main()
