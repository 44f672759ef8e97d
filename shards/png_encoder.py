"""Intervals into PNGs: the same CQT that training computes from audio shards."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from pipeline.cqt import LogCQT
from pipeline.image import png_bytes, to_levels


@lru_cache(maxsize=2)
def png_encoder(
    sample_rate: int, cqt: tuple[tuple[str, Any], ...]
) -> Callable[[np.ndarray], bytes]:
    """A function from an int16 interval (S,) to the PNG of its log CQT."""
    # One interval at a time on one thread: the levels depend on nothing but the interval.
    torch.set_num_threads(1)
    settings = dict(cqt)
    log_cqt = LogCQT(sample_rate, **settings)

    def encode(waveform: np.ndarray) -> bytes:
        with torch.inference_mode():
            decibels = log_cqt(torch.from_numpy(waveform)[None])[0]  # (F, T)
        return png_bytes(to_levels(decibels, log_cqt.range_db).numpy())

    return encode
