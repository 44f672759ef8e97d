"""fsspec's file systems: the one behind an address, and its failures as errors of ours."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fsspec.core import url_to_fs

from songkey.errors import AudioKeyError

SILENT_SECONDS = 60  # after which a server that sends nothing is given up


class StorageError(AudioKeyError):
    """An address that cannot be read or written, or a file that is not the expected one."""


class UnreachableError(StorageError):
    """An address that failed in a way that may pass."""


@contextmanager
def opened(url: str) -> Iterator[tuple[Any, str]]:
    """The file system and path of an address; its failures become StorageErrors.

    But for FileNotFoundError, which says that nothing is there.
    """
    try:
        filesystem, path = _behind(url)
        filesystem.invalidate_cache()  # listings that it keeps know nothing of other processes
        yield filesystem, path
    except FileNotFoundError as error:
        # Over HTTP fsspec asks for a file's size, and calls whatever fails a missing file.
        if isinstance(error.__cause__, _failures()) and not _says_missing(error.__cause__):
            raise _failure(url, error.__cause__) from None
        raise
    except PermissionError as error:
        raise StorageError(f"{url}: no access ({error}); check your credentials") from None
    except (ImportError, ValueError) as error:  # a protocol that lacks its library, or is unknown
        raise StorageError(f"{url}: not an address that can be used ({error})") from None
    except _failures() as error:
        raise _failure(url, error) from None


def _says_missing(error: BaseException) -> bool:
    return getattr(error, "status", 0) in (404, 410)


def _failure(url: str, error: BaseException) -> UnreachableError:
    reason = str(error) or type(error).__name__
    return UnreachableError(
        f"{url}: failed ({reason}); check the address, the network, your access and the disk"
    )


def _behind(url: str) -> tuple[Any, str]:
    """The file system of an address and its path there; a name may hold "::".

    fsspec would take that for the end of one address in a chain of several.
    """
    protocol, _, path = url.partition("://")
    if "::" not in path:
        return url_to_fs(url, **_options(url))
    filesystem, _ = url_to_fs(f"{protocol}://{path.partition('/')[0]}", **_options(url))
    return filesystem, filesystem._strip_protocol(f"{protocol.rpartition('::')[2]}://{path}")


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
