"""What lies beside shards: a record per shard, a manifest and a table of songs per split.

The record is a shard's commit marker: it is written last, by rename, and a tar without one does
not count. It says where each sample's members lie, so that training reads them by offset.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Self, TypeVar

import zstandard
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from settings.differences import differences
from songkey.errors import AudioKeyError
from storage.places import Place, place_of
from storage.whole import write_whole

FORMAT_VERSION = 1
MANIFEST_NAME = "manifest.json.zst"
SONGS_NAME = "songs.jsonl.zst"
READ_TOGETHER = 256  # records of an address
SAMPLE_COLUMNS = (  # of a record
    "song", "interval", "media_offset", "media_bytes", "media_crc32",
    "json_offset", "json_bytes", "json_crc32",
)  # fmt: skip


class ManifestError(AudioKeyError):
    """A manifest or record that is missing, damaged, or of other settings than today's."""


class MissingError(ManifestError):
    """A manifest or record that is not there."""


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


Parsed = TypeVar("Parsed", bound=Frozen)


class PackSettings(Frozen):
    """Everything that shapes a split's shards: the same settings and songs give the same bytes.

    On processors of one kind: on another, samples and levels may be rounded otherwise.
    """

    format_version: int = FORMAT_VERSION
    dataset: str
    split: str
    format: str  # "audio" or "png"
    sample_rate: int  # Hz
    interval_seconds: float
    cqt: dict[str, Any] | None  # config.toml's [cqt] for png, None for audio
    songs_per_shard: int
    max_shard_bytes: int
    seed: int
    songs: str  # how many, and a digest of their names, keys and sizes
    # Of audio. Not written where it is FLAC, as all shards were before there was a choice.
    audio_file: str = Field(default="flac", exclude_if=lambda audio_file: audio_file == "flac")

    @property
    def interval_samples(self) -> int:
        """S, of the audio of one interval."""
        return round(self.interval_seconds * self.sample_rate)

    @property
    def media_shape(self) -> tuple[int, ...]:
        """Of one decoded sample: (S,) of audio, (F, T) of a spectrogram with its margins."""
        return media_shape(self.interval_samples, self.cqt)

    @property
    def fingerprint(self) -> str:
        """A digest of all settings."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]

    def changed(self, today: Mapping[str, Any]) -> str:
        """Which of today's settings are others than these, in words; empty where none is."""
        return differences({name: getattr(self, name) for name in today}, dict(today))

    @property
    def everything(self) -> dict[str, Any]:
        """Each setting by its name, those too that are not written."""
        return {name: getattr(self, name) for name in type(self).model_fields}

    @property
    def extension(self) -> str:
        """Of the member that holds an interval."""
        return self.audio_file if self.format == "audio" else self.format


class SongEntry(Frozen):
    """One song of a shard, as the table of songs lists it."""

    song_id: str
    recording_id: str
    key: str
    label_source: str
    confidence: float
    intervals: int
    # Not written where unknown, so that shards packed before it was recorded keep their bytes.
    genre: str = Field(default="", exclude_if=lambda genre: not genre)


class ShardRecord(Frozen):
    """What one tar file holds; the sample's columns run in the order of the tar."""

    shard: str
    bytes: int
    sha256: str
    settings: PackSettings
    songs: tuple[SongEntry, ...]
    song: tuple[int, ...]  # of each sample, its place in `songs`
    interval: tuple[int, ...]
    media_offset: tuple[int, ...]
    media_bytes: tuple[int, ...]
    media_crc32: tuple[int, ...]
    json_offset: tuple[int, ...]
    json_bytes: tuple[int, ...]
    json_crc32: tuple[int, ...]
    left_out: tuple[tuple[str, str], ...]  # (song_id, reason)
    continued_by: tuple[str, ...] = ()  # further tars of the same songs, when one grew too large
    # Of a tar that others made: where it lies. It is not copied; `shard` is a name that it has here
    # alone, `interval` says which interval of its medium is meant, and there is no JSON of ours.
    place: str = Field(default="", exclude_if=lambda place: not place)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if len({len(getattr(self, name)) for name in SAMPLE_COLUMNS}) != 1:
            raise ValueError("its columns are of different lengths")
        if self.song and not 0 <= min(self.song) <= max(self.song) < len(self.songs):
            raise ValueError("a sample is of a song that it does not list")
        return self


class ManifestShard(Frozen):
    """One line of a manifest."""

    name: str
    songs: int
    intervals: int
    bytes: int
    sha256: str
    # Where the tar lies, if others made it: then not beside the manifest.
    place: str = Field(default="", exclude_if=lambda place: not place)

    def lies_in(self, folder: Place) -> Place:
        """The tar of this line of the manifest in `folder`."""
        return place_of(self.place) if self.place else folder / self.name


class Manifest(Frozen):
    """All shards of one split of one data set in one format."""

    settings: PackSettings
    fingerprint: str
    shards: tuple[ManifestShard, ...]
    songs_by_key: dict[str, int]
    left_out_by_reason: dict[str, int]
    # Of the index; not written by those who packed before there was one.
    index_sha256: str = Field(default="", exclude_if=lambda sha256: not sha256)


def media_shape(interval_samples: int, cqt: Mapping[str, Any] | None) -> tuple[int, ...]:
    """Of one decoded interval: (S,) of audio or, with a [cqt], (F, T) with its margins."""
    if cqt is None:
        return (interval_samples,)
    margins = 2 * cqt["margin_semitones"] * cqt["bins_per_octave"] // 12
    return (cqt["n_bins"] + margins, interval_samples // cqt["hop_length"] + 1)


def record_name(shard: str) -> str:
    """'000000.tar' -> '000000.json'."""
    return shard.removesuffix(".tar") + ".json"


def write_record(folder: Place, record: ShardRecord) -> None:
    """Write the record of a shard, which makes the shard count."""
    write_whole(folder / record_name(record.shard), record.model_dump_json().encode())


def read_record(folder: Place, shard: str) -> ShardRecord:
    """The record of `shard`; raises ManifestError when it is missing or damaged."""
    path = folder / record_name(shard)
    return parse_record(path, _read(path))


def read_records(folder: Place, shards: Iterable[str]) -> Iterator[ShardRecord]:
    """The records of `shards` in their order; those at an address are read many at a time."""
    if isinstance(folder, Path):
        yield from (read_record(folder, shard) for shard in shards)
        return
    waiting = iter(shards)
    while names := [record_name(shard) for shard in islice(waiting, READ_TOGETHER)]:
        try:
            found = folder.read_files(names)
        except FileNotFoundError:
            found = [_read(folder / name) for name in names]  # which says what is not there
        for name, data in zip(names, found, strict=True):
            yield parse_record(folder / name, data)


def parse_record(path: Place, data: bytes) -> ShardRecord:
    """The record that the bytes of the file `path` are; raises ManifestError."""
    return _parse(ShardRecord, path, data)


def write_manifest(folder: Place, manifest: Manifest) -> None:
    """Write a split's manifest: the last file of packing."""
    compressed = zstandard.compress(manifest.model_dump_json(indent=1).encode())
    write_whole(folder / MANIFEST_NAME, compressed)


def read_manifest(folder: Place) -> Manifest:
    """The manifest of a split's folder; raises ManifestError when it is missing or damaged."""
    path = folder / MANIFEST_NAME
    return _parse(Manifest, path, _decompress(path, _read(path)))


def write_songs(folder: Place, songs: Iterable[SongEntry]) -> None:
    """Write the table of songs, one JSON line each, in the order of the shards."""
    stream = zstandard.ZstdCompressor().compressobj()  # so that few lines are held as text
    lines = (f"{song.model_dump_json()}\n".encode() for song in songs)
    write_whole(folder / SONGS_NAME, b"".join([*map(stream.compress, lines), stream.flush()]))


def read_songs(folder: Place) -> Iterator[SongEntry]:
    """The songs of a split in the order of its shards: a song's place is its `song_index`."""
    path = folder / SONGS_NAME
    for line in _decompress(path, _read(path)).splitlines():
        yield _parse(SongEntry, path, line)


def _read(path: Place) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise MissingError(
            f"{path}: not there; pack this data set first (just prepare-shards)"
        ) from None
    except OSError as error:
        raise ManifestError(f"{path}: cannot be read ({error.strerror})") from None


def _decompress(path: Place, data: bytes) -> bytes:
    stream = zstandard.ZstdDecompressor().decompressobj()
    try:
        whole = stream.decompress(data)
    except zstandard.ZstdError:
        raise ManifestError(f"{path}: damaged; pack again with --overwrite") from None
    if not stream.eof:  # a cut stream decompresses to its beginning without an error
        raise ManifestError(
            f"{path}: only a part of the file is there; pack again with --overwrite"
        )
    return whole


def _parse(kind: type[Parsed], path: Place, data: bytes) -> Parsed:
    try:
        return kind.model_validate_json(data)
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise ManifestError(
            f"{path}: damaged or of another version ({where}: {problem['msg']}); "
            "pack again with --overwrite"
        ) from None
