"""In what turn shards at an address are fetched: arithmetic on the numbers of what will be read."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

LATER = np.iinfo(np.int64).max


class Uses(NamedTuple):
    """When each shard is read: positions in what one process reads, LATER and -1 where never."""

    first: np.ndarray  # (shards,)
    last: np.ndarray  # (shards,)


class Plan(NamedTuple):
    """In what turn shards are fetched, and how far ahead."""

    shards: np.ndarray  # (n,) in the order of their first use
    until: np.ndarray  # (n,) how many of them are asked for as soon as that one is needed
    most: int  # shards that are read in turns at the same time
    most_bytes: int


def uses_of(chunks: Iterable[np.ndarray], ends: np.ndarray) -> Uses:
    """When each shard is first and last read, of samples that are read in that order.

    `ends` (shards,) is one past the number of each shard's last sample.
    """
    uses = Uses(np.full(len(ends), LATER), np.full(len(ends), -1))
    done = 0
    for numbers in chunks:
        shards = np.searchsorted(ends, numbers, side="right")
        positions = np.arange(done, done + len(shards))
        uses.last[shards] = positions  # of equal indices the last counts
        new = np.flatnonzero(uses.first[shards] == LATER)[::-1]
        uses.first[shards[new]] = positions[new]
        done += len(shards)
    return uses


def plan_of(uses: Uses, sizes: np.ndarray, least: int, most_bytes: int) -> Plan:
    """What to fetch when: ahead of those in use as many again, and at least `least`.

    So a lane's next shard is there before its last one ends, and at the end of a block of each lane
    the next block's. But never more than fit beside those in use into `most_bytes`; the next one
    always. `sizes` (shards,) are their bytes.
    """
    shards = np.argsort(uses.first, kind="stable")[: np.count_nonzero(uses.last >= 0)]
    ending = np.argsort(uses.last, kind="stable")[len(uses.last) - len(shards) :]
    begun = np.arange(1, len(shards) + 1)
    ended = np.searchsorted(uses.last[ending], uses.first[shards])
    begun_bytes = np.cumsum(sizes[shards])
    used_bytes = begun_bytes - np.append(0, np.cumsum(sizes[ending]))[ended]
    fitting = np.searchsorted(begun_bytes, begun_bytes + most_bytes - used_bytes, side="right")
    wanted = begun + np.maximum(least, begun - ended)
    until = np.minimum(np.maximum(np.minimum(wanted, fitting), begun + 1), len(shards))
    most, most_bytes = ((begun - ended).max(initial=0), used_bytes.max(initial=0))
    return Plan(shards, np.maximum.accumulate(until), int(most), int(most_bytes))


def nothing_to_fetch() -> Plan:
    """No shard is read."""
    return plan_of(uses_of((), np.array([], int)), np.array([], int), 0, 0)
