"""Progressions: which chords follow which, as dance, pop and classical music use them."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from songkey.keys import Key
from synthesis.harmony import Chord, chord_of, coloured
from synthesis.vamps import BARE, BLUES, GROOVE, JAZZ, MODAL, PARALLEL, POP, ROCK

# One slot a chord. Few start off the tonic: their key hangs on the melody alone.
LOOPS = {
    "major": """
        I V vi IV; I V vi IV; I V vi IV; I vi IV V; I vi IV V; I IV V IV; I IV vi V; I V IV V
        I IV I V; I IV I V; I iii IV V; I iii vi IV; I ii IV V; I vi ii V; I ii vi V
        I V^3 vi IV; I V^3 vi iii^5 IV I^3 ii V; I V vi iii IV I IV V; I V ii IV; I IV ii V
        I V I IV; I I IV V; I IV; I ii; I vi; I bVII IV I; I bVII IV IV; I IV iv I; I III IV iv
        I V7/vi vi IV; I V7/ii ii V; I V7/IV IV iv; I IV bVII IV; I bVI bVII I; I bIII IV I
        I vi iii IV; I I vi vi IV IV V V; I V IV I; I IV V I; ii V I I; ii V I vi; IV V I I
        IV I V I; IV V I vi; IV V iii vi ii V I I; IV iii ii I; IV V7/vi vi V I I IV V
        vi ii V I; vi IV V I; I Vsus4 IV V; I IV^5 I V^3; I iii ii V; I I^3 IV V; Isus4 I IV I
        I v IV I; I IV ii^3 V7; I #ivo I^5 V7; I io7 ii7 V7; I V7/V ii V
    """,
    "minor": """
        i bVI bIII bVII; i bVI bIII bVII; i bVII bVI bVII; i bVII bVI bVII; i bVI bVII i
        i bVI bVII i; i bVI i bVII; i iv v i; i iv i V; i iv bVI V; i iv bVI bVII; i bVII bVI V
        i bVII bVI V; i v bVI bVII; i v bVI iv; i bVII iv i; i bIII bVII IV; i bIII bVII iv
        i bIII bVI bVII; i bVI iv V; i bVI iv v; i i bVI bVII; i i bVI bVI; i i iv v; i bVII
        i bVI; i iv; i v; i IV; i bII; i V; i bvii; i i bVII bVII; i i i bVII; i i bVI V
        i iv bVII bIII; i iv bVII bIII bVI iio V i; i V bVII iv bVI bIII iv V; i V i bVII
        i i^3 iv V; i v^3 bVI V; i iv^3 V i; bVI bVII i i; bVI bVII i v; bVI bVII i bIII
        bVI V i i; iv bVI i bVII; bVI i bVII i; iv v i i; iv V i i; iio V i i; bVI iv i V
        i bII bVII i; i bII V i; i iv bII V; i V7/iv iv V; i bVI bII V; i bVI bIII V
        i bIII iv bVI; i bVII v bVI; i v iv bVII; i i iv iv; i bIII bVI V; i iio V i; i i bvii i
        iv i V i; i bVImaj7 iv V7; i viio i V
    """,
}
VAMPS = {
    "major": "I; I; I I I IV; I I I V; I I bVII I",
    "minor": "i; i; i; i i i bVII; i i i v; i i bVI i; i i i bII",
}

# What may follow what where harmony moves by function; a repeated word is likelier.
FOLLOWS = {
    "major": {
        "I": "IV IV V V vi ii iii I^3 V^3 IV^5 V7/vi V7/IV V7/ii",
        "I^3": "IV IV ii ii^3 V",
        "I^5": "V7 V7 V",
        "ii": "V V V7 V^3 I^5 viio^3 IV",
        "ii^3": "V V7 I^5",
        "iii": "vi vi IV ii",
        "IV": "V V I I^5 ii I^3 iv V7/V",
        "IV^5": "I I V^3",
        "iv": "I V I^5",
        "V": "I I I vi I^3 V7 IV^3",
        "V^3": "I I vi",
        "V7": "I I I I vi",
        "IV^3": "V^3 I",
        "vi": "IV ii ii V iii I^3 V7/V",
        "viio^3": "I I^3",
        "V7/vi": "vi",
        "V7/IV": "IV",
        "V7/ii": "ii",
        "V7/V": "V V7 I^5",
    },
    "minor": {
        "i": "iv iv V V bVI bVII iio^3 i^3 V^3 bIII V7/iv v^3",
        "i^3": "iv iv iio^3 V bVI",
        "i^5": "V7 V7 V",
        "iv": "V V i i^5 bVII iio^3 bII^3",
        "iio^3": "V V7 i^5",
        "bII^3": "V V7 i^5",
        "bIII": "bVI iv bVII V",
        "V": "i i i bVI i^3 V7",
        "V^3": "i i",
        "V7": "i i i i bVI",
        "v^3": "bVI iv^3",
        "iv^3": "V V V7",
        "bVI": "iv iio^3 bIII bVII V V7/V",
        "bVII": "bIII i bVI",
        "viio": "i",
        "V7/iv": "iv",
        "V7/V": "V V7",
    },
}
# Phrases of classical pieces; many lean on the dominant or, in minor, on the relative major.
PHRASES = {
    "major": """
        I V7 I V7 I IV^5 V7 I; I I V7 V7 V7 V7 I I; I ii V7/V V V7/V V V7 I
        I V7/V V V7/V V V ii V7; I IV I V^3 I ii^3 I^5 V7; I viio^3 I^3 IV I^5 V7 I I
        I V^3 vi V7/V V I^5 V7 I; I V7/IV IV iv I^5 V7 I I; I I ii^3 V7 I V7/vi vi V7
        I V7/ii ii V7 I^3 ii^3 V7 I; I iii IV I^3 ii^3 I^5 V7 I; I^3 IV V vi ii^3 V7 I I
        I V^3 I V7/V V V^5 V7 I
    """,
    "minor": """
        i V7 i V7 i iv V7 i; i i V7 V7 V7 V7 i i; i V^3 i V i iio^3 i^5 V7
        i iv i^5 V7 i viio i V; i i bVI iio^3 i^5 V7 i i; i bVII bIII V7/iv iv iio^3 V7 i
        i V7/bIII bIII V7/bIII bIII iio^3 V7 i; i v^3 iv^3 V i bII^3 V7 i
        i V7/iv iv V7/V V V7 i i; i i^3 iv V7/V i^5 V7 i V; i bVI iv V i bIII bVI V7
        i iv bVII bIII bVI iio V7 i
    """,
}
CADENCES = {
    "major": "V I; V7 I; V7 I; ii V7 I; IV V I; I^5 V7 I; IV I; iv I; ii V; IV V",
    "minor": "V i; V7 i; V7 i; iio^3 V7 i; iv V i; i^5 V7 i; iv i; viio i; bVII i; iv V",
}


KINDS = {
    "loop": LOOPS, "vamp": VAMPS, "functional": PHRASES, "pop": POP, "bare": BARE, "rock": ROCK,
    "parallel": PARALLEL, "groove": GROOVE, "blues": BLUES, "jazz": JAZZ, "modal": MODAL,
}  # fmt: skip
# The scale of the chords' other tones, where it is not always the mode's own.
COLOURS = {
    "loop": {"major": "major*16; mixolydian", "minor": "minor*14; dorian*2; phrygian"},
    "vamp": {"major": "major*16; mixolydian", "minor": "minor*14; dorian*2; phrygian"},
    "bare": {"major": "major*3; mixolydian", "minor": "minor*6; dorian; phrygian*3"},
    "parallel": {"major": "major; mixolydian", "minor": "minor*3; dorian"},
    "pop": {"major": "major*8; mixolydian", "minor": "minor*5; dorian"},
    "rock": {"major": "major*3; mixolydian*2", "minor": "minor*6; dorian; phrygian"},
    "groove": {"major": "major; mixolydian", "minor": "minor*2; dorian"},
    "blues": {"major": "mixolydian", "minor": "minor; dorian"},
    "modal": {"major": "major*2; mixolydian", "minor": "minor; dorian"},
}
# How many bars a chord lasts.
BARS = {"blues": "1", "jazz": "0.5; 1*2", "bare": "1; 2; 4", "parallel": "0.5; 1*2; 2*2"}


class Span(NamedTuple):
    """A chord and the time it holds, in beats."""

    start_beats: float
    beats: float
    chord: Chord


def progression(
    key: Key, kind: str, bar_beats: int, colour: float, rng: np.random.Generator
) -> list[Span]:
    """The chords of one cycle; `kind` is one of KINDS."""
    if kind == "functional" and rng.random() < 0.6:
        numerals = functional(key.mode, 4 if rng.random() < 0.4 else 8, rng)
    else:
        numerals = one_of(KINDS[kind][key.mode], rng).split()
    scale_name = one_of(COLOURS[kind][key.mode], rng) if kind in COLOURS else key.mode
    beats = slot_beats(len(numerals), kind, bar_beats, rng)
    colours = {
        name: coloured(chord_of(name, key, scale_name), colour, rng)
        for name in dict.fromkeys(numerals)
    }
    starts = np.cumsum([0] + beats)
    return [
        Span(float(start), length, colours[name])
        for start, length, name in zip(starts[:-1], beats, numerals, strict=True)
    ]


def functional(mode: str, slots: int, rng: np.random.Generator) -> list[str]:
    """A phrase from the tonic by function to a cadence; most cadences close on the tonic."""
    cadence = one_of(CADENCES[mode], rng).split()
    numerals = ["I" if mode == "major" else "i"]
    while len(numerals) < slots - len(cadence):
        followers = FOLLOWS[mode][numerals[-1]].split()
        numerals.append(followers[rng.integers(len(followers))])
    return numerals + cadence


def choices(text: str) -> list[str]:
    """The items of a text such as "I V vi IV; I IV*2", the likelier ones as often as they say."""
    return [item for item, count in counted(text) for _ in range(count)]


@lru_cache(maxsize=256)
def counted(text: str) -> tuple[tuple[str, int], ...]:
    """The items of such a text with their counts; lines part items as ";" does."""
    items = [item.strip() for item in text.replace("\n", ";").split(";") if item.strip()]
    return tuple(
        (item.partition("*")[0].strip(), int(item.partition("*")[2] or 1)) for item in items
    )


def one_of(text: str, rng: np.random.Generator) -> str:
    """One of the items of such a text."""
    items = choices(text)
    return items[rng.integers(len(items))]


def slot_beats(slots: int, kind: str, bar_beats: int, rng: np.random.Generator) -> list[float]:
    """Beats of each chord: half a bar, a bar or two; at times the second of a bar comes late."""
    bars = rng.choice([0.5, 1.0, 2.0], p=[0.3, 0.55, 0.15])
    if kind in BARS:
        bars = float(one_of(BARS[kind], rng))
    elif slots <= 2 or kind == "vamp":
        bars = rng.choice([1.0, 2.0])
    if slots % 2 and bars == 0.5:
        bars = 1.0
    beats = [float(bar_beats * bars)] * slots
    if bars == 0.5 and bar_beats == 4 and rng.random() < 0.2:
        beats = [2.5, 1.5] * (slots // 2)
    return beats
