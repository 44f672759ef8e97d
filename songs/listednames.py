"""Which files are meant by the names that tables give them, wherever the table was made.

A name may be a path below the folder, or one of any machine: `/home/me/a.mp3`, `D:\\Music\\a.mp3`,
`~/Music/a.mp3`, `\\\\server\\share\\a.mp3`, `file://localhost/D:/Music/a%20b.mp3`; its ending and
its folders may be left out. A name and a file are one where they have more of their paths' ends in
common, at least the file's name, than with any other of its kind. A path below the folder has to
agree whole with the end of the file's, or with all of it that is below the folder and one part
more; one of any machine may go on in other folders, which is said. Case counts only where nothing
else tells two apart.
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


class Meant(NamedTuple):
    """A name and the songs that it means as well as each other."""

    name: str
    songs: list[str]
    elsewhere: str = ""  # the path in other folders than the one song's, however it was spelled


class ListedNames:
    """The songs below a folder, by which names may mean them."""

    def __init__(self, song_ids: Iterable[str], root: Place | str = "/"):
        self._root = one_line(printable(root.absolute() if isinstance(root, Path) else root))
        self._songs = [_Listed.song(self._root, song_id) for song_id in song_ids]

    def knows(self, name: str) -> bool:
        """Whether a song is called so, in whatever folder."""
        last = self._listed(name).folded[0]
        return last in self._names or last in self._stems

    def meant(self, names: Iterable[str]) -> Iterator[Meant]:
        """What each name means; those that mean no song are left out.

        Names without an ending mean songs that no other surely does.
        """
        listed = list(map(self._listed, names))
        by_name = [one for one in listed if one.folded[0] in self._names]
        found = list(_meant(by_name, self._songs))
        yield from found
        short = [
            one
            for one in listed
            if one.folded[0] in self._stems and one.folded[0] not in self._names
        ]
        if short:
            lists = {
                id(one.songs): one.songs for one in found if not one.elsewhere
            }  # many share one
            met = set(chain(*lists.values()))
            yield from _meant(short, [one.stem() for one in self._songs if one.name not in met])

    def _listed(self, name: str) -> "_Listed":
        path = plain_path(name)
        if begin := ELSEWHERE.match(path):
            return _Listed.of(name, path[begin.end() :])
        if path.startswith("/"):
            return _Listed.of(name, path)
        return _Listed.of(name, path)._replace(from_root=_Listed.of(name, f"/{self._root}/{path}"))

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
    from_root: "_Listed | None" = None  # of a name that is a path below the folder of the songs
    below: int = 0  # of a song: how many of the parts are below that folder

    @classmethod
    def of(cls, name: str, path: str) -> "_Listed":
        """A path that begins anywhere; of one from '/' on that is a part."""
        text = comparable(path)
        start = ("/",) if text.startswith("/") else ()
        return cls(name, _parts(text) + start, _parts(text.casefold()) + start)

    @classmethod
    def song(cls, root: str, song_id: str) -> "_Listed":
        """A song's path below a folder, whose parts count too where others agree in them."""
        below = len(_parts(comparable(song_id)))
        return cls.of(song_id, f"/{root}/{song_id}")._replace(below=below)

    def stem(self) -> "_Listed":
        """The same without the file's ending."""
        (name, *parts), (short, *folded) = self.parts, self.folded
        name, short = posixpath.splitext(name)[0], posixpath.splitext(short)[0]
        return self._replace(parts=(name, *parts), folded=(short, *folded))

    def elsewhere(self, song: "_Listed", length: int) -> str:
        """The path, if it is one in other folders, with so many last parts in common."""
        own = len(self.parts) - (self.parts[-1] == "/")
        differs = min(own, song.below) > length or (length == 1 and own > 1)
        return "/".join(reversed(self.folded[:own])) if differs and not self.from_root else ""


def _meant(listed: Sequence[_Listed], songs: Sequence[_Listed]) -> Iterator[Meant]:
    """Paths below the folder, and those of any machine, each for themselves.

    So none of the latter, which may be doubtful, takes a song away from one that is not.
    """
    whole = {song.folded for song in songs}
    below = [
        one.from_root if one.from_root.folded in whole else one for one in listed if one.from_root
    ]
    for ones in (below, [one for one in listed if not one.from_root]):
        listed_by, songs_by = _by_part(ones, 0), _by_part(songs, 0)
        for name in listed_by:
            if name in songs_by:
                yield from _alike(listed_by[name], songs_by[name], 1)[0]


def _alike(
    listed: list[_Listed], songs: list[_Listed], length: int
) -> tuple[list[Meant], list[_Listed], list[_Listed]]:
    """What those with so many last parts in common mean, and who has met nobody."""
    if len(listed) == len(songs) == 1:
        length = len(commonprefix([listed[0].folded, songs[0].folded]))
    listed_by, songs_by = _by_part(listed, length), _by_part(songs, length)
    found: list[Meant] = []
    for part in [part for part in listed_by if part and part in songs_by]:
        longer, *left = _alike(listed_by[part], songs_by[part], length + 1)
        listed_by[part], songs_by[part] = left
        found += longer
    listed, songs = list(chain(*listed_by.values())), list(chain(*songs_by.values()))
    sides: tuple[list[_Listed], list[_Listed]] = ([], [])
    for one in listed:
        sides[one.from_root is not None and len(one.parts) > length].append(one)
    whole, in_part = sides
    covered = [song for song in songs if 2 <= length >= song.below]
    found += [*_by_case(whole, songs, length), *_by_case(in_part, covered, length)]
    left_listed = (whole if not songs else []) + (in_part if not covered else [])
    if whole:
        return found, left_listed, []
    return found, left_listed, [one for one in songs if not (in_part and 2 <= length >= one.below)]


def _by_case(listed: list[_Listed], songs: list[_Listed], length: int) -> Iterator[Meant]:
    """Each name means all of the songs, or those that case tells from the others."""
    both: dict[tuple[str, ...], tuple[list[_Listed], list[_Listed]]]
    both = {one.parts[:length]: ([], []) for one in listed if songs}
    for side, ones in enumerate((listed, songs)):
        for one in ones:
            if one.parts[:length] in both:
                both[one.parts[:length]][side].append(one)
    exact = [pair for pair in both.values() if all(pair)]
    for names, meant in exact or [(listed, songs)] * bool(songs):
        ids = [song.name for song in meant]
        for one in names:
            yield Meant(one.name, ids, one.elsewhere(meant[0], length) if len(ids) == 1 else "")


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
