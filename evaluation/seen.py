"""Songs that a network is evaluated on although it trained on them."""

from model.checkpoint import Checkpoint
from pipeline.overlap import overlap, refuse, songs_here
from pipeline.shardset import ShardSet
from settings.sections import Config


def songs_trained_on(checkpoint: Checkpoint, config: Config, shards: ShardSet) -> int:
    """How many songs of `shards` are recordings that trained, as far as those are here.

    Raises OverlapError where there are any, unless they were asked for: by eval.split = "train" or
    stream.allow_overlap.
    """
    formats = dict.fromkeys((config.stream.format, "audio", "png"))
    trained = songs_here(config.prepare.shards_dir, formats, checkpoint.trained_on, "train")
    evaluated = shards.song_table()
    shared = overlap(trained, evaluated)
    if config.eval.split != "train":
        refuse(
            shared, evaluated, "songs to be evaluated were trained on", config.stream.allow_overlap
        )
    return len(shared.songs)
