"""Drums: patterns of hits, and the kit's sounds."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.signal import butter, sosfilt

from synthesis.score import STEPS

# A bar of sixteenths for kick, snare and hat: "x" a hit, "o" a soft one.
GROOVES = {
    "four": ("x...x...x...x...", "....x.......x...", "..x...x...x...x."),
    "four open": ("x...x...x...x...", "....x.......x..o", "o.xoo.xoo.xoo.xo"),
    "four bare": ("x...x...x...x...", "................", "..x...x...x...x."),
    "trance": ("x...x...x...x...", "....x.......x...", "xxxxxxxxxxxxxxxx"),
    "backbeat": ("x.......x.x.....", "....x.......x...", "x.x.x.x.x.x.x.x."),
    "rock": ("x.....x.x.......", "....x.......x...", "x.x.x.x.x.x.x.x."),
    "ballad": ("x.........x.....", "........x.......", "x...x...x...x..."),
    "half time": ("x......x........", "........x.......", "x.x.x.xxx.x.x.xx"),
    "trap": ("x.....x...x.....", "........x.......", "x.x.xxx.x.x.xxxx"),
    "breakbeat": ("x.x.......x.....", "....x..o.o..x...", "x.x.x.x.x.x.x.x."),
    "drum and bass": ("x.........x.....", "....x.......x..o", "x.x.x.x.x.x.x.x."),
    "garage": ("x.........x..x..", "....x.......x...", "..x...x...x..ox."),
    "reggaeton": ("x...x...x...x...", "...x..x....x..x.", "x.x.x.x.x.x.x.x."),
    "latin": ("x..x..x...x.x...", "..x..x....x..x..", "x.xxx.xxx.xxx.xx"),
    "swing": ("x...o...x...o...", "......o.......o.", "x...x.x.x...x.x."),
    "sparse": ("x...............", "................", "....x.......x..."),
    "waltz": ("x...........x...", "....x...x.......", "x...x...x...x..."),
}
SOUNDS = ("kick", "snare", "hat")
FILL = ("tom", "tom", "crash", "perc")  # sixteenths before every fourth bar line, at times


class Hit(NamedTuple):
    """A stroke of one of the kit's sounds."""

    start_beats: float
    sound: str
    velocity: float


@dataclass(frozen=True)
class Kit:
    """The make of a kit."""

    kick_hz: float
    kick_sweep: float  # how many times higher the kick starts
    kick_seconds: float
    snare_hz: float
    snare_noise: float
    snare_seconds: float
    hat_hz: float
    hat_seconds: float
    tom_hz: float


def draw_kit(rng: np.random.Generator) -> Kit:
    """A kit of its own for every song, from dry to booming."""
    return Kit(
        kick_hz=rng.uniform(38, 75),
        kick_sweep=rng.uniform(2, 9),
        kick_seconds=np.exp(rng.uniform(np.log(0.05), np.log(0.5))),
        snare_hz=rng.uniform(140, 260),
        snare_noise=rng.uniform(0.5, 3.0),
        snare_seconds=rng.uniform(0.05, 0.25),
        hat_hz=rng.uniform(4000, 8000),
        hat_seconds=np.exp(rng.uniform(np.log(0.02), np.log(0.25))),
        tom_hz=rng.uniform(70, 260),
    )


def groove(
    name: str, bar_beats: int, start_beats: float, end_beats: float, rng: np.random.Generator
) -> list[Hit]:
    """Hits of a groove over a section, with fills; hats and percussion in some."""
    strokes = bar_of(name, bar_beats, rng)
    hits = []
    for bar, start in enumerate(np.arange(start_beats, end_beats - 1e-6, bar_beats)):
        loudness = rng.uniform(0.8, 1, len(strokes))
        hits += [
            Hit(start + step / STEPS, sound, velocity * human)
            for (step, sound, velocity), human in zip(strokes, loudness, strict=True)
        ]
        if bar % 4 == 3 and rng.random() < 0.4:
            beat = start + bar_beats - 1
            hits += [Hit(beat + step / STEPS, sound, 0.7) for step, sound in enumerate(FILL)]
    return [hit for hit in hits if hit.start_beats < end_beats]


def bar_of(name: str, bar_beats: int, rng: np.random.Generator) -> list[tuple[int, str, float]]:
    """A bar's strokes: step, sound and velocity; most have the groove's hats, some percussion."""
    sounds = SOUNDS if rng.random() < 0.85 else SOUNDS[:2]
    steps = bar_beats * STEPS
    strokes = [
        (step, sound, 0.9 if pattern[step] == "x" else 0.4)
        for sound, pattern in zip(sounds, GROOVES[name], strict=False)
        for step in range(steps)
        if pattern[step] != "."
    ]
    if rng.random() < 0.3:
        struck = np.flatnonzero(rng.random(steps) < 0.2).tolist()
        strokes += [(step, "perc", 0.5) for step in struck]
    return strokes


def sounds(kit: Kit, sample_rate: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """The kit's one-shot waveforms, each (S,) float32."""
    wires = burst(kit.hat_hz * 0.15, kit.snare_seconds, sample_rate, 0.3, rng)
    snare = swept(kit.snare_hz, 1.5, 0.02, 0.08, sample_rate, 0.3) + kit.snare_noise * wires
    return {
        "kick": swept(kit.kick_hz, kit.kick_sweep, 0.03, kit.kick_seconds, sample_rate, 0.7),
        "snare": snare / np.abs(snare).max(),
        "hat": 0.5 * burst(kit.hat_hz, kit.hat_seconds, sample_rate, 0.3, rng),
        "tom": swept(kit.tom_hz, 1.6, 0.08, 0.2, sample_rate, 0.5),
        "perc": swept(kit.tom_hz * 3, 1.1, 0.02, 0.05, sample_rate, 0.2),
        "crash": 0.6 * burst(kit.hat_hz * 0.4, 0.6, sample_rate, 1.8, rng),
    }


def swept(
    hertz: float, sweep: float, sweep_seconds: float, decay_seconds: float, sample_rate: int,
    seconds: float,
) -> np.ndarray:  # fmt: skip
    """A sine that falls from `sweep` times its pitch and dies away, (S,)."""
    times = np.arange(int(seconds * sample_rate)) / sample_rate
    cycles = hertz * (times + (sweep - 1) * sweep_seconds * (1 - np.exp(-times / sweep_seconds)))
    return (np.sin(2 * np.pi * cycles) * np.exp(-times / decay_seconds)).astype(np.float32)


def burst(
    lowest_hz: float, decay_seconds: float, sample_rate: int, seconds: float,
    rng: np.random.Generator,
) -> np.ndarray:  # fmt: skip
    """Noise above a frequency that dies away, (S,), its peak 1."""
    times = np.arange(int(seconds * sample_rate)) / sample_rate
    noise = rng.standard_normal(times.size, dtype=np.float32) * np.exp(-times / decay_seconds)
    hertz = min(lowest_hz, 0.4 * sample_rate)
    filtered = sosfilt(butter(2, hertz, "highpass", fs=sample_rate, output="sos"), noise)
    return (filtered / np.abs(filtered).max()).astype(np.float32)
