"""What settings stand for: the network, its front end, and the shards they fit."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from model.checkpoint import Checkpoint, CheckpointError, load_checkpoint, restore_model
from model.network import build_network
from model.run_folder import resolve
from pipeline.augment import Augment
from pipeline.cqt import LogCQT
from pipeline.frontend import FrontEnd, Waveforms
from pipeline.opened import open_shards
from pipeline.shardset import ShardSet
from pipeline.trainable import HearingNetwork, TrainableLogCQT
from settings.config import BROUGHT, ConfigError, hearing_from_dict
from settings.differences import named
from settings.sections import Config, Hearing
from songkey.errors import AudioKeyError
from storage.cache import Cache


class Calibrated(nn.Module):
    """A network whose logits are divided by a temperature: as sure of itself as it is right.

    Of one interval it changes the confidence, never the answer.
    """

    def __init__(self, network: nn.Module, temperature: float):
        super().__init__()
        self.network = network
        self.temperature = temperature

    def forward(self, cqt: Tensor) -> Tensor:
        """(B, F, T) -> logits (B, 24)."""
        return self.network(cqt) / self.temperature


def network_of(config: Hearing) -> nn.Module:
    """The network of [model], untrained; with cqt.trainable it takes waveforms, else log CQTs."""
    setting = config.model
    network = build_network(
        setting.name, config.cqt.n_bins, config.cqt.bins_per_octave, setting.channels,
        setting.num_feature_maps, setting.recurrent_units, setting.dropout,
    )  # fmt: skip
    if not config.cqt.trainable:
        return network
    log_cqt = TrainableLogCQT(config.audio.sample_rate, **config.cqt.shape)
    return HearingNetwork(log_cqt, _augment_of(config, log_cqt.margin_bins), network)


def trained_network(path: str | Path) -> tuple[Calibrated, Hearing]:
    """The network of a checkpoint file, or of a run folder's best, and the settings it has.

    Raises CheckpointError for a file that is missing, damaged, or of another network.
    """
    checkpoint = load_checkpoint(resolve(path))
    hearing = hearing_of(checkpoint)
    try:
        network = network_of(hearing)
    except AudioKeyError as error:
        raise _of_another_version(f"{checkpoint.path}: {error}") from None
    restore_model(checkpoint, network)
    return Calibrated(network, checkpoint.temperature).eval(), hearing


def hearing_of(checkpoint: Checkpoint) -> Hearing:
    """What its network is and hears; CheckpointError where this version knows no such thing."""
    try:
        return hearing_from_dict(checkpoint.config, str(checkpoint.path))
    except ConfigError as error:
        raise _of_another_version(str(error)) from None


def _of_another_version(problem: str) -> CheckpointError:
    return CheckpointError(f"{problem}; use the version that wrote it")


def refuse_other_settings(given: Mapping[str, Any], trained_with: Hearing) -> None:
    """Refuse settings named today that a checkpoint brings itself and that differ from its own."""
    own = named(trained_with.model_dump(mode="json"), BROUGHT)
    for name, value in given.items():
        if name in own and value != own[name]:
            raise ConfigError(
                f"{name} = {value!r}: the checkpoint was trained with {own[name]!r}, and always "
                "uses that; leave the setting out"
            )


def front_end_of(config: Hearing) -> FrontEnd | Waveforms:
    """What makes the input of that network: CQT and augmentation, or only the waveforms."""
    if config.cqt.trainable:
        return Waveforms()
    log_cqt = LogCQT(config.audio.sample_rate, **config.cqt.shape)
    return FrontEnd(log_cqt, _augment_of(config, log_cqt.margin_bins))


def input_of(config: Hearing) -> Tensor:
    """A silent input of that network: (1, F, T), or (1, S) with cqt.trainable."""
    if config.cqt.trainable:
        return torch.zeros(1, config.interval_samples)
    n_frames = config.interval_samples // config.cqt.hop_length + 1
    return torch.zeros(1, config.cqt.n_bins, n_frames)


def shards_of(config: Config, shaped_by: Hearing, datasets: Sequence[str], split: str) -> ShardSet:
    """The shards of `split` that lie where `config` says and were packed as `shaped_by` says."""
    if shaped_by.cqt.trainable and config.stream.format != "audio":
        raise ConfigError(
            f"cqt.trainable = true needs sound, but stream.format = {config.stream.format} gives "
            "finished spectrograms; set stream.format=audio or cqt.trainable=false"
        )
    shape: dict[str, Any] = {
        "sample_rate": shaped_by.audio.sample_rate,
        "interval_seconds": shaped_by.prepare.interval_seconds,
        "cqt": shaped_by.cqt.shape,
    }
    return open_shards(
        config.prepare.shards_dir, config.stream.format, datasets, split, shape,
        Cache(Path(config.stream.cache_dir), round(config.stream.cache_gigabytes * 1e9)),
        config.stream.unreachable,
    )  # fmt: skip


def _augment_of(config: Hearing, margin_bins: int) -> Augment:
    return Augment(
        config.cqt.bins_per_octave, margin_bins, config.cqt.range_db,
        **config.augment.model_dump(),
    )  # fmt: skip
