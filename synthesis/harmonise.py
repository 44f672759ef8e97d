"""Harmonising: a tune -> chords that fit it, as someone who strums along would find them."""

import numpy as np

from songkey.keys import Key
from synthesis.harmony import Chord, chord_of
from synthesis.progressions import Span
from synthesis.score import Note

# Chords to choose from, the likelier first; those of the older modes count where a tune has them.
CANDIDATES = {
    "major": ("I", "V", "IV", "V7", "ii", "vi", "bVII", "iii"),
    "minor": ("i", "bVII", "V", "bIII", "iv", "bVI", "v", "IV"),
}
LIKING = np.array([0.35, 0.2, 0.2, 0.1, 0.0, 0.0, -0.1, -0.2])


def harmonised(
    notes: list[Note], key: Key, span_beats: float, rng: np.random.Generator
) -> list[Span]:
    """A chord for each `span_beats` of the tune, the tonic in the last: what holds most of it."""
    count = max(1, int(np.ceil(max(note.start_beats + 0.01 for note in notes) / span_beats)))
    held = np.zeros((count, 12))
    for note in notes:
        held[int(note.start_beats // span_beats), round(note.pitch) % 12] += note.beats
    held /= np.maximum(held.sum(axis=1, keepdims=True), 1e-9)
    chords = [chord_of(name, key, key.mode) for name in CANDIDATES[key.mode]]
    tones = np.array([np.isin(np.arange(12), chord.pitch_classes) for chord in chords])  # (C, 12)
    # A chord with a tone that the tune never has would bring another scale in.
    used = held.sum(axis=0) > 0.02 * count
    clash = np.array([sum(not used[tone] for tone in chord.pitch_classes) for chord in chords])
    scores = held @ tones.T.astype(float) + LIKING - 0.25 * clash
    scores = scores + rng.normal(0, rng.choice([0.02, 0.1, 0.2]), scores.shape)
    chosen = [*scores.argmax(axis=1)[:-1], 0]
    return merged([chords[index] for index in chosen], span_beats)


def merged(chords: list[Chord], span_beats: float) -> list[Span]:
    """Chords of equal length as spans, equal neighbours as one."""
    spans: list[Span] = []
    for index, chord in enumerate(chords):
        if spans and spans[-1].chord == chord:
            spans[-1] = spans[-1]._replace(beats=spans[-1].beats + span_beats)
        else:
            spans.append(Span(index * span_beats, span_beats, chord))
    return spans
