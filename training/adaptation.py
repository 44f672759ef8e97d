"""A run that adapts a network to music without labels, and the watch that it gets no worse."""

import logging
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch

from evaluation.listener import network_of
from model.checkpoint import Checkpoint, load_checkpoint, restore_model
from pipeline.source import Source
from pipeline.unlabelled import Unlabelled
from settings.config import ConfigError
from settings.sections import Config
from storage.whole import write_whole
from training.loop import Training
from training.rehearsal import changed
from training.run_checkpoints import RunError
from training.teacher import Targets, Teacher

START = "start.safetensors"  # in the run's folder: the checkpoint that it began with
REPLACED = {  # settings of [train]: those of [adapt] that stand in their place
    "epochs": "epochs", "global_batch_size": "batch_size", "learning_rate": "learning_rate",
    "ema_decay": "ema_decay",
}  # fmt: skip

logger = logging.getLogger(__name__)


class Adapted(NamedTuple):
    """What came of an adaptation: weighted scores of the valid split, and the music's answers."""

    start: float
    epochs: list[float]
    kept: int  # the best epoch, counted from 1; 0 where the network stayed as it was
    before: Targets
    after: Targets

    @property
    def changed_songs(self) -> int:
        """How many songs without labels are answered otherwise than at the start."""
        return int((self.before.song_keys != self.after.song_keys).sum())


def adapting(config: Config, named: Collection[str] = ()) -> Config:
    """`config` with what [adapt] says in place of [train].

    Raises ConfigError where one of these is among the settings `named` for this run, or where the
    network hears in a way that is trained.
    """
    for name, other in REPLACED.items():
        if f"train.{name}" in named:
            raise ConfigError(f"train.{name}: an adaptation has its own; set adapt.{other} instead")
    if config.cqt.trainable:
        raise ConfigError(
            "cqt.trainable = true: only a network whose CQT is fixed can be adapted; "
            "name another run"
        )
    train = {name: getattr(config.adapt, other) for name, other in REPLACED.items()}
    return changed(config, train=train)


def adapt(
    config: Config, folder: Path, start: Checkpoint, music: Unlabelled, source: Source | None
) -> Adapted:
    """Train in `folder` from the weights of `start`, or go on there; Stopped as Training.run.

    Its best is the start until an epoch scores as well, less at most adapt.tolerance.
    """
    begun = (folder / "checkpoints/last.safetensors").is_file()
    if begun:
        _check_same_start(folder / START, start)
    teacher = Teacher(music, config.adapt)
    weights = None if begun else start.path
    training = Training(config, folder, begun, weights, source, teacher)
    if training.progress.start < 0:
        look_at_start(training, start)
    training.run()
    return _outcome(training, start, music)


def look_at_start(training: Training, start: Checkpoint) -> None:
    """Score the valid split before the first step, and make the start the best so far."""
    write_whole(training.folder / START, start.path.read_bytes())
    training.save("last")
    score = training.answers().song_score.weighted
    logger.info("before adaptation: mirex %.1f on the valid songs", score)
    least = max(0.0, score - training.config.adapt.tolerance)
    training.progress = replace(training.progress, start=score, least=least)
    for name in ("best", "last"):
        training.save(name)


def _outcome(training: Training, start: Checkpoint, music: Unlabelled) -> Adapted:
    """What the start and the teacher, as it is in the end, say of the music."""
    device, front_end = training.accelerator.device, training.learner.front_end
    network = network_of(training.config).to(device)
    restore_model(start, network)
    networks = (network, training.learner.answering())
    teacher = Teacher(music, training.config.adapt)
    before, after = (teacher.renew(one, front_end, device) for one in networks)
    progress = training.progress
    kept = (progress.best_epochs(1) or [0])[0]
    return Adapted(progress.start, progress.scores, kept, before, after)


def _check_same_start(path: Path, start: Checkpoint) -> None:
    """Raises RunError unless the run began with these weights."""
    there = load_checkpoint(path).model if path.is_file() else {}
    same = there.keys() == start.model.keys() and all(
        torch.equal(tensor, start.model[name]) for name, tensor in there.items()
    )
    if not same:
        raise RunError(
            f"{path.parent}: this run did not begin with the weights of {start.path}; give the new "
            "one another name by --name"
        )
