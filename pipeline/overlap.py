"""Recordings that two lots of songs share, by their sound or by artist and title: what leaks.

A network that is tested on what it trained on looks better than it is. Songs of which neither is
known, packed before it was recorded, are taken for different ones, and counted.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

from pipeline.bounded import ManifestError, MissingError
from pipeline.index import INDEX_NAME, open_index
from pipeline.manifest import read_manifest
from pipeline.opened import local_index, split_folder
from pipeline.songtable import SongTable, SplitSongs
from settings.marks import MARKS
from songkey.errors import AudioKeyError
from storage.places import Place, StorageError

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
    for column in MARKS:
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
    shards_dir: str, formats: Iterable[str], datasets: Sequence[str], split: str, cache_dir: Path
) -> SongTable:
    """The songs of `split` of those data sets that have shards, in the first of `formats`.

    Of shards at an address the index is fetched to `cache_dir`. A warning names what is there and
    cannot be read.
    """
    found: dict[str, SplitSongs] = {}
    problems: dict[str, str] = {}
    for dataset, format in product(datasets, formats):
        if dataset in found:
            continue
        try:
            folder = split_folder(shards_dir, format, dataset, split)
            found[dataset] = _songs_of(folder, cache_dir)
        except MissingError:
            continue
        except (ManifestError, StorageError, OSError) as error:
            problems[dataset] = str(error)
    for dataset, problem in problems.items():
        if dataset not in found:
            logger.warning(
                "copies of the %s songs of %s cannot be known: %s", split, dataset, problem
            )
    return SongTable(tuple(found), tuple(found.values()))


def unknown_songs(*tables: SongTable) -> str:
    """Of which data sets how many songs have neither sound nor name recorded; empty for none."""
    unknown: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for table in tables:
        for dataset, songs in zip(table.datasets, table.splits, strict=True):
            known = np.zeros(len(songs), bool)
            for column in MARKS:
                known |= songs.digests(column) != 0
            unknown[dataset] += len(songs) - int(np.count_nonzero(known))
            total[dataset] += len(songs)
    counts = [f"{count} of {total[d]} songs of {d}" for d, count in unknown.items() if count]
    return f"neither sound nor name is known of {', '.join(counts)}" if counts else ""


def _songs_of(folder: Place, cache_dir: Path) -> SplitSongs:
    manifest = read_manifest(folder)
    if not manifest.index_sha256:
        raise ManifestError(f"{folder}: packed before songs were compared; pack again")
    # One that lies here is mapped: to compare its checksum would read all of it.
    path = (
        folder / manifest.table(INDEX_NAME)
        if isinstance(folder, Path)
        else local_index(folder, manifest, cache_dir)
    )
    return open_index(path, manifest).songs


def _among(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Which of `values` are among `known`, which is sorted: a mask."""
    if not len(known):
        return np.zeros(len(values), bool)
    return known[np.minimum(np.searchsorted(known, values), len(known) - 1)] == values


def _name(table: SongTable, song: int) -> str:
    return f"{table.dataset_of(song)}/{table.song_id(song)}"
