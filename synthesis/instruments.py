"""Instruments: a spectrum and an envelope, both drawn anew for every song -> a Timbre."""

import numpy as np

from synthesis.spectra import SPECTRA
from synthesis.timbre import BODY_HZ, Timbre

# Ranges of attack and release in seconds, and of the level a tone sustains (1 or more: no decay).
ENVELOPES = {
    "pluck": ((0.001, 0.008), (0.03, 0.4), (1.0, 1.0)),
    "struck": ((0.001, 0.006), (0.08, 0.6), (1.0, 1.0)),
    "ring": ((0.001, 0.01), (0.3, 1.5), (1.0, 1.0)),
    "held": ((0.005, 0.08), (0.03, 0.25), (0.5, 1.2)),
    "swell": ((0.1, 0.7), (0.3, 1.5), (0.8, 1.2)),
}
BREATHY = ("flute", "reed", "voice", "random")
VOWELS_HZ = (
    (730, 1090, 2440),
    (270, 2290, 3010),
    (530, 1840, 2480),
    (570, 840, 2410),
    (300, 870, 2240),
)


def instrument(name: str, rng: np.random.Generator) -> Timbre:
    """A song's own make of the instrument "<spectrum> <envelope>", such as "saw pluck"."""
    spectrum, envelope = name.split()
    ratios, amplitudes = SPECTRA[spectrum](rng)
    attack, release, sustain = ENVELOPES[envelope]
    body = rng.normal(0, 4.0, BODY_HZ.size)
    if spectrum == "voice":
        body = body + vowel_db(rng)
    sings = envelope in ("held", "swell") and spectrum != "organ"
    vibrates, scoops = sings and rng.random() < 0.5, sings and rng.random() < 0.3
    return Timbre(
        ratios=ratios,
        amplitudes=amplitudes,
        decays=decays(envelope, ratios, rng),
        detune_cents=voices(spectrum, rng),
        body_db=body,
        cutoff_hz=float(np.exp(rng.uniform(np.log(500), np.log(9000)))),
        attack_seconds=rng.uniform(*attack),
        release_seconds=rng.uniform(*release),
        decay_seconds=rng.uniform(0.05, 0.6),
        sustain=rng.uniform(*sustain),
        vibrato_hz=rng.uniform(4, 7),
        vibrato_cents=rng.uniform(5, 45) if vibrates else 0.0,
        scoop_cents=-rng.uniform(30, 250) if scoops else 0.0,
        breath=rng.uniform(0.005, 0.06) if spectrum in BREATHY else 0.0,
    )


def decays(envelope: str, ratios: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """How fast each partial dies, 1/s, (P,): the higher the faster, or not at all."""
    if envelope in ("held", "swell"):
        return np.zeros(ratios.size)
    if envelope == "pluck":
        return rng.uniform(1, 6) * (1 + rng.uniform(0.02, 0.6) * (ratios - 1))
    return rng.uniform(0.2, 1.2) * (1 + rng.uniform(0.05, 0.4) * (ratios - 1))


def voices(spectrum: str, rng: np.random.Generator) -> np.ndarray:
    """Detuning of the voices that sound together, in cents, (V,)."""
    if spectrum == "supersaw":
        return rng.uniform(-1, 1, rng.integers(3, 6)) * rng.uniform(8, 25)
    if spectrum == "piano":
        return rng.normal(0, rng.uniform(0.2, 2.0), 2)
    if spectrum == "accordion":
        return rng.normal(0, rng.uniform(1, 12), rng.integers(1, 4))
    if spectrum in ("strings", "voice"):
        return rng.normal(0, rng.uniform(2, 9), rng.integers(1, 4))
    return rng.normal(0, 5, 2) if rng.random() < 0.25 else np.zeros(1)


def vowel_db(rng: np.random.Generator) -> np.ndarray:
    """A singer's formants as gains at BODY_HZ, (10,)."""
    formants = np.log2(np.array(VOWELS_HZ[rng.integers(len(VOWELS_HZ))]) * rng.uniform(0.9, 1.2))
    distance = np.log2(BODY_HZ)[:, None] - formants
    return 16 * np.exp(-((distance / 0.5) ** 2)).max(axis=1) - 8
