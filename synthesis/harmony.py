"""Chords: a Roman numeral in a key -> pitch classes, and the scale that melodies use over it.

Degrees count from the major scale in both modes, as charts write them: F major in A minor is bVI.
"""

import re
from dataclasses import dataclass

import numpy as np

from songkey.keys import Key

DEGREES = {"I": 0, "II": 2, "III": 4, "IV": 5, "V": 7, "VI": 9, "VII": 11}
SCALES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
}
QUALITIES = {
    "7": (0, 4, 7, 10),
    "maj7": (0, 4, 7, 11),
    "6": (0, 4, 7, 9),
    "add9": (0, 2, 4, 7),
    "sus2": (0, 2, 7),
    "sus4": (0, 5, 7),
    "5": (0, 7),
    "o7": (0, 3, 6, 9),
    "h7": (0, 3, 6, 10),
    "9": (0, 4, 7, 10, 14),
}
NUMERAL = re.compile(
    r"(b|#)?([IViv]+)(o7|h7|o|\+|maj7|7|9|6|add9|sus2|sus4|5)?(?:\^([35]))?(?:/(.+))?$"
)


@dataclass(frozen=True)
class Chord:
    """Pitch classes (semitones above C), root first; the lowest; the scale up from the tonic."""

    pitch_classes: tuple[int, ...]
    bass: int
    scale: tuple[int, ...]


def chord_of(numeral: str, key: Key, scale_name: str) -> Chord:
    """The chord that "bVII", "viio", "I^3" (third in the bass), "V7/ii", ... name in `key`."""
    root, offsets, inverted = parse_numeral(numeral)
    scale = altered_scale(SCALES[scale_name], root, offsets)
    bass = root + (offsets[{None: 0, "3": 1, "5": 2}[inverted]])
    return Chord(
        pitch_classes=tuple((key.tonic + root + offset) % 12 for offset in offsets),
        bass=(key.tonic + bass) % 12,
        scale=tuple((key.tonic + degree) % 12 for degree in scale),
    )


def parse_numeral(numeral: str) -> tuple[int, tuple[int, ...], str | None]:
    """Root above the tonic, offsets from the root, and what is in the bass ("3", "5" or None)."""
    match = NUMERAL.match(numeral)
    if match is None:
        raise ValueError(f"harmony: cannot read the Roman numeral '{numeral}'")
    accidental, degree, quality, inverted, target = match.groups()
    root = DEGREES[degree.upper()] + {"b": -1, "#": 1, None: 0}[accidental]
    if target:
        root += parse_numeral(target)[0]
    third, fifth = (4 if degree.isupper() else 3), {"o": 6, "+": 8}.get(quality, 7)
    offsets = QUALITIES.get(quality, (0, third, fifth))
    if quality in ("7", "9", "6", "add9"):
        offsets = tuple(third if offset == 4 else offset for offset in offsets)
    return root % 12, offsets, inverted


def altered_scale(scale: tuple[int, ...], root: int, offsets: tuple[int, ...]) -> tuple[int, ...]:
    """`scale` with the chord's foreign tones in place of their neighbours.

    Leading tones (a major third, a diminished root) push out the degree below, others that above.
    """
    degrees = set(scale)
    for offset in offsets:
        tone = (root + offset) % 12
        if tone in degrees:
            continue
        leads = offset == 4 or (offset == 0 and 6 in offsets)
        degrees.discard((tone - 1 if leads else tone + 1) % 12)
        degrees.add(tone)
    return tuple(sorted(degrees | {0}))


def coloured(chord: Chord, colour: float, rng: np.random.Generator) -> Chord:
    """With probability `colour` the chord with a seventh, ninth or sus tone, or as a bare fifth."""
    if rng.random() > colour:
        return chord
    root = chord.pitch_classes[0]
    power = (root, (root + 7) % 12)
    kind = rng.choice(["seventh", "ninth", "both", "sus", "power"], p=[0.4, 0.2, 0.15, 0.15, 0.1])
    seventh, ninth = scale_tone(chord, 10, 11), scale_tone(chord, 2)
    pitch_classes = {
        "seventh": chord.pitch_classes + seventh,
        "ninth": chord.pitch_classes + ninth,
        "both": chord.pitch_classes + seventh + ninth,
        "sus": power + (scale_tone(chord, 5) if rng.random() < 0.5 else ninth),
        "power": power,
    }[kind]
    if kind in ("sus", "power") and power[1] not in chord.pitch_classes:
        return chord
    pitch_classes = tuple(dict.fromkeys(pitch_classes))
    return Chord(pitch_classes, chord.bass if chord.bass in pitch_classes else root, chord.scale)


def scale_tone(chord: Chord, *semitones: int) -> tuple[int, ...]:
    """The first pitch class this far above the chord's root that is in its scale, or nothing."""
    tones = [(chord.pitch_classes[0] + distance) % 12 for distance in semitones]
    return tuple(tone for tone in tones if tone in chord.scale)[:1]
