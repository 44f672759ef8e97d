"""Recordings that two lots of songs share, by their sound or by artist and title: what leaks.

A network that is tested on what it trained on looks better than it is. Songs of which neither is
known, packed before it was recorded, are taken for different ones, and counted.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.bounded import ManifestError, MissingError
from pipeline.index import INDEX_NAME, open_index
from pipeline.manifest import read_manifest
from pipeline.opened import local_index, split_folder
from pipeline.songtable import SongTable, SplitSongs
from settings.marks import MARKS
from songkey.errors import AudioKeyError
from songkey.keys import KEYS
from storage.places import Place, StorageError

NAMES_IN_A_MESSAGE = 10
NAMED_AT_FIRST = NAMES_IN_A_MESSAGE + 1  # so that it is known whether there are more
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
    """Songs of a table that are recordings of other songs."""

    songs: np.ndarray  # (N,) int64, their places in the table, sorted
    words: str  # the first of them: 'a/1 is b/2: same sound; ...'

    def __str__(self) -> str:
        return self.words


def overlap(first: SongTable, second: SongTable) -> Overlap:
    """The songs of `second` that are recordings of `first`."""
    digests_of = {mark: first.digests(mark) for mark in MARKS}

    def pair(song: int, mark: str) -> str:
        other = int(np.argmax(digests_of[mark] == second.digests(mark)[song]))
        return pair_in_words(first, other, second, song, mark)

    return _known(second, {mark: np.sort(ours) for mark, ours in digests_of.items()}, pair)


def songs_among(digests: np.ndarray, songs: SongTable) -> Overlap:
    """The songs that are recordings known by one of `digests`, which are sorted."""
    of_marks = dict.fromkeys(MARKS, digests)
    return _known(songs, of_marks, lambda song, mark: f"{_name(songs, song)}: {IN_WORDS[mark]}")


def _known(
    songs: SongTable, digests: Mapping[str, np.ndarray], in_words: Callable[[int, str], str]
) -> Overlap:
    """The songs whose mark is among its `digests`, which are sorted; `in_words` says of one why."""
    known = np.zeros(len(songs), bool)
    words: dict[int, str] = {}
    for mark, sorted_digests in digests.items():
        found = _among(songs.digests(mark), sorted_digests)
        for song in np.flatnonzero(found & ~known)[:NAMED_AT_FIRST].tolist():
            words[song] = in_words(song, mark)
        known |= found
    return Overlap(np.flatnonzero(known), listed(words))


def listed(named: Mapping[Any, str]) -> str:
    """The first of them by their places, and whether there are more: 'this; that; ...'."""
    first = [named[place] for place in sorted(named)[:NAMES_IN_A_MESSAGE]]
    return "; ".join([*first, *(["..."] if len(named) > len(first) else [])])


def pair_in_words(first: SongTable, one: int, second: SongTable, other: int, mark: str) -> str:
    """'a/1 is b/2: same sound, but A minor and C major', the keys only where they differ."""
    keys = (KEYS[first.key_id[one]], KEYS[second.key_id[other]])
    but = f", but {keys[0]} and {keys[1]}" if keys[0] != keys[1] else ""
    return f"{_name(first, one)} is {_name(second, other)}: {IN_WORDS[mark]}{but}"


def refuse(
    shared: Overlap, judged: SongTable, what: str, allowed: bool, remedy: str = REMEDY
) -> None:
    """Raise OverlapError for songs of `judged` that trained, or warn where they are `allowed`.

    `what` is what is wrong with those songs: 'songs that test train too'; `remedy` what to do.
    """
    if not len(shared.songs):
        return
    problem = f"{len(shared.songs)} of {len(judged)} {what}: {shared}"
    if not allowed:
        raise OverlapError(f"{problem}; {remedy}, or set stream.allow_overlap = true to be warned")
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
            for mark in MARKS:
                known |= songs.digests(mark) != 0
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
    """Which of `values`, but for 0, are among `known`, which is sorted: a mask."""
    needles = np.sort(values[values != 0])  # sorted, they are found many times faster
    return _in_sorted(values, needles[_in_sorted(needles, known)])


def _in_sorted(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    if not len(known):
        return np.zeros(len(values), bool)
    return known[np.minimum(np.searchsorted(known, values), len(known) - 1)] == values


def _name(table: SongTable, song: int) -> str:
    return f"{table.dataset_of(song)}/{table.song_id(song)}"
