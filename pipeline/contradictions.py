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
    """The songs that share a recording with one of another key, both sides, and who says what."""
    found = np.zeros(len(songs), bool)
    pairs: dict[tuple[int, int], str] = {}
    for mark in MARKS:
        order, starts = _groups(_digests(songs, mark))
        if not len(order):
            continue
        keys, ends = songs.key_id[order], np.append(starts[1:], len(order))
        several = np.minimum.reduceat(keys, starts) != np.maximum.reduceat(keys, starts)
        found[order[np.repeat(several, ends - starts)]] = True
        firsts = np.minimum.reduceat(order, starts)[several]
        for group in np.flatnonzero(several)[np.argsort(firsts)[:NAMED_AT_FIRST]]:
            one, other = _pair(np.sort(order[starts[group] : ends[group]]), songs.key_id)
            pairs.setdefault((one, other), pair_in_words(songs, one, songs, other, mark))
    return Overlap(np.flatnonzero(found), listed(pairs))


def _digests(songs: SongTable, mark: str) -> np.ndarray:
    """(songs,) uint64: 0 also where songs that share it may have keys of their own."""
    return np.concatenate([
        split.digests(mark) if mark in ONE_KEY.get(dataset, MARKS) else np.zeros(len(split), "u8")
        for dataset, split in zip(songs.datasets, songs.splits, strict=True)
    ] or [np.zeros(0, "u8")])  # fmt: skip


def _groups(digests: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The places of songs, group after group, and where in that the groups begin."""
    order = np.argsort(digests)
    grouped = digests[order]
    unknown = int(np.searchsorted(grouped, 0, "right"))
    order, grouped = order[unknown:], grouped[unknown:]
    begins = np.ones(len(grouped), bool)
    np.not_equal(grouped[1:], grouped[:-1], out=begins[1:])
    return order, np.flatnonzero(begins)


def _pair(places: np.ndarray, key_id: np.ndarray) -> tuple[int, int]:
    """The first of these songs, and the first that has another key."""
    keys = key_id[places]
    return int(places[0]), int(places[np.argmax(keys != keys[0])])
