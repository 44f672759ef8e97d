"""One tar of a shard read back, and compared with the manifest, its record and its samples."""

import hashlib
import os
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from isal.isal_zlib import crc32

from pipeline.changes import Changes, as_of_today
from pipeline.manifest import Manifest, ManifestShard
from pipeline.record import ShardRecord, read_record, record_name
from shards.shardfile import SAMPLE_ID, problem_of_info
from shards.tarmembers import Member, members
from storage.places import Place
from storage.staging import local_copy


def problems_of_shard(
    folder: Place, shard: ManifestShard, size: int | None, manifest: Manifest, changes: Changes
) -> Iterator[str]:
    """Compare a tar with the manifest, with its record, and with each of its samples."""
    place = folder / shard.name
    if size is not None and size != shard.bytes:  # a web server's listing may not say it
        yield (
            f"{place}: {size} bytes long, {shard.bytes} expected; pack again, which "
            "packs its songs anew"
        )
        return
    with local_copy(place) as path:
        with open(path, "rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        if sha256 != shard.sha256:
            yield (
                f"{place}: checksum differs from the manifest's; delete it, not its record, and "
                "pack again"
            )
            return
        record = read_record(folder, shard.name)
        live = as_of_today(record, changes)
        remedy = f"delete {record_name(shard.name)}, and pack again"
        of_record = (record.bytes, record.sha256, len(live.songs), len(live.song))
        if of_record != (shard.bytes, shard.sha256, shard.songs, shard.intervals):
            yield f"{place}: its record is of another tar; {remedy}"
            return
        if changed := record.settings.changed_for_more(manifest.settings):
            yield f"{place}: its record is of other settings ({changed}); {remedy}"
            return
        for problem in problems_of_samples(path, record, record.settings.extension):
            yield f"{place}: {problem}; {remedy}"


def problems_of_samples(path: Path, record: ShardRecord, extension: str) -> Iterator[str]:
    """Walk the tar itself, not by offsets, and compare each sample with the record."""
    try:
        with open(path, "rb") as file:
            yield from _problems_of_members(file, record, extension)
    except tarfile.TarError as error:
        yield f"not a tar file of plain samples ({error})"


def _problems_of_members(file: BinaryIO, record: ShardRecord, extension: str) -> Iterator[str]:
    found = members(file)
    for place in range(len(record.song)):
        media, info = next(found, None), next(found, None)
        if media is None or info is None:
            yield f"it ends after {place} of {len(record.song)} samples"
            return
        sample_id = media.name.partition(".")[0]
        names = [f"{sample_id}.{ending}" for ending in (extension, "json")]
        if [media.name, info.name] != names or not re.fullmatch(SAMPLE_ID, sample_id):
            yield f"members {media.name} and {info.name} are not one sample"
        elif [_place(media), _place(info)] != record.places(place):
            yield f"{media.name}: not where the record says"
        else:
            yield from _problems_of_content(file, record, place)
    if next(found, None):
        yield f"it goes on after the {len(record.song)} samples of its record"


def _place(member: Member) -> tuple[int, int]:
    return member.offset, member.size


def _problems_of_content(file: BinaryIO, record: ShardRecord, place: int) -> Iterator[str]:
    media, info = (os.pread(file.fileno(), size, at) for at, size in record.places(place))
    if [crc32(media), crc32(info)] != [record.media_crc32[place], record.json_crc32[place]]:
        yield f"sample {place}: checksum differs"
    elif problem := problem_of_info(info, record, place):
        yield f"sample {place}: {problem}"
