"""How much each song counts: its intervals' weight in the loss, and how often an epoch reads them.

Both are worked out once from the tables of songs; with the default settings each is 1. A class is a
mode or a key, and the more intervals of it there are, the less each of them weighs.
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from pipeline.contradictions import CORRECT, contradictions
from pipeline.order import epoch_total
from pipeline.songtable import SongTable
from pipeline.source import Source
from songkey.counted import counted
from songkey.errors import AudioKeyError


def song_weights(
    shards: Source, rates: np.ndarray | None, class_weights: str, confidence_weights: bool
) -> Tensor:
    """(songs,) float32: what an interval of each song counts in the loss.

    1 on the average of what an epoch reads at these `rates` of `interval_rates`. `class_weights` is
    "none", "mode" or "key"; see [loss] of config.toml.
    """
    songs = shards.song_table()
    read = songs.intervals.astype(float)  # (songs,) intervals an epoch
    if rates is not None:
        song_of = np.repeat(np.arange(len(songs)), songs.intervals)  # (N,)
        read = np.bincount(song_of, weights=rates, minlength=len(songs))
    weights = _evened(songs, class_weights, read)
    if confidence_weights:
        weights = weights * _confidences(songs, read)
    mean = (weights * read).sum() / read.sum()
    return torch.from_numpy(weights / mean).float()


def interval_rates(
    shards: Source, balance: str, dataset_weights: Mapping[str, float]
) -> np.ndarray | None:
    """(N,) how often an epoch reads each interval, or None where that is once for all of them.

    A data set's are `dataset_weights` on average, but songs of a recording that has several keys
    are left out: theirs are 0.
    `balance` is "none", "mode" or "key": its classes are then read equally often in all data sets
    together, which leaves the length of the epoch as it is.
    """
    songs = shards.song_table()
    if unknown := [name for name in dataset_weights if name not in songs.datasets]:
        raise AudioKeyError(
            f"train.dataset_weights: {unknown[0]} is not among the data sets of this run "
            f"({', '.join(sorted(songs.datasets))}); name it in train.datasets, or leave it out"
        )
    several = contradictions(songs)
    even = balance == "none" and all(weight == 1 for weight in dataset_weights.values())
    if even and not len(several.songs):
        return None
    of_dataset = np.array([dataset_weights.get(dataset, 1.0) for dataset in songs.datasets])
    rates = of_dataset[songs.dataset]  # (songs,)
    rates[several.songs] = 0
    if not rates.any():
        raise AudioKeyError(f"all songs that train have several keys: {several}; {CORRECT}")
    rates *= _evened(songs, balance, rates * songs.intervals)
    return np.repeat(rates, songs.intervals)


def epoch_intervals(shards: Source, rates: np.ndarray | None) -> int:
    """Intervals of every epoch that reads `shards` at these rates."""
    return shards.total if rates is None else epoch_total(rates)


def left_out(rates: np.ndarray | None) -> tuple[str, ...]:
    """How many intervals these rates never read, in words for a fingerprint; none for none."""
    count = 0 if rates is None else int(np.count_nonzero(rates == 0))
    return (f"{counted(count, 'interval')} left out",) if count else ()


def check_balanced_once(class_weights: str, balance: str) -> None:
    """Refuse to even out classes twice, which would make the rare ones the frequent ones."""
    if class_weights != "none" and balance != "none":
        raise AudioKeyError(
            f"loss.class_weights = {class_weights} and train.balance = {balance} both even out the "
            "classes; set one of them to none"
        )


def _evened(songs: SongTable, by: str, amounts: np.ndarray) -> np.ndarray:
    """Factors (songs,) that make all classes' `amounts` (songs,) equal and keep their sum.

    That of a class with no amount at all is 0.
    """
    if by == "none":
        return np.ones(len(songs))
    names = songs.key_id // 12 if by == "mode" else songs.key_id
    classes, class_of = np.unique(names, return_inverse=True)
    sums = np.bincount(class_of, weights=amounts)  # (classes,)
    there = sums > 0
    factors = np.zeros(len(classes))
    factors[there] = sums.sum() / there.sum() / sums[there]
    return factors[class_of]


def _confidences(songs: SongTable, read: np.ndarray) -> np.ndarray:
    """(songs,) of the labels, 0 to 1; AudioKeyError where they are zero of all that is `read`."""
    if not (songs.confidence * read).any():
        raise AudioKeyError(
            "loss.confidence_weights = true, but the confidence of every label that trains is "
            "zero; set it to false"
        )
    return songs.confidence
