"""Where a run stands: numbers only, and what follows from them."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Progress:
    """Where a run stands; with the weights, all that going on needs."""

    epoch: int = 0  # the epoch of the next step, from 0
    step: int = 0  # steps done in that epoch
    loss_sum: float = 0.0  # of those steps
    scores: list[float] = field(default_factory=list)  # valid split, weighted, of each past epoch

    @property
    def best_weighted(self) -> float:
        """The valid split's best score so far; below every score before the first epoch's end."""
        return max(self.scores, default=-1.0)

    def after_epoch(self, weighted: float) -> "Progress":
        """At the beginning of the next epoch, this one having scored `weighted`."""
        return Progress(self.epoch + 1, scores=[*self.scores, weighted])

    def best_epochs(self, count: int) -> list[int]:
        """The `count` best epochs, counted from 1, best first; of equal ones the earlier."""
        epochs = range(1, len(self.scores) + 1)
        return sorted(epochs, key=lambda epoch: -self.scores[epoch - 1])[:count]


def epochs_without_gain(scores: list[float], smallest_gain: float) -> int:
    """How many of the last epochs did not exceed the best before them by more than that."""
    best, epochs = float("-inf"), 0
    for score in scores:
        epochs += 1
        if score > best + smallest_gain:
            best, epochs = score, 0
    return epochs
