"""Songs that a network is evaluated on although it trained on them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model.checkpoint import Checkpoint
from model.trained_songs import TrainedSongs
from pipeline.contradictions import contradictions
from pipeline.overlap import overlap, refuse, songs_among, songs_here, unknown_songs
from pipeline.shardset import ShardSet
from pipeline.songtable import SongTable
from settings.sections import Config

OTHERS = "evaluate other songs, or train another network without these"


@dataclass(frozen=True)
class Seen:
    """What of the evaluated songs trained, as far as that can be known."""

    songs: int = 0  # those that are recordings that trained
    unlabelled: int = 0  # and those that trained without their labels
    unknown: str = ""  # why there may be more; empty where all are known
    contradictions: str = ""  # those of recordings that have several keys, in words


def seen_songs(checkpoint: Checkpoint, config: Config, shards: ShardSet) -> Seen:
    """Which songs of `shards` are recordings that trained, and which have several keys there.

    Raises OverlapError where any trained, unless they were asked for: by eval.split = "train" or
    stream.allow_overlap.
    """
    trained, evaluated = trained_by(checkpoint, config), shards.song_table()
    shared = songs_among(trained.labelled, evaluated)
    if len(shared.songs):
        today = overlap(_training_today(checkpoint, config), evaluated)
        if np.array_equal(today.songs, shared.songs):  # which also says whose copies they are
            shared = today
    if config.eval.split != "train":
        refuse(
            shared, evaluated, "songs to be evaluated were trained on",
            config.stream.allow_overlap, OTHERS,
        )  # fmt: skip
    unknown = dict.fromkeys(filter(None, (*trained.unknown, unknown_songs(evaluated))))
    several = contradictions(evaluated)
    words = f"{len(several.songs)} songs have several keys: {several}"
    unlabelled = np.setdiff1d(songs_among(trained.unlabelled, evaluated).songs, shared.songs)
    return Seen(
        len(shared.songs), len(unlabelled), "; ".join(unknown), words if len(several.songs) else ""
    )


def trained_by(checkpoint: Checkpoint, config: Config) -> TrainedSongs:
    """What trained a checkpoint: what it remembers or, if nothing, the train shards of today.

    Those may be others than they were; that is then among what is unknown.
    """
    if checkpoint.trained_songs is not None:
        return checkpoint.trained_songs
    trained = _training_today(checkpoint, config)
    missing = [dataset for dataset in checkpoint.trained_on if dataset not in trained.datasets]
    reasons = [f"no train shards to compare with of {', '.join(missing)}"] if missing else []
    if trained.datasets:
        reasons.append(
            "it was trained by a version that remembered neither songs nor music without labels, "
            f"so that those which train today stand for them, of {', '.join(trained.datasets)}"
        )
    reasons += filter(None, [unknown_songs(trained)])
    return TrainedSongs.of(trained.all_digests(), unknown=reasons)


def _training_today(checkpoint: Checkpoint, config: Config) -> SongTable:
    """The songs that now are in the train splits of what trained it."""
    formats = dict.fromkeys((config.stream.format, "audio", "png"))
    datasets, cache_dir = checkpoint.trained_on, Path(config.stream.cache_dir)
    return songs_here(config.prepare.shards_dir, formats, datasets, "train", cache_dir)
