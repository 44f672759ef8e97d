"""The loss that [loss] of config.toml stands for, on the songs of a train split."""

from model.loss import KeyLoss, key_targets
from pipeline.shardset import ShardSet
from settings import Config
from training.weights import check_balanced_once, song_weights


def loss_of(config: Config, shards: ShardSet) -> KeyLoss:
    """The loss of a run on `shards`; raises ValueError where classes are balanced twice."""
    setting = config.loss
    check_balanced_once(setting.class_weights, config.train.balance)
    return KeyLoss(
        key_targets(setting.name, setting.normalised, setting.label_smoothing),
        song_weights(shards, setting.class_weights, setting.confidence_weights),
    )
