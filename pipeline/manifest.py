"""What lies beside shards: a record per shard, a manifest and a table of songs per split.

The record is a shard's commit marker: it is written last, by rename, and a tar without one does
not count. It says where each sample's members lie, so that training reads them by offset.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    FailFast,
    Field,
    ValidationError,
    model_validator,
)

from pipeline.bounded import (
    MOST_MANIFEST_BYTES,
    MOST_RECORD_BYTES,
    packed,
    read,
    unpacked,
    unpacked_lines,
)
from pipeline.bounded import ManifestError as ManifestError
from pipeline.bounded import MissingError as MissingError
from settings.differences import differences
from songkey.keys import parse_key
from storage.places import Place, place_of
from storage.whole import write_whole

FORMAT_VERSION = 1
MANIFEST_NAME = "manifest.json.zst"
SONGS_NAME = "songs.jsonl.zst"
READ_TOGETHER = 256  # records of an address
MOST_INFO_BYTES = 1 << 16  # of a sample's JSON
MOST_WORDS = 200  # letters of a file's own that an error repeats
TAR_BLOCK_BYTES = 512  # a member is a header of one block, then its bytes filled up to whole blocks
SAMPLE_COLUMNS = (  # of a record
    "song", "interval", "media_offset", "media_bytes", "media_crc32",
    "json_offset", "json_bytes", "json_crc32",
)  # fmt: skip


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _has_few_fields(cls, data: Any) -> Any:
        """Refuse those of a stranger at once: each would be an error of a kilobyte."""
        if isinstance(data, dict) and len(data) > len(cls.model_fields):
            raise ValueError("it has fields that are not known here")
        return data


Parsed = TypeVar("Parsed", bound=Frozen)
Item = TypeVar("Item")
Tuple = Annotated[tuple[Item, ...], FailFast()]  # at the first error: there may be millions
Count = Annotated[int, Field(ge=0, lt=1 << 31)]
Crc32 = Annotated[int, Field(ge=0, lt=1 << 32)]
Bytes = Annotated[int, Field(ge=0, lt=1 << 40)]  # of a tar, or where in it
Finite = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
TarName = Annotated[str, Field(pattern=r"^[0-9A-Za-z_][0-9A-Za-z_.-]{0,200}\.tar$")]  # no path
Counts = dict[str, Count]


def _of_one_key(text: str) -> str:
    parse_key(text)
    return text


class PackSettings(Frozen):
    """Everything that shapes a split's shards: the same settings and songs give the same bytes.

    On processors of one kind: on another, samples and levels may be rounded otherwise.
    """

    format_version: int = FORMAT_VERSION
    dataset: str
    split: str
    format: Literal["audio", "png"]
    sample_rate: Count  # Hz
    interval_seconds: Finite
    cqt: dict[str, Any] | None  # config.toml's [cqt] for png, None for audio
    songs_per_shard: int
    max_shard_bytes: int
    seed: int
    songs: str  # how many, and a digest of their names, keys and sizes
    # Of audio. Not written where it is FLAC, as all shards were before there was a choice.
    audio_file: Literal["flac", "wav"] = Field(
        default="flac", exclude_if=lambda audio_file: audio_file == "flac"
    )

    @model_validator(mode="after")
    def _says_what_a_sample_is(self) -> Self:
        if (self.cqt is not None) != (self.format == "png"):
            raise ValueError("cqt is for the format png, and only for it")
        if not all(isinstance(value, int | float) for value in (self.cqt or {}).values()):
            raise ValueError("cqt holds numbers alone")
        return self

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
    key: Annotated[str, AfterValidator(_of_one_key)]  # "C minor"
    label_source: str
    confidence: Finite
    intervals: Count
    # Not written where unknown, so that shards packed before it was recorded keep their bytes.
    genre: str = Field(default="", exclude_if=lambda genre: not genre)


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


class ManifestShard(Frozen):
    """One line of a manifest."""

    name: TarName
    songs: Count
    intervals: Count
    bytes: Bytes
    sha256: Sha256
    # Where the tar lies, if others made it: then not beside the manifest.
    place: str = Field(default="", exclude_if=lambda place: not place)

    def lies_in(self, folder: Place) -> Place:
        """The tar of this line of the manifest in `folder`."""
        return place_of(self.place) if self.place else folder / self.name


class Manifest(Frozen):
    """All shards of one split of one data set in one format."""

    settings: PackSettings
    fingerprint: str
    shards: Tuple[ManifestShard]
    songs_by_key: Counts
    left_out_by_reason: Counts
    # Of the index; not written by those who packed before there was one.
    index_sha256: Sha256 | Literal[""] = Field(default="", exclude_if=lambda sha256: not sha256)

    @model_validator(mode="after")
    def _names_each_once(self) -> Self:
        if len({shard.name for shard in self.shards}) < len(self.shards):
            raise ValueError("it names a shard twice")
        return self


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
    """Write the record of a shard, which makes the shard count; ManifestError if too large."""
    path, data = folder / record_name(record.shard), record.model_dump_json().encode()
    _refuse_more_than(MOST_RECORD_BYTES, path, data)
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
    _refuse_more_than(MOST_RECORD_BYTES, path, data)
    record = _parse(ShardRecord, path, data)
    if record_name(record.shard) != path.name:
        raise ManifestError(f"{path}: of another shard, {record.shard}; delete it and pack again")
    return record


def write_manifest(folder: Place, manifest: Manifest) -> None:
    """Write a split's manifest: the last file of packing."""
    path, data = folder / MANIFEST_NAME, manifest.model_dump_json(indent=1).encode()
    _refuse_more_than(MOST_MANIFEST_BYTES, path, data)
    write_whole(path, packed([data]))


def read_manifest(folder: Place) -> Manifest:
    """The manifest of a split's folder; raises ManifestError when it is missing or damaged."""
    path = folder / MANIFEST_NAME
    return _parse(Manifest, path, b"".join(unpacked(path, MOST_MANIFEST_BYTES)))


def write_songs(folder: Place, songs: Iterable[SongEntry]) -> None:
    """Write the table of songs, one JSON line each, in the order of the shards."""
    lines = (f"{song.model_dump_json()}\n".encode() for song in songs)
    write_whole(folder / SONGS_NAME, packed(lines))


def read_songs(folder: Place) -> Iterator[SongEntry]:
    """The songs of a split in the order of its shards: a song's place is its `song_index`."""
    path = folder / SONGS_NAME
    for line in unpacked_lines(path):
        yield _parse(SongEntry, path, line)


def _refuse_more_than(most_bytes: int, path: Place, data: bytes) -> None:
    """Nobody would read it."""
    if len(data) > most_bytes:
        raise ManifestError(
            f"{path}: {len(data)} bytes, and no more than {most_bytes} are read; set "
            "prepare.songs_per_shard so that a shard has fewer samples, or a split fewer shards"
        )


def _parse(kind: type[Parsed], path: Place, data: bytes) -> Parsed:
    try:
        return kind.model_validate_json(data)
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"])[:MOST_WORDS]
        raise ManifestError(
            f"{path}: damaged or of another version ({where}: {problem['msg'][:MOST_WORDS]}); "
            "pack again with --overwrite"
        ) from None
