"""Local folders for what lies at an address: shards until they are sent, tars and songs to be read.

They lie in TMPDIR and go when their work ends. Their names hold the process's id, so that what a
killed one left is found again.
"""

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storage.places import Place
from storage.whole import remove_leftovers

PREFIX = "audio-key-shards"


@contextmanager
def staged(folder: Place) -> Iterator[Path]:
    """A local folder for a task's files, which are sent to `folder` when the block ends well.

    The tars go first, then the records, the first tar's last: it makes the task count. A Path
    stands for itself.
    """
    if isinstance(folder, Path):
        yield folder
        return
    with _temporary_folder() as local:
        try:
            yield local
        except OSError as error:
            where = f"{error.strerror or error} in the temporary folder {local.parent}"
            raise OSError(error.errno, where) from error
        for path in sorted(local.iterdir(), key=_turn):
            (folder / path.name).put(path)


def _turn(path: Path) -> tuple[bool, bool, str]:
    return path.suffix == ".json", "-" not in path.stem, path.name


@contextmanager
def local_copy(place: Place) -> Iterator[Path]:
    """The whole file where it can be read: a Path is there already, what is not gets copied.

    Raises FileNotFoundError where an address holds no such file, StorageError where it fails.
    """
    if isinstance(place, Path):
        yield place
        return
    with _temporary_folder() as local:
        path = local / "copy"
        place.get(path)
        yield path


def refuse_unwritable(folder: Place) -> None:
    """Raise StorageError where files cannot be written to an address, before any work is done."""
    probe = folder / f".{uuid.uuid4().hex}.tmp"  # no other process's
    probe.write_bytes(b"")
    probe.unlink(missing_ok=True)


def remove_unfinished(folder: Place, pid: int) -> None:
    """Remove what a process that was killed left of a task for `folder`."""
    if isinstance(folder, Path):
        for leftover in folder.glob(f".*.{pid}.tmp"):
            leftover.unlink(missing_ok=True)
    for leftover in Path(tempfile.gettempdir()).glob(f"{PREFIX}-{pid}-*"):
        shutil.rmtree(leftover, ignore_errors=True)


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    remove_leftovers(Path(tempfile.gettempdir()), f"{PREFIX}-*")
    with tempfile.TemporaryDirectory(prefix=f"{PREFIX}-{os.getpid()}-") as folder:
        yield Path(folder)
