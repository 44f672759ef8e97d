"""A tar that others made, walked once: where each interval lies in it, and which key it has.

What comes of it is the record of a shard like ours, but that it names the place of the tar, which
is not copied. Samples that cannot be used are left out with their reasons.
"""

import hashlib
import struct
from array import array
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any, BinaryIO

from isal.isal_zlib import crc32

from pipeline.excerpt import WHERE, GuardedLengths, excerpt_count, seconds_of
from pipeline.members import Members, UnusableSample, name_of
from pipeline.pack_settings import PackSettings
from pipeline.record import ShardRecord, SongEntry, write_record
from pipeline.tarwalk import READ_BYTES, DamagedTar, Sample, samples
from shards.pack import Packed
from shards.processes import ShardTask
from songkey.blocks import watched
from songkey.errors import AudioError, AudioKeyError, printable
from songkey.passing import PassingAudioError, patiently
from storage.places import Place, RemotePath

PNG_HEADER = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
INTERVAL = ("song", "interval", "media_offset", "media_bytes", "media_crc32")
COMPRESSED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")  # gzip, bzip2, xz, zstandard


class NoIndexError(AudioKeyError):
    """A shard that cannot be read by offset."""


@dataclass(frozen=True)
class IndexTask(ShardTask):
    """A tar to be walked; `folder` and `name` are those of the record."""

    place: Place
    label: str  # begins the names of its songs where they have none
    settings: PackSettings
    members: Members


def index_shard(task: IndexTask) -> Packed:
    """Walk the tar and write its record. Raises StorageError where it cannot be reached."""
    with closing(GuardedLengths()) as lengths:  # whose process starts with the first file
        seconds_of = lengths.seconds_of if task.guarded else _watched_seconds_of
        if isinstance(task.place, RemotePath):
            record = task.place.streaming(lambda file: _record(task, file, seconds_of))
        else:
            with open(task.place, "rb") as file:
                record = _record(task, file, seconds_of)
    write_record(task.folder, record)
    return Packed(len(record.songs), len(record.song), len(record.left_out))


def _watched_seconds_of(media: bytes) -> float:
    with watched(WHERE):
        return seconds_of(media)


def _record(task: IndexTask, file: BinaryIO, seconds_of: Callable[[bytes], float]) -> ShardRecord:
    hashing, rows = _Hashing(file), _Rows(task, seconds_of)
    try:
        for sample in samples(hashing):
            rows.add(sample)
    except DamagedTar as error:
        if hashing.head.startswith(COMPRESSED):
            raise NoIndexError(
                f"{task.place}: compressed, so that no sample can be read by itself; decompress "
                'it, or train on it with stream.reader = "webdataset"'
            ) from error
        rows.left_out.append((printable(task.place), str(error)))
    hashing.drain()
    return rows.record(hashing)


class _Hashing:
    """A file that is read once, with what is known of its bytes then."""

    def __init__(self, file: BinaryIO):
        self._file = file
        self._sha256 = hashlib.sha256()
        self.bytes, self.head = 0, b""

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        self._sha256.update(data)
        self.head = self.head or data[:8]
        self.bytes += len(data)
        return data

    def drain(self) -> None:
        """Read what is left."""
        while self.read(READ_BYTES):
            pass

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()


class _Rows:
    """The columns of a record, sample by sample."""

    def __init__(self, task: IndexTask, seconds_of: Callable[[bytes], float]):
        self.left_out: list[tuple[str, str]] = []
        self._task, self._seconds_of = task, seconds_of
        self._songs: list[SongEntry] = []
        self._counts = array("q")  # intervals of each song
        self._columns = {name: array("q") for name in INTERVAL}

    def add(self, sample: Sample) -> None:
        """The intervals of a sample, or why there are none."""
        members = self._task.members
        try:
            media, offset = members.media_of(sample)
            key, source = members.key_of(sample)
            count = self._intervals_of(media)
            song = self._song(sample, members.song_of(sample), str(key), source)
        except UnusableSample as error:
            self.left_out.append((self._name(sample), str(error)))
        except PassingAudioError as error:
            raise PassingAudioError(self._name(sample), error.reason) from error
        except AudioError as error:
            self.left_out.append((self._name(sample), error.reason))
        else:
            self._counts[song] += count
            checksum = crc32(media)
            for number in range(count):
                row = (song, number, offset, len(media), checksum)
                for column, value in zip(self._columns.values(), row, strict=True):
                    column.append(value)

    def record(self, tar: _Hashing) -> ShardRecord:
        """All of it."""
        columns: dict[str, Any] = {name: tuple(values) for name, values in self._columns.items()}
        none = (0,) * len(self._columns["song"])
        songs = tuple(
            song.model_copy(update={"intervals": count})
            for song, count in zip(self._songs, self._counts, strict=True)
        )
        return ShardRecord(
            shard=f"{self._task.name}.tar", bytes=tar.bytes, sha256=tar.sha256,
            settings=self._task.settings, songs=songs, **columns, json_offset=none, json_bytes=none,
            json_crc32=none, left_out=tuple(self.left_out), place=str(self._task.place),
        )  # fmt: skip

    def _intervals_of(self, media: bytes) -> int:
        settings = self._task.settings
        if settings.format == "audio":
            seconds = patiently(self._seconds_of, media)
            return excerpt_count(seconds, settings.interval_seconds)
        _check_png(media, settings.media_shape)
        return 1

    def _song(self, sample: Sample, said: str, key: str, source: str) -> int:
        """The place of its song: the last one's, or a new one at the end.

        A song whose samples do not follow each other has several, which evaluation puts together.
        """
        song_id = said or self._name(sample)
        if not self._songs or (self._songs[-1].song_id, self._songs[-1].key) != (song_id, key):
            recording = said or f"{printable(self._task.place)}/{name_of(sample)}"
            self._counts.append(0)
            self._songs.append(
                SongEntry(
                    song_id=song_id, recording_id=recording, key=key, label_source=source,
                    confidence=1.0, intervals=0,
                )
            )  # fmt: skip
        return len(self._songs) - 1

    def _name(self, sample: Sample) -> str:
        return f"{self._task.label}/{name_of(sample)}"


def _check_png(media: bytes, shape: tuple[int, ...]) -> None:
    """Refuse what training would refuse, by the header alone."""
    if not media.startswith(PNG_HEADER) or len(media) < 26:
        raise UnusableSample(f"not a PNG: its {len(media)} bytes begin otherwise")
    width, height, bits, colour = struct.unpack_from(">IIBB", media, len(PNG_HEADER))
    if (bits, colour) != (8, 0):
        raise UnusableSample(f"not 8-bit grey: {bits} bits of colour type {colour}")
    if (height, width) != shape:
        raise UnusableSample(
            f"not of today's [cqt]: {height} x {width}, not {shape[0]} x {shape[1]}"
        )
