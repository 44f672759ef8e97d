"""Train the network that comes with songkey, from nothing to its ONNX file.

python -m study.default
python -m study.default --output mine.onnx --set train.epochs=2

The same command goes on with a run that was stopped. `just evaluate-default` says how good it is.
"""

import settings.extras  # noqa: F401  # isort: skip

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from evaluation.export import export
from model.run_folder import resolve
from settings.command import run
from settings.config import add_config_arguments, load_config
from settings.sections import Config
from shards.made_songs import MadeSongs
from shards.prepare import prepare
from songs import synthetic
from training.loop import Training
from training.signals import Stopped

SETTINGS = "experiments/default.toml"
VALID_SONGS, VALID_SEED = 480, 0
ANSWER = {
    "temperature": 3.0,
    "opening_share": 0.4,
}  # suits pop, piano and real recordings: docs/model.md


def main() -> None:
    """Parse the command line, pack songs to validate on, train, export."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", default="songkey/weights/default.onnx", metavar="FILE")
    parser.add_argument("--name", default="default", help="of the run's folder in train.runs_dir")
    add_config_arguments(parser)
    arguments = parser.parse_args()
    config = load_config(arguments.config or SETTINGS, arguments.overrides)
    folder = Path(config.train.runs_dir) / arguments.name
    try:
        train(config, folder)
    except Stopped as stop:
        print(f"{stop}; the same command goes on", file=sys.stderr)
        sys.exit(stop.exit_code)
    export(
        resolve(folder, "last"), Path(arguments.output), ANSWER,
        licence="MIT",
        data=f"{config.train.epochs * config.datasets.synthetic.songs} synthetic songs, "
        f"version {synthetic.VERSION}",
    )  # fmt: skip
    print(f"{arguments.output} is the network of {folder}; just evaluate-default says how good")


def train(config: Config, folder: Path) -> None:
    """Train on made songs in `folder`, or go on with what is there."""
    pack_valid(config)
    setting = config.datasets.synthetic
    source = MadeSongs(
        setting.songs, setting.seed, config.audio.sample_rate, config.prepare.interval_seconds
    )
    begun = (folder / "checkpoints/last.safetensors").is_file()
    Training(config, folder, resume=begun, source=source).run()


def pack_valid(config: Config) -> None:
    """Pack the made songs that no training hears: its seeds are others."""
    songs = synthetic.songs(VALID_SONGS, config.datasets.synthetic.song_seconds, VALID_SEED)
    prepare("synthetic", [replace(song, split="valid") for song in songs], [], "audio", config)


if __name__ == "__main__":
    run(main, going_on="the same command goes on")
