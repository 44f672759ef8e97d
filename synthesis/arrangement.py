"""Arrangement: a key -> a whole piece: style, tempo, progressions, parts and sections."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from songkey.keys import Key
from synthesis.drums import Hit, Kit, draw_kit, groove
from synthesis.effects import Riser, Sweep, draw_risers, draw_sweep
from synthesis.instruments import instrument
from synthesis.parts import draw_part, draw_roles
from synthesis.progressions import Span, one_of, progression
from synthesis.score import STEPS, Note, tiled
from synthesis.styles import Style, draw_style
from synthesis.timbre import Timbre

GAINS_DB = {
    "bass": (-5, 5),
    "pad": (-14, -3),
    "chords": (-9, 1),
    "arp": (-14, -1),
    "broken": (-8, 0),
    "lead": (-7, 4),
    "counter": (-12, -3),
    "talk": (-12, 0),
}


@dataclass(frozen=True)
class Layer:
    """What one instrument plays, and how it stands in the mix."""

    timbre: Timbre
    notes: list[Note]
    gain_db: float
    reverb_send: float  # 0 to 1
    pump: float  # how far each kick ducks it, 0 to 1


@dataclass(frozen=True)
class Piece:
    """A song before it sounds: its layers and hits in beats, and when the grid's beats fall."""

    layers: list[Layer]
    hits: list[Hit]
    kit: Kit
    drums_db: float
    risers: list[Riser]
    sweep: Sweep | None
    jitter_seconds: float
    dynamics: float  # how far soft notes lie below loud ones, as an exponent of the velocity
    grid_beats: np.ndarray
    grid_seconds: np.ndarray


class Section(NamedTuple):
    """A stretch of beats: which of the two progressions it repeats, and which parts play."""

    progression: int
    start_beats: float
    end_beats: float
    active: np.ndarray


def compose(key: Key, seconds: float, rng: np.random.Generator) -> Piece:
    """A piece of at least `seconds` in `key`; half of them begin in mid-phrase, as intervals do."""
    style = draw_style(rng)
    bar_beats = 3 if rng.random() < style.triple else 4
    tempo = float(np.exp(rng.uniform(*np.log(style.tempo))))
    begin = -float(rng.integers(1, 8 * bar_beats)) if rng.random() < 0.5 else 0.0
    end = 1.2 * seconds * tempo / 60 + bar_beats
    roles = draw_roles(style, rng)
    cycles = draw_cycles(style, key, bar_beats, rng)
    sections = draw_sections(
        [beats_of(cycle) for cycle in cycles], bar_beats, begin, end, len(roles), rng
    )
    grid_beats, grid_seconds = clock(tempo, begin, end, style.rubato, rng)
    return Piece(
        layers=draw_layers(roles, style, key, bar_beats, cycles, sections, rng),
        hits=draw_hits(style, sections, bar_beats, rng),
        kit=draw_kit(rng),
        drums_db=rng.uniform(-12, 5),
        risers=draw_risers(seconds, rng) if style.effects else [],
        sweep=draw_sweep(rng) if style.effects and rng.random() < 0.2 else None,
        jitter_seconds=rng.uniform(0, 0.012),
        dynamics=rng.uniform(0.5, 4),
        grid_beats=grid_beats,
        grid_seconds=grid_seconds,
    )


def draw_cycles(
    style: Style, key: Key, bar_beats: int, rng: np.random.Generator
) -> list[list[Span]]:
    """Two progressions; the second is at times the first again."""
    kinds = ["loop", "vamp", "functional"]
    # Music that hardly leaves one chord is nearly always minor.
    vamp = style.vamp * (1.0 if key.mode == "minor" else 0.3)
    weights = [1 - vamp - style.functional, vamp, style.functional]
    colour = rng.uniform(*style.colour)
    cycles = [
        progression(key, str(rng.choice(kinds, p=weights)), bar_beats, colour, rng)
        for _ in range(2)
    ]
    return [cycles[0], cycles[0]] if rng.random() < 0.4 else cycles


def draw_sections(
    cycle_beats: list[float], bar_beats: int, begin: float, end: float, parts: int,
    rng: np.random.Generator,
) -> list[Section]:  # fmt: skip
    """Sections of whole cycles until the end, each without some of the parts, never without all."""
    sections: list[Section] = []
    start, which = begin, 0
    while start < end:
        repeats = max(1, round(rng.choice([4, 8, 8, 16]) * bar_beats / cycle_beats[which]))
        active = rng.random(parts) < 0.8
        active[rng.permutation(parts)[:2]] = True
        sections.append(Section(which, start, start + repeats * cycle_beats[which], active))
        start, which = sections[-1].end_beats, 1 - which if rng.random() < 0.6 else which
    return sections


def draw_layers(
    roles: list[str], style: Style, key: Key, bar_beats: int, cycles: list[list[Span]],
    sections: list[Section], rng: np.random.Generator,
) -> list[Layer]:  # fmt: skip
    """Each role's instrument with its notes over all sections."""
    shared = instrument(one_of(style.timbres["any"], rng), rng) if style.one_timbre else None
    pump = rng.uniform(0.2, 0.95) if style.drums > 0.8 and rng.random() < 0.5 else 0.0
    layers = []
    for index, role in enumerate(roles):
        part = draw_part(role, style, key, bar_beats, rng)
        cycle_notes = [part(cycle) for cycle in cycles]
        notes = []
        for which, start, stop, active in sections:
            if active[index]:
                notes += tiled(cycle_notes[which], beats_of(cycles[which]), start, stop)
        timbre = shared or instrument(one_of(timbres_of(role, style), rng), rng)
        send = rng.uniform(0, 0.2) if role == "bass" else rng.uniform(0.1, 1.0)
        layers.append(Layer(timbre, notes, rng.uniform(*GAINS_DB[role]), send, pump))
    return layers


def timbres_of(role: str, style: Style) -> str:
    """The instruments that a style gives a role; a counter-melody's are the lead's."""
    if role == "talk":
        return "voice held; voice pluck"
    return style.timbres.get(role) or style.timbres.get("any") or style.timbres["lead"]


def draw_hits(
    style: Style, sections: list[Section], bar_beats: int, rng: np.random.Generator
) -> list[Hit]:
    """The drums of all sections: one groove a song, silent in some sections."""
    if rng.random() >= style.drums:
        return []
    name = "waltz" if bar_beats == 3 else one_of(style.grooves, rng)
    hits = []
    for section in sections:
        if rng.random() < 0.85:
            hits += groove(name, bar_beats, section.start_beats, section.end_beats, rng)
    return hits


def clock(
    tempo: float, begin: float, end: float, rubato: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Beats of the sixteenth grid and the seconds at which they fall, with swing or rubato."""
    beats = np.arange(begin, end + 64, 1 / STEPS)
    beat_seconds = np.full(beats.size, 60 / tempo)
    if rng.random() < rubato:
        control = np.arange(begin, end + 68, 2)
        wave = np.interp(beats, control, rng.normal(0, rng.uniform(0.02, 0.12), control.size))
        beat_seconds *= np.exp(wave)
    seconds = np.cumsum(beat_seconds) / STEPS
    seconds -= np.interp(0.0, beats, seconds)
    if rng.random() < 0.2:
        period = rng.choice([2, 4])  # steps of a pair of sixteenths or of eighths
        late = np.round(beats * STEPS) % period == period // 2
        seconds += late * rng.uniform(0, 0.33) * beat_seconds * period / (2 * STEPS)
    return beats, seconds


def beats_of(cycle: list[Span]) -> float:
    """Beats of a whole cycle."""
    return cycle[-1].start_beats + cycle[-1].beats
