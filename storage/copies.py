"""Copies of files from one place to another."""

import hashlib
import shutil
from pathlib import Path

from storage.places import Place, RemotePath, StorageError
from storage.whole import writing


def fetch(source: Place, path: Path, sha256: str) -> None:
    """Copy a file to `path`, where there is never a part of it, once its sha256 is found right.

    Raises StorageError where it is not there, cannot be copied, or its bytes are others.
    """
    with writing(path) as temporary:
        try:
            if isinstance(source, Path):
                shutil.copyfile(source, temporary)
            else:
                source.get(temporary)
        except FileNotFoundError:
            raise StorageError(f"{source}: not there, though the manifest names it") from None
        with open(temporary, "rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                raise StorageError(
                    f"{source}: its {temporary.stat().st_size} bytes are not those that the "
                    "manifest says (sha256); it has to be published or packed again"
                )


def send(path: Path, target: Place) -> None:
    """Copy a file to `target`, where there is never a part of it."""
    if isinstance(target, RemotePath):
        target.put(path)
        return
    with writing(target) as temporary:
        shutil.copyfile(path, temporary)
