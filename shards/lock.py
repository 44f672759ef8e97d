"""One command at a time changes the shards of a local data set; a second is told who does.

Jobs that each pack a part may run together, but not beside another command. Each side takes its own
lock before it looks at the other's, so that of two which start at once one sees the other.
"""

import os
import socket
import sys
import textwrap
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from songkey.errors import AudioKeyError, printable
from storage.places import Place

LOCK_NAME, LOCKS_OF_PARTS = ".packing.lock", ".part-*.lock"
COMMAND_LETTERS = 100  # that name a process which holds a lock
LONGEST_LOOK_SECONDS = 10.0  # that parts which start together may take to look, one by one


class BusyError(AudioKeyError):
    """A data set whose shards another process is changing."""


@contextmanager
def sole_writer(*roots: Place) -> Iterator[None]:
    """Hold the locks of data sets' folders; of those at an address there are none.

    Raises BusyError where another process holds one, or packs a part. The lock of a killed process
    is free.
    """
    with ExitStack() as locks:
        for root in roots:
            if isinstance(root, Path):
                locks.enter_context(_locked(root, LOCK_NAME))
                for path in sorted(root.glob(LOCKS_OF_PARTS)):
                    _refuse_held(path)
        yield


@contextmanager
def part_writer(root: Place, number: int, of: int) -> Iterator[None]:
    """Hold the lock of one part; BusyError where it is packed already, or a sole writer works."""
    if not isinstance(root, Path):
        yield
        return
    with _locked(root, LOCKS_OF_PARTS.replace("*", f"{number}-of-{of}")):
        _refuse_held(root / LOCK_NAME, LONGEST_LOOK_SECONDS)
        yield


@contextmanager
def _locked(root: Path, name: str) -> Iterator[None]:
    try:
        root.mkdir(parents=True, exist_ok=True)
        lock = _taken(root / name)
    except OSError:  # a folder that cannot be written to: who writes will say so
        yield
        return
    try:
        with suppress(OSError):  # of a full disk
            words = " ".join(Path(word).name if word == sys.argv[0] else word for word in sys.argv)
            words = textwrap.shorten(words, COMMAND_LETTERS, placeholder=" ...")
            text = f"process {os.getpid()} on {socket.gethostname()} ({words})"
            (root / name).write_text(text)
        yield
    finally:
        _free(lock)


def _refuse_held(path: Path, timeout_seconds: float = 0) -> None:
    with suppress(OSError):  # as in _locked
        _free(_taken(path, timeout_seconds))


def _taken(path: Path, timeout_seconds: float = 0) -> FileLock:
    lock = FileLock(path, timeout=timeout_seconds)
    try:
        lock.acquire()
    except Timeout:
        raise BusyError(
            f"{path.parent}: {_holder(path)} is changing these shards; wait until it has ended, "
            "then run the same command again (jobs that each pack a part: --part)"
        ) from None
    return lock


def _free(lock: FileLock) -> None:
    Path(lock.lock_file).unlink(missing_ok=True)  # while held: those who wait see that, look again
    lock.release()


def _holder(path: Path) -> str:
    with suppress(OSError):
        if text := path.read_text(errors="replace")[:200]:
            return printable(text)
    return "another process"
