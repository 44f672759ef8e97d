"""The answer for a song: what is heard of all its intervals becomes one KeyEstimate."""

import math
from dataclasses import dataclass, replace

import numpy as np

from songkey.errors import AudioKeyError
from songkey.keys import KEYS, Key


@dataclass(frozen=True)
class AnswerRule:
    """How the logits of a song's intervals become one answer; every exported network has its own.

    The logits are divided by `temperature` before their softmax. Of the mean of their probabilities
    the opening, the song's first interval that is not silent, has at least `opening_share`, and the
    others equal parts of the rest: much music states its key and then leaves it. That mean is
    raised to the power 1 / `song_temperature`: an answer is then as sure as it is right. An answer
    below `clear_threshold` is no clear key, nor is one of less than `clear_energy` (`mean_energy`),
    as of sounds unlike all music that the network was trained on. `minor_prior` is the share of
    minor keys in the music, where that is known; 0.5 leaves the answer to what is heard.
    """

    temperature: float = 1.0
    opening_share: float = 0.0
    song_temperature: float = 1.0
    clear_threshold: float = 0.0
    clear_energy: float | None = None
    minor_prior: float = 0.5

    def __post_init__(self) -> None:
        if not all(0 < number < math.inf for number in (self.temperature, self.song_temperature)):
            raise AudioKeyError(
                f"temperature {self.temperature}, song temperature {self.song_temperature}: "
                "give numbers above 0"
            )
        if not 0 <= self.opening_share < 1:
            raise AudioKeyError(f"opening share {self.opening_share}: give 0 to below 1")
        if not 0 <= self.clear_threshold < 1:
            raise AudioKeyError(f"clear threshold {self.clear_threshold}: give 0 to below 1")
        if self.clear_energy is not None and not math.isfinite(self.clear_energy):
            raise AudioKeyError(f"clear energy {self.clear_energy}: give a number, or none")
        if not 0 < self.minor_prior < 1:
            raise AudioKeyError(f"minor prior {self.minor_prior}: give a share between 0 and 1")


PLAIN_MEAN = AnswerRule()


@dataclass(frozen=True)
class KeyEstimate:
    """The most probable key; `probabilities` holds all 24 in id order, `confidence` the key's.

    `is_clear` is False where there may be no key at all: speech, drums, noise.
    """

    key: Key
    confidence: float
    probabilities: tuple[float, ...]
    is_clear: bool = True

    def candidates(self, count: int) -> list[tuple[Key, float]]:
        """The `count` most probable keys with their probabilities, the best first."""
        ranked = sorted(zip(KEYS, self.probabilities, strict=True), key=lambda pair: -pair[1])
        return ranked[:count]


def estimate_song(logits: np.ndarray, rule: AnswerRule = PLAIN_MEAN) -> KeyEstimate:
    """The key of one song from its intervals' logits, (N, 24)."""
    logits = np.asarray(logits, np.float64)
    estimate = estimate_from_probabilities(_mean_probabilities(logits, rule), rule)
    return estimate if has_energy(logits, rule) else replace(estimate, is_clear=False)


def has_energy(logits: np.ndarray, rule: AnswerRule) -> bool:
    """Whether intervals of logits (N, 24) sound like music, as far as the rule can tell."""
    return rule.clear_energy is None or mean_energy(logits) >= rule.clear_energy


def mean_energy(logits: np.ndarray) -> float:
    """The mean over intervals of the logarithm of the sum of exp(logits), (N, 24).

    It is lower for what is unlike the training data: Liu, Wang, Owens, Li, Energy-based
    Out-of-distribution Detection (NeurIPS 2020), of the other sign.
    """
    logits = np.asarray(logits, np.float64)
    peak = logits.max(axis=1, keepdims=True)
    return float((np.log(np.exp(logits - peak).sum(axis=1)) + peak[:, 0]).mean())


def _mean_probabilities(logits: np.ndarray, rule: AnswerRule) -> np.ndarray:
    """The weighted mean of the intervals' probabilities, (24,)."""
    logits = logits / rule.temperature
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))  # (N, 24)
    probabilities = odds / odds.sum(axis=1, keepdims=True)
    return _weights(len(logits), rule.opening_share) @ probabilities


def estimate_from_probabilities(summed: np.ndarray, rule: AnswerRule = PLAIN_MEAN) -> KeyEstimate:
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
    odds = (summed / summed.max()) ** (1 / rule.song_temperature)  # (24,)
    odds[12:] *= rule.minor_prior / (1 - rule.minor_prior)
    probabilities = odds / odds.sum()
    best = int(probabilities.argmax())
    confidence = float(probabilities[best])
    return KeyEstimate(
        KEYS[best], confidence, tuple(probabilities.tolist()), confidence >= rule.clear_threshold
    )


def _weights(intervals: int, opening_share: float) -> np.ndarray:
    """What each interval of a song counts, (N,), 1 in all."""
    weights = np.full(intervals, 1 / max(1, intervals))
    if intervals > 1 and opening_share > weights[0]:
        weights[0] = opening_share
        weights[1:] = (1 - opening_share) / (intervals - 1)
    return weights
