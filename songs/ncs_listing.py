"""The listing of NoCopyrightSounds: pages of releases on ncs.io, and a copy of it as JSON lines.

Each release is a play button, <a class="player-play" data-tid=... data-track=...>. One element is
read at a time, so that a missing attribute stays its own release's loss.
"""

import json
import logging
import re
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path, PurePosixPath

import httpx
from bs4 import BeautifulSoup
from bs4.element import Tag

from settings.datasets import Download
from songkey.audio import printable
from songkey.errors import AudioKeyError
from songkey.files import AUDIO_ENDINGS
from songs.download import Remote, fetch_all
from storage.whole import write_whole

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Release:
    """One play button; what its element does not say is ""."""

    tid: str
    title: str
    artist: str
    genre: str
    versions: str
    url: str

    @property
    def file(self) -> str:
        """The name of its audio file: '<tid>.mp3'."""
        ending = PurePosixPath(httpx.URL(self.url).path).suffix.lower()
        return f"{self.tid}{ending if ending in AUDIO_ENDINGS else '.mp3'}"

    @property
    def lack(self) -> str:
        """Why it cannot be fetched, "" if it can."""
        if not re.fullmatch(r"[A-Za-z0-9_-]+", self.tid):
            return "listed without a usable data-tid"
        return "" if self.url else "listed without data-url"


def fetch_listing(
    page_url: str, pause_seconds: float, expected_releases: int, settings: Download
) -> list[Release]:
    """All releases, each once: pages 1, 2, ... until one brings nothing new.

    A page may repeat what another has: featured releases, or those that moved while we read.
    Raises AudioKeyError when a page cannot be had, or there are far fewer releases than expected.
    """
    found: dict[str, Release] = {}
    for number, page in enumerate(_pages(page_url, pause_seconds, settings), start=1):
        known = len(found)
        for release in releases_of(page, page_url):
            found.setdefault(release.tid or repr(release), release)
        log.info("ncs: page %d, %d releases so far", number, len(found))
        if len(found) == known:
            break
    if len(found) < expected_releases:
        raise AudioKeyError(
            f"ncs: {len(found)} releases on {number} pages of {page_url}, at least "
            f"{expected_releases} were expected: layout changed? If all is well there, lower "
            "datasets.ncs.expected_releases"
        )
    return list(found.values())


def releases_of(page: str | bytes, page_url: str) -> list[Release]:
    """The releases of one page, in its order."""
    buttons = BeautifulSoup(page, "html.parser").select("a.player-play")
    return [_release(button, page_url) for button in buttons]


def write_listing(path: Path, releases: list[Release]) -> None:
    """One JSON object a line, under its name only when it is whole."""
    lines = [json.dumps(asdict(release)) + "\n" for release in releases]
    write_whole(path, "".join(lines).encode())


def read_listing(path: Path) -> list[Release]:
    """The releases of a file that write_listing made."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")[:-1]
        return [Release(**json.loads(line)) for line in lines]
    except (ValueError, TypeError) as error:
        raise AudioKeyError(
            f"{printable(path)}: not a listing ({error}); remove it and download again"
        ) from error


def _pages(page_url: str, pause_seconds: float, settings: Download) -> Iterator[bytes]:
    """The pages one after the other, with a pause between two requests."""
    with tempfile.TemporaryDirectory() as folder:
        for number in count(1):
            path = Path(folder, f"{number}.html")
            url = page_url.replace("{page}", str(number))
            for failure in fetch_all([Remote(path, (url,), "")], settings):
                raise AudioKeyError(f"ncs: page {number} of the listing: {failure.reason}")
            yield path.read_bytes()
            time.sleep(pause_seconds)


def _release(button: Tag, page_url: str) -> Release:
    artist = _attribute(button, "data-artistraw") or _text(_attribute(button, "data-artist"))
    return Release(
        tid=_attribute(button, "data-tid"),
        title=_attribute(button, "data-track"),
        artist=artist,
        genre=_attribute(button, "data-genre"),
        versions=_attribute(button, "data-versions"),
        url=_absolute(_attribute(button, "data-url"), page_url),
    )


def _attribute(button: Tag, name: str) -> str:
    return " ".join(str(button.get(name, "")).split())


def _text(html: str) -> str:
    """'<a href="/x">Janji</a>, <a ...>Johnning</a>' -> 'Janji, Johnning'."""
    return " ".join(BeautifulSoup(html, "html.parser").get_text().split())


def _absolute(url: str, page_url: str) -> str:
    """An address on the web; "" for what is none."""
    try:
        address = httpx.URL(page_url).join(url) if url else httpx.URL()
    except httpx.InvalidURL:
        return ""
    return str(address) if address.scheme in ("http", "https") and address.host else ""
