"""Files that are there whole, or not at all: written under another name beside their own, renamed.

That name is `.<name>.<process id>.tmp`, so that processes may race for one file, and what a killed
one left is told from everything else.
"""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from storage.places import Place, RemotePath

UNFINISHED = ".*.tmp"
LEFTOVER_SECONDS = 86400  # age at which what is unfinished is a killed process's


def unfinished(path: Path) -> Path:
    """Where this process writes the file until it is whole."""
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def put_in_place(temporary: Path, path: Path) -> None:
    """Give a whole file its name, once its bytes would outlast a loss of power."""
    with open(temporary, "rb") as file:
        os.fsync(file.fileno())
    os.replace(temporary, path)


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """The path to write to; the file has its name when the block ends well, else it is removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = unfinished(path)
    try:
        yield temporary
        put_in_place(temporary, path)
    except OSError as error:
        error.filename = error.filename or str(path)  # a full disk does not say where
        raise
    finally:
        temporary.unlink(missing_ok=True)


def write_whole(place: Place, data: bytes) -> None:
    """Make a file these bytes; stores at an address let nobody see a part of them."""
    if isinstance(place, RemotePath):
        place.write_bytes(data)
        return
    with writing(place) as temporary:
        temporary.write_bytes(data)


def remove_leftovers(folder: Path, pattern: str = UNFINISHED) -> None:
    """Remove the files or folders that processes left unfinished when they were killed."""
    for leftover in folder.glob(pattern):
        with suppress(FileNotFoundError):  # another process was faster
            if leftover.stat().st_mtime < time.time() - LEFTOVER_SECONDS:
                if leftover.is_dir():
                    shutil.rmtree(leftover, ignore_errors=True)  # it may be another user's
                else:
                    leftover.unlink()
