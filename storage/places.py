"""Where files lie: below a local Path, or at an address that fsspec reads and writes.

Which server, whose credentials and other options of a protocol are fsspec's and its libraries' own
settings: FSSPEC_S3_ENDPOINT_URL, AWS_ACCESS_KEY_ID and so on, or files in ~/.config/fsspec.
"""

import os
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from storage.filesystem import StorageError as StorageError
from storage.filesystem import UnreachableError, opened

WAITS_SECONDS = (1, 4)  # before the second and third try of what failed
PART_BYTES = 1 << 16  # fetched at a time of a file that is read in parts
STREAM_BYTES = 8 << 20  # of one that is read from end to end

Result = TypeVar("Result")


@dataclass(frozen=True, order=True)
class RemotePath:
    """A file or folder at an address, with as much of Path's way as is needed.

    It holds the address alone, so it crosses processes. Where nothing is there, FileNotFoundError;
    any other failure is a StorageError.
    """

    url: str

    def __str__(self) -> str:
        return self.url

    def __truediv__(self, name: str) -> "RemotePath":
        return RemotePath(f"{self.url}/{name}")

    @property
    def name(self) -> str:
        """What follows the last slash."""
        return self.url.rpartition("/")[2]

    @property
    def parent(self) -> "RemotePath":
        """The folder that the file or folder lies in."""
        return RemotePath(self.url.rpartition("/")[0])

    def exists(self) -> bool:
        """Whether there is such a file, or a folder with files in it."""
        try:
            self._tried(lambda filesystem, own: filesystem.info(own))
        except FileNotFoundError:
            return False
        return True

    def size(self) -> int | None:
        """Bytes of the file; None where the server does not say."""
        return self._tried(lambda filesystem, own: filesystem.info(own)["size"])

    def read_bytes(self) -> bytes:
        """The whole file."""
        return self._tried(lambda filesystem, own: filesystem.cat_file(own))

    def first_bytes(self, count: int) -> bytes:
        """The file's first bytes, all of a file that has no more, and little else is fetched."""

        def read(filesystem: Any, own: str) -> bytes:
            with filesystem.open(own, "rb", block_size=PART_BYTES) as file:
                return file.read(count)

        return self._tried(read)

    def read_files(self, names: Sequence[str], count: int) -> list[bytes]:
        """The first bytes, at most so many, of the files of those names here, fetched together."""
        found = self._tried(
            lambda filesystem, own: filesystem.cat_ranges(
                [f"{own}/{name}" for name in names], 0, count, on_error="return"
            )
        )
        return [  # what failed is tried again by itself
            data if isinstance(data, bytes) else (self / name).first_bytes(count)
            for name, data in zip(names, found, strict=True)
        ]

    def reading(self, action: Callable[[BinaryIO], Result]) -> Result:
        """What `action` gives for the open file, of which only the parts that it reads come."""

        def read(filesystem: Any, own: str) -> Result:
            with filesystem.open(own, "rb", block_size=PART_BYTES) as file:
                return action(file)

        return self._tried(read)

    def streaming(self, action: Callable[[BinaryIO], Result]) -> Result:
        """What `action` gives for the file, which it reads once from its beginning to its end."""

        def read(filesystem: Any, own: str) -> Result:
            with streamed(filesystem, own) as file:
                return action(file)

        return self._tried(read)

    def files(self) -> dict[str, int]:
        """The files that lie in this folder itself, with their bytes; none without a folder."""
        return {name: info["size"] for name, info in self.find().items() if "/" not in name}

    def find(self) -> dict[str, dict[str, Any]]:
        """All files below this folder by their path from it, with what the store says of each."""
        if not self.exists():  # for which some file systems' find gives an empty folder
            return {}
        path, found = self._tried(lambda filesystem, own: (own, filesystem.find(own, detail=True)))
        start = f"{path.rstrip('/')}/"
        return {
            name.removeprefix(start): info
            for name, info in found.items()
            if name.startswith(start) and not name.endswith("/")
        }

    def get(self, path: Path) -> None:
        """Copy the file to `path`, which may hold a part of it where that fails."""
        self._tried(lambda filesystem, own: filesystem.get_file(own, str(path)))

    def put(self, path: Path) -> None:
        """Make the file a copy of `path`, and compare the sizes."""
        try:
            self._tried(lambda filesystem, own: filesystem.put_file(str(path), own))
            size = self._tried(lambda filesystem, own: filesystem.size(own))
        except FileNotFoundError as error:
            raise StorageError(
                f"{self.url}: cannot be written ({error}); make the bucket first, or check the "
                "address"
            ) from None
        if size != path.stat().st_size:
            raise StorageError(
                f"{self.url}: {size} of {path.stat().st_size} bytes are there after sending; "
                "run the same command again"
            )

    def write_bytes(self, data: bytes) -> None:
        """Make the file these bytes."""
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            self.put(Path(file.name))

    def unlink(self, missing_ok: bool = False) -> None:
        """Remove the file."""
        try:
            self._tried(lambda filesystem, own: filesystem.rm_file(own))
        except FileNotFoundError:
            if not missing_ok:
                raise

    def _tried(self, action: Callable[[Any, str], Result]) -> Result:
        """What `action` gives for the file system and its path; what may pass is tried again."""
        for wait_seconds in WAITS_SECONDS:
            try:
                with opened(self.url) as (filesystem, path):
                    return action(filesystem, path)
            except UnreachableError:
                time.sleep(wait_seconds)
        with opened(self.url) as (filesystem, path):
            return action(filesystem, path)


def streamed(filesystem: Any, path: str) -> Any:
    """The file at an address, open for that."""
    # Over HTTP one request brings it all; elsewhere there is no such way.
    block_size = 0 if "https" in filesystem.protocol else STREAM_BYTES
    return filesystem.open(path, "rb", block_size=block_size)


Place = Path | RemotePath


def place_of(text: str | Path) -> Place:
    """The Path or, of text with a protocol such as "s3://", the RemotePath that it names."""
    if "://" not in str(text):
        return Path(text)
    url = str(text).rstrip("/")
    return Path(url.removeprefix("file://")) if url.startswith("file://") else RemotePath(url)


def sizes(folder: Place) -> dict[str, int]:
    """The files that lie in a folder itself, with their bytes; none where there is no folder."""
    if isinstance(folder, RemotePath):
        return folder.files()
    found: dict[str, int] = {}
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):  # another process's unfinished file
                if entry.is_file():
                    found[entry.name] = entry.stat().st_size
    return found
