"""MIREX scores: how many answers were correct, a fifth off, relative, parallel or otherwise wrong.

Weights of MIREX's key detection task: correct 1, fifth 0.5, relative 0.3, parallel 0.2. Two rules
are in use for the fifth: both directions (the task's stated intent; `weighted`) and ascending only
(mir_eval.key.weighted_score; `weighted_ascending`). All scores run from 0 to 100.
"""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass

import numpy as np
from torch import Tensor

from songkey.keys import KEYS, Key, Relation, relation

RELATIONS = tuple(Relation)  # the order of MirexScore's fields
WEIGHTS = np.array([1.0, 0.5, 0.5, 0.3, 0.2, 0.0])
WEIGHTS_ASCENDING = np.array([1.0, 0.5, 0.0, 0.3, 0.2, 0.0])
RELATION_INDEX = np.array(
    [[RELATIONS.index(relation(estimate, reference)) for reference in KEYS] for estimate in KEYS]
)  # (24 estimates, 24 references)

Ids = Sequence[int] | np.ndarray | Tensor


@dataclass(frozen=True)
class MirexScore:
    """Counts of answers by their relation to the true key; the sum of two scores pools them."""

    correct: int = 0
    fifth_up: int = 0
    fifth_down: int = 0
    relative: int = 0
    parallel: int = 0
    other: int = 0

    def __add__(self, more: "MirexScore") -> "MirexScore":
        return MirexScore(*(self.counts + more.counts).tolist())

    @property
    def counts(self) -> np.ndarray:
        """The six counts, (6,), in the order of `Relation`."""
        return np.array(astuple(self))

    @property
    def total(self) -> int:
        """The number of answers."""
        return int(self.counts.sum())

    @property
    def weighted(self) -> float:
        """The headline: a fifth in either direction counts half; nan without any answer."""
        return _percent(self.counts @ WEIGHTS, self.total)

    @property
    def weighted_ascending(self) -> float:
        """As mir_eval: only an answer a fifth above the truth counts half."""
        return _percent(self.counts @ WEIGHTS_ASCENDING, self.total)

    @property
    def accuracy(self) -> float:
        """The share of answers that are exactly right."""
        return _percent(self.correct, self.total)


def mirex_score(estimated_ids: Ids, reference_ids: Ids) -> MirexScore:
    """The score of key ids (N,) against the true ones (N,)."""
    estimated, reference = _key_ids(estimated_ids), _key_ids(reference_ids)
    if len(estimated) != len(reference):
        raise ValueError(f"{len(estimated)} answers for {len(reference)} songs; give one for each")
    return score_of_relations(RELATION_INDEX[estimated, reference])


def relations_of(estimates: Sequence[Key | None], references: Sequence[Key]) -> np.ndarray:
    """(N,) what each answer is, as its place in `RELATIONS`; no key is as wrong as any other."""
    pairs = zip(estimates, references, strict=True)
    wrong = len(RELATIONS) - 1
    return np.array([RELATION_INDEX[one.id, other.id] if one else wrong for one, other in pairs])


def score_of_relations(relations: np.ndarray) -> MirexScore:
    """The score of answers by their places in `RELATIONS`, (N,)."""
    return MirexScore(*np.bincount(relations, minlength=len(RELATIONS)).tolist())


def bootstrap_interval(
    score: MirexScore, seed: int = 0, resamples: int = 10_000
) -> tuple[float, float]:
    """The 95% bootstrap interval of `score.weighted`, resampling songs.

    Drawing N songs with replacement and counting their relations is one multinomial draw, so the
    counts are all it needs.
    """
    if not score.total:
        return float("nan"), float("nan")
    shares = score.counts / score.total
    counts = np.random.default_rng(seed).multinomial(score.total, shares, size=resamples)
    low, high = np.percentile(counts @ WEIGHTS, [2.5, 97.5])
    return _percent(low, score.total), _percent(high, score.total)


def table_rows(scores: Mapping[str, MirexScore], unit: str) -> list[list[str]]:
    """The MIREX table: its header, then a row a set of `unit`s; the six categories in percent."""
    header = ["set", unit, "weighted", "95% interval", "ascending only", "accuracy", *RELATIONS]
    return [header, *(_row(name, score) for name, score in scores.items())]


def format_table(scores: Mapping[str, MirexScore], unit: str = "songs") -> str:
    """The MIREX table as text whose columns line up; `unit` is what was answered."""
    return aligned(table_rows(scores, unit))


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells as lines: the first column to the left, the numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.rjust(width) if at else cell.ljust(width) for at, (cell, width) in cells)
        for cells in (enumerate(zip(row, widths, strict=True)) for row in rows)
    )


def _row(name: str, score: MirexScore) -> list[str]:
    low, high = bootstrap_interval(score)
    shares = [_percent(count, score.total) for count in score.counts]
    numbers = [score.weighted_ascending, score.accuracy, *shares]
    summary = [name, str(score.total), f"{score.weighted:.1f}", f"{low:.1f} to {high:.1f}"]
    return summary + [f"{number:.1f}" for number in numbers]


def _percent(part: float, total: int) -> float:
    return 100 * float(part) / total if total else float("nan")


def _key_ids(ids: Ids) -> np.ndarray:
    key_ids = np.asarray(ids.cpu() if isinstance(ids, Tensor) else ids, dtype=np.int64)  # (N,)
    wrong = key_ids[(key_ids < 0) | (key_ids >= len(KEYS))]
    if len(wrong):
        raise ValueError(f"no such key id: {wrong[0]} (0 to {len(KEYS) - 1})")
    return key_ids
