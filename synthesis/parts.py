"""Parts: what a role (bass, pad, lead, ...) of a style plays over any cycle of chords."""

from collections.abc import Callable

import numpy as np

from songkey.keys import Key
from synthesis.accompaniment import ORDERS, above, arpeggio, bass_line, chord_pattern
from synthesis.melody import doubled, melody, riff
from synthesis.progressions import Span, one_of
from synthesis.score import Note, rhythm, tiled
from synthesis.styles import Style

# The MIDI pitches around which a role moves; songs differ, each stays where it is.
CENTRES = {
    "low riff": (34, 46),
    "riff": (40, 64),
    "drone": (38, 62),
    "pad": (50, 66),
    "chords": (52, 69),
    "arp": (55, 78),
    "broken": (46, 58),
    "lead": (60, 80),
    "counter": (52, 70),
    "talk": (43, 62),
}
Part = Callable[[list[Span], Key], list[Note]]


def draw_roles(style: Style, rng: np.random.Generator) -> list[str]:
    """A song's roles: at least one that sounds chords, or a bass and a tune; in some styles any."""
    roles = [role for role, probability in style.roles.items() if rng.random() < probability]
    if style.sparse and set(roles) - {"talk"}:
        return roles
    if not {"pad", "chords", "arp", "broken"} & set(roles) and not {"bass", "lead"} <= set(roles):
        roles.append("chords" if "chords" in style.roles else "pad")
    return roles


def draw_part(role: str, style: Style, bar_beats: int, rng: np.random.Generator) -> Part:
    """From a cycle of chords and its key to a role's notes; pattern and register are drawn here."""
    if role == "bass":
        return draw_bass(style, bar_beats, rng)
    centre = int(rng.integers(*CENTRES[role]))
    match role:
        case "pad" | "chords":
            pattern = "sustained" if role == "pad" else one_of(style.chord_patterns, rng)
            strum_beats = rng.uniform(0, 0.08) if rng.random() < 0.2 else 0.0
            spread, rootless = rng.random() < 0.4, rng.random() < style.rootless
            return lambda spans, key: chord_pattern(
                spans, pattern, bar_beats, centre, spread, strum_beats, rng, rootless
            )
        case "arp" | "broken":
            beats_each = rng.choice([0.25, 0.5, 1 / 3, 1.0], p=[0.4, 0.42, 0.1, 0.08])
            order = one_of(ORDERS, rng)
            return lambda spans, key: arpeggio(
                spans, order, beats_each, centre, role == "broken", rng
            )
        case "counter":
            return lambda spans, key: melody(spans, key, centre, bar_beats, 0.1, 0.0, "plain", rng)
        case "talk":
            return lambda spans, key: talk(spans, centre, bar_beats, rng)
        case "riff":
            return draw_riff(style, centre, bar_beats, rng)
        case "drone":
            with_fifth = rng.random() < 0.5
            return lambda spans, key: drone(spans, key, centre, with_fifth)
    return draw_lead(style, centre, bar_beats, rng)


def draw_bass(style: Style, bar_beats: int, rng: np.random.Generator) -> Part:
    """A bass line by pattern, at times over a pedal on the tonic, or a riff around it."""
    pattern = one_of(style.bass_patterns, rng)
    if pattern == "riff":
        return draw_riff(style, int(rng.integers(*CENTRES["low riff"])), bar_beats, rng)
    pedal = rng.random() < style.pedal
    lowest = int(rng.integers(28, 39))
    return lambda spans, key: bass_line(
        spans, pattern, bar_beats, lowest, key.tonic if pedal else None, rng
    )


def draw_riff(style: Style, centre: int, bar_beats: int, rng: np.random.Generator) -> Part:
    """A figure that stays the same whatever the chords, or one that follows them."""
    idiom, density = one_of(style.riffs, rng), rng.uniform(0.3, 0.95)
    if rng.random() < 0.3:
        return lambda spans, key: melody(spans, key, centre, bar_beats, density, 0.0, idiom, rng)

    def riffs(spans: list[Span], key: Key) -> list[Note]:
        notes = riff(key, centre, bar_beats, idiom, density, rng)
        bars = int(np.ceil((notes[-1].start_beats + 1e-6) / bar_beats))
        return tiled(notes, bars * bar_beats, 0.0, spans[-1].start_beats + spans[-1].beats)

    return riffs


def drone(spans: list[Span], key: Key, centre: int, with_fifth: bool) -> list[Note]:
    """The tonic through all chords, at times with its fifth."""
    root = above(centre - 6, key.tonic)
    return [
        Note(span.start_beats, span.beats, pitch, 0.8)
        for span in spans
        for pitch in ((root, root + 7) if with_fifth else (root,))
    ]


def draw_lead(style: Style, centre: int, bar_beats: int, rng: np.random.Generator) -> Part:
    """A melody, at times with a second voice."""
    density, chromatic = rng.uniform(0.15, 0.9), rng.choice([0.0, 0.0, 0.05, 0.12])
    doubles, idiom = rng.random() < 0.3, one_of(style.idioms, rng)

    def lead(spans: list[Span], key: Key) -> list[Note]:
        notes = melody(spans, key, centre, bar_beats, density, chromatic, idiom, rng)
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
