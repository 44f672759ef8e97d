"""Tones: damped partials with voices, body, envelope and vibrato -> the waveform of one note.

A sum of damped sinusoids is one matrix product: at t = block + offset, exp(z t) is
exp(z block) exp(z offset), so (blocks, partials) @ (partials, offsets) gives the whole tone.
"""

from dataclasses import dataclass

import numpy as np

BLOCK = 256  # samples in a row of the product
A4_HZ = 440.0
BODY_HZ = 40.0 * 2.0 ** np.arange(10)  # where a body's gains lie, an octave apart


@dataclass(frozen=True)
class Timbre:
    """How an instrument sounds at any pitch; decays (1/s) are those at A3."""

    ratios: np.ndarray  # (P,)
    amplitudes: np.ndarray  # (P,)
    decays: np.ndarray  # (P,)
    detune_cents: np.ndarray  # (V,) one for each voice
    body_db: np.ndarray  # (10,) gains at BODY_HZ
    cutoff_hz: float  # low pass of the body
    attack_seconds: float
    release_seconds: float
    decay_seconds: float  # from the attack's peak towards `sustain`
    sustain: float
    vibrato_hz: float
    vibrato_cents: float
    scoop_cents: float  # how far below its pitch a tone begins
    breath: float  # noise beside the tone, relative


def frequency_of(pitch: float, tuning_cents: float = 0.0) -> float:
    """Hertz of a MIDI pitch, with A4 `tuning_cents` from 440 Hz."""
    return A4_HZ * 2.0 ** ((pitch - 69 + tuning_cents / 100) / 12)


def tone(
    timbre: Timbre, frequency: float, seconds: float, sample_rate: int, rng: np.random.Generator
) -> np.ndarray:
    """A tone without its release, (S,) float32; at its start as strong as any other timbre's."""
    count = max(1, int(seconds * sample_rate))
    waveform = damped_sinusoids(*partials(timbre, frequency, sample_rate, rng), count, sample_rate)
    if timbre.vibrato_cents or timbre.scoop_cents:
        waveform = bent(waveform, timbre, rng.uniform(0.85, 1.15), sample_rate)
    if timbre.breath:
        waveform += timbre.breath * white_noise(count, sample_rate, rng)
    return waveform * envelope(timbre, count, sample_rate)


def white_noise(count: int, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Noise as dense at any sample rate as one of unit level at 44.1 kHz, (S,) float32."""
    return rng.standard_normal(count, dtype=np.float32) * np.float32(np.sqrt(sample_rate / 44100))


def partials(
    timbre: Timbre, frequency: float, sample_rate: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Frequencies, amplitudes (unit energy), decays and phases of the audible partials, each (N,).

    Voices start nearly together: with any phases, slow beats would mute some partials for good.
    """
    voices = 2.0 ** (timbre.detune_cents / 1200)
    frequencies = (frequency * voices[:, None] * timbre.ratios).ravel()  # (V * P,)
    gains_db = np.interp(np.log2(frequencies), np.log2(BODY_HZ), timbre.body_db)
    gains = 10 ** (gains_db / 20) / (1 + (frequencies / timbre.cutoff_hz) ** 2)
    amplitudes = np.tile(timbre.amplitudes, voices.size) * gains
    decays = np.tile(timbre.decays, voices.size) * (frequency / 220.0) ** 0.5
    phases = np.tile(rng.uniform(0, 2 * np.pi, timbre.ratios.size), voices.size)
    phases += rng.normal(0, 0.5, phases.size)
    audible = (frequencies < 0.45 * sample_rate) & (amplitudes > 1e-4 * amplitudes.max())
    amplitudes = amplitudes / np.sqrt(np.sum(amplitudes[audible] ** 2))
    return frequencies[audible], amplitudes[audible], decays[audible], phases[audible]


def damped_sinusoids(
    frequencies: np.ndarray, amplitudes: np.ndarray, decays: np.ndarray, phases: np.ndarray,
    count: int, sample_rate: int,
) -> np.ndarray:  # fmt: skip
    """sum_p a_p exp(-d_p t) cos(2 pi f_p t + phase_p) over `count` samples, (S,) float32.

    The same bits for any number of threads: factors of 24 bits make every sum exact in float64.
    """
    rows, columns = np.arange(0, count, BLOCK) / sample_rate, np.arange(BLOCK) / sample_rate
    cosine, sine = damped(frequencies, decays, rows, phases)  # (S / BLOCK, N) each
    coarse = rounded(np.hstack([cosine, sine]) * np.tile(amplitudes, 2))
    cosine, sine = damped(frequencies, decays, columns, 0.0)  # (BLOCK, N) each
    fine = rounded(np.hstack([cosine, -sine]))
    return (coarse @ fine.T).ravel()[:count].astype(np.float32)


def rounded(factors: np.ndarray) -> np.ndarray:
    """Factors within -1..1 as multiples of 2^-23, float64."""
    # Products are multiples of 2^-46. With amplitudes of unit energy the sum over N partials stays
    # below sqrt(2 N), so its 53 bits hold it, in whatever order BLAS adds.
    return np.rint(factors.astype(np.float64) * 2.0**23) * 2.0**-23


def damped(
    frequencies: np.ndarray, decays: np.ndarray, seconds: np.ndarray, phases: np.ndarray | float
) -> tuple[np.ndarray, np.ndarray]:
    """Cosine and sine parts of the damped partials at the given times, each (T, N) float32."""
    cycles = np.outer(seconds, frequencies) + phases / (2 * np.pi)
    radians = (2 * np.pi * (cycles - np.floor(cycles))).astype(np.float32)
    decay = np.exp(np.maximum(np.outer(seconds, -decays), -25.0).astype(np.float32))
    return decay * np.cos(radians), decay * np.sin(radians)


def bent(waveform: np.ndarray, timbre: Timbre, wobble: float, sample_rate: int) -> np.ndarray:
    """The waveform read at a moving speed: vibrato, and a scoop up into the pitch."""
    times = np.arange(waveform.size, dtype=np.float64) / sample_rate
    rate = 2 * np.pi * timbre.vibrato_hz * wobble
    depth = (2 ** (timbre.vibrato_cents / 1200) - 1) / rate
    shift = depth * (np.sin(rate * times) * np.minimum(1.0, times / 0.25))
    shift += (2 ** (timbre.scoop_cents / 1200) - 1) * 0.05 * np.exp(-times / 0.05)
    positions = np.clip((times + shift) * sample_rate, 0, waveform.size - 1)
    whole = positions.astype(np.int64)
    fraction = (positions - whole).astype(np.float32)
    following = np.append(waveform[1:], waveform[-1:])
    return waveform[whole] + fraction * (following[whole] - waveform[whole])


def envelope(timbre: Timbre, count: int, sample_rate: int) -> np.ndarray:
    """Attack, then decay towards the sustain level, (S,) float32."""
    times = np.arange(count, dtype=np.float32) / sample_rate
    attack = np.minimum(1.0, times / max(timbre.attack_seconds, 1e-3))
    if timbre.sustain >= 1:
        return attack
    fading = np.exp(-times / np.float32(timbre.decay_seconds))
    return attack * (timbre.sustain + (1 - timbre.sustain) * fading)
