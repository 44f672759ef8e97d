"""Shards to this process's batches: each worker reads, checks and decodes every w-th of them."""

import errno
from collections.abc import Collection, Iterator
from itertools import takewhile

import numpy as np
import torch

from pipeline.buffers import Buffers, Memory
from pipeline.excerpt import decode_excerpt
from pipeline.flac import decode_flac
from pipeline.image import decode_png
from pipeline.lost import Lost, StreamError
from pipeline.order import (
    epoch_order,
    limited,
    padded_step_count,
    share,
    shares,
    spread,
    step_count,
    substitutes,
)
from pipeline.readahead import UnreachableShard
from pipeline.sample import Batch
from pipeline.shardset import ShardSet, Stored
from pipeline.source import Reader, Source
from pipeline.wave_file import decode_wav
from songkey.errors import AudioKeyError

Label = tuple[int, int]  # key_id, song_index
NO_FILE_LEFT = (errno.EMFILE, errno.ENFILE)  # no sample's fault: too many files are open


def decode_audio(media: bytes, samples: int) -> np.ndarray:
    """A FLAC or WAV file's waveform, int16 (S,); AudioError unless it has S `samples`."""
    return (decode_wav if media.startswith(b"RIFF") else decode_flac)(media, samples)


def decode_media(media: bytes, format: str, shape: tuple[int, ...]) -> np.ndarray:
    """Audio as int16 (S,), a PNG as uint8 levels (F, T); AudioKeyError unless of `shape`."""
    match format:
        case "audio":
            return decode_audio(media, *shape)
        case "pcm":  # of songs that are made, not stored
            return np.frombuffer(media, np.int16)
    return decode_png(media, shape)


def _decode_into(row: np.ndarray, stored: Stored, format: str) -> None:
    if format == "png":
        decode_png(stored.media, row.shape, row)
    elif format == "audio" and stored.excerpt:
        row[:] = decode_excerpt(stored.media, stored.excerpt, *row.shape)
    else:
        row[:] = decode_media(stored.media, format, row.shape)


class Stream:
    """The batches of one pass for process `rank` of `ranks`, from `first_step` to the last step.

    In training a bad sample is replaced by the next of its lane, so that every process has the same
    number of steps; in evaluation it is marked not valid. Both are counted in `lost`, and where
    these are more than `max_bad_samples`, no worker reads on.
    """

    def __init__(
        self, shards: Source, order: np.ndarray, global_batch_size: int, rank: int, ranks: int,
        lanes: int | None = None, first_step: int = 0, limit_fraction: float = 1.0,
        max_bad_samples: int = 0, lost: Collection[int] = (),
    ):  # fmt: skip
        """`lanes` is that of the epoch's order in training, None in evaluation.

        `limit_fraction` is the share of the steps after which the pass ends; `lost` are intervals
        that its part before `first_step` could not read.
        """
        if global_batch_size % ranks:
            raise StreamError(
                f"a global batch of {global_batch_size} cannot be shared by {ranks} processes; "
                "make the batch size a multiple of them"
            )
        count = padded_step_count if lanes is None else step_count
        last_step = count(len(order), global_batch_size)
        if not last_step:
            raised = " raise train.dataset_weights," if len(order) < shards.total else ""
            raise StreamError(
                f"{len(order)} intervals do not fill one batch of {global_batch_size}; "
                f"lower train.global_batch_size,{raised} or pack more songs"
            )
        self.shards, self.order, self.lanes = shards, order, lanes
        self.global_batch_size, self.rank, self.ranks = global_batch_size, rank, ranks
        self.steps = range(first_step, limited(last_step, limit_fraction))
        self.lost = Lost(max_bad_samples, len(order), lost)

    def __len__(self) -> int:
        return len(self.steps)

    def __iter__(self) -> Iterator[Batch]:
        return self.part()

    def part(self, worker: int = 0, workers: int = 1) -> Iterator[Batch]:
        """This worker's batches, every w-th, in memory that they share with nobody."""
        buffers = self.buffers()
        for memory in self.filled(buffers, worker, workers):
            yield self.batch(memory if memory.place is None else buffers.lent(memory.place))

    def buffers(self, shared: bool = False) -> Buffers:
        """Memory for one worker's batches."""
        size = self.global_batch_size // self.ranks
        dtype = np.uint8 if self.shards.format == "png" else np.int16
        return Buffers((size, *self.shards.media_shape), dtype, shared)

    def filled(self, buffers: Buffers, worker: int, workers: int) -> Iterator[Memory]:
        """This worker's batches, each in memory that is lent to nobody yet."""
        reader = self.shards.reader()
        steps = self.steps[worker::workers]
        parts = shares(self.order, steps, self.global_batch_size, self.rank, self.ranks)
        reader.expect(parts, self.lanes or 1)
        try:
            for step in steps:
                memory = buffers.take()
                self._fill(memory, reader, step)
                yield memory
        finally:
            reader.close()

    def batch(self, memory: Memory) -> Batch:
        """The batch that lies there; its labels are copies."""
        media = torch.from_numpy(memory.media)  # (B, S) or (B, F, T)
        key_id, song_index, valid = torch.from_numpy(memory.labels.T.copy())  # (B,) each
        waveform, cqt = (None, media) if self.shards.format == "png" else (media, None)
        return Batch(waveform, cqt, key_id, song_index, valid.bool())

    @property
    def bad_samples(self) -> int:
        """Samples that could not be read so far, in all workers of this process."""
        return len(self.lost)

    def check(self, batch: Batch) -> None:
        """Raise StreamError where there is too little data to go on with."""
        self.lost.check()
        if self.lanes is not None and not batch.valid.all():
            raise StreamError(
                f"none of {len(self.lost)} intervals could be read; see the warnings above, and "
                "python -m shards check"
            )

    def _fill(self, memory: Memory, reader: Reader, step: int) -> None:
        """Read this process's part of the global batch of `step`."""
        media, labels = memory.media, memory.labels
        positions = share(self.order, step, self.global_batch_size, self.rank, self.ranks)
        read = [(0, 0, False)] * len(media)
        for place, position in enumerate(positions.tolist()):
            if label := self._sample_into(media[place], reader, position):
                read[place] = (*label, True)
        labels[:] = read
        media[labels[:, 2] == 0] = 0

    def _sample_into(self, row: np.ndarray, reader: Reader, position: int) -> Label | None:
        """Decode the sample at `position` or, in training, what takes its place if it is bad."""
        label = self._decoded_into(row, reader, self.order.item(position))
        if label is None and self.lanes is not None:
            others = takewhile(
                lambda _: not self.lost.too_many,
                substitutes(position, len(self.order), self.lanes),
            )
            tries = (self._decoded_into(row, reader, self.order.item(other)) for other in others)
            label = next((other for other in tries if other is not None), None)
        return label

    def _decoded_into(self, row: np.ndarray, reader: Reader, number: int) -> Label | None:
        if self.lost.too_many or number in self.lost:
            return None
        try:
            stored = reader.read(number)
            _decode_into(row, stored, self.shards.format)
        except UnreachableShard:  # as stream.unreachable says
            raise
        except (AudioKeyError, OSError) as error:  # BadSample, or the decoder's complaint
            if getattr(error, "errno", None) in NO_FILE_LEFT:
                raise
            self.lost.add(number, f"{reader.name(number)}: {error}")
            return None
        return stored.key_id, stored.song_index


def training_stream(
    shards: Source, global_batch_size: int, rank: int, ranks: int, seed: int, epoch: int,
    lanes: int, block_intervals: int, first_step: int = 0, rates: np.ndarray | None = None,
    limit_fraction: float = 1.0, max_bad_samples: int = 0, lost: Collection[int] = (),
) -> Stream:  # fmt: skip
    """One epoch of training in its order: every interval at most once or, on average, at its rate.

    `rates` (N,) are those of training/reading_rates.py.
    """
    shards = shards.of_epoch(epoch)
    order = epoch_order(shards.intervals, seed, epoch, lanes, block_intervals, rates)
    return Stream(
        shards, order, global_batch_size, rank, ranks, lanes, first_step, limit_fraction,
        max_bad_samples, lost,
    )  # fmt: skip


def evaluation_stream(
    shards: ShardSet, global_batch_size: int, rank: int, ranks: int, limit_fraction: float = 1.0,
    max_bad_samples: int = 0,
) -> Stream:  # fmt: skip
    """Every interval exactly once, in the order of the shards, or that share of the batches.

    Its intervals are spread evenly, so that no data set is left out.
    """
    steps = limited(padded_step_count(shards.total, global_batch_size), limit_fraction)
    order = spread(shards.total, min(steps * global_batch_size, shards.total))
    return Stream(shards, order, global_batch_size, rank, ranks, max_bad_samples=max_bad_samples)
