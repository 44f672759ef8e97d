"""Shards read back: sizes, checksums, counts, labels, and no recording in two splits."""

import hashlib
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from pydantic import ValidationError

from pipeline.index import INDEX_NAME, IndexRows, index_bytes
from pipeline.manifest import (
    MANIFEST_NAME,
    SONGS_NAME,
    Manifest,
    ManifestError,
    ManifestShard,
    ShardRecord,
    read_manifest,
    read_record,
    read_records,
    read_songs,
    record_name,
)
from pipeline.sample import SampleInfo
from shards.remote_split import bytes_of
from songkey.keys import KeyParseError, parse_key
from storage.places import Place, StorageError, sizes
from storage.staging import local_copy


def manifest_folders(root: Place) -> list[Place]:
    """The folders below `root` that hold shards; raises ManifestError when there is none."""
    folders = {(root / path).parent for path in _files_below(root) if _belongs_to_shards(path)}
    if not folders:
        raise ManifestError(f"{root}: no manifest in it or below it; pack a data set first")
    return sorted(folders)


def _files_below(root: Place) -> Iterator[str]:
    """The paths, from `root`, of all files in it and below."""
    if isinstance(root, Path):
        return (path.relative_to(root).as_posix() for path in root.rglob("*"))
    return iter(root.find())


def _belongs_to_shards(path: str) -> bool:
    """Whether a file says that its folder is a split's: also one that lost its manifest."""
    name = path.rpartition("/")[2]
    return name == MANIFEST_NAME or name.endswith(".tar")


def problems_of(folders: list[Place]) -> Iterator[str]:
    """Everything wrong with the shards in `folders`, one line each."""
    split_of_recording: dict[tuple[Place, str], str] = {}
    for folder in folders:
        try:
            manifest = read_manifest(folder)
            yield from _problems_of_split(folder, manifest)
            for song in read_songs(folder):
                owner = (folder.parent, song.recording_id)
                other = split_of_recording.setdefault(owner, folder.name)
                if other != folder.name:
                    yield (
                        f"{folder}: {song.song_id}: its recording is in {other} too; "
                        "pack again with --overwrite"
                    )
        except ManifestError as error:
            yield str(error)


def _problems_of_split(folder: Place, manifest: Manifest) -> Iterator[str]:
    named, there = {shard.name for shard in manifest.shards}, sizes(folder)
    for stray in sorted(name for name in there if name.endswith(".tar") and name not in named):
        yield f"{folder / stray}: not in the manifest; delete it"
    for shard in manifest.shards:
        if shard.place:
            yield from _problems_elsewhere(shard.lies_in(folder), shard)
            continue
        if shard.name not in there:
            yield f"{folder / shard.name}: not there, though the manifest names it; pack again"
            continue
        yield from _problems_of_shard(folder, shard, manifest.settings.extension)
    if all(record_name(shard.name) in there for shard in manifest.shards):
        yield from _problems_of_tables(folder, manifest)


def _problems_of_tables(folder: Place, manifest: Manifest) -> Iterator[str]:
    """Compare the table of songs and the index with the records."""
    rows, songs = IndexRows(), read_songs(folder)
    for record in read_records(folder, (shard.name for shard in manifest.shards)):
        rows.add(record)
        if any(song != next(songs, None) for song in record.songs):
            yield f"{folder / SONGS_NAME}: lists other songs than the records; pack again"
            return
    if next(songs, None) is not None:
        yield f"{folder / SONGS_NAME}: lists more songs than the records; pack again"
    if not manifest.index_sha256:  # packed before there was one
        return
    data = bytes_of(folder / INDEX_NAME) or b""
    if hashlib.sha256(data).hexdigest() != manifest.index_sha256:
        yield f"{folder / INDEX_NAME}: not what the manifest says; delete both, and pack again"
    elif data != index_bytes(rows.finish()):
        yield f"{folder / INDEX_NAME}: says other things than the records; pack again"


def _problems_elsewhere(place: Place, shard: ManifestShard) -> Iterator[str]:
    """A tar that others made has to be what it was when it was indexed, and no more."""
    try:
        with local_copy(place) as path, open(path, "rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, StorageError) as error:
        yield f"{place}: cannot be read ({error})"
        return
    if sha256 != shard.sha256:
        yield f"{place}: its bytes are not those that were indexed; index the shards again"


def _problems_of_shard(folder: Place, shard: ManifestShard, extension: str) -> Iterator[str]:
    place = folder / shard.name
    with local_copy(place) as path:
        with open(path, "rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        if sha256 != shard.sha256:
            yield (
                f"{place}: checksum differs from the manifest's ({path.stat().st_size} bytes, "
                f"{shard.bytes} expected); delete it and its record, and pack again"
            )
            return
        record = read_record(folder, shard.name)
        if (record.sha256, len(record.song)) != (shard.sha256, shard.intervals):
            yield f"{place}: its record is of another tar; delete both and pack again"
            return
        for problem in problems_of_samples(path, record, extension):
            yield f"{place}: {problem}"


def problems_of_samples(path: Path, record: ShardRecord, extension: str) -> Iterator[str]:
    """Walk the tar itself, not by offsets, and compare each sample with the record."""
    try:
        with tarfile.open(path) as tar:
            yield from _problems_of_members(tar, record, extension)
    except tarfile.TarError as error:
        yield f"not a tar file ({error})"


def _problems_of_members(
    tar: tarfile.TarFile, record: ShardRecord, extension: str
) -> Iterator[str]:
    members = tar.getmembers()
    if len(members) != 2 * len(record.song):
        yield f"{len(members)} members, the record says {2 * len(record.song)}"
        return
    for place, (media, info) in enumerate(zip(members[::2], members[1::2], strict=True)):
        names = [f"{media.name.partition('.')[0]}.{ending}" for ending in (extension, "json")]
        offsets = [record.media_offset[place], record.json_offset[place]]
        if [media.name, info.name] != names or not (media.isfile() and info.isfile()):
            yield f"members {media.name} and {info.name} are not one sample"
        elif [media.offset_data, info.offset_data] != offsets:
            yield f"{media.name}: not where the record says"
        else:
            crc32 = zlib.crc32(_content(tar, media))
            yield from _problems_of_info(_content(tar, info), crc32, record, place)


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    return cast(IO[bytes], tar.extractfile(member)).read()  # None only for what is no file


def _problems_of_info(data: bytes, crc32: int, record: ShardRecord, place: int) -> Iterator[str]:
    try:
        info = SampleInfo.model_validate_json(data)
        parse_key(info.key)
    except (ValidationError, KeyParseError) as error:
        yield f"sample {place}: {str(error).splitlines()[0]}"
        return
    song = record.songs[record.song[place]]
    if (info.song_id, info.key, info.interval) != (song.song_id, song.key, record.interval[place]):
        yield f"sample {place}: its JSON and the record name different intervals or keys"
    if not info.media_crc32 == crc32 == record.media_crc32[place]:
        yield f"sample {place}: checksum differs"
