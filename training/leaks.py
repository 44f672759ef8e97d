"""What trains must neither validate nor test: refused before a run begins."""

from pipeline.overlap import overlap, refuse, songs_here
from pipeline.shardset import ShardSet
from pipeline.source import Source
from settings.sections import Config


def refuse_leaks(config: Config, train: Source, valid: ShardSet) -> None:
    """Raise OverlapError where a recording trains and validates, or tests in shards that are here.

    Test sets are those of eval.datasets and train.datasets. Shards that are read in order do not
    say whose they are, unless they are the train splits.
    """
    if config.stream.urls:
        return
    here, formats = config.prepare.shards_dir, (config.stream.format,)
    trained = (
        train.song_table()
        if isinstance(train, ShardSet)
        else songs_here(here, formats, config.train.datasets, "train")
    )
    testing = tuple(dict.fromkeys((*config.eval.datasets, *config.train.datasets)))
    tested = songs_here(here, formats, testing, "test")
    for judged, does in ((valid.song_table(), "validate"), (tested, "test")):
        what = f"songs that {does} train too"
        refuse(overlap(trained, judged), judged, what, config.stream.allow_overlap)
