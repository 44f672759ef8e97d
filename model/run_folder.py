"""Which checkpoint a run folder means: its best, its last, and the newest run of all."""

from pathlib import Path

from model.checkpoint import CheckpointError


def resolve(path: str | Path, name: str = "best") -> Path:
    """The checkpoint file that `path` means: itself, or checkpoint `name` of a run folder."""
    path = Path(path)
    if path.is_file():
        return path
    if not path.is_dir():
        raise CheckpointError(f"{path}: no such checkpoint or run folder; see the folders in runs/")
    file = path / "checkpoints" / f"{name}.safetensors"
    if not file.is_file():
        found = ", ".join(sorted(p.name for p in file.parent.glob("*.safetensors"))) or "none"
        raise CheckpointError(
            f"{path}: no checkpoints/{file.name} in this folder (checkpoints found: {found}); "
            "give a run folder that has it, or the checkpoint file itself"
        )
    return file


def newest_run(runs_dir: str | Path) -> Path:
    """The folder of the newest run that has a best checkpoint."""
    folder = Path(runs_dir)
    runs = sorted(path.parent.parent for path in folder.glob("*/checkpoints/best.safetensors"))
    if not runs:
        raise CheckpointError(
            f"{folder}: no trained run in it; train one (just demo) or give --checkpoint"
        )
    return runs[-1]
