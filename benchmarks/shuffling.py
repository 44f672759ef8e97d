"""How well an epoch is shuffled, beside a perfect shuffle, and how many shards it keeps open."""

from collections.abc import Iterator
from itertools import product

import numpy as np

from pipeline.order import epoch_order
from settings.config import load_config

SONGS = {  # intervals of each, data set after data set
    "NCS and GiantSteps MTG": np.repeat([10, 6], [1_113, 1_159]),  # 71 shards of 32 songs
    "a larger collection": np.full(64_000, 10),  # 2,000 of them
}
SONGS_PER_SHARD = (8, 32, 128)
LANES = (8, 16, 48, 96)
BLOCK_INTERVALS = (256, 1024, 2048, 8192)
BATCHES = (32, 256)  # intervals
TOGETHER = 100  # batches of 32 in a row: what the latest steps have learnt from
EPOCHS = 3  # of which each number is the mean
COLUMNS = f"""pairs of one song in a batch of {BATCHES[0]}, and of {BATCHES[1]};
songs in {TOGETHER} batches of {BATCHES[0]} in a row; shards in one of them;
most shards at one time that were begun and are not yet read to their end"""


def measure() -> None:
    """Print a line for each layout, beside a perfect shuffle of the same songs."""
    stream = load_config(None, []).stream
    chosen = stream.lanes, stream.block_intervals
    print(COLUMNS)
    for (name, songs), songs_per_shard in product(SONGS.items(), SONGS_PER_SHARD):
        print(f"{name}: {len(songs):,} songs, {songs_per_shard} a shard")
        _report("  a perfect shuffle", songs, songs_per_shard, _perfect(songs))
        for layout in product(LANES, BLOCK_INTERVALS):
            what = "{} {} lanes, blocks of {}".format("*" if layout == chosen else " ", *layout)
            _report(what, songs, songs_per_shard, _ours(songs, songs_per_shard, *layout))


def _report(
    what: str, songs: np.ndarray, songs_per_shard: int, orders: Iterator[np.ndarray]
) -> None:
    song_of = np.repeat(np.arange(len(songs)), songs)  # (N,)
    measured = [_measured(song_of[order], songs_per_shard) for order in orders]
    print("{:<28} {:7.3f} {:7.2f} {:7.0f} {:6.1f} {:6.0f}".format(what, *np.mean(measured, axis=0)))


def _perfect(songs: np.ndarray) -> Iterator[np.ndarray]:
    return (np.random.default_rng(epoch).permutation(songs.sum()) for epoch in range(EPOCHS))


def _ours(
    songs: np.ndarray, songs_per_shard: int, lanes: int, block_intervals: int
) -> Iterator[np.ndarray]:
    shards = np.add.reduceat(songs, np.arange(0, len(songs), songs_per_shard))
    return (epoch_order(shards, 0, epoch, lanes, block_intervals) for epoch in range(EPOCHS))


def _measured(songs: np.ndarray, songs_per_shard: int) -> tuple[float, ...]:
    """The COLUMNS for the `songs` (N,) in the order in which their intervals are read."""
    shards = songs // songs_per_shard
    return (
        *(_pairs(_rows(songs, batch)) for batch in BATCHES),
        _distinct(_rows(songs, TOGETHER * BATCHES[0])),
        _distinct(_rows(shards, BATCHES[0])),
        _most_open(shards),
    )


def _rows(values: np.ndarray, size: int) -> np.ndarray:
    """(rows, size), each in ascending order; what does not fill one is left out."""
    return np.sort(values[: len(values) // size * size].reshape(-1, size))


def _pairs(rows: np.ndarray) -> float:
    """Pairs of equal values in a row, on average."""
    row = np.arange(len(rows))[:, None]
    _, counts = np.unique(row * (rows.max() + 1) + rows, return_counts=True)
    return float((counts * (counts - 1) / 2).sum() / len(rows))


def _distinct(rows: np.ndarray) -> float:
    """Different values in a row, on average."""
    return float(1 + (np.diff(rows) > 0).sum(axis=1).mean())


def _most_open(shards: np.ndarray) -> int:
    """Most shards at one time of which something was read and something is still to come."""
    _, first = np.unique(shards, return_index=True)
    _, last = np.unique(shards[::-1], return_index=True)  # from the end
    changes = np.zeros(len(shards) + 1, np.int64)
    changes[first] += 1
    changes[len(shards) - last] -= 1
    return int(np.cumsum(changes).max())
