"""Where files lie: below a local Path, or at an address that fsspec reads and writes.

Which server, whose credentials and other options of a protocol are fsspec's and its libraries' own
settings: FSSPEC_S3_ENDPOINT_URL, AWS_ACCESS_KEY_ID and so on, or files in ~/.config/fsspec.
"""

import hashlib
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from fsspec.core import url_to_fs

WAITS_SECONDS = (1, 4)  # before the second and third try of what failed
SILENT_SECONDS = 60  # after which a server that sends nothing is given up
LEFTOVER_SECONDS = 86400  # age at which an unfinished copy is one of a killed process

Result = TypeVar("Result")


class StorageError(ValueError):
    """An address that cannot be read or written, or a file that is not the expected one."""


class UnreachableError(StorageError):
    """An address that failed in a way that may pass."""


@dataclass(frozen=True)
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

    def read_bytes(self) -> bytes:
        """The whole file."""
        return self._tried(lambda filesystem, own: filesystem.cat_file(own))

    def get(self, path: Path) -> None:
        """Copy the file to `path`, which may hold a part of it where that fails."""
        self._tried(lambda filesystem, own: filesystem.get_file(own, str(path)))

    def put(self, path: Path) -> None:
        """Make the file a copy of `path`."""
        self._tried(lambda filesystem, own: filesystem.put_file(str(path), own))

    def unlink(self) -> None:
        """Remove the file."""
        self._tried(lambda filesystem, own: filesystem.rm_file(own))

    def _tried(self, action: Callable[[Any, str], Result]) -> Result:
        """What `action` gives for the file system and its path; what may pass is tried again."""
        for wait_seconds in WAITS_SECONDS:
            try:
                with _named_errors(self.url) as (filesystem, path):
                    return action(filesystem, path)
            except UnreachableError:
                time.sleep(wait_seconds)
        with _named_errors(self.url) as (filesystem, path):
            return action(filesystem, path)


Place = Path | RemotePath


def place_of(text: str | Path) -> Place:
    """The Path or, of text with a protocol such as "s3://", the RemotePath that it names."""
    if "://" not in str(text):
        return Path(text)
    url = str(text).rstrip("/")
    return Path(url.removeprefix("file://")) if url.startswith("file://") else RemotePath(url)


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


@contextmanager
def _named_errors(url: str) -> Iterator[tuple[Any, str]]:
    """The file system and path of an address; its failures become StorageErrors."""
    try:
        yield url_to_fs(url, **_options(url))
    except FileNotFoundError:
        raise
    except ImportError as error:  # fsspec loads a protocol's library when it is first used
        raise StorageError(f"{url}: {error}") from None
    except PermissionError as error:
        raise StorageError(f"{url}: no access ({error}); check your credentials") from None
    except ValueError as error:  # fsspec's for a protocol that it does not know
        raise StorageError(f"{url}: not an address that can be used ({error})") from None
    except _failures() as error:
        reason = str(error) or type(error).__name__
        raise UnreachableError(
            f"{url}: failed ({reason}); check the address, the network, your access and the disk"
        ) from None


def _failures() -> tuple[type[Exception], ...]:
    """What the protocols' libraries, as far as they are loaded, raise when something fails."""
    libraries = (("aiohttp", "ClientError"), ("botocore.exceptions", "BotoCoreError"))
    loaded = [(sys.modules[name], kind) for name, kind in libraries if name in sys.modules]
    return (OSError, *(getattr(library, kind) for library, kind in loaded))


def _options(url: str) -> dict[str, Any]:
    """Over HTTP no limit on the time of a whole file, which is five minutes if nobody says so."""
    if not url.startswith(("http://", "https://")):
        return {}
    import aiohttp  # here: its loading takes as long as all of fsspec, and few need it

    timeout = aiohttp.ClientTimeout(
        total=None, sock_connect=SILENT_SECONDS, sock_read=SILENT_SECONDS
    )
    return {"client_kwargs": {"timeout": timeout}}
