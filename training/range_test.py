"""The learning-rate range test (Smith 2015, section 3.3): a rate that rises until the loss does.

The loss is smoothed as fastai does: a running average, corrected for its beginning at zero.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from songkey.errors import AudioKeyError

SMOOTHING = 0.9  # weight of the past; a higher one would show the minimum at too high a rate
DIVERGED = 4  # times the lowest loss
LEAST_FALL = 0.01  # share of the first loss; less is rounding, or noise


@dataclass(frozen=True)
class RangeTest:
    """Smoothed losses over learning rates that rise exponentially."""

    rates: np.ndarray  # (N,)
    losses: np.ndarray  # (N,)

    @property
    def lowest(self) -> float:
        """The rate at which the loss was lowest: already too high, divergence is near."""
        return float(self.rates[self.losses.argmin()])

    @property
    def suggestion(self) -> float:
        """A tenth of the rate of the lowest loss."""
        return self.lowest / 10

    @property
    def steepest(self) -> float:
        """The rate, up to that of the lowest loss, at which the loss fell fastest."""
        slopes = np.gradient(self.losses, np.log(self.rates))  # (N,)
        return float(self.rates[slopes[: self.losses.argmin() + 1].argmin()])


def range_test(
    step: Callable[[float], float], lowest_rate: float, highest_rate: float, steps: int
) -> RangeTest:
    """The losses that `step` gives at rising learning rates, until they diverge.

    Raises AudioKeyError where the loss never falls.
    """
    rates = np.geomspace(lowest_rate, highest_rate, steps)
    average = 0.0
    losses: list[float] = []
    for number, rate in enumerate(rates, start=1):
        loss = step(float(rate))
        average = SMOOTHING * average + (1 - SMOOTHING) * loss
        smoothed = average / (1 - SMOOTHING**number)
        if not math.isfinite(smoothed) or smoothed > DIVERGED * min(losses, default=smoothed):
            break
        losses.append(smoothed)
    if not losses or min(losses) > (1 - LEAST_FALL) * losses[0]:
        raise AudioKeyError(
            f"the loss does not fall between learning rates of {lowest_rate:g} and "
            f"{highest_rate:g}; lower tune.lowest_rate, raise tune.highest_rate or tune.rate_steps"
        )
    return RangeTest(rates[: len(losses)], np.array(losses))


def range_figure(test: RangeTest) -> Figure:
    """The loss over the learning rate, with what the test suggests."""
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.add_subplot()
    axes.semilogx(test.rates, test.losses)
    for rate, name, style in [
        (test.suggestion, "suggestion", "-"), (test.steepest, "steepest", ":"),
        (test.lowest, "lowest loss", "--"),
    ]:  # fmt: skip
        axes.axvline(rate, color="grey", linestyle=style, label=f"{name}: {rate:.1e}")
    axes.set_xlabel("learning rate")
    axes.set_ylabel("smoothed loss, nats")
    axes.legend()
    return figure
