"""Small shards of synthetic songs and a run trained on them, made once for all tests."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest
from encoded import encode

# Before numpy and torch are loaded, and for the programs that tests start: `just test` fills the
# cores with test processes, and with more threads than cores each takes several times as long.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from model.run_folder import resolve
from settings.command import run
from settings.config import load_config
from settings.sections import Config
from shards.prepare import prepare
from songkey import cli
from songs import synthetic
from training.loop import Training

# A shell's background job ignores Ctrl-C, and so would the programs that tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

# The same examples in each run, so that a test that fails fails again; none is kept in a folder.
hypothesis.settings.register_profile("same", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("same")

ROOT = Path(__file__).parent.parent
SONGS = 48
MUSIC_SONGS = 12
SMALL = [
    "audio.sample_rate=11025",
    "prepare.interval_seconds=4.0",
    "prepare.songs_per_shard=5",
    "prepare.workers=1",
    f"datasets.synthetic.songs={SONGS}",
    "datasets.synthetic.song_seconds=10.0",
    "split.valid_fraction=0.2",
    "split.test_fraction=0.2",
    "cqt.hop_length=2048",
    "model.channels=8",
    "train.epochs=2",
    "train.global_batch_size=8",
    "train.log_every_steps=1",
    "train.pictures_every_epochs=1000",  # they take twice as long as such a short epoch
    "eval.batch_size=8",
    "stream.workers=1",
]


def small_config(folder: Path, *overrides: str) -> Config:
    """Settings that make everything quick, with shards and runs in `folder`."""
    return load_config(None, [*SMALL, *_places(folder), *overrides])


def settings(folder: Path, *overrides: str) -> list[str]:
    """The settings of `small_config` as a command line."""
    return [word for one in [*SMALL, *_places(folder), *overrides] for word in ("--set", one)]


def _places(folder: Path) -> list[str]:
    return [
        f'prepare.shards_dir="{folder}/shards"', f'train.runs_dir="{folder}/runs"',
        f'stream.cache_dir="{folder}/cache"',
    ]  # fmt: skip


def pack_synthetic(
    config: Config, format: str = "audio", dataset: str = "synthetic", seed: int = 0
):
    """Pack the synthetic songs of `config`."""
    setting = config.datasets.synthetic
    songs = synthetic.songs(setting.songs, setting.song_seconds, seed)
    return prepare(dataset, songs, [], format, config)


def run_program(*command: str, **environment: str) -> subprocess.CompletedProcess:
    """Run one of our programs as a user would; a module's name comes after '-m'."""
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, capture_output=True, text=True, timeout=300,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
    )  # fmt: skip


def torchrun(processes: int) -> list[str]:
    """The words that start one of our programs in several processes of this machine.

    `accelerate launch --cpu --num_processes 2` (1.15) starts one process only.
    """
    return ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(processes)]


@pytest.fixture
def called(monkeypatch, capsys):
    """Calls an entry point's `main` in this process, many times faster than `run_program`."""

    def call(main: Callable[[], None], *arguments: str | Path) -> subprocess.CompletedProcess:
        monkeypatch.setattr(sys, "argv", [main.__module__, *map(str, arguments)])
        code = None
        try:
            run(main)
        except SystemExit as stop:
            code = stop.code
        output, errors = capsys.readouterr()
        if isinstance(code, str):  # what the interpreter prints and makes exit code 1
            code, errors = 1, f"{errors}{code}\n"
        return subprocess.CompletedProcess(arguments, code or 0, output, errors)

    return call


@pytest.fixture(scope="session")
def packed(tmp_path_factory) -> Path:
    """A folder with small audio and png shards of the same songs; not to be changed."""
    folder = tmp_path_factory.mktemp("packed")
    config = small_config(folder)
    for format in ("audio", "png"):
        pack_synthetic(config, format)
    return folder


@pytest.fixture(scope="session")
def trained(packed) -> Path:
    """The folder of a run of two epochs in one process; not to be changed."""
    folder = packed / "runs/trained"
    Training(small_config(packed), folder, resume=False).run()
    return folder


@pytest.fixture(scope="session")
def network(trained) -> Path:
    """The file of a network that hears four seconds at a time."""
    return resolve(trained).with_suffix(".onnx")


@pytest.fixture(scope="session")
def music(tmp_path_factory) -> Path:
    """A folder of songs of nine seconds, half of them in a folder b; not to be changed."""
    folder = tmp_path_factory.mktemp("music")
    (folder / "b").mkdir()
    for number, song in enumerate(synthetic.songs(MUSIC_SONGS, 9.0, seed=8)):
        name = f"b/{number:02}.wav" if number % 2 else f"{number:02}.flac"
        encode(folder / name, 0.5 * synthetic.render(song.audio_path, 22_050), 22_050)
    return folder


@pytest.fixture
def copy(music, tmp_path) -> Path:
    """A folder with two of those songs, to be changed."""
    for name in ("00.flac", "02.flac"):
        shutil.copy(music / name, tmp_path)
    return tmp_path


@pytest.fixture
def songkey(called, network):
    """Calls the command line with that network."""
    return lambda *words: called(cli.main, "--model", network, *words)


def killed_and_run_again(target: Path, *command: str) -> dict[str, bytes]:
    """What is in `target` after our program was killed (-9) in the middle and then ran again."""
    killed = subprocess.Popen([sys.executable, *command], cwd=ROOT, start_new_session=True)
    while not list(target.rglob("000001.json")):
        assert killed.poll() is None
        time.sleep(0.01)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    assert not list(target.rglob("manifest*"))
    run_program(*command).check_returncode()
    return contents(target)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below `folder`, hidden ones too."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
