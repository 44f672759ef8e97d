"""Shards in order, as a stream: for what cannot be read by offset, such as a command's output.

A process reads its part of the shards from their beginnings to their ends, over and over, through a
buffer that is shuffled; an epoch is as many intervals as a setting says. So all processes have
equal steps, but an epoch is no exact pass over the data, and a run that goes on in mid-epoch begins
its shards anew.
"""

import hashlib
import random
import re
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
import webdataset as wds

from pipeline.excerpt import Excerpt, excerpt_count, seconds_of
from pipeline.members import Members, name_of
from pipeline.record import SongEntry
from pipeline.shardset import BadSample, Stored
from pipeline.songtable import SongRows, SongTable
from pipeline.tarwalk import Sample, samples
from songkey.errors import AudioKeyError
from storage.filesystem import opened
from storage.places import place_of, streamed

DATASET = "stream"
PROBLEM = "__problem__"  # in place of a sample: why no more of a shard can be read


@dataclass(frozen=True)
class ShardStream:
    """A pipeline.source.Source of `total` intervals an epoch; which songs they are of, nobody says.

    All are of one song in its table.
    """

    urls: tuple[str, ...]  # paths, addresses, "pipe:COMMAND"
    members: Members
    format: str  # 'audio' or 'png'
    media_shape: tuple[int, ...]
    sample_rate: int
    interval_seconds: float
    total: int
    buffer_samples: int
    seed: int
    epoch: int = 0

    @property
    def intervals(self) -> np.ndarray:
        """(1,) int64: as of one shard."""
        return np.array([self.total])

    @property
    def fingerprint(self) -> str:
        """What identifies the data to a checkpoint."""
        text = repr((self.urls, self.members, self.total))
        return f"stream-{hashlib.sha256(text.encode()).hexdigest()[:16]}"

    def song_table(self) -> SongTable:
        """One row for all."""
        rows = SongRows()
        rows.add(
            SongEntry(
                song_id="?", recording_id="?", key="C major", label_source="", confidence=1.0,
                intervals=self.total,
            )
        )  # fmt: skip
        return SongTable((DATASET,), (rows.finish(),))

    def of_epoch(self, epoch: int) -> "ShardStream":
        """The same shards, in another order."""
        return replace(self, epoch=epoch)

    def reader(self) -> "StreamReader":
        """What reads this process's part."""
        return StreamReader(self)


class StreamReader:
    """Gives the next interval, whichever number is asked for; a pipeline.source.Reader."""

    def __init__(self, source: ShardStream):
        self._source = source
        seed = (source.seed, source.epoch)
        order = np.random.default_rng(seed).permutation(len(source.urls))  # the same everywhere
        rank, _, worker, _ = wds.utils.pytorch_worker_info()
        self._random = random.Random(repr((*seed, rank, worker)))
        pipeline = wds.DataPipeline(
            wds.SimpleShardList([source.urls[place] for place in order]),
            wds.split_by_node,
            wds.split_by_worker,
            _samples_of,
            wds.shuffle(source.buffer_samples, initial=source.buffer_samples, rng=self._random),
        )
        self._samples: Iterator[Sample] = iter(pipeline.repeat())
        self._name = "the stream"
        self._lost: set[str] = set()  # shards whose problem was told

    def read(self, number: int) -> Stored:
        """The next interval: of a longer medium, any one. AudioKeyError where it is not usable."""
        sample = self._next()
        self._name = sample["__url__"]
        if PROBLEM in sample:
            self._lost.add(sample["__url__"])
            raise BadSample(sample[PROBLEM])
        self._name = f"{self._name}, sample {name_of(sample)}"
        media, _ = self._source.members.media_of(sample)
        key, _ = self._source.members.key_of(sample)
        if self._source.format == "png":
            return Stored(media, key.id, 0)
        count = excerpt_count(seconds_of(media), self._source.interval_seconds)
        excerpt = Excerpt(self._random.randrange(count), self._source.sample_rate)
        return Stored(media, key.id, 0, excerpt)

    def _next(self) -> Sample:
        """The next sample, or the problem of a shard that had none so far in this pass."""
        sample = None
        for _ in range(len(self._source.urls) + 1):  # or every shard has nothing but problems
            if (sample := next(self._samples, None)) is None:
                raise BadSample("no sample in any shard of this process")
            if PROBLEM not in sample or sample["__url__"] not in self._lost:
                break
        return cast(Sample, sample)

    def expect(self, chunks: Iterable[np.ndarray], lanes: int) -> None:
        """Nothing: shards are read as they come."""

    def close(self) -> None:
        """End the stream, which closes what it reads."""
        self._samples = iter(())

    def name(self, number: int) -> str:
        """Which sample was read last, for a message."""
        return self._name


def shard_parts(workers: int) -> int:
    """Into how many parts the shards are split, by processes and their workers."""
    _, ranks, _, _ = wds.utils.pytorch_worker_info()
    return ranks * max(1, workers)


def _samples_of(shards: Iterable[dict[str, Any]]) -> Iterator[Sample]:
    """The samples of shards one after the other, each with where it is from."""
    for shard in shards:
        url = shard["url"]
        try:
            with _opened(url) as file:
                for sample in samples(file, compressed=True):
                    yield {**sample, "__url__": url}
        except (AudioKeyError, OSError) as error:
            yield {"__key__": "", "__url__": url, PROBLEM: _told(error)}


def _told(error: Exception) -> str:
    """What ended a shard, also where webdataset says it of a command by its own words."""
    if not isinstance(error, OSError) or error.strerror:
        return str(error)
    code = re.search(r"exit (-?\d+) ", str(error))
    return f"its command failed, with exit code {code[1]}" if code else str(error)


def _opened(url: str) -> AbstractContextManager[BinaryIO]:
    """The file, to be read once."""
    if url.startswith("pipe:"):
        return wds.gopen(url)
    place = place_of(url)
    return open(place, "rb") if isinstance(place, Path) else _opened_at(place.url)


@contextmanager
def _opened_at(url: str) -> Iterator[BinaryIO]:
    with opened(url) as (filesystem, path), streamed(filesystem, path) as file:
        yield file
