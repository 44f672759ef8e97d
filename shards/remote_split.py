"""A split of shards as it lies somewhere else, and what both sides of publishing ask about it."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from pipeline.manifest import (
    MANIFEST_NAME,
    Manifest,
    ManifestShard,
    parse_manifest,
)
from pipeline.shardset import split_folder
from settings.sections import Config
from storage.places import Place, RemotePath, StorageError


@dataclass(frozen=True)
class Published:
    """One split as it lies somewhere else."""

    folder: Place
    manifest: Manifest
    manifest_bytes: bytes


def published_in(folder: Place) -> Published | None:
    """The split that is published in `folder`, if one is."""
    path = folder / MANIFEST_NAME
    data = bytes_of(path)
    return None if data is None else Published(folder, parse_manifest(path, data), data)


def has_manifest(folder: Path) -> bool:
    return (folder / MANIFEST_NAME).exists()


def bytes_of(path: Place) -> bytes | None:
    """The file's bytes, or None where there is no such file."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def is_whole_tar(path: Path, shard: ManifestShard) -> bool:
    """Whether the tar is here with all its bytes."""
    if not path.exists() or path.stat().st_size != shard.bytes:
        return False
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == shard.sha256


def local_root(config: Config, format: str, dataset: str, advice: str) -> Path:
    """The folder of a data set's splits; StorageError, with advice, where it is at an address."""
    root = split_folder(config.prepare.shards_dir, format, dataset, "train").parent
    if isinstance(root, RemotePath):
        raise StorageError(
            f"prepare.shards_dir is the address {config.prepare.shards_dir}: {advice}"
        )
    return root


def refuse_itself(here: Path, other: Place) -> None:
    """Refuse the data set's own folder, which --overwrite would clear."""
    if isinstance(other, Path) and other.resolve() == here.resolve():
        raise StorageError(f"{other}: the shards here lie there; name another place")
