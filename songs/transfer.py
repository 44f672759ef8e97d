"""One request to one server: the bytes of a file appended to its `.part`, from where that ends.

A `.part` whose checksum is known is resumed from any server: the checksum of the whole file has the
last word. Without one, it is resumed only if the server says by If-Range that its file is still the
one the `.part` was begun with; `.part.version` keeps that ETag or date.
"""

import email.utils
import re
import ssl
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from songkey.errors import AudioKeyError

PASSING_STATUS = (408, 425, 429, 500, 502, 503, 504)


class MirrorError(AudioKeyError):
    """Why a server does not give a file."""


class PassingError(MirrorError):
    """A failure that may pass, after the seconds that the server asks for."""

    def __init__(self, reason: str, wait_seconds: float = 0.0) -> None:
        super().__init__(reason)
        self.wait_seconds = wait_seconds


class UnreachableError(PassingError):
    """There was not even a connection."""


def part_of(path: Path) -> Path:
    """Where a file lies until it is whole."""
    return path.with_name(path.name + ".part")


def version_of(path: Path) -> Path:
    """Where the ETag or date lies by which a file without a checksum is resumed."""
    return path.with_name(path.name + ".part.version")


def discard_part(path: Path) -> None:
    """Remove what came so far."""
    part_of(path).unlink(missing_ok=True)
    version_of(path).unlink(missing_ok=True)


async def transfer(
    client: httpx.AsyncClient,
    url: str,
    path: Path,
    checked: bool,
    seen: Callable[[int], object],
) -> bool:
    """Complete the `.part` of `path`; gives whether some of it had come before.

    `checked`: a checksum will tell whether the pieces belong together. `seen` is told the bytes of
    each piece. Raises MirrorError, PassingError if another try may help.
    """
    offset, headers = _resumption(path, checked)
    try:
        async with client.stream("GET", url, headers=headers) as response:
            return await _receive(response, path, offset, checked, seen)
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise UnreachableError(f"cannot be reached ({error or 'no answer'})") from None
    except (httpx.UnsupportedProtocol, httpx.TooManyRedirects, httpx.InvalidURL) as error:
        raise MirrorError(str(error)) from None
    except httpx.TimeoutException:
        raise PassingError(f"silent for {client.timeout.read:g} s") from None
    except (httpx.TransportError, ssl.SSLError) as error:
        raise PassingError(f"connection broken ({error or type(error).__name__})") from None


def _resumption(path: Path, checked: bool) -> tuple[int, dict[str, str]]:
    """The bytes that need not come again, and the headers that say so."""
    part, version = part_of(path), version_of(path)
    offset = part.stat().st_size if part.exists() else 0
    if not offset or not (checked or version.exists()):
        return 0, {}
    same = {} if checked else {"If-Range": version.read_text(encoding="utf-8")}
    return offset, {"Range": f"bytes={offset}-", **same}


async def _receive(
    response: httpx.Response,
    path: Path,
    offset: int,
    checked: bool,
    seen: Callable[[int], object],
) -> bool:
    """Write an answer into the `.part`, after the first `offset` bytes if it is the rest."""
    if response.status_code == 416 and offset:
        return True  # there is no rest
    _raise_for_status(response)
    partial = response.status_code == 206
    first, whole_bytes = _range(response) if partial else (0, 0)
    if partial and first != offset:
        discard_part(path)
        raise PassingError("answered with another range than was asked for")
    if offset and not partial and "html" in response.headers.get("Content-Type", ""):
        raise MirrorError("an HTML page in place of the file")  # it would replace what came before
    with open(part_of(path), "ab" if partial else "wb") as file:
        if not (partial or checked):
            _keep_version(response, path)
        async for chunk in response.aiter_raw():
            file.write(chunk)
            seen(len(chunk))
    if partial and part_of(path).stat().st_size != whole_bytes:
        raise PassingError(f"gave {part_of(path).stat().st_size} of {whole_bytes} bytes")
    return partial and offset > 0


def _raise_for_status(response: httpx.Response) -> None:
    status = response.status_code
    reason = f"{status} {response.reason_phrase}".strip()
    if status in PASSING_STATUS:
        raise PassingError(reason, _retry_after_seconds(response))
    if status not in (200, 206):
        raise MirrorError(reason)


def _retry_after_seconds(response: httpx.Response) -> float:
    """The pause that a server asks for, in seconds or until a date; 0 if it does not."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, OverflowError):
        return 0.0


def _range(response: httpx.Response) -> tuple[int, int]:
    """Where in the file an answer begins, -1 if unclear, and the whole file's size."""
    told = response.headers.get("Content-Range", "").strip()
    match = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", told)
    return (int(match[1]), int(match[2])) if match else (-1, 0)


def _keep_version(response: httpx.Response, path: Path) -> None:
    """Note what If-Range needs while the `.part` is still empty; a weak ETag will not do."""
    etag = response.headers.get("ETag", "")
    version = etag if etag.startswith('"') else response.headers.get("Last-Modified", "")
    version_of(path).unlink(missing_ok=True)
    if version:
        version_of(path).write_text(version, encoding="utf-8")
