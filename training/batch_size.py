"""How many intervals fit into one step, and how many a second each batch size trains on."""

import statistics
import time
from collections.abc import Callable, Mapping

import torch
from accelerate.utils.memory import clear_device_cache, should_reduce_batch_size

from pipeline.sample import Batch
from training.rehearsal import Trial

KNEE_SHARE = 0.9  # of the highest rate: larger batches than that gain little


def rates_by_size(measure: Callable[[int], float], most: int) -> dict[int, float]:
    """{batch size: what `measure` gives}, for 1, 2, 4, ... up to `most`.

    Where a size is out of memory, the largest that is not is found by bisection.
    """
    rates: dict[int, float] = {}
    size, too_large = 1, most + 1
    while size and size not in rates:
        try:
            rates[size] = measure(size)
        except RuntimeError as error:
            if not should_reduce_batch_size(error):
                raise
            clear_device_cache(garbage_collection=True)
            too_large = size
        fits = max(rates, default=0)
        doubled = min(2 * fits, most)
        size = doubled if doubled < too_large else (fits + too_large) // 2
    return rates


def knee(rates: Mapping[int, float]) -> int:
    """The smallest batch size that trains nearly as fast as the fastest."""
    enough = KNEE_SHARE * max(rates.values())
    return min(size for size, rate in rates.items() if rate >= enough)


def step_rate(trial: Trial, batch: Batch, size: int, seconds: float) -> float:
    """Intervals a second of training steps on `size` intervals, those of `batch` repeated."""
    repeated = _repeated(batch, size)
    trial.step(repeated)  # memory and kernels are found once
    durations: list[float] = []
    while sum(durations) < seconds:
        began = time.perf_counter()
        float(trial.step(repeated))  # reading the loss waits for the device
        durations.append(time.perf_counter() - began)
    return size / statistics.median(durations)


def _repeated(batch: Batch, size: int) -> Batch:
    rows = torch.arange(size) % len(batch.key_id)  # (size,)
    parts = batch._asdict().items()
    return batch._replace(**{name: part[rows] for name, part in parts if part is not None})
