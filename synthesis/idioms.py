"""Idioms: how much melodies of a kind of music like each degree, 0 to 11 semitones above the tonic.

"pop", "jazz", "classical" and "folk" are shares of melody time over open corpora: RS200 (CC BY 4.0;
de Clercq, Temperley 2011), OpenEWLD (MIT), the vocal lines of OpenScore Lieder (CC0), and the tunes
of Aird 1778, Ryan 1883 and O'Neill 1903 (public domain). Counted against the song's global key.
"""

import numpy as np

LIKING: dict[str, dict[str, tuple[float, ...]]] = {
    "plain": {
        "major": (2.0, 0.3, 1.1, 0.3, 1.4, 0.9, 0.3, 1.6, 0.3, 0.9, 0.3, 0.6),
        "minor": (2.0, 0.3, 1.0, 1.5, 0.3, 1.0, 0.3, 1.6, 0.7, 0.5, 0.9, 0.6),
    },
    "pop": {
        "major": (27.7, 0.3, 12.3, 5.2, 14.5, 7.0, 0.4, 16.2, 0.4, 10.6, 2.8, 2.5),
        "minor": (32.3, 0.1, 8.8, 19.8, 0.7, 10.2, 0.7, 14.2, 1.8, 1.3, 9.0, 1.0),
    },
    "jazz": {
        "major": (20.0, 0.8, 12.5, 1.3, 17.0, 5.9, 1.3, 17.7, 1.3, 13.1, 0.9, 8.3),
        "minor": (24.6, 0.5, 9.6, 12.8, 1.4, 8.4, 3.6, 24.2, 4.2, 2.0, 5.7, 3.1),
    },
    "classical": {
        "major": (18.4, 1.2, 12.9, 1.9, 15.2, 8.8, 1.6, 19.5, 2.1, 9.6, 1.8, 7.0),
        "minor": (19.3, 2.3, 11.2, 12.6, 2.8, 8.4, 2.7, 20.4, 7.7, 2.3, 5.4, 4.8),
    },
    "folk": {
        "major": (26.0, 0.1, 13.5, 0.1, 16.5, 8.3, 0.3, 17.7, 0.1, 9.6, 2.0, 6.0),
        "minor": (25.5, 0.1, 12.1, 13.6, 0.1, 11.5, 0.1, 17.2, 2.2, 2.0, 14.4, 1.4),
    },
    "pentatonic": {
        "major": (26, 0, 13, 1, 16, 1, 0, 18, 0, 13, 1, 0),
        "minor": (30, 0, 2, 17, 0, 12, 0, 17, 1, 0, 14, 0),
    },
    "blues": {
        "major": (27, 0, 4, 11, 9, 9, 4, 17, 0, 5, 11, 0),
        "minor": (27, 0, 2, 16, 1, 12, 5, 16, 0, 1, 13, 0),
    },
    "phrygian": {
        "major": (26, 5, 4, 1, 12, 6, 0, 16, 4, 2, 9, 1),
        "minor": (30, 10, 0, 14, 0, 8, 0, 14, 7, 0, 10, 0),
    },
    "fifths": {
        "major": (40, 0, 2, 0, 3, 3, 0, 22, 0, 3, 4, 0),
        "minor": (40, 0, 2, 3, 0, 4, 0, 22, 1, 0, 8, 0),
    },
}
FREE = ("blues", "phrygian")  # go beyond the scale of the chords
KEPT = 0.04  # the share above which a degree belongs to such an idiom


def liking(idiom: str, mode: str) -> np.ndarray:
    """Weights of the twelve degrees, the mean 1, (12,)."""
    weights = np.array(LIKING[idiom][mode], dtype=np.float64)
    return weights / weights.mean()
