"""Which files are meant by the names that tables give them, wherever the table was made.

A name may be a path below the folder, without its ending or its folders where only one file can be
meant; or an absolute one of any machine: `/home/me/a.mp3`, `D:\\Music\\a.mp3`, `~/Music/a.mp3`,
`\\\\server\\share\\a.mp3`, `file://localhost/D:/Music/a%20b.mp3`. Of those the longest tail counts
that a file here ends in.
"""

import posixpath
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from songkey.errors import printable

WINDOWS = re.compile(r"[A-Za-z]:[\\/]|\\\\")
FILE_URL = re.compile(r"file:(?://[^/]*)?(?=/)", re.IGNORECASE)
ELSEWHERE = re.compile(r"(?:/*[A-Za-z]:|~[^/]*)?/+")  # how an absolute path begins


class Meant(NamedTuple):
    """The songs that a name may mean."""

    songs: list[str]
    # Only a part of the name and a part of the path here agree: /mnt/new/a.mp3, old/a.mp3.
    by_part: bool = False


class ListedNames:
    """The songs by all names that may mean them."""

    def __init__(self, song_ids: Iterable[str]):
        self._song_ids = list(song_ids)

    def meant(self, name: str) -> Meant:
        """The songs that a name may mean, by the strictest way of naming that knows it."""
        path = comparable(plain_path(name))
        for songs_of in self._exact:
            if path in songs_of:
                return Meant(songs_of[path])
        start = ELSEWHERE.match(path)
        return self._by_tail(path[start.end() :].casefold()) if start else Meant([])

    def _by_tail(self, path: str) -> Meant:
        tail, cut = path, False
        while tail:
            if songs := self._tails.get(tail):
                return Meant(songs, cut and comparable(songs[0]).casefold() != tail)
            tail, cut = tail.partition("/")[2], True
        return Meant([])

    @cached_property
    def _exact(self) -> list[dict[str, list[str]]]:
        """For four ways to name a file, the strictest first: the songs that each name may mean."""
        known: list[dict[str, list[str]]] = [defaultdict(list) for _ in range(4)]
        for song_id in self._song_ids:
            path = comparable(song_id)
            stem = posixpath.splitext(path)[0]
            names = (path, stem, posixpath.basename(path), posixpath.basename(stem))
            for songs_of, name in zip(known, names, strict=True):
                songs_of[name].append(song_id)
        return known

    @cached_property
    def _tails(self) -> dict[str, list[str]]:
        """The songs by all that their paths may end in: 'a/b.mp3' and 'b.mp3'; in any case."""
        known: dict[str, list[str]] = defaultdict(list)
        for song_id in self._song_ids:
            tail = comparable(song_id).casefold()
            while tail:
                known[tail].append(song_id)
                tail = tail.partition("/")[2]
        return known


def plain_path(name: str) -> str:
    """A path of any system, or a file:// address, with slashes; no drive's from an address."""
    if address := FILE_URL.match(name):
        path = printable(unquote_to_bytes(name[address.end() :]).decode("utf-8", "surrogateescape"))
        return path[1:] if WINDOWS.match(path, 1) else path
    return name.replace("\\", "/") if WINDOWS.match(name) else name


def comparable(path: str) -> str:
    """A path without './' and with composed accents."""
    return unicodedata.normalize("NFC", posixpath.normpath(path))
