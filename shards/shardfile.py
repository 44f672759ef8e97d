"""The tar files of a task: written under temporary names until proven whole, and read back."""

import hashlib
import os
import re
import tarfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple, Self

import webdataset as wds
from isal.isal_zlib import crc32

from pipeline.pack_settings import PackSettings
from pipeline.record import (
    SAMPLE_COLUMNS,
    TAR_BLOCK_BYTES,
    ShardRecord,
    SongEntry,
    write_record,
)
from pipeline.sample import SampleInfo
from pipeline.strict import MOST_WORDS
from shards.tarmembers import member_at
from songkey.errors import AudioKeyError
from songkey.keys import parse_key
from storage.places import Place
from storage.staging import local_copy
from storage.whole import put_in_place, unfinished

SAMPLE_ID = "[0-9A-Za-z_-]{1,90}"  # without a dot, which would end it
COPY_BYTES = 16_000_000  # at a time
TAR_END_BYTES = 10240  # most that closing a tar adds


class ShardError(AudioKeyError):
    """A shard that does not read back as it was written."""


class ShardFile:
    """A plain WebDataset tar under a temporary name, and the columns of its record."""

    def __init__(self, folder: Path, name: str):
        self.path = folder / f"{name}.tar"
        self._temporary = unfinished(self.path)
        self._file = open(self._temporary, "w+b")  # noqa: SIM115 (finish closes it)
        self._tar = wds.TarWriter(self._file, encoder=False, mtime=0)
        # Not by its own stream, which writes 10 kB at a time: 5% of the time of packing.
        self._tar.tarstream = tarfile.TarFile(fileobj=self._file, mode="w", copybufsize=COPY_BYTES)
        self._end = 0
        self._songs: list[SongEntry] = []
        self._columns: dict[str, list[int]] = {name: [] for name in SAMPLE_COLUMNS}

    def has_room(self, media_bytes: int, max_bytes: int) -> bool:
        """Whether a sample of that size keeps the tar within `max_bytes`; the first always fits."""
        sample_bytes = media_bytes + 6 * TAR_BLOCK_BYTES  # two headers, the JSON, filling up
        return not self._columns["song"] or self._end + sample_bytes + TAR_END_BYTES <= max_bytes

    def add(
        self, song: SongEntry, sample_id: str, extension: str, media: bytes, info: SampleInfo
    ) -> None:
        """Append one sample: its media, then its JSON."""
        if self._songs[-1:] != [song]:
            self._songs.append(song)
        info_bytes = info.model_dump_json().encode()
        row = {
            "song": len(self._songs) - 1,
            "interval": info.interval,
            **self._member("media", sample_id, extension, media),
            **self._member("json", sample_id, "json", info_bytes),
        }
        for name, value in row.items():
            self._columns[name].append(value)

    def finish(self, settings: PackSettings) -> ShardRecord:
        """Close, read back, compare and rename the tar; its record is for the caller to write."""
        self._tar.close()
        self._file.flush()
        self._read_back()
        self._file.seek(0)
        sha256 = hashlib.file_digest(self._file, "sha256").hexdigest()
        size = self._file.tell()
        self._file.close()
        put_in_place(self._temporary, self.path)
        counts = Counter(self._columns["song"])
        songs = [
            song.model_copy(update={"intervals": counts[place]})
            for place, song in enumerate(self._songs)
        ]
        return ShardRecord(
            shard=self.path.name, bytes=size, sha256=sha256, settings=settings, songs=songs,
            left_out=(), **self._columns,
        )  # fmt: skip

    def discard(self) -> None:
        """Remove what was written so far."""
        for closing in (self._tar.close, self._file.close):
            with suppress(OSError):  # a full disk does not take what is still buffered
                closing()
        self._temporary.unlink(missing_ok=True)

    def _member(self, column: str, sample_id: str, extension: str, data: bytes) -> dict[str, int]:
        self._tar.write({"__key__": sample_id, extension: data})
        offset = self._end + TAR_BLOCK_BYTES
        self._end = offset + -(-len(data) // TAR_BLOCK_BYTES) * TAR_BLOCK_BYTES
        return {
            f"{column}_offset": offset,
            f"{column}_bytes": len(data),
            f"{column}_crc32": crc32(data),
        }

    def _read_back(self) -> None:
        """Compare what lies on the disk with what was written; raises ShardError."""
        for column in ("media", "json"):
            columns = (self._columns[f"{column}_{part}"] for part in ("offset", "bytes", "crc32"))
            for offset, size, expected in zip(*columns, strict=True):
                if crc32(os.pread(self._file.fileno(), size, offset)) != expected:
                    raise ShardError(
                        f"{self.path}: does not read back as written; check the disk, pack again"
                    )


class TaskTars:
    """The tars of one task: a further one is begun where a sample would overfill the last."""

    def __init__(self, folder: Path, name: str, max_bytes: int):
        self._folder, self._name, self._max_bytes = folder, name, max_bytes
        self._parts = [ShardFile(folder, name)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            for part in self._parts:
                part.discard()

    def add(
        self, song: SongEntry, sample_id: str, extension: str, media: bytes, info: SampleInfo
    ) -> None:
        """Append a sample of `song`; the samples of one song come one after the other."""
        if not self._parts[-1].has_room(len(media), self._max_bytes):
            self._parts.append(ShardFile(self._folder, f"{self._name}-{len(self._parts):03d}"))
        self._parts[-1].add(song, sample_id, extension, media, info)

    def commit(
        self,
        settings: PackSettings,
        left_out: Sequence[tuple[str, str]],
        left_out_sources: Sequence[str] = (),
    ) -> int:
        """Finish the tars, write their records, the first's last; how many samples there are."""
        first, *further = [part.finish(settings) for part in self._parts]
        for record in further:
            write_record(self._folder, record)
        names = tuple(record.shard for record in further)
        changes = {
            "left_out": tuple(left_out), "left_out_sources": tuple(left_out_sources),
            "continued_by": names,
        }  # fmt: skip
        write_record(self._folder, first.model_copy(update=changes))
        return sum(len(record.song) for record in (first, *further))


class StoredSample(NamedTuple):
    """One sample of a finished tar, proven to be what its record says."""

    song: SongEntry
    sample_id: str
    media: bytes
    info: SampleInfo


def read_samples(folder: Place, record: ShardRecord) -> Iterator[StoredSample]:
    """The samples of a finished tar in its order; raises ShardError at the first damaged one."""
    path = folder / record.shard
    with local_copy(path) as copy, _opened(copy) as file:
        for place, song in enumerate(record.song):
            (offset, size), (info_offset, info_size) = record.places(place)
            media = os.pread(file.fileno(), size, offset)
            info = os.pread(file.fileno(), info_size, info_offset)
            try:
                sample_id = member_at(file, offset).name.partition(".")[0]
            except tarfile.TarError as error:
                raise _damaged(path, place, f"its header is damaged ({error})") from None
            if [crc32(media), crc32(info)] != [record.media_crc32[place], record.json_crc32[place]]:
                raise _damaged(path, place, "its bytes differ from the record's checksum")
            if not re.fullmatch(SAMPLE_ID, sample_id):
                raise _damaged(path, place, f"'{sample_id}' is no name of a sample")
            if problem := problem_of_info(info, record, place):
                raise _damaged(path, place, problem)
            parsed = SampleInfo.model_validate_json(info)
            yield StoredSample(record.songs[song], sample_id, media, parsed)


def _opened(path: Path) -> BinaryIO:
    if not path.is_file():
        raise ShardError(f"{path}: no file, though its record is there; pack again")
    return open(path, "rb")


def problem_of_info(data: bytes, record: ShardRecord, place: int) -> str:
    """What is wrong with the JSON of the record's sample `place`; empty if nothing."""
    try:
        info = SampleInfo.model_validate_json(data)
        parse_key(info.key)
    except ValueError as error:  # pydantic's, or of the key
        return str(error).replace("\n", " ")[:MOST_WORDS]
    song = record.songs[record.song[place]]
    told = (song.song_id, song.key, song.label_source, record.interval[place])
    if (info.song_id, info.key, info.label_source, info.interval) != told:
        return "its JSON and the record name different intervals or keys"
    if info.media_crc32 != record.media_crc32[place]:
        return "its JSON is of other media"
    return ""


def _damaged(path: Place, place: int, problem: str) -> ShardError:
    return ShardError(
        f"{path}, sample {place}: {problem}; delete {path.name}, not its record, and pack again"
    )
