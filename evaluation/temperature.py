"""Temperature scaling: one number that makes a trained network as sure of itself as it is right.

Guo, Pleiss, Sun, Weinberger: On Calibration of Modern Neural Networks (ICML 2017), section 4.2.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from accelerate import Accelerator
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from torch import Tensor

from evaluation.answers import IntervalLogits
from evaluation.calibration import Reliability, reliability
from songkey.errors import AudioKeyError

COLDEST, HOTTEST = 0.1, 10.0  # where all answers are right, or none is, no other bound is there


class CalibrationError(AudioKeyError):
    """Data that a temperature cannot, or must not, be fitted on."""


@dataclass(frozen=True)
class Fit:
    """A fitted temperature and what it does to the intervals it was fitted on."""

    temperature: float
    intervals: int
    loss_before: float  # mean cross entropy with a temperature of 1, nats
    loss: float
    before: Reliability
    after: Reliability
    lost_intervals: int = 0  # which could not be read


def gathered(
    batches: Iterable[IntervalLogits], accelerator: Accelerator
) -> tuple[np.ndarray, np.ndarray]:
    """The logits (N, 24) and key ids (N,) of the intervals of all processes, on each of them."""
    parts = [accelerator.gather(_columns(batch)).cpu() for batch in batches]
    whole = torch.cat(parts).numpy()  # (N, 26), those that are not valid included
    valid = whole[whole[:, 25] == 1]
    return valid[:, :24], valid[:, 24].astype(int)


def fit_temperature(logits: np.ndarray, key_ids: np.ndarray) -> Fit:
    """The temperature with the least cross entropy on logits (N, 24) of songs in keys (N,)."""
    if not len(logits):
        raise CalibrationError("no interval could be read to fit a temperature on; see above")
    logits = logits.astype(np.float64)
    # Convex in 1 / temperature, so that there is one minimum over its logarithm.
    bounds = np.log([COLDEST, HOTTEST])
    found = minimize_scalar(
        lambda log_t: _loss(logits, key_ids, np.exp(log_t)), bounds=bounds, method="bounded"
    )
    temperature = min(float(np.exp(found.x)), 1.0, key=lambda t: _loss(logits, key_ids, t))
    return Fit(
        temperature, len(logits), _loss(logits, key_ids, 1.0), _loss(logits, key_ids, temperature),
        _reliability(logits, key_ids, 1.0), _reliability(logits, key_ids, temperature),
    )  # fmt: skip


def _columns(batch: IntervalLogits) -> Tensor:
    """One tensor (B, 26) for the processes to exchange: logits, key id, whether it is valid."""
    rest = torch.stack([batch.key_id, batch.valid.long()], dim=1)  # (B, 2)
    return torch.cat([batch.logits, rest.to(batch.logits.dtype)], dim=1)


def _loss(logits: np.ndarray, key_ids: np.ndarray, temperature: float) -> float:
    """Mean cross entropy, nats."""
    log_probabilities = log_softmax(logits / temperature, axis=1)  # (N, 24)
    return float(-log_probabilities[np.arange(len(key_ids)), key_ids].mean())


def _reliability(logits: np.ndarray, key_ids: np.ndarray, temperature: float) -> Reliability:
    probabilities = np.exp(log_softmax(logits / temperature, axis=1))  # (N, 24)
    return reliability(probabilities.max(axis=1), logits.argmax(axis=1) == key_ids)
