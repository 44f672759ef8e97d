"""Arrangement: a style and a key -> a whole piece: tempo, progressions, parts and sections."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from songkey.keys import Key
from synthesis.cycles import Cycle, Section, draw_cycles, draw_sections, whole_sections
from synthesis.drums import Hit, Kit, draw_kit, groove
from synthesis.effects import Riser, Sweep, draw_risers, draw_sweep
from synthesis.form import draw_form
from synthesis.instruments import instrument
from synthesis.parts import draw_part, draw_roles
from synthesis.progressions import one_of
from synthesis.score import STEPS, Note, tiled
from synthesis.styles import Style
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
    "riff": (-9, 2),
    "drone": (-15, -4),
}
DRIVEN = ("chords", "riff", "lead")  # by overdriven guitars


class Layer(NamedTuple):
    """What one instrument plays, and how it stands in the mix."""

    timbre: Timbre
    notes: list[Note]
    gain_db: float
    reverb_send: float  # 0 to 1
    pump: float = 0.0  # how far each kick ducks it, 0 to 1
    drive: float = 0.0  # into a guitar's amplifier, 0 clean


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


def compose(
    style: Style, key: Key, seconds: float, rng: np.random.Generator,
    song_seconds: float | None = None,
) -> Piece:  # fmt: skip
    """A piece of at least `seconds` in `key`; half of them begin in mid-phrase, as intervals do.

    With `song_seconds` they are the first of a whole song so long, which may leave its key later.
    """
    bar_beats = 3 if rng.random() < style.triple else 4
    tempo = float(np.exp(rng.uniform(*np.log(style.tempo))))
    begin = -float(rng.integers(1, 8 * bar_beats)) if rng.random() < 0.5 else 0.0
    end = 1.2 * seconds * tempo / 60 + bar_beats
    roles = draw_roles(style, rng)
    if song_seconds:
        form = draw_form(key, style.excursion > 0, rng)
        begin, song_beats = 0.0, song_seconds * tempo / 60
        cycles, sections = whole_sections(style, form, bar_beats, song_beats, end, len(roles), rng)
    else:
        cycles = draw_cycles(style, key, bar_beats, rng)
        sections = draw_sections(cycles, bar_beats, begin, end, len(roles), rng)
    grid_beats, grid_seconds = clock(tempo, begin, end, style.rubato, style.swing, rng)
    return Piece(
        layers=draw_layers(roles, style, bar_beats, cycles, sections, rng),
        hits=draw_hits(style, sections, bar_beats, rng),
        kit=draw_kit(rng),
        drums_db=rng.uniform(-12, 8 if style.effects else 4),
        risers=draw_risers(seconds, rng) if style.effects else [],
        sweep=draw_sweep(rng) if style.effects and rng.random() < 0.25 else None,
        jitter_seconds=rng.uniform(0, 0.012),
        dynamics=rng.uniform(0.5, 4),
        grid_beats=grid_beats,
        grid_seconds=grid_seconds,
    )


def draw_layers(
    roles: list[str], style: Style, bar_beats: int, cycles: list[Cycle], sections: list[Section],
    rng: np.random.Generator,
) -> list[Layer]:  # fmt: skip
    """Each role's instrument with its notes over all sections."""
    shared = instrument(one_of(style.timbres["any"], rng), rng) if style.one_timbre else None
    pump = rng.uniform(0.2, 0.95) if style.effects and rng.random() < 0.5 else 0.0
    amplifier = float(np.exp(rng.uniform(0.4, 2.7))) if rng.random() < style.drive else 0.0
    layers = []
    for index, role in enumerate(roles):
        part = draw_part(role, style, bar_beats, rng)
        cycle_notes = [part(cycle.spans, cycle.key) for cycle in cycles]
        notes = []
        for which, start, stop, active in sections:
            if active[index]:
                notes += tiled(cycle_notes[which], cycles[which].beats, start, stop)
        timbre = shared or instrument(one_of(timbres_of(role, style), rng), rng)
        send = rng.uniform(0, 0.2) if role == "bass" else rng.uniform(0.1, 1.0)
        drive = amplifier if role in DRIVEN and (role != "lead" or rng.random() < 0.3) else 0.0
        layers.append(Layer(timbre, notes, rng.uniform(*GAINS_DB[role]), send, pump, drive))
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
    tempo: float, begin: float, end: float, rubato: float, swing: float, rng: np.random.Generator
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
    if rng.random() < swing:
        # Steps of a pair of sixteenths or of eighths; where swing is the rule, of eighths.
        period = 4 if rng.random() < swing else rng.choice([2, 4])
        late = np.round(beats * STEPS) % period == period // 2
        seconds += late * rng.uniform(0, 0.33) * beat_seconds * period / (2 * STEPS)
    return beats, seconds
