"""Where a run stands: numbers only, and what follows from them."""

from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Progress:
    """Where a run stands; with the weights, all that going on needs."""

    epoch: int = 0  # the epoch of the next step, from 0
    step: int = 0  # steps done in that epoch
    loss_sum: float = 0.0  # of those steps
    lost: list[int] = field(default_factory=list)  # intervals that they could not read
    scores: list[float] = field(default_factory=list)  # valid split, weighted, of each past epoch
    start: float = -1.0  # the same of the weights it began with; below every score if not looked at
    least: float = 0.0  # score below which an epoch is never among the best

    @property
    def best_weighted(self) -> float:
        """The valid split's score of what is best so far: an epoch, or the beginning."""
        best = self.best_epochs(1)
        return self.scores[best[0] - 1] if best else self.start

    def after_epoch(self, weighted: float) -> "Progress":
        """At the beginning of the next epoch, this one having scored `weighted`."""
        scores = [*self.scores, weighted]
        return replace(self, epoch=self.epoch + 1, step=0, loss_sum=0.0, lost=[], scores=scores)

    def best_epochs(self, count: int) -> list[int]:
        """The `count` best epochs, counted from 1, best first; of equal ones the earlier."""
        epochs = [epoch for epoch, score in enumerate(self.scores, 1) if score >= self.least]
        return sorted(epochs, key=lambda epoch: -self.scores[epoch - 1])[:count]


def epochs_without_gain(scores: list[float], smallest_gain: float) -> int:
    """How many of the last epochs did not exceed the best before them by more than that."""
    best, epochs = float("-inf"), 0
    for score in scores:
        epochs += 1
        if score > best + smallest_gain:
            best, epochs = score, 0
    return epochs
