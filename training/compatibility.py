"""What has to be as it was when a run goes on, or when another takes its weights."""

from typing import Any

from model.checkpoint import Checkpoint, CheckpointError
from settings.config import config_from_dict
from settings.differences import differences
from settings.sections import Config

# Sections and settings. The first give the weights their meaning; their shapes say the rest.
INPUT = {"cqt", "audio.sample_rate", "model.name"}
# What the data and their order follow from, and what the saved state belongs to.
FIXED = INPUT | {
    "loss", "stream.lanes", "stream.block_intervals", "train.seed", "train.global_batch_size",
    "train.balance", "train.dataset_weights", "train.limit_fraction", "train.learning_rate",
    "train.weight_decay", "train.schedule", "train.warmup_fraction", "train.plateau_factor",
    "train.plateau_patience_epochs", "train.ema_decay",
}  # fmt: skip


def check_goes_on(checkpoint: Checkpoint, config: Config, fingerprint: str) -> None:
    """Raises CheckpointError with what differs from the run that wrote `checkpoint`.

    `fingerprint` is that of today's shards.
    """
    there = _settings_then(checkpoint, FIXED) | {"shards": checkpoint.state["fixed"]["shards"]}
    if changed := differences(there, _settings(config, FIXED) | {"shards": fingerprint}):
        raise CheckpointError(
            f"{checkpoint.path}: cannot go on with other settings ({changed}); set them back"
        )


def check_same_input(checkpoint: Checkpoint, config: Config) -> None:
    """Raises CheckpointError where the weights were trained on another input or network."""
    if changed := differences(_settings_then(checkpoint, INPUT), _settings(config, INPUT)):
        raise CheckpointError(
            f"{checkpoint.path}: its weights are of other settings ({changed}); give those to "
            "this run, by --set or --config"
        )


def _settings_then(checkpoint: Checkpoint, names: set[str]) -> dict[str, Any]:
    return _settings(config_from_dict(checkpoint.config, str(checkpoint.path)), names)


def _settings(config: Config, names: set[str]) -> dict[str, Any]:
    """{'cqt.n_bins': 120, ...}: those of `config` that `names` holds, alone or as a section."""
    return {
        f"{section}.{name}": value
        for section, settings in config.model_dump(mode="json").items()
        for name, value in settings.items()
        if names & {section, f"{section}.{name}"}
    }
