"""Accompaniment: bass lines, chord patterns and arpeggios over a cycle of chords.

Patterns are a bar of sixteenth notes as text: a letter starts a note, "-" holds it, "." rests.
"""

import numpy as np

from synthesis.harmony import Chord
from synthesis.progressions import Span
from synthesis.score import STEPS, Note

# R the chord's bass, F its fifth, T its third, S the sixth above it, O the bass an octave up, A a
# step towards the next.
BASS_PATTERNS = {
    "sustained": "R---------------",
    "halves": "R-------R-------",
    "quarters": "R---R---R---R---",
    "eighths": "R-R-R-R-R-R-R-R-",
    "sixteenths": "RRRRRRRRRRRRRRRR",
    "offbeat": "..R-..R-..R-..R-",
    "gallop": ".RRR.RRR.RRR.RRR",
    "rolling": "..RR..RR..RR..RO",
    "octaves": "R-O-R-O-R-O-R-O-",
    "offbeat octaves": "R.O.R.O.R.O.RRO.",
    "root fifth": "R-------F-------",
    "walking": "R---T---F---A---",
    "boogie": "R-R-F-F-S-S-F-F-",
    "waltz": "R-----------F---",
    "tresillo": "R--R--R-R--R--R-",
    "pushed": "R-----R---R---A-",
    "syncopated": "R--R..R-..RRO-F-",
    "funk": "R..R..O...R.O.A.",
    "long short": "R---------R-R---",
    "dotted": "R--R----R--R--A-",
    "half time": "R-------------F-",
}
CHORD_PATTERNS = {
    "sustained": "x---------------",
    "halves": "x-------x-------",
    "quarters": "x---x---x---x---",
    "eighths": "x-x-x-x-x-x-x-x-",
    "offbeat": "..x-..x-..x-..x-",
    "backbeat": "....x-......x-..",
    "charleston": "x-----x---------",
    "house": "x--x--x--x--x-x-",
    "tresillo": "x--x--x-x--x--x-",
    "stab": "x......x........",
    "stabs": "x..x..x...x..x..",
    "gate": "xx.xx.xx.xx.xx.x",
    "shuffle": "x-x-x-x-x-x-x-x-",
    "strum": "x---x-xx..xxx-x-",
    "waltz": "....x---x---....",
    "pushed": "x-----x-------x-",
}
# Orders in which an arpeggio takes the chord's tones, counted from below.
ORDERS = """
    012; 0123; 0121; 0212; 01234543; 210; 3210; 0123432; 021324; 012012345345; 0213; 02140213
"""


def steps_of(
    pattern: str, spans: list[Span], bar_beats: int
) -> list[tuple[str, float, float, int]]:
    """Each note of a repeated bar pattern: letter, start and length in beats, index of its span.

    Where a chord changes under a held note, the bar's first letter sounds it anew.
    """
    steps = bar_beats * STEPS
    bar = pattern[:steps].ljust(steps, "-")
    found = []
    for index, span in enumerate(spans):
        first = round(span.start_beats * STEPS)
        last = first + round(span.beats * STEPS)
        letters = "".join(bar[step % steps] for step in range(first, last))
        if letters[0] == "-":
            letters = bar.lstrip(".")[0] + letters[1:]
        for position, letter in enumerate(letters):
            if letter in ".-":
                continue
            held = len(letters) - position - 1 - len(letters[position + 1 :].lstrip("-"))
            found.append((letter, (first + position) / STEPS, (1 + held) / STEPS, index))
    return found


def bass_line(
    spans: list[Span], pattern: str, bar_beats: int, lowest: int, pedal: int | None,
    rng: np.random.Generator,
) -> list[Note]:  # fmt: skip
    """A bass from pitch `lowest` up; `pedal` holds one pitch class under all chords."""
    articulation = rng.uniform(0.5, 1.0)
    notes = []
    for letter, start, beats, index in steps_of(BASS_PATTERNS[pattern], spans, bar_beats):
        chord, following = spans[index].chord, spans[(index + 1) % len(spans)].chord
        if pedal is None:
            pitch = bass_pitch(letter, chord, following, lowest, rng)
        else:
            pitch = above(lowest, pedal) + 12 * (letter == "O")
        velocity = 0.8 + 0.15 * (start % bar_beats == 0)
        notes.append(Note(start, beats * articulation, pitch, velocity))
    return notes


def bass_pitch(
    letter: str, chord: Chord, following: Chord, lowest: int, rng: np.random.Generator
) -> int:
    """The pitch that a letter of a bass pattern means over a chord."""
    bass, fifth = above(lowest, chord.bass), (chord.pitch_classes[0] + 7) % 12
    match letter:
        case "O":
            return bass + 12
        case "F" if fifth in chord.pitch_classes:
            return above(bass, fifth)
        case "T":
            return above(bass, chord.pitch_classes[1])
        case "S":
            return bass + 9
        case "A":
            target = above(lowest, following.bass)
            steps = [step for step in (-2, -1, 1, 2) if (target + step) % 12 in chord.scale]
            return target + steps[rng.integers(len(steps))] if steps else target
    return bass


def chord_pattern(
    spans: list[Span],
    pattern: str,
    bar_beats: int,
    centre: int,
    spread: bool,
    strum_beats: float,
    rng: np.random.Generator,
    rootless: bool = False,
) -> list[Note]:
    """Chords around pitch `centre`; `strum_beats` is the delay from string to string."""
    bar = CHORD_PATTERNS[pattern]
    articulation = rng.uniform(0.4, 1.0) if "-" in bar else 1.0
    notes = []
    for _, start, beats, index in steps_of(bar, spans, bar_beats):
        velocity = 0.7 + 0.15 * (start % 1 == 0) + rng.uniform(-0.1, 0.1)
        held = max(0.1, beats * articulation)
        for string, pitch in enumerate(voicing(spans[index].chord, centre, spread, rootless)):
            notes.append(Note(start + string * strum_beats, held, pitch, velocity))
    return notes


def arpeggio(
    spans: list[Span], order: str, beats_each: float, centre: int, with_bass: bool,
    rng: np.random.Generator,
) -> list[Note]:  # fmt: skip
    """Broken chords: `order` indexes the chord's tones from below, octave after octave."""
    length = beats_each * rng.choice([0.6, 1.0, 2.0])
    notes = []
    for span in spans:
        tones = voicing(span.chord, centre, False)
        if with_bass:
            tones = [above(centre - 18, span.chord.bass), *tones]
        count = int(round(span.beats / beats_each))
        for position in range(count):
            octave, tone = divmod(int(order[position % len(order)]), len(tones))
            start = span.start_beats + position * beats_each
            velocity = 0.65 + 0.2 * (position % len(order) == 0) + rng.uniform(-0.08, 0.08)
            notes.append(Note(start, length, tones[tone] + 12 * octave, velocity))
    return notes


def voicing(chord: Chord, centre: int, spread: bool, rootless: bool = False) -> list[int]:
    """The chord's tones around `centre`, ascending; `spread` lifts every second by an octave.

    `rootless` leaves the root of a chord of four tones to the bass.
    """
    tones = chord.pitch_classes[1 if rootless and len(chord.pitch_classes) > 3 else 0 :]
    pitches = sorted(above(centre - 6, tone) for tone in tones)
    if spread:
        pitches = sorted(pitch + 12 * (index % 2) for index, pitch in enumerate(pitches))
    return pitches


def above(lowest: int, pitch_class: int) -> int:
    """The lowest pitch of a pitch class that is not below `lowest`."""
    return lowest + (pitch_class - lowest) % 12
