"""Copies of files from one place to another, and a cache of shards that lie at an address."""

import hashlib
import os
import shutil
import time
from pathlib import Path

from storage.places import Place, RemotePath, StorageError

LEFTOVER_SECONDS = 86400  # age at which an unfinished copy is one of a killed process


def fetch(source: Place, path: Path, sha256: str) -> None:
    """Copy a file to `path`, where there is never a part of it: check its sha256, then rename.

    Raises StorageError where it is not there, cannot be copied, or its bytes are others.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        shutil.copyfile(source, temporary) if isinstance(source, Path) else source.get(temporary)
        with open(temporary, "rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                raise StorageError(
                    f"{source}: its {temporary.stat().st_size} bytes are not those that the "
                    "manifest says (sha256); it has to be published or packed again"
                )
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except FileNotFoundError:
        raise StorageError(f"{source}: not there, though the manifest names it") from None
    finally:
        temporary.unlink(missing_ok=True)


def send(path: Path, target: Place) -> None:
    """Copy a file to `target`, where there is never a part of it."""
    if isinstance(target, RemotePath):
        target.put(path)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        shutil.copyfile(path, temporary)
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def cached(place: Place, size: int, sha256: str, cache_dir: Path) -> Path:
    """A local file where it lies; of any other its whole, verified copy below `cache_dir`.

    Copies are named by their checksum, so none is ever out of date. Processes may race for one:
    both copy, and the later rename changes nothing.
    """
    if isinstance(place, Path):
        return place
    copy = cache_dir / f"{sha256}.tar"
    if not copy.exists() or copy.stat().st_size != size:
        cache_dir.mkdir(parents=True, exist_ok=True)
        fetch(place, copy, sha256)
    return copy


def remove_leftovers(cache_dir: Path) -> None:
    """Remove what killed processes left unfinished in the cache."""
    for path in cache_dir.glob(".*.tmp"):
        if path.stat().st_mtime < time.time() - LEFTOVER_SECONDS:
            path.unlink(missing_ok=True)
