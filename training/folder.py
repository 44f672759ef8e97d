"""A run's folder: its checkpoints last, best and those of the best epochs, and what to resume."""

from pathlib import Path

from model.checkpoint import (
    Checkpoint,
    CheckpointError,
    copy_checkpoint,
    load_checkpoint,
    resolve,
)
from training.progress import Progress


def checkpoint_path(folder: Path, name: str) -> Path:
    """Where a run keeps its checkpoint `name`: 'last', 'best' or 'epoch-0007'."""
    return folder / "checkpoints" / f"{name}.safetensors"


def epoch_path(folder: Path, epoch: int) -> Path:
    """Where a run keeps the checkpoint that it wrote at the end of `epoch`, counted from 1."""
    return checkpoint_path(folder, f"epoch-{epoch:04}")


def keep_best(folder: Path, progress: Progress, count: int) -> None:
    """Make best.safetensors that of the best epoch; remove all but those of the `count` best."""
    kept = [epoch_path(folder, epoch) for epoch in progress.best_epochs(count)]
    if there := [path for path in kept if path.is_file()]:
        copy_checkpoint(there[0], checkpoint_path(folder, "best"))
    for path in (folder / "checkpoints").glob("epoch-*.safetensors"):
        if path not in kept:
            path.unlink()


def run_and_checkpoint(path: Path) -> tuple[Path, Path | None]:
    """What --resume names: a run folder and, where it is one of its checkpoints, that file."""
    if not path.is_file():
        return path, None
    if path.resolve().parent.name != "checkpoints":
        raise CheckpointError(
            f"{path}: not in the checkpoints folder of a run, so there is no run to go on with; "
            "start a new one with its weights: --from"
        )
    return path.resolve().parent.parent, path


def load_to_resume(folder: Path, path: Path | None) -> Checkpoint:
    """The run's checkpoint `path`, or its last; if it is damaged, names the newest whole one."""
    path = path or resolve(folder, "last")
    try:
        return load_checkpoint(path)
    except CheckpointError as error:
        if other := _newest_whole(path.parent):
            raise CheckpointError(
                f"{error}; the newest whole one of this run: --resume {other}"
            ) from error
        raise


def _newest_whole(checkpoints: Path) -> Path | None:
    whole: list[tuple[tuple[int, int], Path]] = []
    for path in sorted(checkpoints.glob("*.safetensors")):
        try:
            progress = Progress(**load_checkpoint(path).state["progress"])
        except CheckpointError:
            continue
        whole.append(((progress.epoch, progress.step), path))
    return max(whole)[1] if whole else None
