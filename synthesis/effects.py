"""Effects: sounds that have nothing to do with the key, and filters that move."""

from typing import NamedTuple

import numpy as np
from scipy.signal import butter, sosfilt

from synthesis.timbre import white_noise


class Riser(NamedTuple):
    """A sweep of tone and noise between two moments, up or down."""

    start_seconds: float
    seconds: float
    from_hz: float
    to_hz: float
    noise: float  # its share, 0 to 1
    level_db: float


class Sweep(NamedTuple):
    """A low pass that opens or closes over everything but the drums."""

    hertz: float
    closed_at_start: float  # 0 open to 1 closed
    closed_at_end: float


def draw_risers(seconds: float, rng: np.random.Generator) -> list[Riser]:
    """Now and then one, about once in twenty seconds."""
    risers = []
    for _ in range(rng.poisson(seconds / 20)):
        low, high = rng.uniform(60, 400), rng.uniform(500, 4000)
        upwards = rng.random() < 0.7
        risers.append(
            Riser(
                start_seconds=rng.uniform(-4, seconds),
                seconds=rng.uniform(0.5, 8),
                from_hz=low if upwards else high,
                to_hz=high if upwards else low,
                noise=rng.random(),
                level_db=rng.uniform(-20, -2),
            )
        )
    return risers


def draw_sweep(rng: np.random.Generator) -> Sweep:
    """A filter that moves from anywhere to anywhere."""
    return Sweep(float(np.exp(rng.uniform(np.log(200), np.log(1500)))), rng.random(), rng.random())


def risen(riser: Riser, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """A riser's waveform, (S,) float32."""
    times = np.arange(int(riser.seconds * sample_rate)) / sample_rate
    octaves = np.log2(riser.to_hz / riser.from_hz) / riser.seconds
    cycles = riser.from_hz * (2 ** (octaves * times) - 1) / (octaves * np.log(2))
    tone = np.sin(2 * np.pi * (cycles % 1)).astype(np.float32)
    hiss = white_noise(times.size, sample_rate, rng)
    rising = times / riser.seconds
    loudness = (rising if octaves > 0 else 1 - rising).astype(np.float32)
    gain = np.float32(10 ** (riser.level_db / 20))
    both = np.float32(1 - riser.noise) * tone + np.float32(0.5 * riser.noise) * hiss
    return gain * loudness * both


def swept(waveform: np.ndarray, sweep: Sweep, sample_rate: int) -> np.ndarray:
    """The waveform through the moving low pass, (S,): a crossfade of filtered and unfiltered."""
    hertz = min(sweep.hertz, 0.4 * sample_rate)
    sections = butter(2, hertz, fs=sample_rate, output="sos").astype(np.float32)
    ends = sweep.closed_at_start, sweep.closed_at_end
    closed = np.linspace(*ends, waveform.size, dtype=np.float32)
    return waveform + closed * (sosfilt(sections, waveform) - waveform)
