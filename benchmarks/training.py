"""Training from shards against the same batches held in memory, and what checkpoints cost.

Where there is no GPU, the step runs on one thread, so that the workers have the other cores, and
then on all cores, which they share with it.
"""

import itertools
import tempfile
from collections.abc import Iterable
from pathlib import Path

import torch
from accelerate.utils import send_to_device
from torch.nn.functional import cross_entropy

from benchmarks.songs import packed, under_other_names, written_songs
from benchmarks.turns import median_seconds, report
from evaluation.listener import front_end_of, network_of, shards_of
from model.checkpoint import save_checkpoint
from model.optimizer import adamw
from pipeline.loader import loader
from pipeline.sample import Batch
from pipeline.stream import training_stream
from settings.sections import Config

ORIGINALS, SONG_SECONDS = 4, 400.0
SONGS = {"png": 160, "flac": 48, "wav": 48}  # so that starting the workers, once an epoch, counts
RUNS = 3  # as it does in real epochs
LEAST = {"png": 0.90, "flac": 0.75, "wav": 0.75}
WORKERS = 2
MOST_SAVING_SHARE = 0.01  # of the time, at a checkpoint a minute


def measure() -> None:
    """Print the step rates from PNG and from audio shards, and the share of saving."""
    with tempfile.TemporaryDirectory() as folder:
        originals = written_songs(folder, ORIGINALS, SONG_SECONDS)
        for file, least in LEAST.items():
            songs = under_other_names(originals, SONGS[file])
            format = "png" if file == "png" else "audio"
            own = [f'prepare.shards_dir="{folder}/{file}"', "prepare.songs_per_shard=4"]
            if format == "audio":
                own.append(f"prepare.audio_file={file}")
            config = packed(songs, folder, format, *own)
            for threads in _thread_counts():
                torch.set_num_threads(threads)
                _compare(config, file, least)
        _measure_saving(config, Path(folder))


def _thread_counts() -> list[int]:
    """Of the step: one and all; on a GPU only what PyTorch takes by itself."""
    every = torch.get_num_threads()
    return [every] if torch.cuda.is_available() else sorted({1, every})


class _Steps:
    """The training step of train.py, without its bookkeeping."""

    def __init__(self, config: Config):
        setting = config.train
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.front_end = front_end_of(config).to(self.device).train()
        self.network = network_of(config).to(self.device).train()
        self.optimizer = adamw(self.network, setting.learning_rate, setting.weight_decay)

    def over(self, batches: Iterable[Batch]) -> None:
        for batch in batches:
            cqt, key_id = self.front_end(send_to_device(batch, self.device))  # (B, F, T), (B,)
            loss = cross_entropy(self.network(cqt), key_id)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
        if self.device.type == "cuda":
            torch.cuda.synchronize()


def _compare(config: Config, file: str, least: float) -> None:
    shards = shards_of(config, config, ("bench",), "train")
    size, setting = config.train.global_batch_size, config.stream
    steps = _Steps(config)

    def stream(workers: int) -> Iterable[Batch]:
        order = training_stream(shards, size, 0, 1, 0, 0, setting.lanes, setting.block_intervals)
        return loader(order, workers, pin_memory=steps.device.type == "cuda")

    in_memory = [_kept(batch) for batch in stream(0)]
    streamed, bare = median_seconds(
        [lambda: steps.over(stream(WORKERS)), lambda: steps.over(in_memory)], RUNS
    )
    count = len(in_memory) * size
    what = f"training on {count} {file} intervals, {WORKERS} workers, "
    where = "GPU" if steps.device.type == "cuda" else f"{torch.get_num_threads()} threads"
    report(what + where, streamed, bare, least)
    print(f"  {count / streamed:.0f} intervals a second, from memory {count / bare:.0f}")


def _kept(batch: Batch) -> Batch:
    """A copy: the stream uses its memory again, unless it has pinned a copy for the GPU itself."""
    return Batch._make(
        field if field is None or field.is_pinned() else field.clone() for field in batch
    )


def _measure_saving(config: Config, folder: Path) -> None:
    """A checkpoint of a network in training, weights and optimizer."""
    steps = _Steps(config)
    shards = shards_of(config, config, ("bench",), "train")
    batches = training_stream(shards, 32, 0, 1, 0, 0, 48, 2048)
    steps.over(itertools.islice(loader(batches, 0, pin_memory=False), 1))
    file, settings = folder / "last.safetensors", config.model_dump(mode="json")
    (seconds,) = median_seconds(
        [lambda: save_checkpoint(file, steps.network, settings, {}, steps.optimizer)], 10
    )
    share = seconds / 60
    print(f"saving a checkpoint every minute: {share:.3%} of the time (<= {MOST_SAVING_SHARE:.0%})")
