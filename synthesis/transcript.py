"""A transcript: a piece that somebody wrote, as the notes of its parts in its own key."""

from dataclasses import dataclass

import numpy as np

from songkey.keys import Key
from synthesis.score import Note

VELOCITY = 0.8  # of all notes of a transcript: how they are played is drawn later


@dataclass(frozen=True)
class Transcript:
    """Notes of each part in quarter notes from the beginning; `bar_beats` quarters make a bar."""

    name: str
    key: Key
    bar_beats: float
    parts: tuple[tuple[Note, ...], ...]

    @property
    def beats(self) -> float:
        """Quarter notes to the end of the last note."""
        return max(note.start_beats + note.beats for part in self.parts for note in part)


def degree_shares(transcript: Transcript) -> np.ndarray:
    """The share of time that each degree above the tonic sounds, (12,)."""
    notes = [note for part in transcript.parts for note in part]
    degrees = [(round(note.pitch) - transcript.key.tonic) % 12 for note in notes]
    held = np.bincount(degrees, [note.beats for note in notes], minlength=12)
    return held / held.sum()
