"""Which label means which release of NoCopyrightSounds.

The first of tid, url, artist with title, and file name that a release has decides.
"""

import logging
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from urllib.parse import unquote

from songkey.counted import counted
from songkey.errors import AudioKeyError
from songkey.files import AUDIO_ENDINGS
from songs.ncs_labels import Label
from songs.ncs_listing import Release
from songs.song import LeftOut
from songs.titles import file_song_name, song_name

MOST_SHOWN = 3  # of the songs that a file labels twice

log = logging.getLogger(__name__)


def match_labels(
    labels: Sequence[Label], releases: Iterable[Release]
) -> tuple[dict[str, list[Label]], list[LeftOut]]:
    """By tid the labels that mean each release, and those that mean none.

    Raises AudioKeyError where two rows of a label file mean one release. A DJ's collection may
    hold a song twice: both labels are given.
    """
    known = _known(releases)
    labels_of, strangers = defaultdict(list), []
    for label in labels:
        meant = next((known[name] for name in _names_of_label(label) if name in known), [])
        for tid in dict.fromkeys(meant):
            labels_of[tid].append(label)
        if not meant:
            strangers.append(label)
    _refuse_twice(labels_of)
    return labels_of, _reported(strangers)


def _reported(strangers: Sequence[Label]) -> list[LeftOut]:
    """The labels of no release; of a collection, which holds much else, only their number."""
    if tracks := sum(label.is_of_collection for label in strangers):
        log.info("ncs: %d tracks of the collection are of no release", tracks)
    return [
        LeftOut(label.place, f"label of no release in the listing: {label}")
        for label in strangers
        if not label.is_of_collection
    ]


def _known(releases: Iterable[Release]) -> dict[str, list[str]]:
    """The tids that each name means; file names that several releases have mean none."""
    known = defaultdict(list)
    for release in releases:
        for name in _names_of_release(release):
            known[name].append(release.tid)
    return {
        name: tids for name, tids in known.items() if len(tids) == 1 or not name.startswith("file ")
    }


def _refuse_twice(labels_of: dict[str, list[Label]]) -> None:
    twice = [
        found for found in labels_of.values() if len(found) > 1 and not found[0].is_of_collection
    ]
    if twice:
        pairs = "; ".join(" and ".join(map(str, found)) for found in twice[:MOST_SHOWN])
        more = ", ..." if len(twice) > MOST_SHOWN else ""
        raise AudioKeyError(
            f"datasets.ncs.labels: {counted(len(twice), 'song')} with several rows; "
            f"keep one: {pairs}{more}"
        )


def _names_of_release(release: Release) -> set[str]:
    """All that may name a release in a label; the word before says which way of naming it is."""
    address = _address(release.url)
    names = [
        ("tid", release.tid.casefold()),
        ("url", address),
        ("song", song_name(release.artist, release.title)),
        ("file", release.tid.casefold()),
        ("file", _stem(address)),
    ]
    return {f"{way} {name}" for way, name in names if name}


def _names_of_label(label: Label) -> list[str]:
    """The names that a label gives, the surest first."""
    stem = _stem(label.file)
    names = [
        ("tid", label.tid.casefold()),
        ("url", _address(label.url)),
        ("song", song_name(label.artist, label.title)),
        ("file", stem.casefold()),
        ("song", file_song_name(stem)),
    ]
    return [f"{way} {name}" for way, name in names if name]


def _address(url: str) -> str:
    """An address without scheme and query."""
    bare = re.split("[?#]", re.sub("^(https?:)?//", "", url, flags=re.IGNORECASE))[0]
    return unquote(bare).casefold()


def _stem(path: str) -> str:
    """A file's name without folders and its ending; 'pt.II' has none."""
    name = PurePosixPath(path.replace("\\", "/")).name
    stem, dot, ending = name.rpartition(".")
    return stem if f"{dot}{ending}".lower() in AUDIO_ENDINGS else name
