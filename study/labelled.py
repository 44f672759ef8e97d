"""The labelled songs that an adaptation hears beside music without labels: those of the run, again.

A run on made songs hears new ones. Where the shards of another are not on this machine, made songs
stand in for them, to learn from and to validate on.
"""

import logging
from collections.abc import Mapping

from evaluation.listener import shards_of
from settings.sections import Config
from shards.made_songs import MadeSongs
from shards.splitfolder import manifests_in
from storage.places import place_of
from study.default import pack_valid
from training.reading_rates import epoch_intervals, interval_rates
from training.rehearsal import changed

logger = logging.getLogger(__name__)


def labelled(config: Config, trained_on: str) -> tuple[Config, MadeSongs | None]:
    """`config` for an epoch of adapt.steps_per_epoch, and the songs that are made, if they are.

    `trained_on` is the fingerprint of what the run heard.
    """
    made = trained_on.startswith("made-")
    if not made and any(_is_there(config, dataset, "train") for dataset in config.train.datasets):
        return _paced(config), None
    if not made:
        logger.warning(
            "no shards of %s in %s: made songs are the labelled ones, and the valid ones",
            ", ".join(config.train.datasets), config.prepare.shards_dir,
        )  # fmt: skip
    return _with_made_songs(config, stand_in=not made)


def _is_there(config: Config, dataset: str, split: str) -> bool:
    folder = place_of(config.prepare.shards_dir) / config.stream.format / dataset
    return split in manifests_in(folder)


def _paced(config: Config) -> Config:
    """Each interval of the shards so often that an epoch has that many."""
    shards = shards_of(config, config, config.train.datasets, "train")
    weights: Mapping[str, float] = config.train.dataset_weights
    rates = interval_rates(shards, config.train.balance, weights)
    factor = _intervals(config) / epoch_intervals(shards, rates)
    datasets = shards.song_table().datasets
    paced = {dataset: factor * weights.get(dataset, 1.0) for dataset in datasets}
    return changed(config, train={"dataset_weights": paced})


def _with_made_songs(config: Config, stand_in: bool) -> tuple[Config, MadeSongs]:
    """Songs of another seed than the run's, and valid ones, packed where they are not there."""
    seed, rate = config.datasets.synthetic.seed + 1, config.audio.sample_rate
    seconds = config.prepare.interval_seconds
    synthetic = config.datasets.synthetic.model_copy(update={"seed": seed})
    config = changed(
        config, datasets={"synthetic": synthetic}, stream={"format": "audio"},
        train={"datasets": ("synthetic",), "dataset_weights": {}},
    )  # fmt: skip
    if stand_in:
        shards_dir = f"{config.adapt.dir}/made-{rate}-{seconds:g}"
        config = changed(config, prepare={"shards_dir": shards_dir})
    if not _is_there(config, "synthetic", "valid"):
        pack_valid(config)
    return config, MadeSongs(_intervals(config), seed, rate, seconds)


def _intervals(config: Config) -> int:
    """Those with labels of an epoch."""
    return config.adapt.steps_per_epoch * config.adapt.batch_size
