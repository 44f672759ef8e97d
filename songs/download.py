"""Files from the web: many at once, each from an ordered list of mirrors, whole or not at all.

A file comes under the name `<name>.part` and is renamed when it is whole and its checksum is right.
What came stays, whatever happens: the next run asks only for the rest.
"""

import asyncio
import hashlib
import logging
import os
import random
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
from tqdm import tqdm

from settings.datasets import Download
from songkey.audio import printable
from songs.transfer import (
    MirrorError,
    PassingError,
    UnreachableError,
    discard_part,
    part_of,
    transfer,
    version_of,
)
from storage.whole import put_in_place

MOST_ROWS = 50
HEADERS = {"User-Agent": "audio-key-classification", "Accept-Encoding": "identity"}

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Remote:
    """A file to fetch: its place here, its mirrors in order, "md5:<hex>", "sha256:<hex>" or ""."""

    path: Path
    urls: tuple[str, ...]
    checksum: str


@dataclass(frozen=True)
class Failure:
    """A file that is missing, and what each of its mirrors answered."""

    path: Path
    reason: str


def fetch_all(files: Sequence[Remote], settings: Download) -> list[Failure]:
    """Fetch what is not there yet; gives what is missing, in order.

    A file is there if its checksum is right or, where that is unknown, if it exists. Raises
    OSError when a file cannot be written.
    """
    files = list(dict.fromkeys(files))
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it tells of every request
    failures = asyncio.run(_fetch_all(files, settings))
    if len(files) > 1:  # of single ones, such as pages of a listing, there may be many
        log.info("%d of %d files are there", len(files) - len(failures), len(files))
    return failures


def failure_table(failures: Sequence[Failure]) -> str:
    """What is missing and why, a line a file; of many files only the first."""
    shown = failures[:MOST_ROWS]
    width = max((len(printable(one.path.name)) for one in shown), default=0)
    lines = [f"  {printable(one.path.name):<{width}}  {one.reason}" for one in shown]
    if len(failures) > len(shown):
        lines.append(f"  and {len(failures) - len(shown)} more")
    noun = "file is" if len(failures) == 1 else "files are"
    return "\n".join(
        [f"{len(failures)} {noun} missing; the same command fetches the rest:", *lines]
    )


async def _fetch_all(files: Sequence[Remote], settings: Download) -> list[Failure]:
    async with httpx.AsyncClient(
        headers=HEADERS,
        timeout=httpx.Timeout(settings.timeout_seconds, pool=None),
        limits=httpx.Limits(),  # none: there are many hosts
        follow_redirects=True,
    ) as client:
        with tqdm(desc="download", unit="B", unit_scale=True, disable=None) as bar:
            fetcher = _Fetcher(client, settings, bar, len(files))
            reasons = await asyncio.gather(*(fetcher.fetch(file) for file in files))
    return [Failure(f.path, reason) for f, reason in zip(files, reasons, strict=True) if reason]


class _Fetcher:
    """What the downloads of one run share."""

    def __init__(
        self, client: httpx.AsyncClient, settings: Download, bar: tqdm, files_left: int
    ) -> None:
        self.client, self.settings, self.bar, self.files_left = client, settings, bar, files_left
        self.hosts: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(settings.connections_per_host)
        )
        self.unreachable: dict[str, str] = {}  # hosts, and why; not tried again for every file

    async def fetch(self, file: Remote) -> str:
        """Bring a file under its name; gives "" or why it is missing."""
        try:
            there = file.path.is_file() and await asyncio.to_thread(_is_right, file)
            reason = "" if there else await self._from_any_mirror(file)
        except OSError as error:
            raise OSError(
                f"{printable(file.path)}: cannot be written ({error.strerror or error}); "
                "free some space or set download.dir to another folder"
            ) from None
        self.files_left -= 1
        self.bar.set_postfix_str(f"{self.files_left} files left", refresh=False)
        return reason

    async def _from_any_mirror(self, file: Remote) -> str:
        file.path.parent.mkdir(parents=True, exist_ok=True)
        reasons = []
        for url in file.urls:
            host = url
            try:
                host = httpx.URL(url).host or url
                await self._from_mirror(file, url, host)
                return ""
            except (MirrorError, httpx.InvalidURL, UnicodeError) as error:
                reasons.append(f"{host}: {error}")
        return "; ".join(reasons) or "no address is known"

    async def _from_mirror(self, file: Remote, url: str, host: str) -> None:
        """Fetch from one mirror, with the retries that it is given; raises MirrorError.

        The pauses keep the place at the host: a server in trouble gets fewer requests.
        """
        async with self.hosts[host]:
            if host in self.unreachable:
                raise MirrorError(self.unreachable[host])
            for tries in range(1, self.settings.retries + 2):
                try:
                    return await self._once(file, url)
                except PassingError as error:
                    last = error
                if tries <= self.settings.retries:
                    await asyncio.sleep(self._delay_seconds(tries, last))
            if isinstance(last, UnreachableError):
                self.unreachable[host] = f"{last}, {tries} times"
            raise MirrorError(f"{last}, {tries} times")

    def _delay_seconds(self, tries: int, error: PassingError) -> float:
        """The pause before the next try: doubled each time, spread by chance, or as asked for."""
        longest = self.settings.longest_delay_seconds
        if error.wait_seconds > longest:
            raise MirrorError(f"{error}, asks for {error.wait_seconds:.0f} s of patience")
        delay = min(self.settings.first_delay_seconds * 2 ** (tries - 1), longest)
        return max(delay * random.uniform(1.0, 1.5), error.wait_seconds)

    async def _once(self, file: Remote, url: str) -> None:
        """One try: transfer, check, rename."""
        checked = bool(file.checksum)
        resumed = await transfer(self.client, url, file.path, checked, self.bar.update)
        if problem := await asyncio.to_thread(_finish, file):
            discard_part(file.path)
            if not resumed:
                raise MirrorError(problem)
            await self._once(
                file, url
            )  # the first piece may have come from a mirror that was wrong


def _is_right(file: Remote) -> bool:
    """Whether the file that is there will do; a wrong one becomes a `.part`, to be completed."""
    if not file.checksum or _matches(file.path, file.checksum):
        return True
    os.replace(file.path, part_of(file.path))
    return False


def _finish(file: Remote) -> str:
    """Give a `.part` that came to its end its name; or say what is wrong with it."""
    part = part_of(file.path)
    if not file.checksum or not _matches(part, file.checksum):
        with open(part, "rb") as opened:
            head = opened.read(1024).lower()
        if not file.path.suffix.startswith(".htm") and re.search(b"<!doctype html|<html", head):
            return "an HTML page in place of the file"
        if file.checksum:
            return f"wrong {file.checksum.partition(':')[0]}"
        if not head:
            return "an empty file"
    put_in_place(part, file.path)
    version_of(file.path).unlink(missing_ok=True)
    return ""


def _matches(path: Path, checksum: str) -> bool:
    """Whether a file has the checksum."""
    algorithm, _, expected = checksum.partition(":")
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.new(algorithm, usedforsecurity=False))
    return digest.hexdigest() == expected.lower()
