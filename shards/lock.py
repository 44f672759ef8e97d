"""One command at a time changes the shards of a local data set; a second is told who does."""

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from songkey.errors import AudioKeyError, printable
from storage.places import Place

LOCK_NAME = ".packing.lock"


class BusyError(AudioKeyError):
    """A data set whose shards another process is changing."""


@contextmanager
def sole_writer(*roots: Place) -> Iterator[None]:
    """Hold the locks of data sets' folders; of those at an address there are none.

    Raises BusyError where another process holds one. The lock of a killed process is free.
    """
    with ExitStack() as locks:
        for root in roots:
            if isinstance(root, Path):
                locks.enter_context(_locked(root))
        yield


@contextmanager
def _locked(root: Path) -> Iterator[None]:
    path, lock = root / LOCK_NAME, FileLock(root / LOCK_NAME, timeout=0)
    try:
        root.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise BusyError(
            f"{root}: {_holder(path)} is changing these shards; wait until it has ended, then run "
            "the same command again (jobs that each pack a part: --part)"
        ) from None
    except OSError:  # a folder that cannot be written to: who writes will say so
        yield
        return
    try:
        with suppress(OSError):  # of a full disk
            words = " ".join(Path(word).name if word == sys.argv[0] else word for word in sys.argv)
            path.write_text(f"process {os.getpid()} on {socket.gethostname()} ({words})")
        yield
    finally:
        path.unlink(missing_ok=True)  # while it is held: those who wait see that, and look again
        lock.release()


def _holder(path: Path) -> str:
    with suppress(OSError):
        if text := path.read_text(errors="replace")[:200]:
            return printable(text)
    return "another process"
