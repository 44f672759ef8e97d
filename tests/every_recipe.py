"""Every recipe that trains, evaluates or searches, once, on made-up songs: `just test-all`.

Not a part of `just test`: it takes minutes. The songs stand in for ncs, gs_mtg and gs_key.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import soundfile
from conftest import ROOT, pack_synthetic, settings, small_config

from songs import synthetic

JUST = shutil.which("just")
# A recipe whose .venv is old begins with `setup`, which clears it: not from within a test.
WITHOUT_SETUP = {"PYTHON": "false", "OMP_NUM_THREADS": "1"}
GROUPS = ("train", "eval", "experiments", "smoke", "tune")
ELSEWHERE = {
    "tensorboard": "a server that does not end", "predict": "tests/test_predict.py",
    "page": "tests/test_page.py",
    "evaluate-default": "tests/test_scorecard.py", "compare-peers": "tests/test_peers.py",
}  # fmt: skip
STAND_INS = ("synthetic", "ncs", "gs_mtg", "gs_key")
QUICK = (
    "train.epochs=1",
    "datasets.synthetic.songs=24",
    "datasets.synthetic.song_seconds=20.0",  # enough for the largest batch of an experiment
)


def recipes() -> list[str]:
    """The recipes of these groups, their other names, the fuzz and the faults."""
    if JUST is None:
        return []
    command = [JUST, "--dump", "--dump-format", "json"]
    dump = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout)
    named = [
        name
        for name, recipe in dump["recipes"].items()
        if any({"group": group} in recipe["attributes"] for group in GROUPS)
    ]
    return [
        name for name in [*named, *dump["aliases"], "fuzz", "test-faults"] if name not in ELSEWHERE
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with audio and png shards of each stand-in, and a run trained by `just train`."""
    folder = tmp_path_factory.mktemp("recipes")
    for seed, dataset in enumerate(STAND_INS):
        for format in ("audio", "png"):
            pack_synthetic(small_config(folder, *QUICK), format, dataset, seed)
    done = just("train", "--name", "first", *settings(folder, *QUICK))
    assert done.returncode == 0, done.stderr
    done = just("eval", "--checkpoint", run_in(folder), *settings(folder, *QUICK))
    assert done.returncode == 0, done.stderr
    return folder


def run_in(folder: Path) -> Path:
    (run,) = folder.glob("runs/*-first")
    return run


def music_in(folder: Path) -> Path:
    """A folder of two songs as audio files."""
    (folder / "music").mkdir(exist_ok=True)
    for number in range(2):
        waveform = synthetic.render(synthetic.song_of(9, number, 10.0).audio_path, 11025)
        soundfile.write(folder / f"music/{number}.wav", waveform, 11025)
    return folder / "music"


def just(*words: str | Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        [JUST, *map(str, words)], cwd=ROOT, capture_output=True, text=True, timeout=600,
        stdin=subprocess.DEVNULL, env={**os.environ, **WITHOUT_SETUP},
    )  # fmt: skip


def arguments_of(recipe: str, folder: Path) -> list[str | Path]:
    """What a user would type after the recipe's name."""
    run, small = run_in(folder), settings(folder, *QUICK)
    if recipe == "compare":
        return [answers := run / "predictions-best-audio-synthetic-test.tsv", answers]
    if recipe == "train-from-checkpoint":
        return [run, *small]
    if recipe == "train-default":  # not over the network that songkey ships
        return ["--output", folder / "mine.onnx", *settings(folder / "default", *QUICK)]
    if recipe == "adapt":
        short = ("least_seconds=5.0", "steps_per_epoch=2", "batch_size=8", f'dir="{folder}/kept"')
        return [music_in(folder), "--from", run, *(f"--set=adapt.{one}" for one in short)]
    if recipe == "fuzz":
        return ["--files", "20"]
    if recipe == "test-faults":
        return ["1", "--only", "checkpointing"]
    if recipe == "export":
        return [run]
    if recipe == "calibrate" or recipe.startswith("eval"):
        return ["--checkpoint", run, *small]
    if recipe.startswith("experiments"):
        return ["--trials", "1", *_without(small, "train.global_batch_size")]
    return small


def _without(small: list[str], name: str) -> list[str]:
    """The settings without one that the experiment searches."""
    return [word for one in small[1::2] if not one.startswith(name) for word in ("--set", one)]


@pytest.mark.parametrize("recipe", recipes())
def test_the_recipe_does_what_it_says_and_exits_0(folder, recipe):
    done = just(recipe, *arguments_of(recipe, folder))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout + done.stderr
