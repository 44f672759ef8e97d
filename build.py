"""What settings stand for: the network, its front end, and the shards they fit."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import nn

from config import ConfigError, config_from_dict
from model.checkpoint import CheckpointError, load_checkpoint, resolve, restore_model
from model.estimate import Calibrated
from model.network import build_network
from pipeline.frontend import FrontEnd
from pipeline.shardset import ShardSet, open_shards
from settings import Config

OF_THE_CHECKPOINT = ("audio", "cqt", "model")  # sections that it brings, whatever today's are


def network_of(config: Config) -> nn.Module:
    """The network of [model], untrained."""
    setting = config.model
    return build_network(
        setting.name, config.cqt.n_bins, config.cqt.bins_per_octave, setting.channels,
        setting.dropout,
    )  # fmt: skip


def trained_network(path: str | Path) -> tuple[Calibrated, Config]:
    """The network of a checkpoint file, or of a run folder's best, and the settings it has.

    Raises CheckpointError for a file that is missing, damaged, or of another network.
    """
    checkpoint = load_checkpoint(resolve(path))
    config = config_from_dict(checkpoint.config, str(checkpoint.path))
    try:
        network = network_of(config)
    except ValueError as error:
        raise CheckpointError(
            f"{checkpoint.path}: {error}; use the version that wrote it"
        ) from None
    restore_model(checkpoint, network)
    return Calibrated(network, checkpoint.temperature).eval(), config


def refuse_other_settings(given: Mapping[str, Any], trained_with: Config) -> None:
    """Refuse settings named today that a checkpoint brings itself and that differ from its own."""
    own = trained_with.model_dump(mode="json")
    for name, value in given.items():
        section, _, last = name.partition(".")
        if name == "prepare.interval_seconds" or section in OF_THE_CHECKPOINT:
            there = own[section][last]
            if value != there:
                raise ConfigError(
                    f"{name} = {value!r}: the checkpoint was trained with {there!r}, and always "
                    "uses that; leave the setting out"
                )


def front_end_of(config: Config) -> FrontEnd:
    """What computes the network's input with [audio], [cqt] and [augment]."""
    return FrontEnd(config.audio.sample_rate, config.cqt.model_dump(), config.augment.model_dump())


def shards_of(config: Config, shaped_by: Config, datasets: Sequence[str], split: str) -> ShardSet:
    """The shards of `split` that lie where `config` says and were packed as `shaped_by` says."""
    shape: dict[str, Any] = {
        "sample_rate": shaped_by.audio.sample_rate,
        "interval_seconds": shaped_by.prepare.interval_seconds,
        "cqt": shaped_by.cqt.model_dump(),
    }
    return open_shards(
        config.prepare.shards_dir, config.stream.format, datasets, split, shape,
        config.stream.cache_dir,
    )  # fmt: skip
