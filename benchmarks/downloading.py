"""Many small files at once against one after the other, from a server that waits to answer."""

import hashlib
import sys
import tempfile
from pathlib import Path

import httpx

from benchmarks.turns import seconds_of
from settings.config import load_config
from settings.datasets import Download
from songs.download import Remote, fetch_all

# Not as `tests.http_server`: ebmlite installs a package `tests` of its own.
sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from http_server import serving  # type: ignore[import-not-found]

FILES, WAIT_SECONDS, FILE_BYTES = 500, 0.05, 10_000


def measure() -> None:
    """Print how many times as fast all files come as with one client that asks in turn."""
    bodies = {f"/{number}.mp3": bytes([number % 256]) * FILE_BYTES for number in range(FILES)}
    settings = load_config().download
    with tempfile.TemporaryDirectory() as folder, serving(bodies, WAIT_SECONDS) as server:
        files = [
            Remote(Path(folder, "ours", path[1:]), (server.url(path),), "md5:" + _md5(body))
            for path, body in bodies.items()
        ]
        ours = seconds_of(lambda: _fetched(files, settings))
        bare = seconds_of(lambda: _in_turn(files))
    what = f"downloading {FILES} files, {1000 * WAIT_SECONDS:.0f} ms before each answer"
    print(f"{what:<58} {bare / ours:5.1f} times as fast as in turn (>= 10)", flush=True)


def _md5(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


def _fetched(files: list[Remote], settings: Download) -> None:
    if fetch_all(files, settings):
        raise ValueError("files are missing")


def _in_turn(files: list[Remote]) -> None:
    """With the library alone: no mirrors, no retries, no checksum."""
    with httpx.Client() as client:
        for file in files:
            file.path.with_suffix(".bare").write_bytes(client.get(file.urls[0]).content)
