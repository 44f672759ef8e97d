"""A score: notes and hits in beats, and the rhythms that motifs are made of."""

from typing import NamedTuple

import numpy as np

STEPS = 4  # grid steps a beat: sixteenth notes


class Note(NamedTuple):
    """A note; `pitch` as in MIDI (69 is A4), between semitones in speech, `velocity` 0 to 1."""

    start_beats: float
    beats: float
    pitch: float
    velocity: float


def rhythm(bar_beats: int, density: float, rng: np.random.Generator) -> list[tuple[float, float]]:
    """A bar of onsets and lengths in beats; `density` 0 to 1: from a note a bar to sixteenths."""
    steps = bar_beats * STEPS
    metre = np.array(
        [0.55 if step % STEPS == 0 else 0.4 if step % 2 == 0 else 0.12 for step in range(steps)]
    )
    metre[0] = 0.9
    onsets = np.flatnonzero(rng.random(steps) < metre * (0.25 + 1.4 * density))
    if onsets.size == 0:
        onsets = np.array([0])
    ends = np.append(onsets[1:], steps)
    return [(onset / STEPS, (end - onset) / STEPS) for onset, end in zip(onsets, ends, strict=True)]


def tiled(
    notes: list[Note], cycle_beats: float, start_beats: float, end_beats: float
) -> list[Note]:
    """`notes` of one cycle repeated over a section, up to its end."""
    starts = np.arange(start_beats, end_beats - 1e-6, cycle_beats)
    moved = (
        note._replace(start_beats=note.start_beats + start) for start in starts for note in notes
    )
    return [note for note in moved if note.start_beats < end_beats - 1e-6]
