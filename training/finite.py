"""Losses and gradients that are no longer finite: since which step, and with which songs."""

import math
from typing import NamedTuple

import torch
from accelerate import Accelerator
from torch import Tensor

from pipeline.source import Source
from songkey.errors import AudioKeyError

SONGS_IN_A_MESSAGE = 32


class StepResult(NamedTuple):
    """What a step leaves on the device; reading it would make the device wait."""

    loss: Tensor  # ()
    gradient_norm: Tensor  # (), before clipping
    song_index: Tensor  # (B,)


class NotFiniteError(AudioKeyError):
    """Training that computes nothing any more."""


def means(
    steps: list[StepResult], last_step: int, accelerator: Accelerator, shards: Source, saved: bool
) -> tuple[float, float]:
    """Mean loss and gradient norm of steps up to `last_step`, over all processes.

    Raises NotFiniteError on all of them where one is not finite; `saved` says whether the run has a
    checkpoint to go on from.
    """
    losses = torch.stack([step.loss for step in steps])  # (steps,)
    norms = torch.stack([step.gradient_norm for step in steps])  # (steps,)
    if accelerator.scaler is not None:  # fp16 leaves out steps whose gradient overflows
        norms = norms.nan_to_num(0.0, posinf=0.0)
    local = torch.stack([losses.mean(), norms.mean()])
    loss, norm = accelerator.reduce(local, reduction="mean").tolist()
    if not (math.isfinite(loss) and math.isfinite(norm)):
        first, songs = _first_bad(losses, norms, steps, accelerator)
        since = last_step - len(steps) + 1 + first
        again = "--resume with" if saved else "begin anew with a lower train.learning_rate,"
        anew = ", or begin anew with a lower train.learning_rate" if saved else ""
        raise NotFiniteError(
            f"the loss or its gradient is not finite since step {since}, of songs "
            f"{_names(songs, shards)}; {again} a lower train.clip_norm or "
            f"train.mixed_precision=no{anew}"
        )
    return loss, norm


def _first_bad(
    losses: Tensor, norms: Tensor, steps: list[StepResult], accelerator: Accelerator
) -> tuple[int, list[int]]:
    """The first bad of `steps`, and the song indices of the processes whose loss was bad in it."""
    bad_loss = (~losses.isfinite()).int()
    bad = bad_loss | (~norms.isfinite()).int()
    of_all = accelerator.gather(torch.stack([bad_loss, bad])[None])  # (ranks, 2, steps)
    first = int(of_all[:, 1].amax(dim=0).argmax())
    songs = accelerator.gather(steps[first].song_index[None])  # (ranks, B)
    guilty = of_all[:, 0, first].bool()  # (ranks,)
    return first, (songs[guilty] if guilty.any() else songs).flatten().tolist()


def _names(songs: list[int], shards: Source) -> str:
    names = shards.song_table().where(songs)
    rest = len(names) - SONGS_IN_A_MESSAGE
    return ", ".join(names[:SONGS_IN_A_MESSAGE]) + (f" and {rest} more" if rest > 0 else "")
