"""What both sides of publishing ask of the shards here and elsewhere."""

import hashlib
from pathlib import Path

from pipeline.bounded import MOST_RECORD_BYTES, MissingError, read
from pipeline.manifest import ManifestShard
from settings.sections import Config
from storage.places import Place, RemotePath, StorageError, place_of


def bytes_of(path: Place) -> bytes | None:
    """The bytes of a record, or None where there is no such file."""
    try:
        return read(path, MOST_RECORD_BYTES)
    except MissingError:
        return None


def is_whole_tar(path: Path, shard: ManifestShard) -> bool:
    """Whether the tar is here with all its bytes."""
    if not path.exists() or path.stat().st_size != shard.bytes:
        return False
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == shard.sha256


def local_root(config: Config, format: str, dataset: str, advice: str) -> Path:
    """The folder of a data set's splits; StorageError, with advice, where it is at an address."""
    root = place_of(config.prepare.shards_dir) / format / dataset
    if isinstance(root, RemotePath):
        raise StorageError(
            f"prepare.shards_dir is the address {config.prepare.shards_dir}: {advice}"
        )
    return root


def refuse_itself(here: Path, other: Place) -> None:
    """Refuse the data set's own folder, which --overwrite would clear."""
    if isinstance(other, Path) and other.resolve() == here.resolve():
        raise StorageError(f"{other}: the shards here lie there; name another place")
