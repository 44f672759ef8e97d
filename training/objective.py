"""The loss that [loss] of config.toml stands for, on the songs of a train split."""

import numpy as np

from model.loss import KeyLoss, key_targets
from pipeline.source import Source
from settings.sections import Config
from training.reading_rates import check_balanced_once, song_weights


def loss_of(config: Config, shards: Source, rates: np.ndarray | None) -> KeyLoss:
    """The loss of a run that reads `shards` at these `rates` of `interval_rates`.

    Raises AudioKeyError where classes are balanced twice.
    """
    setting = config.loss
    check_balanced_once(setting.class_weights, config.train.balance)
    return KeyLoss(
        key_targets(setting.name, setting.normalised, setting.label_smoothing),
        song_weights(shards, rates, setting.class_weights, setting.confidence_weights),
    )
