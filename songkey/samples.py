"""Samples in memory -> a mono waveform at one rate, in blocks, as a file's are given."""

import numbers
from collections.abc import Iterator

import numpy as np

from songkey.audio import HIGHEST_RATE, LOWEST_RATE, resampled, sound
from songkey.channels import mono
from songkey.errors import AudioKeyError

BLOCK_SAMPLES = 2**19  # 10 seconds or so
SHAPES = "give (S,), or with one or two channels (S, C) or (C, S)"


class SamplesError(AudioKeyError):
    """Samples, or a sample rate, that are no music in memory."""


def sample_blocks(
    waveform: np.ndarray, rate: float | None, sample_rate: int
) -> Iterator[np.ndarray]:
    """The sound of samples at `rate` in blocks at `sample_rate`: float32 (S,), full scale 1.

    `waveform` is of floats of full scale 1 or of 16-bit integers: (S,), (S, C) as soundfile has it
    or (C, S) as librosa has it, C being 1 or 2. Raises SamplesError, or AudioError where a sample
    is not finite.
    """
    if not isinstance(rate, numbers.Real) or not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise SamplesError(
            f"sample_rate = {rate!r}: give the samples a second, {LOWEST_RATE} to {HIGHEST_RATE}"
        )
    channels = _channels(waveform)  # (S, C)
    full_scale = 32768 if channels.dtype == np.int16 else 1
    blocks = (
        (rate, mono(channels[start : start + BLOCK_SAMPLES].astype(np.float32) / full_scale))
        for start in range(0, len(channels), BLOCK_SAMPLES)
    )
    return resampled(sound(blocks, "waveform"), sample_rate)


def _channels(waveform: np.ndarray) -> np.ndarray:
    """Any of the shapes that are understood as (S, C)."""
    if not isinstance(waveform, np.ndarray):
        raise SamplesError(f"waveform is {type(waveform).__name__}, no numpy array; {SHAPES}")
    if waveform.dtype.kind != "f" and waveform.dtype != np.int16:
        raise SamplesError(
            f"waveform of {waveform.dtype}: give floats between -1 and 1, or 16-bit integers"
        )
    if not waveform.size:
        raise SamplesError("waveform is empty: it holds no sample")
    if waveform.ndim == 1:
        return waveform[:, None]
    if waveform.ndim == 2 and min(waveform.shape) <= 2 < max(waveform.shape):
        return waveform if waveform.shape[1] <= 2 else waveform.T
    raise SamplesError(f"waveform of shape {waveform.shape} is not mono or stereo; {SHAPES}")
