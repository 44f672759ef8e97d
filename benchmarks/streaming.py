"""Streaming shards in one process against decoding the same bytes held in memory."""

import tempfile
from itertools import islice

from benchmarks.songs import packed, under_other_names, written_songs
from benchmarks.turns import median_seconds, report
from evaluation.listener import shards_of
from pipeline.flac import decode_flac
from pipeline.image import decode_png
from pipeline.shardset import ShardReader, ShardSet
from pipeline.stream import loader, training_stream

BATCH_INTERVALS = 32
LEAST = {"png": 0.75, "audio": 0.85}
RUNS = {"png": 9, "audio": 3}
ORIGINALS, SONGS, SONG_SECONDS = 4, 32, 480  # enough batches that the first few do not count


def measure() -> None:
    """Pack songs both ways and print the rates of reading, decoding and batching them."""
    with tempfile.TemporaryDirectory() as folder:
        songs = under_other_names(written_songs(folder, ORIGINALS, SONG_SECONDS), SONGS)
        for format, least in LEAST.items():
            config = packed(songs, folder, format, "prepare.songs_per_shard=8")
            _compare(shards_of(config, config, ["bench"], "train"), format, least)


def _compare(shards: ShardSet, format: str, least: float) -> None:
    reader, shape = ShardReader(shards), shards.media_shape
    media = [reader.read(number).media for number in range(shards.total)]

    def bare() -> None:
        for one in media:
            decode_flac(one, *shape) if format == "audio" else decode_png(one, shape)

    def streamed() -> None:
        stream = training_stream(shards, BATCH_INTERVALS, 0, 1, 0, 0, 48, 2048)
        for _ in islice(loader(stream, 0, pin_memory=False), len(stream)):
            pass

    ours, theirs = median_seconds([streamed, bare], RUNS[format])
    what = f"streaming {shards.total} {format} intervals, one process"
    report(what, ours / shards.total, theirs / shards.total, least)
