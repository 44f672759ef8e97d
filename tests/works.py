"""What is disturbed in `just test-faults`: how each work begins and goes on, and what it gives.

All happens in a folder that holds music, shards and runs, under paths from that folder.
"""

import json
import shutil
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import an_epoch
import numpy as np
import optuna
import soundfile
from forked import Forked
from optuna.trial import TrialState

import eval as evaluation
import train
from model.checkpoint import load_checkpoint
from shards import __main__ as shards
from study import __main__ as study
from training.run_checkpoints import run_and_checkpoint

SONGS, MORE_SONGS, SECONDS, RATE = 36, 6, 4, 8_000
KEYS = ("C minor", "A major", "F minor", "Eb major")
SMALL = {
    "audio.sample_rate": RATE, "prepare.interval_seconds": 1.0, "prepare.songs_per_shard": 2,
    "prepare.workers": 1, "split.valid_fraction": 0.2, "split.test_fraction": 0.2,
    "prepare.shards_dir": '"shards"', "train.runs_dir": '"runs"', "stream.cache_dir": '"cache"',
    "cqt.fmin_hz": 130.8, "cqt.n_bins": 72, "cqt.bins_per_octave": 24, "cqt.hop_length": 1024,
    "augment.frequency_mask_bins": 2, "augment.time_mask_frames": 1, "model.channels": 4,
    "train.datasets": '["folder"]', "train.epochs": 2, "train.global_batch_size": 8,
    "train.checkpoint_every_steps": 2, "train.pictures_every_epochs": 1000,
    "eval.datasets": '["folder"]', "eval.batch_size": 8, "stream.workers": 1,
}  # fmt: skip
RATES = (0.001, 0.01)
SWEEP = f"""question = "Which rate?"
sampler = "grid"
pruner = "none"
[search]
train.learning_rate = {list(RATES)}
"""


def settings(**changed: object) -> list[str]:
    """The small settings as a command line; "section__name" changes one."""
    values = SMALL | {name.replace("__", "."): value for name, value in changed.items()}
    return [word for name, value in values.items() for word in ("--set", f"{name}={value}")]


@dataclass(frozen=True)
class Work:
    """`begin` starts it, or goes on with it, in a folder; `found` is what it gave, to compare."""

    name: str
    begin: Callable[..., list[Forked]]
    found: Callable[[Path], object]
    stage: str  # "music", "packed" or "trained": what is there before
    makes: tuple[str, ...]  # the folders that it writes to


def write_music(folder: Path, numbers: Sequence[int]) -> None:
    """Songs that differ, in folders that are named by keys."""
    for number in numbers:
        place = folder / "music" / KEYS[number % len(KEYS)]
        place.mkdir(parents=True, exist_ok=True)
        chance = np.random.default_rng(number)
        times = np.arange(SECONDS * RATE) / RATE
        tones = np.sin(2 * np.pi * np.outer(chance.uniform(130, 900, 4), times)).sum(0)
        soundfile.write(place / f"{number:03}.wav", 0.1 * tones, RATE)


def files_in(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, hidden ones too, but locks, which say nothing."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".lock"
    }


def pack(folder: Path, *words: str, workers: int = 1, **fork) -> list[Forked]:
    several = settings(prepare__workers=workers)
    return [Forked(folder, shards, "pack", "folder", "music", *several, *words, **fork)]


def packed(folder: Path) -> dict[str, bytes]:
    return files_in(folder / "shards")


def read(folder: Path, shards_dir: str = "shards", **fork) -> list[Forked]:
    """Read an epoch of the shards there, and write down what came."""
    return [Forked(folder, an_epoch, *settings(prepare__shards_dir=f'"{shards_dir}"'), **fork)]


def was_read(folder: Path) -> object:
    return json.loads((folder / "read.json").read_text())


def begin_training(folder: Path, ranks: int = 1, **fork) -> list[Forked]:
    """A run, or the newest one that saved something, gone on with."""
    saved = sorted(folder.glob("runs/*/checkpoints/last.safetensors"))
    number = len(list(folder.glob("runs/*")))  # two that begin in one second would have one name
    words = ["--name", f"a{number}", *settings()]
    if saved:
        words = ["--resume", str(saved[-1].parent.parent.relative_to(folder))]
    fork["ACCELERATE_USE_CPU"] = "true"
    if ranks == 1:
        return [Forked(folder, train, *words, **fork)]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    world = {"WORLD_SIZE": str(ranks), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    return [
        Forked(folder, train, *words, RANK=str(n), LOCAL_RANK=str(n), **world, **fork)
        for n in range(ranks)
    ]


def was_trained(folder: Path) -> object:
    """The weights and where the run stands, of its last and its best checkpoint."""
    (run,) = {path.parent.parent for path in folder.glob("runs/*/checkpoints/last.safetensors")}
    run_and_checkpoint(run)
    found = {}
    for name in ("last", "best"):
        checkpoint = load_checkpoint(run / f"checkpoints/{name}.safetensors")
        weights = {key: value.numpy().tobytes() for key, value in checkpoint.trained.items()}
        found[name] = (weights, checkpoint.state["progress"])
    leftovers = [path.name for path in run.rglob(".*.tmp")]
    return found, leftovers


def evaluate(folder: Path, **fork) -> list[Forked]:
    (run,) = folder.glob("runs/*")
    words = ["--checkpoint", str(run.relative_to(folder)), *settings()]
    return [Forked(folder, evaluation, *words, ACCELERATE_USE_CPU="true", **fork)]


def was_evaluated(folder: Path) -> object:
    (answers,) = folder.glob("runs/*/predictions-*.tsv")
    (report,) = folder.glob("runs/*/report-*.html")
    return answers.read_bytes(), report.read_bytes().endswith(b"</html>\n")


def sweep(folder: Path, **fork) -> list[Forked]:
    (folder / "which.toml").write_text(SWEEP)
    return [Forked(folder, study, "which.toml", *settings(train__epochs=1), **fork)]


def was_swept(folder: Path) -> object:
    """Each trial's settings, end and score.

    One beyond the plan, which two processes may ask for at once, has to be given back unused.
    """
    found = optuna.load_study(study_name="which", storage=f"sqlite:///{folder}/runs/which/study.db")
    planned, beyond = found.trials[: len(RATES)], found.trials[len(RATES) :]
    assert all(one.state == TrialState.FAIL and not one.params for one in beyond)
    return sorted((str(one.params), one.state.name, one.value) for one in planned)


def stages(folder: Path) -> dict[str, Path]:
    """A folder for each stage of the works, in which they begin."""
    places = {name: folder / name for name in ("music", "packed", "appending", "trained")}
    write_music(places["music"], range(SONGS))
    done = pack(places["music"].parent / "music")
    assert done[0].wait(60) == 0, done[0].told
    shutil.copytree(places["music"], places["packed"])
    shutil.rmtree(places["music"] / "shards")
    shutil.copytree(places["packed"], places["appending"])
    write_music(places["appending"], range(SONGS, SONGS + MORE_SONGS))
    shutil.copytree(places["packed"], places["trained"])
    (done,) = begin_training(places["trained"])
    assert done.wait(120) == 0, done.told
    return places


PACKING = Work("packing", pack, packed, "music", ("shards",))
APPENDING = Work("appending", pack, packed, "appending", ("shards",))
STREAMING = Work("streaming", read, was_read, "packed", ("cache",))
TRAINING = Work("training", begin_training, was_trained, "packed", ("runs",))
TRAINING_BY_TWO = Work(
    "training by two", partial(begin_training, ranks=2), was_trained, "packed", ("runs",)
)
EVALUATING = Work("evaluating", evaluate, was_evaluated, "trained", ("runs",))
SWEEPING = Work("sweeping", sweep, was_swept, "packed", ("runs",))
