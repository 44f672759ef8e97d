"""Recordings that two lots of songs share, by their sound or by artist and title: what leaks.

A network that is tested on what it trained on looks better than it is. Songs of which neither is
known, packed before it was recorded, are taken for different ones.
"""

import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

from pipeline.bounded import ManifestError
from pipeline.index import INDEX_NAME, open_index
from pipeline.manifest import read_manifest
from pipeline.opened import split_folder
from pipeline.songtable import DIGEST_COLUMNS, SongTable, SplitSongs
from songkey.errors import AudioKeyError

NAMES_IN_A_MESSAGE = 10
IN_WORDS = {"identity": "same sound", "name": "same artist and title"}
REMEDY = (
    "give each recording one split (the column split of a label file, or folders train, valid and "
    "test) or leave it out, and pack again"
)

logger = logging.getLogger(__name__)


class OverlapError(AudioKeyError):
    """Songs that train and are to validate or to test."""


@dataclass(frozen=True)
class Overlap:
    """What the songs of one table share with those of another."""

    songs: np.ndarray  # (N,) int64, the second table's, sorted
    pairs: tuple[str, ...]  # the first of them in words: 'a/1 is b/2: same sound'

    def __str__(self) -> str:
        more = ("...",) if len(self.songs) > len(self.pairs) else ()
        return "; ".join((*self.pairs, *more))


def overlap(first: SongTable, second: SongTable) -> Overlap:
    """The songs of `second` that are recordings of `first`."""
    shared = np.zeros(len(second), bool)
    pairs: dict[int, str] = {}
    for column in DIGEST_COLUMNS:
        ours, theirs = first.digests(column), second.digests(column)
        # Sorted, needles are found many times faster.
        needles = np.sort(theirs[theirs != 0])
        common = needles[_among(needles, np.sort(ours))]
        found = _among(theirs, common)
        for song in np.flatnonzero(found & ~shared)[:NAMES_IN_A_MESSAGE].tolist():
            other = int(np.argmax(ours == theirs[song]))
            pairs[song] = f"{_name(first, other)} is {_name(second, song)}: {IN_WORDS[column]}"
        shared |= found
    songs = np.flatnonzero(shared)
    return Overlap(songs, tuple(pairs[song] for song in sorted(pairs)[:NAMES_IN_A_MESSAGE]))


def refuse(shared: Overlap, judged: SongTable, what: str, allowed: bool) -> None:
    """Raise OverlapError for songs of `judged` that trained, or warn where they are `allowed`.

    `what` is what is wrong with those songs: 'songs that test train too'.
    """
    if not len(shared.songs):
        return
    problem = f"{len(shared.songs)} of {len(judged)} {what}: {shared}"
    if not allowed:
        raise OverlapError(f"{problem}; {REMEDY}, or set stream.allow_overlap = true to be warned")
    logger.warning("%s", problem)


def songs_here(
    shards_dir: str, formats: Iterable[str], datasets: Sequence[str], split: str
) -> SongTable:
    """The songs of `split` of those data sets whose shards lie here, in the first of `formats`.

    Data sets without, also damaged ones and those at an address, are passed over.
    """
    found: dict[str, SplitSongs] = {}
    for dataset, format in product(datasets, formats):
        folder = split_folder(shards_dir, format, dataset, split)
        if dataset not in found and isinstance(folder, Path):
            with suppress(ManifestError, OSError):
                manifest = read_manifest(folder)
                index = open_index(folder / manifest.table(INDEX_NAME), manifest)
                found[dataset] = index.songs
    return SongTable(tuple(found), tuple(found.values()))


def _among(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Which of `values` are among `known`, which is sorted: a mask."""
    if not len(known):
        return np.zeros(len(values), bool)
    return known[np.minimum(np.searchsorted(known, values), len(known) - 1)] == values


def _name(table: SongTable, song: int) -> str:
    return f"{table.dataset_of(song)}/{table.song_id(song)}"
