"""Sounds without a key, made of random numbers: noise, silence, drums, and a voice that speaks."""

from collections.abc import Iterator

import numpy as np

RATE, SECONDS = 22_050, 20
SLOPES = {"white noise": 0.0, "pink noise": 0.5, "brown noise": 1.0}  # powers of 1 / frequency


def unkeyed_sounds(seed: int, each: int = 4) -> Iterator[tuple[str, np.ndarray]]:
    """`each` of every kind: what it is, and the waveform at RATE, (S,), full scale 1."""
    for number in range(each):
        rng = np.random.default_rng([seed, number])
        for kind, slope in SLOPES.items():
            yield kind, 0.5 * noise(rng, slope)
        yield "silence", np.zeros(SECONDS * RATE)
        yield "silence with hiss", 0.001 * noise(rng, 0.0)
        yield "drums", drums(rng)
        yield "speech", speech(rng)


def noise(rng: np.random.Generator, slope: float) -> np.ndarray:
    """Noise whose spectrum falls by that power of the frequency, (S,), peak 1."""
    spectrum = np.fft.rfft(rng.normal(size=SECONDS * RATE))
    spectrum[1:] /= np.arange(1, len(spectrum)) ** slope
    return _with_peak(np.fft.irfft(spectrum), 1.0)


def drums(rng: np.random.Generator) -> np.ndarray:
    """A beat of bass drum, snare and hi-hat, (S,)."""
    time = np.arange(RATE // 4) / RATE
    fall = rng.uniform(15, 60)  # of the bass drum's pitch, a second
    bass_drum = np.sin(2 * np.pi * (rng.uniform(40, 60) * time - 4 * np.exp(-fall * time)))
    hits = (
        bass_drum * np.exp(-10 * time),
        (rng.normal(size=len(time)) + np.sin(2 * np.pi * 190 * time)) * np.exp(-18 * time),
        0.3 * np.diff(rng.normal(size=len(time) + 1)) * np.exp(-60 * time),
    )
    sixteenth = RATE * 60 / rng.uniform(80, 170) / 4  # samples
    sound = np.zeros(SECONDS * RATE + len(time))
    for step in range(int(SECONDS * RATE / sixteenth)):
        on_grid = (step % 8 == 0, step % 8 == 4, step % 2 == 0)
        for hit, due in zip(hits, on_grid, strict=True):
            if due or rng.random() < 0.08:
                start = int(step * sixteenth)
                sound[start : start + len(time)] += hit
    return _with_peak(sound[: SECONDS * RATE], 0.7)


def speech(rng: np.random.Generator) -> np.ndarray:
    """Syllables of gliding pitch and two formants, and pauses, (S,)."""
    voice_hz = rng.uniform(90, 220)
    sound: list[np.ndarray] = []
    while sum(map(len, sound)) < SECONDS * RATE:
        time = np.linspace(0, 1, int(rng.uniform(0.1, 0.35) * RATE))  # of a syllable
        pitch = voice_hz * 2 ** (rng.normal(0, 0.25) + rng.normal(0, 0.3) * time)  # Hz
        phase = 2 * np.pi * np.cumsum(pitch) / RATE
        formants = rng.uniform((300, 900), (800, 2400))  # Hz
        syllable = np.zeros(len(time))
        for harmonic in range(1, 20):
            distances = (harmonic * pitch[:, None] - formants) / (0.2 * formants)  # (S, 2)
            syllable += np.exp(-(distances**2)).sum(axis=1) * np.sin(harmonic * phase)
        sound.append(syllable * np.sin(np.pi * time))
        if rng.random() < 0.2:
            sound.append(np.zeros(int(rng.uniform(0.1, 0.6) * RATE)))
    return _with_peak(np.concatenate(sound)[: SECONDS * RATE], 0.5)


def _with_peak(waveform: np.ndarray, peak: float) -> np.ndarray:
    return waveform * (peak / np.abs(waveform).max())
