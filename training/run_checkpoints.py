"""A run's folder: its checkpoints last, best and those of the best epochs, and what to resume."""

import logging
import time
from pathlib import Path

from evaluation.export import current_export
from model.checkpoint import Checkpoint, CheckpointError, load_checkpoint
from model.run_folder import resolve
from songkey.errors import AudioKeyError
from storage.whole import UNFINISHED, write_whole
from training.progress import Progress

logger = logging.getLogger(__name__)


class RunError(AudioKeyError):
    """A run that cannot be begun, or is not there to go on with."""


def make_run_folder(folder: Path) -> None:
    """Make the folder of a new run; RunError where there is one."""
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        raise RunError(
            f"{folder}: there is a run of this name; give this one another by --name"
        ) from None


def checkpoint_path(folder: Path, name: str) -> Path:
    """Where a run keeps its checkpoint `name`: 'last', 'best' or 'epoch-0007'."""
    return folder / "checkpoints" / f"{name}.safetensors"


def epoch_path(folder: Path, epoch: int) -> Path:
    """Where a run keeps the checkpoint that it wrote at the end of `epoch`, counted from 1."""
    return checkpoint_path(folder, f"epoch-{epoch:04}")


def keep_best(folder: Path, progress: Progress, count: int) -> None:
    """Make best.safetensors that of the best epoch; remove all but those of the `count` best.

    best.onnx goes: it was exported from another best.
    """
    checkpoint_path(folder, "best").with_suffix(".onnx").unlink(missing_ok=True)
    kept = [epoch_path(folder, epoch) for epoch in progress.best_epochs(count)]
    if there := [path for path in kept if path.is_file()]:
        write_whole(checkpoint_path(folder, "best"), there[0].read_bytes())
    for path in (folder / "checkpoints").glob("epoch-*.safetensors"):
        if path not in kept:
            path.unlink()


def export_best(folder: Path) -> None:
    """Write best.onnx beside best.safetensors; says so where the network cannot be exported."""
    try:
        current_export(checkpoint_path(folder, "best"))
    except (AudioKeyError, OSError) as error:
        logger.warning("no best.onnx is written: %s", error)


def run_and_checkpoint(path: Path) -> tuple[Path, Path | None]:
    """What --resume names: a run folder and, where it is one of its checkpoints, that file."""
    if (path / "config.toml").is_file():
        return path, None
    if not path.is_file():
        raise RunError(f"{path}: no such run or checkpoint; see the folders in runs/")
    if path.resolve().parent.name != "checkpoints":
        raise CheckpointError(
            f"{path}: not in the checkpoints folder of a run, so there is no run to go on with; "
            "start a new one with its weights: --from"
        )
    return path.resolve().parent.parent, path


def load_to_resume(folder: Path, path: Path | None) -> Checkpoint:
    """The run's checkpoint `path`, or its last; if it is damaged, names the newest whole one.

    What a killed process left of one that it was writing goes.
    """
    for leftover in (folder / "checkpoints").glob(UNFINISHED):
        leftover.unlink(missing_ok=True)
    path = path or resolve(folder, "last")
    try:
        return load_checkpoint(path)
    except CheckpointError as error:
        if whole := _whole(path.parent):
            raise CheckpointError(
                f"{error}; the newest whole one of this run: --resume {max(whole)[1]}"
            ) from error
        raise


def set_aside_later(folder: Path, path: Path, progress: Progress, count: int) -> None:
    """Make `path`, a checkpoint at `progress` of the run in `folder`, its last, and lose nothing.

    What the run saved since, which going on would write over, moves to checkpoints/replaced-<time>;
    best is then that of the epochs up to `progress`, of which `count` are kept.
    """
    checkpoints = folder / "checkpoints"
    later = [other for place, other in _whole(checkpoints) if place > _place(progress)]
    if not later:
        return
    aside = checkpoints / time.strftime("replaced-%Y%m%d-%H%M%S")
    aside.mkdir()
    for other in later:
        other.rename(aside / other.name)
    logger.info("checkpoints of later steps are moved to %s", aside)
    write_whole(checkpoint_path(folder, "last"), path.read_bytes())
    keep_best(folder, progress, count)


def _whole(checkpoints: Path) -> list[tuple[tuple[int, int], Path]]:
    """The checkpoints that can be read, each with its place in the run."""
    whole: list[tuple[tuple[int, int], Path]] = []
    for path in sorted(checkpoints.glob("*.safetensors")):
        try:
            progress = Progress(**load_checkpoint(path).state["progress"])
        except CheckpointError:
            continue
        whole.append((_place(progress), path))
    return whole


def _place(progress: Progress) -> tuple[int, int]:
    return progress.epoch, progress.step
