"""The key of a written piece: what its file says, if what is played bears it out.

A key signature fits two keys, and tune books write dorian and mixolydian tunes under the signature
of another: a label counts only where the piece closes on its tonic and has its third.
"""

import numpy as np

from songkey.keys import Key
from synthesis.score import Note

MODES = {  # how the older modes are labelled where there are but two
    **dict.fromkeys(("major", "ionian", "mixolydian", "lydian"), "major"),
    **dict.fromkeys(("minor", "aeolian", "dorian", "phrygian"), "minor"),
}
Parts = tuple[tuple[Note, ...], ...]


def key_by_signature(sharps: int, parts: Parts, bar_beats: float) -> Key | None:
    """Of a signature's two keys the one on whose tonic the piece closes, if it is but one."""
    major = Key(7 * sharps % 12, "major")
    minor = Key((major.tonic + 9) % 12, "minor")
    fitting = [key for key in (major, minor) if agrees(key, parts, bar_beats)]
    return fitting[0] if len(fitting) == 1 else None


def agrees(key: Key, parts: Parts, bar_beats: float) -> bool:
    """Whether the piece closes on the key's tonic, and holds its third more than the other."""
    notes = [note for part in parts for note in part]
    degrees = [(round(note.pitch) - key.tonic) % 12 for note in notes]
    held = np.bincount(degrees, [note.beats for note in notes], minlength=12)
    third, other = (held[4], held[3]) if key.mode == "major" else (held[3], held[4])
    return key.tonic in closing_tones(notes, bar_beats) and third > other


def closing_tones(notes: list[Note], bar_beats: float) -> set[int]:
    """Pitch classes of the lowest of the last notes, and of those on the last bar's first beat."""
    last = max(note.start_beats for note in notes)
    downbeat = bar_beats * (last // bar_beats)
    closing = set()
    for start in (last, downbeat):
        pitches = [note.pitch for note in notes if abs(note.start_beats - start) < 0.01]
        closing |= {round(min(pitches)) % 12} if pitches else set()
    return closing
