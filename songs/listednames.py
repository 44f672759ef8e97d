"""Which files are meant by the names that tables give them, wherever the table was made.

A name may be a path below the folder, or one of any machine: `/home/me/a.mp3`, `D:\\Music\\a.mp3`,
`~/Music/a.mp3`, `\\\\server\\share\\a.mp3`, `file://localhost/D:/Music/a%20b.mp3`; its ending and
its folders may be left out. A name and a file are one where they have more of their path's end in
common, at least the file's name, than with any other; a path below the folder has to have a folder
in common, too, if it gives one. Case counts only where nothing else tells two apart.
"""

import posixpath
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain
from os.path import commonprefix
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from songkey.errors import one_line, printable
from storage.places import Place

WINDOWS = re.compile(r"[A-Za-z]:[\\/]|\\\\")
FILE_URL = re.compile(r"file:(?://[^/]*)?(?=/)", re.IGNORECASE)
ELSEWHERE = re.compile(r"(?:/*[A-Za-z]:|~[^/]*)/+")  # begins a path of another machine or user
MOST_PARTS = 100  # of a path that are compared


class Tie(NamedTuple):
    """Names and songs that have an end in common, as many parts of it as with no others."""

    names: list[str]
    songs: list[str]
    in_other_folders: bool  # only their last part is, and a name has a folder too


class ListedNames:
    """The songs below a folder, by which names may mean them."""

    def __init__(self, song_ids: Iterable[str], root: Place | str = "/"):
        self._root = one_line(printable(root.absolute() if isinstance(root, Path) else root))
        self._songs = [_Listed.below(self._root, song_id) for song_id in song_ids]

    def knows(self, name: str) -> bool:
        """Whether a song is called so, in whatever folder."""
        last = self._listed(name).folded[0]
        return last in self._names or last in self._stems

    def ties(self, names: Iterable[str]) -> Iterator[Tie]:
        """Who may be meant by which names; names that mean no song are in none."""
        listed = list(map(self._listed, names))
        met = set()
        for tie in _ties([one for one in listed if one.folded[0] in self._names], self._songs):
            if tie.names:
                met.update(tie.songs)
                yield tie
        short = [
            one
            for one in listed
            if one.folded[0] in self._stems and one.folded[0] not in self._names
        ]
        if short:
            songs = [one.stem() for one in self._songs if one.name not in met]
            yield from (tie for tie in _ties(short, songs) if tie.names)

    def _listed(self, name: str) -> "_Listed":
        path = plain_path(name)
        if begin := ELSEWHERE.match(path):
            return _Listed.of(name, path[begin.end() :])
        return _Listed.of(name, path) if path.startswith("/") else _Listed.below(self._root, path)

    @cached_property
    def _names(self) -> set[str]:
        return {one.folded[0] for one in self._songs}

    @cached_property
    def _stems(self) -> set[str]:
        return {one.stem().folded[0] for one in self._songs}


class _Listed(NamedTuple):
    """A name and the parts of its path, the last one first."""

    name: str
    parts: tuple[str, ...]
    folded: tuple[str, ...]  # the same without case
    has_folder: bool = True
    is_below: bool = False  # the folder of the songs, by what it says

    @classmethod
    def of(cls, name: str, path: str) -> "_Listed":
        """A path that begins anywhere; of one from '/' on that is a part."""
        text = comparable(path)
        parts = _parts(text)
        start = ("/",) if text.startswith("/") else ()
        return cls(name, parts + start, _parts(text.casefold()) + start, len(parts) > 1)

    @classmethod
    def below(cls, root: str, name: str) -> "_Listed":
        """A path below a folder, whose parts count too where others agree in them."""
        whole = cls.of(name, f"/{root}/{name}")
        return whole._replace(has_folder="/" in comparable(name), is_below=True)

    def stem(self) -> "_Listed":
        """The same without the file's ending."""
        (name, *parts), (short, *folded) = self.parts, self.folded
        name, short = posixpath.splitext(name)[0], posixpath.splitext(short)[0]
        return self._replace(parts=(name, *parts), folded=(short, *folded))


def _ties(listed: Iterable[_Listed], songs: Iterable[_Listed]) -> Iterator[Tie]:
    listed_by, songs_by = _by_part(listed, 0), _by_part(songs, 0)
    for name in listed_by:
        if name in songs_by:
            yield from _alike(listed_by[name], songs_by[name], 1)[0]


def _alike(
    listed: list[_Listed], songs: list[_Listed], length: int
) -> tuple[list[Tie], list[_Listed], list[_Listed]]:
    """The ties of those with so many last parts in common, and what is in none of longer ends."""
    if len(listed) == len(songs) == 1:
        length = len(commonprefix([listed[0].folded, songs[0].folded]))
        return [_tie(listed, songs, length)], [], []
    listed_by, songs_by = _by_part(listed, length), _by_part(songs, length)
    ties = []
    for part in [part for part in listed_by if part and part in songs_by]:
        longer, *left = _alike(listed_by[part], songs_by[part], length + 1)
        listed_by[part], songs_by[part] = left
        ties += longer
    listed, songs = list(chain(*listed_by.values())), list(chain(*songs_by.values()))
    if listed and songs:
        return ties + _by_case(listed, songs, length), [], []
    return ties, listed, songs


def _by_case(listed: list[_Listed], songs: list[_Listed], length: int) -> list[Tie]:
    """One tie, or several where case tells them apart."""
    both: dict[tuple[str, ...], tuple[list[_Listed], list[_Listed]]]
    both = {one.parts[:length]: ([], []) for one in listed}
    for side, ones in enumerate((listed, songs)):
        for one in ones:
            if one.parts[:length] in both:
                both[one.parts[:length]][side].append(one)
    exact = [pair for pair in both.values() if all(pair)]
    return [_tie(*pair, length) for pair in exact or [(listed, songs)]]


def _tie(listed: Sequence[_Listed], songs: Sequence[_Listed], length: int) -> Tie:
    """Without the names of paths below the folder that say another folder than the songs do."""
    if length == 1:
        listed = [one for one in listed if not (one.is_below and one.has_folder)]
    return Tie(
        [one.name for one in listed],
        [one.name for one in songs],
        length == 1 and any(one.has_folder for one in listed),
    )


def _by_part(ones: Iterable[_Listed], place: int) -> dict[str, list[_Listed]]:
    """By the part at a place; "" of those that end before it."""
    found: dict[str, list[_Listed]] = defaultdict(list)
    for one in ones:
        found[one.folded[place] if place < len(one.folded) else ""].append(one)
    return found


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part for part in reversed(text.split("/")) if part)[:MOST_PARTS] or ("",)


def plain_path(name: str) -> str:
    """A path of any system, or a file:// address, with slashes; no drive's from an address."""
    if address := FILE_URL.match(name):
        path = printable(unquote_to_bytes(name[address.end() :]).decode("utf-8", "surrogateescape"))
        return path[1:] if WINDOWS.match(path, 1) else path
    return name.replace("\\", "/") if WINDOWS.match(name) else name


def comparable(path: str) -> str:
    """A path without './' and with composed accents."""
    return unicodedata.normalize("NFC", posixpath.normpath(path))
