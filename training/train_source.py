"""What trains, as [stream] says: the train splits by their index, or shards in order."""

from evaluation.listener import shards_of
from pipeline.changes import refuse_changed
from pipeline.members import members_of
from pipeline.pack_settings import media_shape
from pipeline.source import Source
from settings.config import ConfigError
from settings.sections import Config
from songkey.counted import counted
from storage.patterns import braces_expanded, expanded
from storage.places import place_of


def train_source(config: Config) -> Source:
    """The intervals that a run trains on; raises AudioKeyError where settings do not fit them."""
    if config.stream.reader == "webdataset":
        return _stream(config)
    if config.stream.urls:
        raise ConfigError(
            'stream.urls names shards that are read in order: set stream.reader = "webdataset", or '
            "index them (python -m shards index) and name the data set in train.datasets"
        )
    return shards_of(config, config, config.train.datasets, "train")


def _stream(config: Config) -> Source:
    from pipeline.webdataset import ShardStream, shard_parts  # takes a second to load

    _refuse_what_needs_songs(config)
    urls = tuple(url for text in config.stream.urls for url in _urls(text)) or _indexed(config)
    refuse_changed(place_of(url) for url in urls if not url.startswith("pipe:"))
    parts = shard_parts(config.stream.workers)
    if len(urls) < parts:
        raise ConfigError(
            f"{counted(len(urls), 'shard')} cannot be split among {parts} processes that read; "
            "lower stream.workers, or train in fewer processes"
        )
    shape = media_shape(
        config.interval_samples, config.cqt.shape if config.stream.format == "png" else None
    )
    return ShardStream(
        urls, members_of(config.stream.format, **config.foreign.model_dump()),
        config.stream.format, shape, config.audio.sample_rate, config.prepare.interval_seconds,
        config.stream.epoch_intervals, config.stream.buffer_samples, config.train.seed,
    )  # fmt: skip


def _urls(text: str) -> list[str]:
    if text.startswith("pipe:"):
        return braces_expanded(text)
    return [str(place) for place in expanded(text, ".tar")]


def _indexed(config: Config) -> tuple[str, ...]:
    """Where the shards of the train splits lie."""
    shards = shards_of(config, config, config.train.datasets, "train")
    return tuple(
        str(shard.lies_in(split.folder))
        for split in shards.splits
        for shard in split.manifest.shards
    )


def _refuse_what_needs_songs(config: Config) -> None:
    """A stream does not say how many songs of which key it holds."""
    plain = {
        "train.balance": config.train.balance == "none",
        "train.dataset_weights": not config.train.dataset_weights,
        "loss.class_weights": config.loss.class_weights == "none",
        "loss.confidence_weights": not config.loss.confidence_weights,
    }
    if wanting := [name for name, is_plain in plain.items() if not is_plain]:
        raise ConfigError(
            f'{", ".join(wanting)}: of no use with stream.reader = "webdataset", which does not '
            "know its songs before it has read them; leave that out, or train by index"
        )
