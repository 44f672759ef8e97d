"""Recordings that are labelled with several keys: which of the labels is wrong, nobody knows.

Packing leaves out those of one data set. Data sets are packed one by one, and only when they are
put together are labels of the same recording compared.
"""

import numpy as np

from pipeline.overlap import NAMED_AT_FIRST, Overlap, listed, pair_in_words
from pipeline.songtable import SongTable
from settings.marks import MARKS, ONE_KEY

CORRECT = "correct the labels, or leave all but one of them out, and pack again"


def contradictions(songs: SongTable) -> Overlap:
    """The songs of recordings that have several keys, and in words who says what.

    Chains count: what shares a sound with a song that shares a name with a third is one recording.
    """
    groups = {mark: _groups(_digests(songs, mark)) for mark in MARKS}
    found = np.zeros(len(songs), bool)
    pairs: dict[tuple[int, int], str] = {}
    for mark, (order, starts) in groups.items():
        if not len(order):
            continue
        keys = songs.key_id[order]
        several = np.minimum.reduceat(keys, starts) != np.maximum.reduceat(keys, starts)
        ends = np.append(starts[1:], len(order))
        found[order[np.repeat(several, ends - starts)]] = True
        firsts = np.minimum.reduceat(order, starts)[several]
        for group in np.flatnonzero(several)[np.argsort(firsts)[:NAMED_AT_FIRST]]:
            one, other = _pair(np.sort(order[starts[group] : ends[group]]), songs.key_id)
            pairs.setdefault((one, other), pair_in_words(songs, one, songs, other, mark))
    _spread(found, list(groups.values()))
    return Overlap(np.flatnonzero(found), listed(pairs))


def _spread(found: np.ndarray, groups: list[tuple[np.ndarray, np.ndarray]]) -> None:
    """Find whole groups where one of their songs is found, until nothing more comes of it."""
    before = -1
    while before < (before := int(np.count_nonzero(found))):
        for order, starts in groups:
            if before and len(order):
                sizes = np.diff(np.append(starts, len(order)))
                found[order] |= np.repeat(np.logical_or.reduceat(found[order], starts), sizes)


def _digests(songs: SongTable, mark: str) -> np.ndarray:
    """(songs,) uint64: 0 also where songs that share it may have keys of their own."""
    return np.concatenate([
        split.digests(mark) if mark in ONE_KEY.get(dataset, MARKS) else np.zeros(len(split), "u8")
        for dataset, split in zip(songs.datasets, songs.splits, strict=True)
    ] or [np.zeros(0, "u8")])  # fmt: skip


def _groups(digests: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The places of songs that share a digest, group after group, and where the groups begin."""
    order = np.argsort(digests)
    grouped = digests[order]
    unknown = int(np.searchsorted(grouped, 0, "right"))
    order, grouped = order[unknown:], grouped[unknown:]
    begins = np.ones(len(grouped), bool)
    np.not_equal(grouped[1:], grouped[:-1], out=begins[1:])
    shared = ~(begins & np.append(begins[1:], True))
    return order[shared], np.flatnonzero(begins[shared])


def _pair(places: np.ndarray, key_id: np.ndarray) -> tuple[int, int]:
    """The first of these songs, and the first that has another key."""
    keys = key_id[places]
    return int(places[0]), int(places[np.argmax(keys != keys[0])])
