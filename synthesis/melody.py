"""Melodies: motifs of rhythm, a walk on scale and chord tones; and riffs around the tonic."""

import numpy as np

from songkey.keys import Key
from synthesis.idioms import FREE, KEPT, liking
from synthesis.progressions import Span
from synthesis.score import Note, rhythm

REACH = 12  # semitones above and below the centre that a melody may go


def melody(
    spans: list[Span],
    key: Key,
    centre: int,
    bar_beats: int,
    density: float,
    chromatic: float,
    idiom: str,
    rng: np.random.Generator,
) -> list[Note]:
    """One cycle's melody; `chromatic`: the share of weak notes bent to the semitone below."""
    onsets = phrase_rhythm(spans, bar_beats, density, rng)
    cycle_beats = spans[-1].start_beats + spans[-1].beats
    walk = Walk(spans, key, centre, idiom, rng)
    articulation = rng.uniform(0.45, 1.05)
    # Songs need neither begin nor end on the tonic.
    opens, closes = rng.random() < 0.5, rng.random() < 0.75
    notes = []
    for position, (start, beats) in enumerate(onsets):
        last = position + 1 == len(onsets) or onsets[position + 1][0] >= cycle_beats
        homes = (last and closes) or (position == 0 and opens)
        pitch = walk.step(start, stable=start % 1 == 0, tonic=homes)
        if not last and start % 1 and rng.random() < chromatic:
            pitch -= 1
        velocity = 0.75 + 0.2 * (start % bar_beats == 0) + rng.uniform(-0.15, 0.05)
        notes.append(Note(start, beats if last else beats * articulation, pitch, velocity))
    return notes


def phrase_rhythm(
    spans: list[Span], bar_beats: int, density: float, rng: np.random.Generator
) -> list[tuple[float, float]]:
    """Onsets and lengths of a cycle: motif bars in a form, some with rests or a calm last bar."""
    bars = max(1, round((spans[-1].start_beats + spans[-1].beats) / bar_beats))
    motifs = {name: rhythm(bar_beats, density, rng) for name in "ab"}
    motifs |= {"c": rhythm(bar_beats, density * 0.5, rng), ".": []}
    form = ["aaab", "abab", "aab.", "abac", "a.b.", "aaaa"][rng.integers(6)]
    onsets = [
        (bar * bar_beats + start, beats)
        for bar in range(bars)
        for start, beats in motifs[form[bar % 4]]
    ]
    return onsets or [(0.0, float(bar_beats))]


class Walk:
    """The pitch of a melody: each near the last, in the scale, on strong beats in the chord."""

    def __init__(
        self, spans: list[Span], key: Key, centre: int, idiom: str, rng: np.random.Generator
    ):
        self.rng = rng
        self.pitches = np.arange(centre - REACH, centre + REACH + 1)  # (P,)
        self.degrees = (self.pitches - key.tonic) % 12
        self.starts = np.array([span.start_beats for span in spans])
        self.liking = liking(idiom, key.mode)[self.degrees]
        self.free = idiom in FREE
        self.masks = [self.scale_and_chord(span) for span in spans]
        self.leap = rng.uniform(1.2, 3.5)
        register = np.exp(-(((self.pitches - centre) / 7.0) ** 2))
        self.base = np.maximum(self.liking, 0.1) * register
        self.tonic_pull = np.where(self.degrees == 0, 8.0, np.where(self.degrees == 7, 2.5, 1.0))
        self.pitch = centre + int(rng.integers(-4, 5))

    def scale_and_chord(self, span: Span) -> tuple[np.ndarray, np.ndarray]:
        """Which pitches are in the span's scale, and which are tones of its chord, each (P,)."""
        classes = self.pitches % 12
        chord_tones = np.isin(classes, span.chord.pitch_classes)
        scale = self.liking > 12 * KEPT if self.free else np.isin(classes, span.chord.scale)
        return scale | chord_tones, chord_tones

    def step(self, start_beats: float, stable: bool, tonic: bool) -> int:
        """The next pitch; `stable` asks for a chord tone, `tonic` for the key's tonic."""
        scale, chord_tones = self.masks[np.searchsorted(self.starts, start_beats, side="right") - 1]
        distance = np.abs(self.pitches - self.pitch)
        weights = self.base * scale * np.exp(-distance / self.leap)
        weights = weights * np.where(distance == 0, 0.5, 1.0)
        weights = weights * np.where(chord_tones, 1.0, 0.2 if stable else 0.6)
        if tonic:
            weights = weights * self.tonic_pull
        cumulated = np.cumsum(weights)
        drawn = np.searchsorted(cumulated, self.rng.random() * cumulated[-1])
        self.pitch = int(self.pitches[drawn])
        return self.pitch


def doubled(notes: list[Note], spans: list[Span], rng: np.random.Generator) -> list[Note]:
    """The melody with a second voice: an octave apart, or on the chord tone next below."""
    starts = [span.start_beats for span in spans]
    if rng.random() < 0.5:
        shift = 12 if rng.random() < 0.4 else -12
        return notes + [
            note._replace(pitch=note.pitch + shift, velocity=note.velocity * 0.8) for note in notes
        ]
    second = []
    for note in notes:
        chord = spans[np.searchsorted(starts, note.start_beats, side="right") - 1].chord
        pitches = [note.pitch - semitones for semitones in range(3, 10)]
        below = [pitch for pitch in pitches if pitch % 12 in chord.pitch_classes]
        second += [note._replace(pitch=pitch, velocity=note.velocity * 0.7) for pitch in below[:1]]
    return notes + second


def riff(
    key: Key, centre: int, bar_beats: int, idiom: str, density: float, rng: np.random.Generator
) -> list[Note]:
    """A bar or two around the tonic, to be repeated whatever the chords: two to four degrees."""
    bars = int(rng.choice([1, 2, 2]))
    onsets = [
        (bar * bar_beats + start, beats)
        for bar in range(bars)
        for start, beats in rhythm(bar_beats, density, rng)
    ]
    weights = liking(idiom, key.mode)
    kept = rng.choice(12, rng.integers(1, 4), replace=False, p=weights / weights.sum())
    palette = np.array([0, *kept])
    shares = np.array([rng.uniform(0.5, 1.5), *rng.uniform(0.2, 1.0, kept.size)])
    lowest = centre + (key.tonic - centre + 6) % 12 - 6
    drawn = rng.choice(palette, len(onsets), p=shares / shares.sum())
    if rng.random() < 0.6:
        drawn[0] = 0
    octaves = 12 * (rng.random(len(onsets)) < 0.12)
    falls = 12 * ((drawn > 6) & (rng.random() < 0.7))  # sevenths below the tonic, not above
    articulation = rng.uniform(0.3, 1.0)
    return [
        Note(start, beats * articulation, int(lowest + degree + octave - fall), rng.uniform(0.6, 1))
        for (start, beats), degree, octave, fall in zip(onsets, drawn, octaves, falls, strict=True)
    ]
