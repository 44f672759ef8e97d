"""Streaming 500 shards in one process: beside decoding the same bytes held in memory, and beside a
`Dataset` over one file an interval, the layout of the original, from disks that are not cached.
"""

import os
import tempfile
from itertools import islice
from pathlib import Path

import torch
from torch.utils.data import DataLoader, Dataset

from benchmarks.songs import packed, under_other_names, written_songs
from benchmarks.turns import median_seconds, report
from evaluation.listener import shards_of
from pipeline.shardset import ShardReader, ShardSet
from pipeline.stream import decode_media, loader, training_stream

BATCH_INTERVALS, WORKERS = 32, 2
LEAST = {"png": 0.85, "audio": 0.93}
LEAST_BESIDE_FILES = 1.5
RUNS = {"png": 9, "audio": 3}
SONG_SECONDS = {"png": 120, "audio": 60}  # enough batches that the first few do not count
ORIGINALS, SHARDS = 4, 500  # a song in each


class Files(Dataset):
    """One file an interval, which the index of a sample names, and its key beside."""

    def __init__(self, paths: list[Path], key_ids: list[int], format: str, shape: tuple[int, ...]):
        self.paths, self.key_ids, self.format, self.shape = paths, key_ids, format, shape

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, number: int) -> tuple[torch.Tensor, int]:
        media = decode_media(self.paths[number].read_bytes(), self.format, self.shape)
        return torch.from_numpy(media), self.key_ids[number]


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
    tars = [shards.tar(number)[0] / shards.tar(number)[1].name for number in range(SHARDS)]

    def streamed() -> None:
        _forget([Path(str(tar)) for tar in tars])
        _stream(shards, WORKERS)

    def from_files() -> None:
        _forget(files.paths)
        for _ in DataLoader(files, BATCH_INTERVALS, shuffle=True, num_workers=WORKERS):
            pass

    ours, theirs = median_seconds([streamed, from_files], RUNS[format])
    what = f"streaming {format} shards beside a file an interval, {WORKERS} workers"
    report(what, ours, theirs, LEAST_BESIDE_FILES)


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
    return Files(paths, key_ids, format, shards.media_shape)


def _forget(paths: list[Path]) -> None:
    """Drop the files from the page cache, where the system lets one."""
    for path in paths:
        with open(path, "rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
