"""The answer for a song: what is heard of all its intervals becomes one KeyEstimate."""

import math
from dataclasses import dataclass

import numpy as np

from songkey.errors import AudioKeyError
from songkey.keys import KEYS, Key


@dataclass(frozen=True)
class AnswerRule:
    """How the logits of a song's intervals become one answer; every exported network has its own.

    The logits are divided by `temperature`: a network is then as sure of itself as it is right. The
    first interval that is not silent counts `first_interval_weight` times, the others once.
    """

    temperature: float = 1.0
    first_interval_weight: float = 1.0

    def __post_init__(self) -> None:
        if not all(
            0 < number < math.inf for number in (self.temperature, self.first_interval_weight)
        ):
            raise AudioKeyError(
                f"temperature {self.temperature}, first interval's weight "
                f"{self.first_interval_weight}: give numbers above 0"
            )


PLAIN_MEAN = AnswerRule()


@dataclass(frozen=True)
class KeyEstimate:
    """The most probable key; `probabilities` holds all 24 in id order, `confidence` the key's."""

    key: Key
    confidence: float
    probabilities: tuple[float, ...]

    def candidates(self, count: int) -> list[tuple[Key, float]]:
        """The `count` most probable keys with their probabilities, the best first."""
        ranked = sorted(zip(KEYS, self.probabilities, strict=True), key=lambda pair: -pair[1])
        return ranked[:count]


def estimate_song(logits: np.ndarray, rule: AnswerRule = PLAIN_MEAN) -> KeyEstimate:
    """The key of one song from its intervals' logits, (N, 24): the mean of their probabilities."""
    logits = np.asarray(logits, np.float64) / rule.temperature
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))  # (N, 24)
    weights = np.ones(len(logits))  # (N,)
    weights[:1] = rule.first_interval_weight
    return estimate_from_probabilities(weights @ (odds / odds.sum(axis=1, keepdims=True)))


def estimate_from_probabilities(summed: np.ndarray) -> KeyEstimate:
    """The key of one song from the sum of its intervals' probabilities, (24,).

    Sums can be added over batches and over ranks before they come here.
    """
    summed = np.asarray(summed, np.float64)
    total = summed.sum()
    if not (np.isfinite(summed).all() and total > 0):
        raise AudioKeyError(
            "no key can be estimated: the song has no interval, or the network's output is not "
            "finite; check the audio, then the checkpoint"
        )
    probabilities = summed / total  # (24,)
    best = int(probabilities.argmax())
    return KeyEstimate(KEYS[best], float(probabilities[best]), tuple(probabilities.tolist()))
