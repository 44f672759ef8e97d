"""The record beside a shard: what the tar holds, and where each sample's members lie.

It is the shard's commit marker: it is written last, by rename; a tar without one does not count.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from pipeline.bounded import MOST_RECORD_BYTES, ManifestError, read
from pipeline.pack_settings import PackSettings
from pipeline.strict import (
    Bytes,
    Count,
    Crc32,
    Finite,
    Frozen,
    Sha256,
    TarName,
    Tuple,
    parse,
    refuse_more_than,
)
from songkey.keys import parse_key
from storage.places import Place
from storage.whole import write_whole

READ_TOGETHER = 256  # records of an address
MOST_INFO_BYTES = 1 << 16  # of a sample's JSON
TAR_BLOCK_BYTES = 512  # a member is a header of one block, then its bytes filled up to whole blocks
SAMPLE_COLUMNS = (  # of a record
    "song", "interval", "media_offset", "media_bytes", "media_crc32",
    "json_offset", "json_bytes", "json_crc32",
)  # fmt: skip


def _of_one_key(text: str) -> str:
    parse_key(text)
    return text


def _of_today(identity: str) -> str:
    """A digest as earlier versions made it is none today, and as good as not known."""
    return "" if re.fullmatch("[0-9a-f]{16}", identity) else identity


class SongEntry(Frozen):
    """One song of a shard, as the table of songs lists it."""

    song_id: str
    recording_id: str
    key: Annotated[str, AfterValidator(_of_one_key)]  # "C minor"
    label_source: str
    confidence: Finite
    intervals: Count
    # Not written where unknown, so that shards packed before it was recorded keep their bytes.
    genre: str = Field(default="", exclude_if=lambda genre: not genre)
    # Of its sound.
    identity: Annotated[str, AfterValidator(_of_today)] = Field(
        default="", exclude_if=lambda identity: not identity
    )
    content: str = Field(default="", exclude_if=lambda content: not content)  # MD5 of its file
    name: str = Field(default="", exclude_if=lambda name: not name)  # artist and title
    seconds: Finite = Field(default=0.0, exclude_if=lambda seconds: not seconds)  # of its sound
    # What its file was when it was packed, such as its bytes: another one may be another sound.
    source: str = Field(default="", exclude_if=lambda source: not source)


class ShardRecord(Frozen):
    """What one tar file holds; the sample's columns run in the order of the tar."""

    shard: TarName
    bytes: Bytes
    sha256: Sha256
    settings: PackSettings
    songs: Tuple[SongEntry]
    song: Tuple[Count]  # of each sample, its place in `songs`
    interval: Tuple[Count]
    media_offset: Tuple[Bytes]
    media_bytes: Tuple[Count]
    media_crc32: Tuple[Crc32]
    json_offset: Tuple[Bytes]
    json_bytes: Tuple[Count]
    json_crc32: Tuple[Crc32]
    left_out: Tuple[tuple[str, str]]  # (song_id, reason)
    # Of each of those what its file was; not written by those who packed before it was.
    left_out_sources: Tuple[str] = Field(default=(), exclude_if=lambda sources: not sources)
    # Further tars of the same songs, when one grew too large.
    continued_by: tuple[TarName, ...] = ()
    # Of a tar that others made: where it lies. It is not copied; `shard` is a name that it has here
    # alone, `interval` says which interval of its medium is meant, and there is no JSON of ours.
    place: str = Field(default="", exclude_if=lambda place: not place)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if len({len(getattr(self, name)) for name in SAMPLE_COLUMNS}) != 1:
            raise ValueError("its columns are of different lengths")
        if self.song and not 0 <= min(self.song) <= max(self.song) < len(self.songs):
            raise ValueError("a sample is of a song that it does not list")
        counts = Counter(self.song)
        if any(song.intervals != counts[place] for place, song in enumerate(self.songs)):
            raise ValueError("its songs have other numbers of intervals")
        return self

    @model_validator(mode="after")
    def _members_follow_each_other(self) -> Self:
        if max(self.json_bytes, default=0) > MOST_INFO_BYTES:
            raise ValueError(f"a sample's JSON is larger than {MOST_INFO_BYTES} bytes")
        if (
            self.place
        ):  # others may have written members in any order, and one may be many intervals
            self._media_lie_inside()
            return self
        end = 0
        for start, size in chain.from_iterable(map(self.places, range(len(self.song)))):
            if start < end + TAR_BLOCK_BYTES:  # its header's
                raise ValueError("its members overlap")
            end = start + size
        if end > self.bytes:
            raise ValueError("its members lie outside the tar")
        return self

    def _media_lie_inside(self) -> None:
        for start, size in zip(self.media_offset, self.media_bytes, strict=True):
            if start + size > self.bytes:
                raise ValueError("its members lie outside the tar")

    def places(self, sample: int) -> list[tuple[int, int]]:
        """Where a sample's media and its JSON lie in the tar: offset and size of each."""
        return [
            (self.media_offset[sample], self.media_bytes[sample]),
            (self.json_offset[sample], self.json_bytes[sample]),
        ]


def record_name(shard: str) -> str:
    """'000000.tar' -> '000000.json'."""
    return shard.removesuffix(".tar") + ".json"


def task_of(shard: str) -> str:
    """The task that made a shard: '000000' of both 000000.tar and 000000-001.tar."""
    return shard.removesuffix(".tar").partition("-")[0]


def write_record(folder: Place, record: ShardRecord) -> None:
    """Write the record of a shard, which makes the shard count; ManifestError if too large."""
    path, data = folder / record_name(record.shard), record.model_dump_json().encode()
    refuse_more_than(MOST_RECORD_BYTES, path, data)
    write_whole(path, data)


def read_record(folder: Place, shard: str) -> ShardRecord:
    """The record of `shard`; raises ManifestError when it is missing or damaged."""
    path = folder / record_name(shard)
    return parse_record(path, read(path, MOST_RECORD_BYTES))


def read_records(folder: Place, shards: Iterable[str]) -> Iterator[ShardRecord]:
    """The records of `shards` in their order; those at an address are read many at a time."""
    if isinstance(folder, Path):
        yield from (read_record(folder, shard) for shard in shards)
        return
    waiting = iter(shards)
    while names := [record_name(shard) for shard in islice(waiting, READ_TOGETHER)]:
        try:
            found = folder.read_files(names, MOST_RECORD_BYTES + 1)
        except FileNotFoundError:
            found = [read(folder / name, MOST_RECORD_BYTES) for name in names]  # says what is gone
        for name, data in zip(names, found, strict=True):
            yield parse_record(folder / name, data)


def parse_record(path: Place, data: bytes) -> ShardRecord:
    """The record that the bytes of the file `path` are; raises ManifestError."""
    refuse_more_than(MOST_RECORD_BYTES, path, data)
    record = parse(ShardRecord, path, data)
    if record_name(record.shard) != path.name:
        raise ManifestError(f"{path}: of another shard, {record.shard}; delete it and pack again")
    return record
