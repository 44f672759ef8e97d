"""Adapt a trained network to a folder of music, which needs no labels.

python -m study.adapt ~/Music --from runs/default
python -m study.adapt ~/Music --from runs/default/checkpoints/last.safetensors --name mine

The averaged network answers the music song by song, and learns from the answers that are sure,
beside labelled songs. The valid songs are scored before and after each epoch: best is never worse
than the start by more than adapt.tolerance. The same command goes on with a run that was stopped.
"""

import settings.extras  # noqa: F401  # isort: skip

import argparse
import sys
from pathlib import Path

from model.checkpoint import Checkpoint, load_checkpoint
from model.run_folder import resolve
from settings.command import run
from settings.config import add_set_argument, given_settings, saved_config
from settings.sections import Config
from shards.library import library
from study.labelled import labelled
from training.adaptation import Adapted, adapt, adapting
from training.signals import Stopped


def main() -> None:
    """Parse the command line, listen to the music, train, say what came of it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", help="of music, here or at an address; its labels are not read")
    parser.add_argument(
        "--from", required=True, metavar="RUN", dest="start",
        help="whose best weights it begins with, or a checkpoint file",
    )  # fmt: skip
    parser.add_argument("--name", help="of the new run's folder; default: RUN's, and -adapted")
    add_set_argument(parser)
    arguments = parser.parse_args()
    start = load_checkpoint(resolve(arguments.start))
    config = _settings(start, arguments.overrides)
    music = library(arguments.folder, config, config.adapt.least_seconds, Path(config.adapt.dir))
    config, source = labelled(config, start.state["fixed"]["shards"])
    folder = Path(config.train.runs_dir) / (arguments.name or f"{_name(start.path)}-adapted")
    try:
        adapted = adapt(config, folder, start, music, source)
    except Stopped as stop:
        print(f"{stop}; the same command goes on", file=sys.stderr)
        sys.exit(stop.exit_code)
    print(_told(adapted, folder, config.adapt.tolerance))


def _settings(start: Checkpoint, overrides: list[str]) -> Config:
    """The run's own, with today's [adapt], and the whole valid split."""
    saved = {section: values for section, values in start.config.items() if section != "adapt"}
    saved["train"] = {**saved.get("train", {}), "limit_fraction": 1.0}
    return adapting(saved_config(saved, start.path, overrides), given_settings(None, overrides))


def _name(checkpoint: Path) -> str:
    """Of the run that a checkpoint is of, or of the file."""
    folder = checkpoint.resolve().parent
    return folder.parent.name if folder.name == "checkpoints" else checkpoint.stem


def _told(adapted: Adapted, folder: Path, tolerance: float) -> str:
    songs, intervals = len(adapted.after.song_keys), len(adapted.after.sure)
    sure = f"{int(adapted.before.sure.sum())} before, {int(adapted.after.sure.sum())} after"
    scores = ", ".join(f"{score:.1f}" for score in adapted.epochs)
    lines = [
        f"valid songs, weighted: {adapted.start:.1f} before; after each epoch {scores}",
        f"intervals without labels that are sure, of {intervals}: {sure}",
        f"songs without labels that are answered otherwise than before: {adapted.changed_songs} of "
        f"{songs} ({100 * adapted.changed_songs / songs:.0f}%)",
    ]
    if adapted.kept:
        lines.append(f"best is epoch {adapted.kept}: {folder}")
    else:
        lines.append(
            f"warning: no epoch is within {tolerance:g} points of the start, so best is the "
            f"network as it was: {folder}; try a lower adapt.learning_rate or adapt.weight"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    run(main)
