"""What trains must not validate, and neither must test: refused before a run begins."""

import logging
from pathlib import Path

from model.checkpoint import UNKNOWN_SONGS
from pipeline.overlap import overlap, refuse, songs_here, unknown_songs
from pipeline.shardset import ShardSet
from pipeline.songtable import SongTable
from pipeline.source import Source
from settings.sections import Config

logger = logging.getLogger(__name__)


def refuse_leaks(config: Config, train: Source, valid: ShardSet) -> None:
    """Raise OverlapError where a recording does two of training, validating and testing.

    Test sets are those of eval.datasets and train.datasets that have shards. A warning says of
    which songs copies cannot be known, as of shards that stream.urls names.
    """
    cache_dir = Path(config.stream.cache_dir)
    here, formats = config.prepare.shards_dir, (config.stream.format,)
    if isinstance(train, ShardSet):
        trained = train.song_table()
    else:  # read in order, they do not say whose they are, unless they are the train splits
        datasets = () if config.stream.urls else config.train.datasets
        trained = songs_here(here, formats, datasets, "train", cache_dir)
    testing = tuple(dict.fromkeys((*config.eval.datasets, *config.train.datasets)))
    validated = valid.song_table()
    tested = songs_here(here, formats, testing, "test", cache_dir)
    unnamed = f"stream.urls names {UNKNOWN_SONGS}" if config.stream.urls else ""
    if unknown := "; ".join(filter(None, (unnamed, unknown_songs(trained, validated, tested)))):
        logger.warning("copies between train, valid and test cannot be known: %s", unknown)
    _refuse(config, trained, validated, "songs that validate train too")
    _refuse(config, trained, tested, "songs that test train too")
    _refuse(config, validated, tested, "songs that test validate too")


def _refuse(config: Config, first: SongTable, second: SongTable, what: str) -> None:
    refuse(overlap(first, second), second, what, config.stream.allow_overlap)
