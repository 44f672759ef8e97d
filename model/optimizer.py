"""The optimizer and its learning-rate schedule."""

import math
from typing import Any

from torch import nn
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR, LinearLR, LRScheduler, ReduceLROnPlateau


def adamw(model: nn.Module, learning_rate: float, weight_decay: float) -> AdamW:
    """AdamW that decays weights of two or more dimensions; biases and norms keep their freedom."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return AdamW(groups, lr=learning_rate)


class Schedule:
    """The learning rate's way: what each step does to it, and what the score of an epoch does."""

    def __init__(self, by_step: LRScheduler, by_score: ReduceLROnPlateau | None = None):
        self._by_step, self._by_score = by_step, by_score

    @property
    def learning_rate(self) -> float:
        """That of the next step."""
        return self._by_step.optimizer.param_groups[0]["lr"]

    def step(self) -> None:
        """Once per optimizer step."""
        self._by_step.step()

    def scored(self, weighted: float) -> None:
        """Once per epoch, with the valid split's weighted score."""
        if self._by_score:
            self._by_score.step(weighted)

    def state_dict(self) -> dict[str, Any]:
        """Everything but the learning rate itself, which the optimizer's state holds."""
        by_score = self._by_score.state_dict() if self._by_score else {}
        return {"by_step": self._by_step.state_dict(), "by_score": by_score}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from `state`, of a schedule of the same name."""
        self._by_step.load_state_dict(state["by_step"])
        if self._by_score:
            self._by_score.load_state_dict(state["by_score"])


def schedule(
    name: str, optimizer: Optimizer, warmup_steps: int, total_steps: int,
    plateau_factor: float, plateau_patience_epochs: int,
) -> Schedule:  # fmt: skip
    """The schedule 'cosine', 'plateau' or 'constant'; each warms up first."""
    if name == "cosine":
        return Schedule(warmup_cosine(optimizer, warmup_steps, total_steps))
    by_step = warmup_constant(optimizer, warmup_steps)
    if name == "constant":
        return Schedule(by_step)
    by_score = ReduceLROnPlateau(
        optimizer, "max", plateau_factor, plateau_patience_epochs, threshold=0.0
    )
    return Schedule(by_step, by_score)


def warmup_cosine(optimizer: Optimizer, warmup_steps: int, total_steps: int) -> LambdaLR:
    """A learning rate that rises in a line over `warmup_steps`, then falls as a cosine to zero.

    Step it once per optimizer step; it reaches zero after `total_steps` and stays there.
    """
    return LambdaLR(optimizer, lambda step: _share_of_peak(step, warmup_steps, total_steps))


def warmup_constant(optimizer: Optimizer, warmup_steps: int) -> LinearLR:
    """A learning rate that rises in a line over `warmup_steps`, then stays.

    It multiplies what is there, so that ReduceLROnPlateau can change the rate beside it.
    """
    first = 1 / max(1, warmup_steps)
    return LinearLR(optimizer, first, total_iters=max(1, warmup_steps - 1))


def _share_of_peak(step: int, warmup_steps: int, total_steps: int) -> float:
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    progress = (step - warmup_steps) / max(1, total_steps - warmup_steps)
    return (1 + math.cos(math.pi * min(1.0, progress))) / 2
