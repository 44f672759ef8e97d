"""The form of a whole song: the keys that it goes through from its opening to its close.

How many songs leave home, when and for how long is counted over the quartets, songs and chorales of
When in Rome (CC BY-SA 4.0) and over McGill Billboard (CC0).
"""

from typing import NamedTuple

import numpy as np

from songkey.keys import Key
from synthesis.excursion import visited_key

TRAVELS = 0.8  # the share of pieces that leave home, where music of their kind does at all
SECOND_SUBJECT = {"major": (7, "major"), "minor": (3, "major")}  # where most go first
LIFTED = 0.09  # the share of other songs that end a semitone or two higher


class Stretch(NamedTuple):
    """A part of a song in one key, up to `end`, the share of the whole song."""

    key: Key
    end: float


def draw_form(home: Key, leaves_home: bool, rng: np.random.Generator) -> list[Stretch]:
    """The stretches of a song; the first is always at home."""
    if leaves_home and rng.random() < TRAVELS:
        return journey(home, rng)
    if not leaves_home and rng.random() < LIFTED:
        higher = Key((home.tonic + int(rng.integers(1, 3))) % 12, home.mode)
        return [Stretch(home, rng.uniform(0.45, 0.9)), Stretch(higher, 1.0)]
    return [Stretch(home, 1.0)]


def journey(home: Key, rng: np.random.Generator) -> list[Stretch]:
    """Home, away by some stations with or without a look at home between them, and home again."""
    leaves, returns = rng.uniform(0.08, 0.35), rng.uniform(0.55, 0.85)
    stations = int(rng.integers(1, 5))
    ends = np.sort(rng.uniform(leaves, returns, stations - 1)).tolist() + [returns]
    stretches = [Stretch(home, leaves)]
    for number, end in enumerate(ends):
        if number and rng.random() < 0.35:
            away = home
        elif not number and rng.random() < 0.6:
            semitones, mode = SECOND_SUBJECT[home.mode]
            away = Key((home.tonic + semitones) % 12, mode)
        else:
            away = visited_key(home, rng)
        stretches.append(Stretch(away, end))
    return [*stretches, Stretch(home, 1.0)]
