"""What trains must not validate, and neither must test: refused before a run begins."""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model.checkpoint import UNKNOWN_SONGS
from model.trained_songs import TrainedSongs
from pipeline.contradictions import CORRECT, contradictions
from pipeline.overlap import Overlap, overlap, refuse, songs_among, songs_here, unknown_songs
from pipeline.shardset import ShardSet
from pipeline.songtable import SongTable
from pipeline.source import Source
from settings.sections import Config

OTHER_WEIGHTS = "begin with other weights, or leave these songs out of valid and test"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunSongs:
    """The songs that a run trains, validates and tests on."""

    trained: SongTable
    validated: SongTable
    tested: SongTable  # those that eval may ask for
    several_keys: Overlap  # those of `trained` whose recordings have several
    in_order: bool  # shards are read so, and nothing of them can be left out
    unnamed: str  # what trains too and does not say whose it is, in words; empty for nothing


def run_songs(config: Config, train: Source, valid: ShardSet) -> RunSongs:
    """The songs of a run; it tests on eval.datasets and train.datasets that have shards."""
    cache_dir = Path(config.stream.cache_dir)
    here, formats = config.prepare.shards_dir, (config.stream.format,)
    unnamed = ""
    if in_order := config.stream.reader == "webdataset":  # it sees songs as they come
        datasets = () if config.stream.urls else config.train.datasets
        trained = songs_here(here, formats, datasets, "train", cache_dir)
        if missing := [dataset for dataset in datasets if dataset not in trained.datasets]:
            unnamed = f"no index names the songs of {', '.join(missing)} that train"
    else:
        trained = train.song_table()
    several_keys = contradictions(trained)
    if config.stream.urls:
        unnamed = f"stream.urls names {UNKNOWN_SONGS}"
    testing = tuple(dict.fromkeys((*config.eval.datasets, *config.train.datasets)))
    tested = songs_here(here, formats, testing, "test", cache_dir)
    return RunSongs(trained, valid.song_table(), tested, several_keys, in_order, unnamed)


def refuse_leaks(config: Config, songs: RunSongs) -> None:
    """Raise OverlapError where a recording does two of training, validating and testing.

    Warnings say of which songs copies cannot be known, and which have several keys.
    """
    trained, validated, tested = songs.trained, songs.validated, songs.tested
    if unknown := "; ".join(
        filter(None, (songs.unnamed, unknown_songs(trained, validated, tested)))
    ):
        logger.warning("copies between train, valid and test cannot be known: %s", unknown)
    allowed = config.stream.allow_overlap
    for first, second, what in (
        (trained, validated, "songs that validate train too"),
        (trained, tested, "songs that test train too"),
        (validated, tested, "songs that test validate too"),
    ):
        refuse(overlap(first, second), second, what, allowed)
    what = "train all the same" if songs.in_order else "do not train"
    _tell_several_keys(songs.several_keys, trained, what)
    _tell_several_keys(contradictions(validated), validated, "validate all the same")


def remembered(songs: RunSongs) -> TrainedSongs:
    """What a checkpoint of the run is to say of the songs that train it."""
    trains = np.ones(len(songs.trained), bool)
    trains[songs.several_keys.songs] = songs.in_order
    unknown = filter(None, (songs.unnamed, unknown_songs(songs.trained)))
    return TrainedSongs.of(songs.trained.all_digests(trains), unknown=unknown)


def refuse_trained(config: Config, before: TrainedSongs, songs: RunSongs) -> None:
    """Raise OverlapError where what trained the weights that a run begins with is to test it.

    All of a run's own songs were compared before; these may have trained another run.
    """
    for table, what in ((songs.validated, "validate"), (songs.tested, "test")):
        refuse(
            songs_among(before.labelled, table), table,
            f"songs that {what} trained the network that this run goes on with",
            config.stream.allow_overlap, OTHER_WEIGHTS,
        )  # fmt: skip


def tell_unlabelled(music: TrainedSongs, songs: RunSongs) -> None:
    """Warn of songs to validate or to test with that are among the music without labels."""
    for table, what in ((songs.validated, "validate"), (songs.tested, "test")):
        shared = songs_among(music.unlabelled, table)
        refuse(shared, table, f"songs that {what} are heard without labels", allowed=True)


def _tell_several_keys(several: Overlap, songs: SongTable, what: str) -> None:
    if count := len(several.songs):
        logger.warning(
            "%d of %d songs %s, of recordings that have several keys: %s; %s",
            count, len(songs), what, several, CORRECT,
        )  # fmt: skip
