"""Whole, verified copies of files that lie at an address: kept up to a number of bytes.

Processes share them. A file is fetched by one at a time, which holds its lock; the others wait, and
find it. What was opened longest ago goes first; who has it open can go on reading it.
"""

import hashlib
import os
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from filelock import FileLock, Timeout

from storage.copies import fetch
from storage.places import Place, StorageError

LOOK_SECONDS = 0.01  # between two looks at a lock that another process holds
COPY_NAME = re.compile(r"[0-9a-f]{64}\.tar")  # no other file is removed, wherever the folder lies


@dataclass(frozen=True)
class Cache:
    """Copies in `folder`, named by their checksum, so that none is ever out of date.

    They and those that are being fetched take at most `most_bytes`, beside what a process still has
    open of those removed; more only where those being fetched alone do.
    """

    folder: Path
    most_bytes: int

    def open(self, place: Place, size: int, sha256: str) -> FileIO:
        """The local copy of the file at an address, which is fetched unless it is there.

        Raises StorageError where that fails, UnreachableError where it may pass.
        """
        with self._failures():
            while (file := _opened(self._path(sha256), size)) is None:
                self._fetch_if_missing(place, size, sha256, wait_seconds=-1)
        return file

    def fetch(self, place: Place, size: int, sha256: str) -> bool:
        """Have the copy there, for later; False if another process is just fetching it."""
        try:
            with self._failures():
                self._fetch_if_missing(place, size, sha256, wait_seconds=0)
        except Timeout:
            return False
        return True

    def discard_damaged(self, sha256: str) -> None:
        """Remove the copy if its bytes are no longer what they were when it came."""
        with self._failures(), suppress(FileNotFoundError):  # another process was faster
            with open(self._path(sha256), "rb") as file:
                damaged = hashlib.file_digest(file, "sha256").hexdigest() != sha256
            if damaged:
                self._path(sha256).unlink()

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """What the folder's disk refuses becomes a StorageError."""
        try:
            yield
        except Timeout:
            raise
        except OSError as error:
            raise StorageError(
                f"{self.folder}: {error.strerror or error}; make room there, or set "
                "stream.cache_dir"
            ) from None

    @property
    def _room(self) -> Path:
        """The lock of who counts what there is."""
        return self.folder / ".room.lock"

    def _path(self, sha256: str) -> Path:
        return self.folder / f"{sha256}.tar"

    def _fetch_if_missing(self, place: Place, size: int, sha256: str, wait_seconds: int) -> None:
        if size > self.most_bytes:
            raise StorageError(
                f"{place}: its {size} bytes are more than the whole cache may take "
                f"({self.most_bytes}); raise stream.cache_gigabytes"
            )
        path = self._path(sha256)
        if _is_whole(path, size):
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as counting, _locked(_promise(path), wait_seconds):
            if not _is_whole(path, size):  # another process was faster
                self._make_room(path, size)
                fetch(place, path, sha256)
                # So that the promise does not end while another process counts: in a listing that
                # passed by before the copy had its name, neither would be seen.
                counting.enter_context(_locked(self._room, wait_seconds=-1))

    def _make_room(self, path: Path, size: int) -> None:
        """Promise the file its bytes, and remove what was opened longest ago until they fit."""
        for leftover in self.folder.glob(f".{path.name}.*.tmp"):
            leftover.unlink(missing_ok=True)  # a killed process's, as its lock is ours
        with _locked(self._room, wait_seconds=-1):
            os.truncate(_promise(path), size)  # which takes nothing of the disk
            taken, copies = self._contents()
            for _, copy_bytes, copy in sorted(copies):
                if taken <= self.most_bytes:
                    break
                os.unlink(copy)
                taken -= copy_bytes

    def _contents(self) -> tuple[int, list[tuple[int, int, str]]]:
        """Bytes of all copies and promises; of each copy: when opened, its bytes, its path."""
        taken, copies = 0, []
        with os.scandir(self.folder) as entries:
            for entry in entries:
                is_copy = COPY_NAME.fullmatch(entry.name)
                if not is_copy and (
                    not entry.name.endswith(".tar.lock") or _is_abandoned(Path(entry.path))
                ):
                    continue
                with suppress(FileNotFoundError):  # a promise that was just kept
                    state = entry.stat()
                    taken += state.st_size
                    if is_copy:
                        copies.append((state.st_mtime_ns, state.st_size, entry.path))
        return taken, copies


def _promise(path: Path) -> Path:
    """The lock of a file that is being fetched, as long as the file will be."""
    return path.with_name(f".{path.name}.lock")


@contextmanager
def _locked(path: Path, wait_seconds: int) -> Iterator[None]:
    """Hold a lock between processes, whose file is gone when it is free; -1 waits for ever."""
    with FileLock(path, timeout=wait_seconds, poll_interval=LOOK_SECONDS):
        try:
            yield
        finally:
            path.unlink()  # those who wait see that, and take the next one


def _is_whole(path: Path, size: int) -> bool:
    try:
        return path.stat().st_size == size
    except FileNotFoundError:
        return False


def _opened(path: Path, size: int) -> FileIO | None:
    """The file, counted as used now; None where it is not there, or was cut."""
    try:
        file = FileIO(path)
    except FileNotFoundError:
        return None
    if os.fstat(file.fileno()).st_size != size:
        return None
    with suppress(PermissionError):  # another user's
        os.utime(file.fileno(), ns=(time.time_ns(),) * 2)
    return file


def _is_abandoned(promise: Path) -> bool:
    """Whether who made it was killed; it is then removed."""
    with suppress(Timeout), _locked(promise, wait_seconds=0):
        return True
    return False
