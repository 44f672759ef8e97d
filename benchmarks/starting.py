"""Starting to train over sixty million intervals: memory of a rank, and time to the first batch.

The index is made up: its intervals lie in few and small tars, which are there under many names, so
that what grows with the data is all there but for the sound.
"""

import hashlib
import multiprocessing
import os
import sys
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from benchmarks.songs import packed, written_songs
from evaluation.listener import shards_of
from model.trained_songs import TrainedSongs
from pipeline.index import INDEX_NAME, Index, index_bytes, open_index
from pipeline.loader import loader
from pipeline.manifest import Manifest, ManifestShard, read_manifest, write_manifest
from pipeline.record import record_name
from pipeline.songtable import SplitSongs, Texts
from pipeline.stream import training_stream
from settings.sections import Config
from training.reading_rates import interval_rates, song_weights

SONGS, INTERVALS_PER_SONG, SONGS_PER_SHARD = 10_000_000, 6, 1000
ORIGINALS, ORIGINAL_SECONDS = 4, 120
BATCH_INTERVALS = 32
MOST_SECONDS, MOST_MB = 60, 2000


def measure() -> None:
    """Print what a rank's start costs, step by step, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        songs = written_songs(folder, ORIGINALS, ORIGINAL_SECONDS)
        config = packed(songs, folder, "png", f'stream.cache_dir="{folder}/cache"')
        split = Path(folder, "shards/png/bench/train")
        _grow(split)
        size = (split / INDEX_NAME).stat().st_size
        print(f"index of {SONGS:,} songs: {size / 1e6:.0f} MB", flush=True)
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            own, mapped = pool.submit(_peaks_of_start, config).result()
    print(
        f"memory of a rank at its peak: {own:.0f} MB of its own (<= {MOST_MB}); {mapped:.0f} MB of "
        "files in memory, the index above all, whose pages all processes of a machine share"
    )


def _grow(split: Path) -> None:
    """Let the manifest and the index name ten million songs in copies of the split's one tar."""
    manifest = read_manifest(split)
    (tar,) = manifest.shards
    one = open_index(split / INDEX_NAME, manifest)
    names = [f"{number:06d}.tar" for number in range(SONGS // SONGS_PER_SHARD)]
    for name in names[1:]:
        os.link(split / tar.name, split / name)
        (split / record_name(name)).touch()
    intervals = SONGS_PER_SHARD * INTERVALS_PER_SONG
    shards = tuple(
        ManifestShard(
            name=name, songs=SONGS_PER_SHARD, intervals=intervals, bytes=tar.bytes,
            sha256=tar.sha256,
        )
        for name in names
    )  # fmt: skip
    data = index_bytes(_made_up(one))
    (split / INDEX_NAME).write_bytes(data)
    changes = {"shards": shards, "index_sha256": hashlib.sha256(data).hexdigest()}
    write_manifest(split, Manifest(**{**manifest.model_dump(exclude={"shards"}), **changes}))


def _made_up(one: Index) -> Index:
    """The rows of an index again and again, of songs with names as long as an MD5."""
    total = SONGS * INTERVALS_PER_SONG
    names = np.arange(SONGS).astype("S32").view(np.uint8)
    ends = np.arange(1, SONGS + 1, dtype=np.int64)
    digests = np.random.default_rng(0).integers(1, 1 << 63, (2, SONGS), np.uint64)
    songs = SplitSongs(
        key_id=np.resize(np.arange(24, dtype=np.uint8), SONGS),
        intervals=np.full(SONGS, INTERVALS_PER_SONG, np.int32),
        confidence=np.ones(SONGS, np.float32),
        song_id=Texts(names, 32 * ends),
        label_source=Texts(np.full(SONGS, ord("a"), np.uint8), ends),
        genre=Texts(np.full(SONGS, ord("b"), np.uint8), ends),
        identity=digests[0],
        name=digests[1],
    )
    return Index(
        media_offset=np.resize(one.media_offset, total),
        media_bytes=np.resize(one.media_bytes, total),
        media_crc32=np.resize(one.media_crc32, total),
        song=np.repeat(np.arange(SONGS, dtype=np.int32), INTERVALS_PER_SONG),
        songs=songs,
    )


def _peaks_of_start(config: Config) -> tuple[float, float]:
    """The most of its own memory, and of files', MB, that this process ever held meanwhile."""
    ended, seen = threading.Event(), []

    def watch() -> None:
        while not ended.wait(0.01):
            lines = Path("/proc/self/status").read_text().splitlines()
            numbers = {line.partition(":")[0]: line.split()[1] for line in lines if "kB" in line}
            seen.append([int(numbers[name]) / 1000 for name in ("RssAnon", "RssFile")])

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        _start(config)
    finally:
        ended.set()
        watcher.join()
    own, mapped = np.max(seen, axis=0).tolist()
    return own, mapped


def _start(config: Config) -> None:
    """What train.py does before its first step, without the network."""
    began = time.perf_counter()
    shards = shards_of(config, config, ["bench"], "train")
    _say("manifest, index and files found whole", began)
    TrainedSongs.of(shards.song_table().all_digests())
    _say("what the checkpoints will remember", began)
    rates = interval_rates(shards, "none", {})
    song_weights(shards, rates, "mode", False)
    _say("recordings of several keys, weights of the songs", began)
    stream = training_stream(shards, BATCH_INTERVALS, 0, 1, 0, 0, 48, 2048, rates=rates)
    _say("order of the epoch", began)
    batch = next(iter(loader(stream, 0, pin_memory=False)))
    if not batch.valid.all():
        raise SystemExit("the first batch could not be read")
    _say(f"first batch (<= {MOST_SECONDS})", began)


def _say(what: str, began: float) -> None:
    print(f"{time.perf_counter() - began:6.1f} s  {what}")
    sys.stdout.flush()
