"""Calibration: whether a confidence of 80% is right in 80% of the cases, and how to make it so.

Guo, Pleiss, Sun, Weinberger: On Calibration of Modern Neural Networks (ICML 2017).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

BINS = 15  # of equal width, as in Guo et al.


@dataclass(frozen=True)
class Reliability:
    """Answers sorted into bins by their confidence; the sum of two pools their answers."""

    counts: np.ndarray  # (bins,) answers
    confidences: np.ndarray  # (bins,) the sum of theirs
    hits: np.ndarray  # (bins,) how many of them are right

    def __add__(self, more: "Reliability") -> "Reliability":
        return Reliability(
            self.counts + more.counts,
            self.confidences + more.confidences,
            self.hits + more.hits,
        )

    @property
    def edges(self) -> np.ndarray:
        """(bins + 1,) where the bins begin and end; each holds its upper edge."""
        return np.linspace(0, 1, len(self.counts) + 1)

    @property
    def confidence(self) -> np.ndarray:
        """(bins,) the mean confidence, 0 to 1; nan in an empty bin."""
        return self._mean(self.confidences)

    @property
    def accuracy(self) -> np.ndarray:
        """(bins,) the share that is right, 0 to 1; nan in an empty bin."""
        return self._mean(self.hits)

    @property
    def error(self) -> float:
        """The expected calibration error, 0 to 1: the mean gap, weighted by the bins' answers."""
        total = self.counts.sum()
        return float(np.abs(self.hits - self.confidences).sum() / total) if total else float("nan")

    def _mean(self, sums: np.ndarray) -> np.ndarray:
        nothing = np.full(len(sums), np.nan)
        return np.divide(sums, self.counts, out=nothing, where=self.counts > 0)


def reliability(
    confidence: Sequence[float] | np.ndarray, correct: Sequence[bool] | np.ndarray
) -> Reliability:
    """The bins of answers with their confidence (N,), 0 to 1, and whether they are right (N,)."""
    sure, right = np.asarray(confidence, float), np.asarray(correct, float)  # (N,), (N,)
    place = np.clip(np.ceil(sure * BINS).astype(int) - 1, 0, BINS - 1)  # (N,)
    return Reliability(
        *(np.bincount(place, weights, minlength=BINS) for weights in (None, sure, right))
    )
