"""Streaming 500 shards in one process: beside decoding the same bytes held in memory, and beside a
`Dataset` over one file an interval, the layout of the original, from disks that are not cached.

The files are decoded by Pillow and soundfile, as one writes it, and once more by our own decoders.
"""

import os
import tempfile
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np
import soundfile
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from benchmarks.songs import packed, under_other_names, written_songs
from benchmarks.turns import median_seconds, report
from evaluation.listener import shards_of
from pipeline.loader import loader
from pipeline.shardset import ShardReader, ShardSet
from pipeline.stream import decode_media, training_stream

BATCH_INTERVALS, WORKERS = 32, 2
LEAST = {"png": 0.85, "audio": 0.93}
LEAST_BESIDE_FILES = 1.5
RUNS = {"png": 9, "audio": 3}
SONG_SECONDS = {"png": 120, "audio": 60}  # enough batches that the first few do not count
ORIGINALS, SHARDS = 4, 500  # a song in each


class Files(Dataset):
    """One file an interval, which the index of a sample names, and its key beside."""

    def __init__(self, paths: list[Path], key_ids: list[int]):
        self.paths, self.key_ids = paths, key_ids
        self.decode: Callable[[Path], np.ndarray] = _by_libraries

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, number: int) -> tuple[torch.Tensor, int]:
        return torch.from_numpy(self.decode(self.paths[number])), self.key_ids[number]


def _by_libraries(path: Path) -> np.ndarray:
    if path.suffix == ".png":
        return np.array(Image.open(path))
    sound, _ = soundfile.read(path, dtype="int16")
    return sound


def measure() -> None:
    """Pack songs both ways and print the rates of reading, decoding and batching them."""
    for format in LEAST:
        with tempfile.TemporaryDirectory() as folder:
            originals = written_songs(folder, ORIGINALS, SONG_SECONDS[format])
            songs = under_other_names(originals, SHARDS)
            config = packed(songs, folder, format, "prepare.songs_per_shard=1")
            shards = shards_of(config, config, ["bench"], "train")
            _beside_memory(shards, format)
            _beside_files(shards, format, Path(folder))


def _beside_memory(shards: ShardSet, format: str) -> None:
    reader, shape = ShardReader(shards), shards.media_shape
    media = [reader.read(number).media for number in range(shards.total)]

    def bare() -> None:
        for one in media:
            decode_media(one, format, shape)

    ours, theirs = median_seconds([lambda: _stream(shards, 0), bare], RUNS[format])
    what = f"streaming {shards.total} {format} intervals of {SHARDS} shards, one process"
    report(what, ours, theirs, LEAST[format])


def _beside_files(shards: ShardSet, format: str, folder: Path) -> None:
    files = _as_files(shards, format, folder)
    tars = [shards.tar(number)[0] for number in range(SHARDS)]

    def streamed() -> None:
        _forget([Path(str(tar)) for tar in tars])
        _stream(shards, WORKERS)

    def from_files() -> None:
        _forget(files.paths)
        for _ in DataLoader(files, BATCH_INTERVALS, shuffle=True, num_workers=WORKERS):
            pass

    def by_our_decoders() -> None:
        files.decode = lambda path: decode_media(path.read_bytes(), format, shards.media_shape)
        from_files()
        files.decode = _by_libraries

    ours, theirs, same = median_seconds([streamed, from_files, by_our_decoders], RUNS[format])
    what = f"streaming {format} shards beside a file an interval, {WORKERS} workers"
    report(what, ours, theirs, LEAST_BESIDE_FILES)
    report("  the same with our decoders for the files", ours, same, 1.0)


def _stream(shards: ShardSet, workers: int) -> None:
    stream = training_stream(shards, BATCH_INTERVALS, 0, 1, 0, 0, 48, 2048)
    for _ in islice(loader(stream, workers, pin_memory=False), len(stream)):
        pass


def _as_files(shards: ShardSet, format: str, folder: Path) -> Files:
    """Each interval in a file of its own, in a folder for each song."""
    reader, paths, key_ids = ShardReader(shards), [], []
    extension = shards.splits[0].manifest.settings.extension
    for number in range(shards.total):
        stored = reader.read(number)
        path = folder / f"files/{stored.song_index:06d}/{number:08d}.{extension}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(stored.media)
        paths.append(path)
        key_ids.append(stored.key_id)
    os.sync()
    return Files(paths, key_ids)


def _forget(paths: list[Path]) -> None:
    """Drop the files from the page cache, where the system lets one."""
    for path in paths:
        with open(path, "rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
