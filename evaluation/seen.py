"""Songs that a network is evaluated on although it trained on them."""

from dataclasses import dataclass
from pathlib import Path

from model.checkpoint import Checkpoint
from pipeline.overlap import overlap, refuse, songs_here, unknown_songs
from pipeline.shardset import ShardSet
from settings.sections import Config


@dataclass(frozen=True)
class Seen:
    """What of the evaluated songs trained, as far as that can be known."""

    songs: int = 0  # those that are recordings that trained
    unknown: str = ""  # why there may be more; empty where all are known


def seen_songs(checkpoint: Checkpoint, config: Config, shards: ShardSet) -> Seen:
    """Which songs of `shards` are recordings that trained, as far as those have shards.

    Raises OverlapError where there are any, unless they were asked for: by eval.split = "train" or
    stream.allow_overlap.
    """
    formats = dict.fromkeys((config.stream.format, "audio", "png"))
    trained = songs_here(
        config.prepare.shards_dir, formats, checkpoint.trained_on, "train",
        Path(config.stream.cache_dir),
    )  # fmt: skip
    evaluated = shards.song_table()
    shared = overlap(trained, evaluated)
    if config.eval.split != "train":
        refuse(
            shared, evaluated, "songs to be evaluated were trained on", config.stream.allow_overlap
        )
    missing = [dataset for dataset in checkpoint.trained_on if dataset not in trained.datasets]
    reasons = [f"no train shards to compare with of {', '.join(missing)}"] if missing else []
    reasons += filter(None, [unknown_songs(trained, evaluated)])
    return Seen(len(shared.songs), "; ".join(reasons))
