"""Parts: what a role (bass, pad, lead, ...) of a style plays over any cycle of chords."""

from collections.abc import Callable

import numpy as np

from songkey.keys import Key
from synthesis.accompaniment import ORDERS, arpeggio, bass_line, chord_pattern
from synthesis.melody import doubled, melody
from synthesis.progressions import Span, one_of
from synthesis.score import Note, rhythm
from synthesis.styles import Style

# The MIDI pitches around which a role moves; songs differ, each stays where it is.
CENTRES = {
    "riff": (36, 46),
    "pad": (50, 66),
    "chords": (52, 69),
    "arp": (55, 78),
    "broken": (46, 58),
    "lead": (60, 80),
    "counter": (52, 70),
    "talk": (43, 62),
}
Part = Callable[[list[Span]], list[Note]]


def draw_roles(style: Style, rng: np.random.Generator) -> list[str]:
    """A song's roles: at least one that sounds chords, or a bass and a tune."""
    roles = [role for role, probability in style.roles.items() if rng.random() < probability]
    if not {"pad", "chords", "arp", "broken"} & set(roles) and not {"bass", "lead"} <= set(roles):
        roles.append("chords" if "chords" in style.roles else "pad")
    return roles


def draw_part(role: str, style: Style, key: Key, bar_beats: int, rng: np.random.Generator) -> Part:
    """From a cycle of chords to the notes of a role; pattern and register are drawn here, once."""
    if role == "bass":
        return draw_bass(style, key, bar_beats, rng)
    centre = int(rng.integers(*CENTRES[role]))
    match role:
        case "pad" | "chords":
            pattern = "sustained" if role == "pad" else one_of(style.chord_patterns, rng)
            strum_beats = rng.uniform(0, 0.08) if rng.random() < 0.2 else 0.0
            spread = rng.random() < 0.4
            return lambda spans: chord_pattern(
                spans, pattern, bar_beats, centre, spread, strum_beats, rng
            )
        case "arp" | "broken":
            beats_each = rng.choice([0.25, 0.5, 1 / 3, 1.0], p=[0.4, 0.42, 0.1, 0.08])
            order = one_of(ORDERS, rng)
            return lambda spans: arpeggio(spans, order, beats_each, centre, role == "broken", rng)
        case "counter":
            return lambda spans: melody(spans, key, centre, bar_beats, 0.1, 0.0, rng)
        case "talk":
            return lambda spans: talk(spans, centre, bar_beats, rng)
    return draw_lead(key, centre, bar_beats, rng)


def draw_bass(style: Style, key: Key, bar_beats: int, rng: np.random.Generator) -> Part:
    """A bass line by pattern, at times over a pedal on the tonic, or a riff around it."""
    pattern = one_of(style.bass_patterns, rng)
    if pattern == "riff":
        centre, density = int(rng.integers(*CENTRES["riff"])), rng.uniform(0.3, 0.9)
        return lambda spans: melody(spans, key, centre, bar_beats, density, 0.0, rng)
    pedal = key.tonic if rng.random() < 0.4 * style.vamp else None
    lowest = int(rng.integers(28, 39))
    return lambda spans: bass_line(spans, pattern, bar_beats, lowest, pedal, rng)


def draw_lead(key: Key, centre: int, bar_beats: int, rng: np.random.Generator) -> Part:
    """A melody, at times with a second voice."""
    density, chromatic = rng.uniform(0.15, 0.9), rng.choice([0.0, 0.0, 0.05, 0.12])
    doubles = rng.random() < 0.3

    def lead(spans: list[Span]) -> list[Note]:
        notes = melody(spans, key, centre, bar_beats, density, chromatic, rng)
        return doubled(notes, spans, rng) if doubles else notes

    return lead


def talk(spans: list[Span], centre: int, bar_beats: int, rng: np.random.Generator) -> list[Note]:
    """Syllables at pitches of no scale, as in a speaking voice: they tell nothing of the key."""
    cycle_beats = spans[-1].start_beats + spans[-1].beats
    syllables = rhythm(bar_beats, rng.uniform(0.4, 1.0), rng)
    return [
        Note(bar + start, 0.8 * min(beats, 1.0), centre + rng.normal(0, 2), 0.8)
        for bar in np.arange(0, cycle_beats, bar_beats)
        for start, beats in syllables
    ]
