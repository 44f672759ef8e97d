"""Shards published to a folder or address, and ready-made PNG shards downloaded from there.

DEST/<format>/<dataset>/<split>/ then holds the tars, their records, the table of songs and, as the
last file, the manifest: DEST may also be read in place as prepare.shards_dir. Give others only the
spectrograms of music whose licence allows it, and audio to nobody.
"""

import hashlib
import re
import time
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from pipeline.copies import fetch, send
from pipeline.manifest import (
    MANIFEST_NAME,
    SONGS_NAME,
    Manifest,
    ManifestError,
    ManifestShard,
    ShardRecord,
    differences,
    parse_manifest,
    parse_record,
    read_manifest,
    record_name,
    write_whole,
)
from pipeline.sample import MEDIA_EXTENSION
from pipeline.shardset import split_folder
from pipeline.storage import Place, RemotePath, StorageError, place_of
from settings import Config
from shards.check import problems_of_samples
from shards.diskerror import writing_to
from shards.plan import SPLITS
from shards.prepare import Prepared
from shards.shardfile import ShardError
from shards.song import LeftOut
from shards.splitfolder import clear, refuse_other_settings, task_names, write_split_manifest

SHARD_NAME = r"\d+(-\d+)?\.tar"  # a manifest from elsewhere may name no other file


@dataclass(frozen=True)
class Published:
    """One split as it lies somewhere else."""

    folder: Place
    manifest: Manifest
    manifest_bytes: bytes


def publish(
    dataset: str, destination: str, format: str, config: Config, overwrite: bool = False
) -> int:
    """Copy a data set's shards, 'png' or 'audio', to a folder or address; how many there are.

    A shard whose record is there already stays. Raises ManifestError where there are no such shards
    or others are in the way (`overwrite` removes those first), ShardError where one is damaged.
    """
    here = _local_root(
        config, format, dataset, "publish what is packed in a local folder, or copy it"
    )
    folders = [here / split for split in SPLITS]
    manifests = {folder.name: read_manifest(folder) for folder in folders if _has_manifest(folder)}
    if not manifests:
        raise ManifestError(
            f"{here}: no {format} shards; make them first "
            f"(python -m shards {'spectrograms' if format == 'png' else 'pack'} {dataset})"
        )
    target = place_of(destination) / format / dataset
    _refuse_itself(here, target)
    for split in SPLITS:  # all of them before the first shard is sent
        if overwrite:
            clear(target / split)
        _refuse_others(target / split, manifests.get(split))
    for split, manifest in manifests.items():
        _publish_split(here / split, manifest, target / split)
    return sum(len(manifest.shards) for manifest in manifests.values())


def _publish_split(folder: Path, manifest: Manifest, target: Place) -> None:
    there = _published(target)
    if there is not None and there.manifest_bytes != (folder / MANIFEST_NAME).read_bytes():
        (target / MANIFEST_NAME).unlink()  # until all the shards are those of the new one
    title = f"publishing {target}"
    for shard in tqdm(manifest.shards, desc=title, unit="shard", disable=None):
        _publish_shard(folder, target, shard)
    for name in (SONGS_NAME, MANIFEST_NAME):
        send(folder / name, target / name)


def _refuse_others(target: Place, manifest: Manifest | None) -> None:
    """Refuse a published split of other settings, or one that the data set does not have."""
    there = _published(target)
    if there is None:
        return
    if manifest is None:
        raise ManifestError(
            f"{target}: published there, but the data set here has no {target.name} split; "
            "publish to another place, or anew with --overwrite"
        )
    before, today = there.manifest.settings.model_dump(), manifest.settings.model_dump()
    if changed := differences(before, today):
        raise ManifestError(
            f"{target}: shards of other settings are published there ({changed}); "
            "publish to another place, or anew with --overwrite"
        )


def _publish_shard(folder: Path, target: Place, shard: ManifestShard) -> None:
    """Copy a tar, then the record that makes it count."""
    record = folder / record_name(shard.name)
    if _bytes_of(target / record.name) == record.read_bytes():
        return
    if not _is_whole(folder / shard.name, shard):
        raise ShardError(
            f"{folder / shard.name}: not what the manifest says; "
            "see python -m shards check, and pack again"
        )
    send(folder / shard.name, target / shard.name)
    send(record, target / record.name)


def download_images(dataset: str, config: Config, overwrite: bool = False) -> Prepared:
    """Download a data set's published PNG shards; those that are here and whole stay.

    Raises ManifestError, StorageError or ShardError where nothing is published, it is of other
    settings, others are here (`overwrite` removes those first), or its bytes are not what its
    manifest says; what was downloaded whole stays.
    """
    began = time.perf_counter()
    root = _local_root(config, "png", dataset, "train right from images.base_url, or name a folder")
    source = place_of(_base_url(config)) / "png" / dataset
    _refuse_itself(root, source)
    found = {split: one for split in SPLITS if (one := _published(source / split)) is not None}
    if not found:
        raise ManifestError(f"{source}: no PNG shards are published there; see images.base_url")
    for published in found.values():
        _check_published(published, config)
    for split in SPLITS:
        if overwrite:
            clear(root / split)
        _refuse_in_the_way(root / split, found.get(split), source)
    left_out: list[LeftOut] = []
    for split, published in found.items():
        left_out += _download_split(published, root / split)
    manifests = {split: published.manifest for split, published in found.items()}
    return Prepared(root, manifests, tuple(left_out), time.perf_counter() - began)


def _local_root(config: Config, format: str, dataset: str, advice: str) -> Path:
    """The folder of a data set's splits; StorageError, with advice, where it is at an address."""
    root = split_folder(config.prepare.shards_dir, format, dataset, "train").parent
    if isinstance(root, RemotePath):
        raise StorageError(
            f"prepare.shards_dir is the address {config.prepare.shards_dir}: {advice}"
        )
    return root


def _refuse_itself(here: Path, other: Place) -> None:
    """Refuse the data set's own folder, which --overwrite would clear."""
    if isinstance(other, Path) and other.resolve() == here.resolve():
        raise StorageError(f"{other}: the shards here lie there; name another place")


def _base_url(config: Config) -> str:
    if not config.images.base_url:
        raise ManifestError(
            "images.base_url is empty: name the place where PNG shards were published, "
            "e.g. --set images.base_url=https://example.org/shards"
        )
    return config.images.base_url


def _refuse_in_the_way(folder: Path, published: Published | None, source: Place) -> None:
    """Refuse shards here of other settings, or of a split that is not published."""
    if published is not None:
        refuse_other_settings(folder, published.manifest.settings)
    elif _has_manifest(folder):
        raise ManifestError(
            f"{folder}: here, but {source} has no {folder.name} split; "
            "delete it, or download anew with --overwrite"
        )


def _check_published(published: Published, config: Config) -> None:
    """Refuse spectrograms that training with today's settings would refuse, and strange names."""
    there = published.manifest.settings.model_dump()
    today = {
        "format": "png", "sample_rate": config.audio.sample_rate,
        "interval_seconds": config.prepare.interval_seconds, "cqt": config.cqt.shape,
    }  # fmt: skip
    if changed := differences({name: there[name] for name in today}, today):
        raise ManifestError(
            f"{published.folder}: published with other settings ({changed}); "
            "set them so, or make the spectrograms here (python -m shards spectrograms)"
        )
    for shard in published.manifest.shards:
        if not re.fullmatch(SHARD_NAME, shard.name):
            raise ManifestError(f"{published.folder}: '{shard.name}' in its manifest is no shard")


def _download_split(published: Published, folder: Path) -> list[LeftOut]:
    """Download the shards, then write the table of songs and the manifest; what was left out."""
    manifest, left_out = published.manifest, []
    with writing_to(folder):
        folder.mkdir(parents=True, exist_ok=True)
        if _bytes_of(folder / MANIFEST_NAME) not in (None, published.manifest_bytes):
            (folder / MANIFEST_NAME).unlink()  # until all the shards are those of the new one
    title = f"downloading {published.folder}"
    for shard in tqdm(manifest.shards, desc=title, unit="shard", disable=None):
        with writing_to(folder / shard.name):
            record = _download_shard(published, folder, shard)
        left_out += [LeftOut(*one) for one in record.left_out]
    with writing_to(folder):
        if write_split_manifest(folder, task_names(manifest), manifest.settings) != manifest:
            (folder / MANIFEST_NAME).unlink()
            raise ManifestError(
                f"{published.folder}: its manifest and its records disagree; it has to be "
                "published again with --overwrite"
            )
    return left_out


def _download_shard(published: Published, folder: Path, shard: ManifestShard) -> ShardRecord:
    """Download a tar that is not here whole, and its record once the two are found to agree."""
    source = published.folder / record_name(shard.name)
    data = _bytes_of(source)
    if data is None:
        raise ManifestError(f"{source}: not there, though the manifest names its shard")
    record = parse_record(source, data)
    if (record.shard, record.sha256) != (shard.name, shard.sha256):
        raise ManifestError(f"{source}: of another shard than the manifest's")
    path = folder / shard.name
    if not _is_whole(path, shard):
        fetch(published.folder / shard.name, path, shard.sha256)
    for problem in problems_of_samples(path, record, MEDIA_EXTENSION["png"]):
        raise ShardError(f"{published.folder / shard.name}: {problem}; it has to be packed again")
    write_whole(folder / source.name, data)
    return record


def _published(folder: Place) -> Published | None:
    """The split that is published in `folder`, if one is."""
    path = folder / MANIFEST_NAME
    data = _bytes_of(path)
    return None if data is None else Published(folder, parse_manifest(path, data), data)


def _has_manifest(folder: Path) -> bool:
    return (folder / MANIFEST_NAME).exists()


def _bytes_of(path: Place) -> bytes | None:
    """The file's bytes, or None where there is no such file."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _is_whole(path: Path, shard: ManifestShard) -> bool:
    """Whether the tar is here with all its bytes."""
    if not path.exists() or path.stat().st_size != shard.bytes:
        return False
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == shard.sha256
