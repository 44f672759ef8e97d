"""What has to be as it was when a run goes on, or when another takes its weights."""

import logging
from collections.abc import Set
from typing import Any

from evaluation.listener import hearing_of
from model.checkpoint import Checkpoint, CheckpointError
from settings.config import DEFAULTS, read_toml
from settings.differences import differences, named
from settings.sections import Config

# Sections and settings. The first give the weights their meaning; their shapes say the rest.
INPUT = {"cqt", "audio.sample_rate", "model.name"}
# What the data and their order follow from, and what the saved state belongs to.
FIXED = INPUT | {
    "loss", "stream.lanes", "stream.block_intervals", "train.seed", "train.global_batch_size",
    "train.balance", "train.dataset_weights", "train.limit_fraction", "train.learning_rate",
    "train.weight_decay", "train.schedule", "train.warmup_fraction", "train.plateau_factor",
    "train.plateau_patience_epochs", "train.ema_decay", "adapt.weight", "adapt.temperature",
    "adapt.sharpening", "adapt.confidence", "adapt.renew_every_steps", "adapt.tolerance",
}  # fmt: skip
LENGTH = {"train.epochs"}

logger = logging.getLogger(__name__)


def check_goes_on(checkpoint: Checkpoint, config: Config, fingerprint: str) -> None:
    """Raises CheckpointError with what differs from the run that wrote `checkpoint`.

    `fingerprint` is that of today's shards.
    """
    there = _then(checkpoint, FIXED) | {"shards": checkpoint.state["fixed"]["shards"]}
    if changed := differences(there, _today(config, FIXED) | {"shards": fingerprint}):
        raise CheckpointError(
            f"{checkpoint.path}: cannot go on with other settings ({changed}); set them back, or "
            "begin another run with its weights (--from)"
        )
    _check_length(checkpoint, config)


def check_same_input(checkpoint: Checkpoint, config: Config) -> None:
    """Raises CheckpointError where the weights were trained on another input or network."""
    then = named(hearing_of(checkpoint).model_dump(mode="json"), INPUT)
    if changed := differences(then, _today(config, INPUT)):
        raise CheckpointError(
            f"{checkpoint.path}: its weights are of other settings ({changed}); give those to "
            "this run, by --set or --config"
        )


def _check_length(checkpoint: Checkpoint, config: Config) -> None:
    """Refuse another number of epochs where the learning rate depends on it, else tell of it."""
    changed = differences(_then(checkpoint, LENGTH), _today(config, LENGTH))
    if changed and config.train.schedule == "cosine":
        raise CheckpointError(
            f"{checkpoint.path}: {changed}: a cosine schedule falls to zero in the run's last "
            "epoch, and another length would make the learning rate jump; set it back, or begin "
            "another run with its weights (--from). A run with train.schedule = plateau or "
            "constant can be made longer"
        )
    if changed:
        logger.info("%s; the %s schedule goes on", changed, config.train.schedule)


def _then(checkpoint: Checkpoint, names: Set[str]) -> dict[str, Any]:
    """As the checkpoint says; what an older version did not know yet is as in config.toml."""
    return named(read_toml(DEFAULTS), names) | named(checkpoint.config, names)


def _today(config: Config, names: Set[str]) -> dict[str, Any]:
    return named(config.model_dump(mode="json"), names)
