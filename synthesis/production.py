"""Production: what a studio does to a mix: equaliser, room, clipping, noise, level."""

from dataclasses import dataclass

import numpy as np
from scipy import fft
from scipy.signal import lfilter

from synthesis.timbre import white_noise


@dataclass(frozen=True)
class Production:
    """One song's treatment."""

    tuning_cents: float
    tilt_db: float  # a octave
    bumps: np.ndarray  # (N, 3): centre in octaves above 20 Hz, gain in decibels, width in octaves
    lowest_hz: float
    highest_hz: float
    reverb_seconds: float
    reverb_db: float
    drive: float
    noise_db: float
    wow_cents: float  # how far the speed of a worn record or tape wanders
    level: float


def draw_production(rng: np.random.Generator) -> Production:
    """A treatment; most songs have a room, half of them are driven into the clipper."""
    bumps = rng.integers(0, 6)
    return Production(
        tuning_cents=draw_tuning(rng),
        tilt_db=rng.normal(0, 1.2),
        bumps=np.stack(
            [rng.uniform(1, 9, bumps), rng.normal(0, 6, bumps), rng.uniform(0.2, 1.5, bumps)],
            axis=1,
        ),
        lowest_hz=rng.uniform(20, 120) if rng.random() < 0.3 else 15.0,
        highest_hz=rng.uniform(1500, 9000) if rng.random() < 0.25 else 16000.0,
        reverb_seconds=float(np.exp(rng.uniform(np.log(0.3), np.log(4)))),
        reverb_db=rng.uniform(-26, -3) if rng.random() < 0.6 else -120.0,
        drive=float(np.exp(rng.uniform(np.log(0.1), np.log(4.0)))) if rng.random() < 0.5 else 0.05,
        noise_db=rng.uniform(-22, -8) if rng.random() < 0.1 else rng.uniform(-90, -22),
        wow_cents=rng.uniform(2, 15) if rng.random() < 0.1 else 0.0,
        level=rng.uniform(0.15, 0.98),
    )


def draw_tuning(rng: np.random.Generator) -> float:
    """Cents from 440 Hz: most music is near, some is not, vinyl turns at any speed."""
    kind = rng.random()
    if kind < 0.4:
        return rng.normal(0, 4)
    return rng.uniform(-30, 30) if kind < 0.85 else rng.uniform(-45, 45)


def produce(
    dry: np.ndarray, sends: np.ndarray, production: Production, sample_rate: int,
    rng: np.random.Generator,
) -> np.ndarray:  # fmt: skip
    """The finished song, (S,) float32 in -1..1, from the dry mix and what goes to the room."""
    mix = equalised(dry, sends, production, sample_rate, rng)
    mix /= np.sqrt(np.mean(mix**2)) + 1e-9
    mix += pink_noise(mix.size, sample_rate, rng) * np.float32(10 ** (production.noise_db / 20))
    if production.wow_cents:
        mix = wandering(mix, production.wow_cents, sample_rate, rng)
    mix = np.tanh(np.float32(production.drive) * mix)
    return mix * np.float32(production.level / (np.abs(mix).max() + 1e-9))


def equalised(
    dry: np.ndarray, sends: np.ndarray, production: Production, sample_rate: int,
    rng: np.random.Generator,
) -> np.ndarray:  # fmt: skip
    """Dry mix plus the room's answer, through the equaliser, (S,): one product of spectra."""
    count, has_room = dry.size, production.reverb_db > -100
    room = np.zeros(1, np.float32)
    if has_room:
        room = impulse_response(production.reverb_seconds, sample_rate, rng)
    size = fft.next_fast_len(count + room.size, real=True)
    spectrum = fft.rfft(dry, size)
    if has_room:
        gain = np.float32(10 ** (production.reverb_db / 20))
        spectrum += gain * fft.rfft(sends, size) * fft.rfft(room, size)
    spectrum *= equaliser(production, spectrum.size, sample_rate / size)
    return fft.irfft(spectrum, size)[:count]


def equaliser(production: Production, bins: int, hz_per_bin: float) -> np.ndarray:
    """Gains of the spectrum's bins, (bins,) float32."""
    octaves = np.linspace(-4, 11, 181)  # above 20 Hz
    gains_db = production.tilt_db * (octaves - 4.5)
    for centre, gain_db, width in production.bumps:
        gains_db = gains_db + gain_db * np.exp(-(((octaves - centre) / width) ** 2))
    hertz = 20 * 2**octaves
    gains_db -= 10 * np.log10(1 + (production.lowest_hz / hertz) ** 4)
    gains_db -= 10 * np.log10(1 + (hertz / production.highest_hz) ** 4)
    points = np.interp(np.arange(bins) * hz_per_bin, hertz, 10 ** (np.clip(gains_db, -60, 30) / 20))
    return points.astype(np.float32)


def wandering(
    mix: np.ndarray, cents: float, sample_rate: int, rng: np.random.Generator
) -> np.ndarray:
    """The song at a speed that sways once in one to two seconds by `cents` up and down, (S,)."""
    times = np.arange(mix.size) / sample_rate
    radians = 2 * np.pi * rng.uniform(0.5, 1.0) * times + rng.uniform(0, 2 * np.pi)
    depth_seconds = (2 ** (cents / 1200) - 1) / (2 * np.pi * 0.75)
    positions = (times + depth_seconds * np.sin(radians)) * sample_rate
    return np.interp(positions, np.arange(mix.size), mix).astype(np.float32)


def impulse_response(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """A room as noise that dies by 60 dB in `seconds`, of unit energy, (S,) float32."""
    count = int(min(seconds, 2.5) * sample_rate)
    fading = np.exp(np.linspace(0, -6.9 * min(1.0, 2.5 / seconds), count)).astype(np.float32)
    noise = rng.standard_normal(count, dtype=np.float32) * fading
    dull = rng.uniform(0, 0.9)
    noise = lfilter([1 - dull], [1, -dull], noise).astype(np.float32)
    return noise / np.sqrt(np.sum(noise**2))


def pink_noise(count: int, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Noise that is stronger in the bass, of roughly unit level, (S,) float32."""
    white = white_noise(count, sample_rate, rng)
    dull = lfilter(np.array([0.25], np.float32), np.array([1, -0.95], np.float32), white)
    return dull + 0.3 * white
