"""Spectra: each gives the partials of an instrument's tone, drawn anew for every song.

A spectrum is a pair: ratios to the fundamental, and amplitudes, each (P,).
"""

import numpy as np
from scipy.special import jv

Spectrum = tuple[np.ndarray, np.ndarray]
Rng = np.random.Generator
N = np.arange(1, 41, dtype=np.float64)  # harmonics
ODD = N % 2 == 1


def saw(rng: Rng) -> Spectrum:
    """All harmonics, more or less bright."""
    return N, N ** -rng.uniform(0.9, 1.5)


def square(rng: Rng) -> Spectrum:
    """Odd harmonics, the even ones weak."""
    return N, np.where(ODD, 1.0, rng.uniform(0, 0.2)) * N ** -rng.uniform(0.9, 1.4)


def pulse(rng: Rng) -> Spectrum:
    """A pulse wave of some width."""
    return N, np.abs(np.sin(np.pi * N * rng.uniform(0.05, 0.45))) / N


def triangle(rng: Rng) -> Spectrum:
    """Odd harmonics that fall fast."""
    return N[:12], np.where(ODD, 1.0, rng.uniform(0, 0.1))[:12] / N[:12] ** 2


def sub(rng: Rng) -> Spectrum:
    """Nearly a sine."""
    return N[:4], np.array([1.0, *rng.uniform(0, 0.25, 3)])


def organ(rng: Rng) -> Spectrum:
    """Drawbars."""
    ratios = np.array([0.5, 1, 1.5, 2, 3, 4, 5, 6, 8])
    usual = np.array([0.6, 1, 0.5, 0.8, 0.6, 0.5, 0.3, 0.3, 0.3])
    return ratios, usual * rng.random(9) ** 1.5 + 1e-3


def fm(rng: Rng) -> Spectrum:
    """A frequency-modulated sine: carrier +- k modulator, of strength J_k(index)."""
    modulator = rng.choice([1.0, 1.0, 2.0, 3.0, 14.0])
    index = rng.uniform(0.3, 3.5) * (0.2 if modulator == 14 else 1.0)
    orders = np.arange(-8, 9)
    ratios, amplitudes = np.abs(1 + orders * modulator), np.abs(jv(orders, index))
    return ratios[ratios > 0], amplitudes[ratios > 0]


def plucked(rng: Rng) -> Spectrum:
    """A string plucked somewhere along its length."""
    return stretched(rng.uniform(0, 1e-4)), np.abs(np.sin(np.pi * N * rng.uniform(0.08, 0.4))) / N


def piano(rng: Rng) -> Spectrum:
    """A stiff string struck by a hammer."""
    amplitudes = N ** -rng.uniform(0.9, 1.9) * rng.uniform(0.5, 1.2, N.size)
    return stretched(10 ** rng.uniform(-4.2, -3.2)), amplitudes


def stretched(inharmonicity: float) -> np.ndarray:
    """Ratios of a stiff string's partials: n sqrt(1 + B n^2)."""
    return N * np.sqrt(1 + inharmonicity * N**2)


def bell(rng: Rng) -> Spectrum:
    """Hum, prime, tierce, quint, nominal and some above."""
    ratios = np.array([0.5, 1, 1.19, 1.5, 2, 2.51, 2.66, 3.01, 4.16, 5.43])
    usual = np.array([0.5, 1, 0.25, 0.15, 0.6, 0.2, 0.2, 0.2, 0.15, 0.1])
    return ratios ** rng.uniform(0.97, 1.03), usual * rng.uniform(0.3, 1, 10)


def mallet(rng: Rng) -> Spectrum:
    """A marimba's or xylophone's bar."""
    ratios = np.array([1, rng.choice([3.0, 3.98, 4.0]), rng.uniform(8.5, 10.5)])
    return ratios, np.array([1, rng.uniform(0.05, 0.5), rng.uniform(0.02, 0.2)])


def flute(rng: Rng) -> Spectrum:
    """A few harmonics."""
    return N[:8], rng.uniform(0.2, 0.6) ** (N[:8] - 1) * rng.uniform(0.4, 1.2, 8)


def reed(rng: Rng) -> Spectrum:
    """From clarinet to oboe."""
    return N, np.where(ODD, 1.0, rng.uniform(0.05, 0.6)) * N ** -rng.uniform(0.7, 1.3)


def accordion(rng: Rng) -> Spectrum:
    """Metal reeds, bright; `instruments.voices` sets two or three side by side."""
    return N, N ** -rng.uniform(0.4, 1.0) * rng.uniform(0.5, 1.0, N.size)


def guitar(rng: Rng) -> Spectrum:
    """An electric guitar's string before its amplifier: few high partials."""
    return N[:16], np.abs(np.sin(np.pi * N[:16] * rng.uniform(0.08, 0.3))) * N[:16] ** -1.5


def brass(rng: Rng) -> Spectrum:
    """A hump of harmonics."""
    return N, np.exp(-(((N - rng.uniform(1, 3)) / rng.uniform(2, 6)) ** 2)) + 0.02 / N


def anything(rng: Rng) -> Spectrum:
    """Harmonics of any strengths."""
    return N[:24], rng.random(24) ** 2 * N[:24] ** -rng.uniform(0.3, 1.3)


SPECTRA = {
    "saw": saw,
    "supersaw": saw,
    "strings": saw,
    "voice": saw,
    "square": square,
    "pulse": pulse,
    "triangle": triangle,
    "sub": sub,
    "organ": organ,
    "fm": fm,
    "plucked": plucked,
    "piano": piano,
    "bell": bell,
    "mallet": mallet,
    "flute": flute,
    "reed": reed,
    "brass": brass,
    "accordion": accordion,
    "guitar": guitar,
    "random": anything,
}
