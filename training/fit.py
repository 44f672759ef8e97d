"""What has to be as it was when a run goes on, or when another takes its weights."""

from model.checkpoint import Checkpoint, CheckpointError
from pipeline.manifest import differences
from pipeline.shardset import ShardSet
from settings import Config


def fixed_settings(config: Config, shards: ShardSet) -> dict:
    """What has to stay when a run goes on: its data, their order, what its state belongs to."""
    train = config.train
    return {
        "shards": shards.fingerprint,
        "train.seed": train.seed,
        "train.global_batch_size": train.global_batch_size,
        "train.balance": train.balance,
        "train.dataset_weights": train.dataset_weights,
        "loss": config.loss.model_dump(),
        "train.limit_fraction": train.limit_fraction,
        "stream.lanes": config.stream.lanes,
        "stream.block_intervals": config.stream.block_intervals,
        "train.learning_rate": train.learning_rate,
        "train.weight_decay": train.weight_decay,
        "train.schedule": train.schedule,
        "train.ema_decay": train.ema_decay,
    }


def check_goes_on(checkpoint: Checkpoint, config: Config, shards: ShardSet) -> None:
    """Raises CheckpointError with what differs from the run that wrote `checkpoint`."""
    if changed := differences(checkpoint.state["fixed"], fixed_settings(config, shards)):
        raise CheckpointError(
            f"{checkpoint.path}: cannot go on with other settings ({changed}); set them back"
        )


def check_same_input(checkpoint: Checkpoint, config: Config) -> None:
    """Raises CheckpointError where the weights were trained on another input or network."""
    there = _input(checkpoint.config)
    if changed := differences(there, _input(config.model_dump(mode="json"))):
        raise CheckpointError(
            f"{checkpoint.path}: its weights are of other settings ({changed}); give those to "
            "this run, by --set or --config"
        )


def _input(config: dict) -> dict:
    """The settings that give the weights their meaning; their shapes say the rest."""
    settings = {f"cqt.{name}": value for name, value in config["cqt"].items()}
    settings["audio.sample_rate"] = config["audio"]["sample_rate"]
    return settings | {"model.name": config["model"]["name"]}
