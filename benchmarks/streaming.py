"""Streaming shards in one process against decoding the same bytes held in memory.

python -m benchmarks.streaming
"""

import tempfile
from itertools import islice

from benchmarks.turns import median_seconds, report
from build import shards_of
from config import load_config
from pipeline.audio import decode_flac
from pipeline.image import decode_png
from pipeline.shardset import ShardReader, ShardSet
from pipeline.stream import loader, training_stream
from shards import synthetic
from shards.prepare import prepare

BATCH_INTERVALS = 32
ALL_TRAIN = ("split.valid_fraction=0.0", "split.test_fraction=0.0", "prepare.songs_per_shard=8")
LEAST = {"png": 0.75, "audio": 0.85}
RUNS = {"png": 25, "audio": 7}


def measure() -> None:
    """Pack songs both ways and print the rates of reading, decoding and batching them."""
    with tempfile.TemporaryDirectory() as folder:
        for format, least in LEAST.items():
            overrides = [f'prepare.shards_dir="{folder}"', f"stream.format={format}", *ALL_TRAIN]
            config = load_config(None, overrides)
            songs = synthetic.songs(24, song_seconds=160.0, seed=0)
            prepare("synthetic", songs, [], format, config)
            shards = shards_of(config, config, ("synthetic",), "train")
            _compare(shards, format, least)


def _compare(shards: ShardSet, format: str, least: float) -> None:
    reader, shape = ShardReader(shards), shards.media_shape
    media = [reader.read(number).media for number in range(shards.total)]

    def bare() -> None:
        for one in media:
            decode_flac(one) if format == "audio" else decode_png(one, shape)

    def streamed() -> None:
        stream = training_stream(shards, BATCH_INTERVALS, 0, 1, 0, 0, 48, 2048)
        for _ in islice(loader(stream, 0, pin_memory=False), len(stream)):
            pass

    ours, theirs = median_seconds([streamed, bare], RUNS[format])
    what = f"streaming {shards.total} {format} intervals, one process"
    report(what, ours / shards.total, theirs / shards.total, least)


if __name__ == "__main__":
    measure()
