"""Two systems on the same songs: is one better, or was it lucky?

Both tests are paired: what is hard in a song is hard for both systems. The bootstrap is of Efron
and Tibshirani (1993), McNemar's test in its exact form (binomial, of the songs that only one of
the two names exactly).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import binomtest

from evaluation.keycolumns import ESTIMATE_NAMES, TRUTH_NAMES
from evaluation.keyfiles import PredictionsError, Row, read_judged, read_keys
from evaluation.songids import by_name, naming
from model.metrics import WEIGHTS, MirexScore, relations_of, score_of_relations
from songkey.keynames import key_or_none
from songkey.keys import Key

RESAMPLES = 10_000


@dataclass(frozen=True)
class Difference:
    """The weighted score of one system minus the other's, in points of 100."""

    points: float
    low: float  # of the 95% interval
    high: float
    p_value: float  # two-sided


@dataclass(frozen=True)
class PairedComparison:
    """Two systems, first and second, on the songs that both answer; the others are named."""

    scores: tuple[MirexScore, MirexScore]
    difference: Difference  # first minus second
    only_right: tuple[int, int]  # songs that only the first, only the second names exactly
    mcnemar_p_value: float
    only_answered: tuple[tuple[str, ...], tuple[str, ...]]  # by the first, by the second
    without_truth: tuple[str, ...]  # songs of both that have no key to compare with
    repeated: tuple[str, ...]  # songs given twice with one key, counted once


def compare_systems(first: Path, second: Path, annotations: Path | None = None) -> PairedComparison:
    """Two files of answers against the true keys in `annotations`, or in the files themselves."""
    rows, truth_rows = _read(first, second, annotations)
    name_of = naming(*rows, *truth_rows.values())
    named = [by_name(*table, name_of) for table in zip((first, second), rows, strict=True)]
    one, other = (answers.texts for answers in named)
    both = sorted(one.keys() & other.keys())
    truth = _truth(truth_rows, name_of, both)
    songs = [song for song in both if song in truth]
    if not songs:
        raise PredictionsError(
            f"{first} and {second}: no song that both answer has a key (first ids: "
            f"{rows[0][0][0]}, {rows[1][0][0]}); give answers to the same songs"
        )
    keys = [truth[song] for song in songs]
    relations = [
        relations_of([key_or_none(answers[song]) for song in songs], keys)
        for answers in (one, other)
    ]  # (N,) each
    only_right = _only_right(*relations)
    return PairedComparison(
        scores=(score_of_relations(relations[0]), score_of_relations(relations[1])),
        difference=paired_bootstrap(*(100 * WEIGHTS[places] for places in relations)),
        only_right=only_right,
        mcnemar_p_value=mcnemar(*only_right),
        only_answered=(tuple(sorted(one.keys() - other)), tuple(sorted(other.keys() - one))),
        without_truth=tuple(song for song in both if song not in truth),
        repeated=tuple(dict.fromkeys(named[0].repeated + named[1].repeated)),
    )


def paired_bootstrap(first: np.ndarray, second: np.ndarray, seed: int = 0) -> Difference:
    """The difference of the means of two systems' points (N,) for the same songs.

    Each of the draws takes N songs with replacement, the same for both systems.
    """
    differences = first - second  # (N,)
    songs = len(differences)
    random = np.random.default_rng(seed)
    means = np.array(
        [differences[random.integers(0, songs, songs)].mean() for _ in range(RESAMPLES)]
    )
    low, high = np.percentile(means, [2.5, 97.5])
    # One more draw each way: the p-value of a finite number of draws is never 0.
    less, more = (np.count_nonzero(side) + 1 for side in (means <= 0, means >= 0))
    p_value = min(1.0, 2 * min(less, more) / (RESAMPLES + 1))
    return Difference(float(differences.mean()), float(low), float(high), p_value)


def mcnemar(only_first: int, only_second: int) -> float:
    """The two-sided p-value of that many songs named exactly by one system only."""
    songs = only_first + only_second
    return float(binomtest(only_first, songs).pvalue) if songs else 1.0


def _read(
    first: Path, second: Path, annotations: Path | None
) -> tuple[list[list[Row]], dict[Path, list[Row]]]:
    """The answers of both, and the true keys by the file that says them."""
    if annotations:
        answers = [read_keys(path, ESTIMATE_NAMES) for path in (first, second)]
        return answers, {annotations: read_keys(annotations, TRUTH_NAMES)}
    judged = [read_judged(path) for path in (first, second)]
    return [answers for answers, _ in judged], {first: judged[0][1], second: judged[1][1]}


def _truth(
    tables: Mapping[Path, list[Row]], name_of: Callable[[str], str], songs: Sequence[str]
) -> dict[str, Key]:
    """The keys of `songs` that parse; PredictionsError where two tables differ."""
    truth: dict[str, Key] = {}
    for path, table in tables.items():
        texts = by_name(path, table, name_of).texts
        for song in songs:
            if (key := key_or_none(texts.get(song, ""))) is None:
                continue
            if truth.setdefault(song, key) != key:
                raise PredictionsError(
                    f"{path}: {song} is in {key}, but in {truth[song]} in the other file; "
                    "give the true keys by --annotations"
                )
    return truth


def _only_right(first: np.ndarray, second: np.ndarray) -> tuple[int, int]:
    """How many songs are named exactly by one of the two only; relation 0 is right."""
    return int(((first == 0) & (second != 0)).sum()), int(((first != 0) & (second == 0)).sum())
