"""Calibration: whether a confidence of 80% is right in 80% of the cases, and how to make it so.

Guo, Pleiss, Sun, Weinberger: On Calibration of Modern Neural Networks (ICML 2017).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

BINS = 15  # of equal width, as in Guo et al.


@dataclass(frozen=True)
class Reliability:
    """Answers sorted into bins by their confidence; each array is (bins,), nan in an empty bin."""

    counts: np.ndarray
    confidence: np.ndarray  # mean of the bin's answers, 0 to 1
    accuracy: np.ndarray  # share of them that are right, 0 to 1

    @property
    def edges(self) -> np.ndarray:
        """(bins + 1,) where the bins begin and end; each holds its upper edge."""
        return np.linspace(0, 1, len(self.counts) + 1)

    @property
    def error(self) -> float:
        """The expected calibration error, 0 to 1: the mean gap, weighted by the bins' answers."""
        filled = self.counts > 0
        if not filled.any():
            return float("nan")
        gaps = np.abs(self.accuracy - self.confidence)[filled]
        return float(np.average(gaps, weights=self.counts[filled]))


def reliability(
    confidence: Sequence[float], correct: Sequence[bool], bins: int = BINS
) -> Reliability:
    """The bins of answers with their confidence (N,), 0 to 1, and whether they are right (N,)."""
    sure, right = np.asarray(confidence, float), np.asarray(correct, float)  # (N,), (N,)
    place = np.clip(np.ceil(sure * bins).astype(int) - 1, 0, bins - 1)  # (N,)
    counts, sums, hits = (
        np.bincount(place, weights=weights, minlength=bins) for weights in (None, sure, right)
    )
    empty = np.full(bins, np.nan)
    confidences, accuracies = (
        np.divide(part, counts, out=empty.copy(), where=counts > 0) for part in (sums, hits)
    )
    return Reliability(counts, confidences, accuracies)
