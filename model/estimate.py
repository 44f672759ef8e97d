"""The answer for a song: the logits of all its intervals become one KeyEstimate."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from keys import KEYS, Key


class Calibrated(nn.Module):
    """A network whose logits are divided by a temperature: as sure of itself as it is right.

    Of one interval it changes the confidence, never the answer.
    """

    def __init__(self, network: nn.Module, temperature: float):
        super().__init__()
        self.network = network
        self.temperature = temperature

    def forward(self, cqt: Tensor) -> Tensor:
        """(B, F, T) -> logits (B, 24)."""
        return self.network(cqt) / self.temperature


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


def estimate_key(logits: Tensor) -> KeyEstimate:
    """The key of one song from its intervals' logits, (N, 24): the mean of their probabilities."""
    return estimate_from_probabilities(logits.float().softmax(dim=1).sum(dim=0))


def estimate_from_probabilities(summed: Tensor) -> KeyEstimate:
    """The key of one song from the sum of its intervals' probabilities, (24,).

    Sums can be added over batches and over ranks before they come here.
    """
    probabilities = summed.double() / summed.double().sum()  # (24,)
    if not torch.isfinite(probabilities).all():
        raise ValueError(
            "no key can be estimated: the song has no interval, or the network's output is not "
            "finite; check the audio, then the checkpoint"
        )
    best = int(probabilities.argmax())
    return KeyEstimate(KEYS[best], float(probabilities[best]), tuple(probabilities.tolist()))
