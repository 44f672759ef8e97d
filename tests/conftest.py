"""Small shards of synthetic songs, packed once for all tests."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from config import Config, load_config
from shards import synthetic
from shards.prepare import prepare

ROOT = Path(__file__).parent.parent
SONGS = 48
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
    "eval.batch_size=8",
    "stream.workers=1",
]


def small_config(folder: Path, *overrides: str) -> Config:
    """Settings that make everything quick, with shards and runs in `folder`."""
    places = [f'prepare.shards_dir="{folder}/shards"', f'train.runs_dir="{folder}/runs"']
    return load_config(None, [*SMALL, *places, *overrides])


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


@pytest.fixture(scope="session")
def packed(tmp_path_factory) -> Path:
    """A folder with small audio and png shards of the same songs; not to be changed."""
    folder = tmp_path_factory.mktemp("packed")
    config = small_config(folder)
    for format in ("audio", "png"):
        pack_synthetic(config, format)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below `folder`, hidden ones too."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
