"""Who reads what: an epoch's order and each process's part of it, as pure functions of numbers.

Intervals are numbered through all shards in manifest order. An epoch's order is one array for all
processes; global batch t is its slice [t G, (t + 1) G), and a process takes every `ranks`-th of it.
So any number of processes and workers sees the same batches, and going on at step t is arithmetic.
"""

from collections.abc import Iterator

import numpy as np

STEPS_TOGETHER = 1 << 14  # of which shares are given at once
PIECE_INTERVALS = 1 << 20  # for which rates are looked up at a time


def epoch_order(
    intervals: np.ndarray, seed: int, epoch: int, lanes: int, block_intervals: int,
    rates: np.ndarray | None = None,
) -> np.ndarray:  # fmt: skip
    """Every interval once, shuffled for this epoch: (N,) int32 or int64, from the (shards,) counts.

    With `rates` (N,), interval i comes rates[i] times on average: in each epoch that number rounded
    down or up, and `epoch_total` intervals in all. Of rate 0 it never comes, not even in place of a
    bad one.

    The shards are shuffled and laid end to end, the line is cut into lanes, each lane is permuted
    in blocks, and position p of the order is the next one of lane p mod `lanes`. When the number
    of processes divides `lanes`, each process reads only its own lanes' shards.
    """
    random = np.random.default_rng((seed, epoch))
    line = _laid_end_to_end(intervals, random.permutation(len(intervals)))
    if rates is not None:
        # Of a generator of its own: where all rates are 1, the order is the one without rates.
        line = _repeated(line, rates, np.random.default_rng((seed, epoch, 1)).random())
    order = np.empty_like(line)
    start = 0
    for lane in range(lanes):
        size = len(order[lane::lanes])
        for block in range(start, start + size, block_intervals):
            random.shuffle(line[block : min(block + block_intervals, start + size)])
        order[lane::lanes] = line[start : start + size]
        start += size
    return order


def epoch_total(rates: np.ndarray) -> int:
    """Intervals of every epoch that is read with these `rates` (N,)."""
    return round(float(rates.sum()))


def step_count(total: int, global_batch_size: int) -> int:
    """Steps of a training epoch: the same on every process; the last N mod G intervals wait."""
    return total // global_batch_size


def padded_step_count(total: int, global_batch_size: int) -> int:
    """Steps of an evaluation: all intervals, the last batch filled up."""
    return -(-total // global_batch_size)


def limited(steps: int, fraction: float) -> int:
    """That share of `steps`, at least one where there are any."""
    return min(steps, max(1, round(fraction * steps)))


def spread(total: int, count: int) -> np.ndarray:
    """`count` of the numbers below `total`, as evenly apart as can be: (count,) int64."""
    numbers = np.arange(count)
    numbers *= total
    numbers //= count
    return numbers


def share(
    order: np.ndarray, step: int, global_batch_size: int, rank: int, ranks: int
) -> np.ndarray:
    """Positions in `order` that process `rank` takes of global batch `step`."""
    end = min((step + 1) * global_batch_size, len(order))
    return np.arange(step * global_batch_size + rank, end, ranks)


def shares(
    order: np.ndarray, steps: range, global_batch_size: int, rank: int, ranks: int
) -> Iterator[np.ndarray]:
    """The numbers in `order` that process `rank` takes of those global batches, in some chunks."""
    own = np.arange(rank, global_batch_size, ranks)
    for start in range(0, len(steps), STEPS_TOGETHER):
        firsts = np.array(steps[start : start + STEPS_TOGETHER]) * global_batch_size
        positions = (firsts[:, None] + own).ravel()
        yield order[positions[positions < len(order)]]


def substitutes(position: int, total: int, lanes: int) -> Iterator[int]:
    """Where to look, in turn, for an interval in place of a bad one: in its lane, then in others.

    A lane may lie in one shard, and that be lost.
    """
    for step in range(lanes):
        lane = np.arange((position + step) % lanes, total, lanes)
        yield from np.roll(lane, -(position // lanes))[step == 0 :].tolist()


def _laid_end_to_end(intervals: np.ndarray, shards: np.ndarray) -> np.ndarray:
    """The interval numbers of `shards`, one shard after the other."""
    dtype = np.int32 if intervals.sum() <= np.iinfo(np.int32).max else np.int64
    firsts = np.cumsum(intervals) - intervals  # the number of each shard's first interval
    counts = intervals[shards]
    places = np.cumsum(counts) - counts  # where in the line each shard begins
    line = np.repeat((firsts[shards] - places).astype(dtype), counts)
    line += np.arange(len(line), dtype=dtype)
    return line


def _repeated(line: np.ndarray, rates: np.ndarray, offset: float) -> np.ndarray:
    """`epoch_total` numbers: each of `line` in turn, its rate rounded down or up times.

    Systematic sampling: the rates laid end to end, counted by a ruler that begins at `offset`,
    which is uniform from 0 to 1. The rates are stretched by at most half an interval in all, so
    that the ruler's length is whole. A piece of the line at a time: floats take twice its memory.
    """
    while len(line) and rates[line[-1]] == 0:  # else errors of rounding could make that one come
        line = line[:-1]
    total = epoch_total(rates)
    stretch = total / rates.sum()
    repeated = np.empty(total, line.dtype)
    length, start = 0.0, 0  # of the rates, and of the numbers, of the pieces so far
    for first in range(0, len(line), PIECE_INTERVALS):
        piece = line[first : first + PIECE_INTERVALS]
        lengths = rates[piece]
        lengths[0] += length
        length = np.cumsum(lengths, out=lengths)[-1]
        ends = np.minimum(np.floor(lengths * stretch + offset), total).astype(np.int64)
        if first + len(piece) == len(line):
            ends[-1] = total  # also where rounding errors say otherwise
        repeated[start : ends[-1]] = np.repeat(piece, np.diff(ends, prepend=start))
        start = ends[-1]
    return repeated
