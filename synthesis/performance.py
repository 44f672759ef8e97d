"""A performance: a transcript in another key, on our instruments, -> a Piece, each time another.

A tune is played alone, over a drone or with chords found for it; parts of an ensemble each get an
instrument, or share one. Half of the performances begin at the beginning, some close with the end.
"""

import numpy as np

from songkey.keys import Key
from synthesis.accompaniment import above, bass_line, chord_pattern
from synthesis.arrangement import Layer, Piece, clock
from synthesis.drums import draw_kit, groove
from synthesis.harmonise import harmonised
from synthesis.instruments import instrument
from synthesis.progressions import one_of
from synthesis.score import Note
from synthesis.timbre import Timbre
from synthesis.transcript import Transcript

SOLOISTS = """
    flute held; reed held; strings held; strings held; plucked struck; plucked ring; accordion held
    accordion held; voice held; voice held; piano struck; random held; random struck; brass held
    square held; saw held; mallet ring
"""
ENSEMBLES = """
    strings held; strings held; strings swell; flute held; reed held; brass held; voice held
    voice swell; plucked struck
"""
SHARED = """
    strings held; voice held; organ held; piano struck; piano ring; plucked struck; brass held
    reed held; strings swell; saw held; fm struck; random held; random struck
"""
BACKING = "plucked struck; plucked ring; piano struck; accordion held; organ held; strings held"
BACKING_BASSES = "plucked struck; strings held; plucked pluck; triangle held; piano struck"
CHORD_PATTERNS = "sustained; halves; quarters; offbeat; eighths; strum; waltz; backbeat"
BASS_PATTERNS = "sustained; halves; quarters; root fifth"
DRONES = "reed held; strings held; accordion held; plucked ring; organ held"
GROOVES = "backbeat; sparse; four; ballad"


def performed(transcript: Transcript, key: Key, seconds: float, rng: np.random.Generator) -> Piece:
    """At least `seconds` of the transcript, moved to `key`, which has the transcript's mode."""
    tempo = draw_tempo(transcript, rng)
    wanted = 1.2 * seconds * tempo / 60 + 4
    bar_beats = transcript.bar_beats
    cycle_beats = bar_beats * max(1.0, np.ceil(transcript.beats / bar_beats - 1e-6))
    begin = draw_begin(transcript, cycle_beats, wanted, rng)
    turns = int(np.ceil((begin + wanted) / cycle_beats))
    shift = (key.tonic - transcript.key.tonic + 6) % 12 - 6
    parts = [moved(list(part), shift) for part in transcript.parts]
    layers = ensemble(parts, rng) if len(parts) > 1 else solo(parts[0], key, bar_beats, rng)
    dances = len(parts) == 1 and bar_beats in (2, 4) and rng.random() < 0.12
    grid_beats, grid_seconds = clock(tempo, -8.0, wanted, 0.5, 0.1, rng)
    return Piece(
        layers=[
            layer._replace(notes=repeated(layer.notes, cycle_beats, turns, begin, wanted))
            for layer in layers
        ],
        hits=groove(one_of(GROOVES, rng), 4, 0.0, wanted, rng) if dances else [],
        kit=draw_kit(rng),
        drums_db=rng.uniform(-14, 0),
        risers=[],
        sweep=None,
        jitter_seconds=rng.uniform(0, 0.02),
        dynamics=rng.uniform(0.3, 3),
        grid_beats=grid_beats,
        grid_seconds=grid_seconds,
    )


def draw_tempo(transcript: Transcript, rng: np.random.Generator) -> float:
    """Quarters a minute at which the busiest part plays 1.5 to 7 notes a second."""
    busiest = max(len(part) for part in transcript.parts)
    per_second = np.exp(rng.uniform(np.log(1.5), np.log(7.0)))
    return float(np.clip(60 * per_second * transcript.beats / busiest, 30, 400))


def draw_begin(
    transcript: Transcript, cycle_beats: float, wanted: float, rng: np.random.Generator
) -> float:
    """Where a performance begins: at the opening, in a middle or near the close, on a bar line."""
    latest = max(0.0, cycle_beats - wanted) if len(transcript.parts) > 1 else cycle_beats
    begin = (0.0, rng.uniform(0, latest), latest)[rng.choice(3, p=[0.5, 0.35, 0.15])]
    return float(transcript.bar_beats * np.floor(begin / transcript.bar_beats))


def repeated(
    notes: list[Note], cycle_beats: float, turns: int, begin: float, beats: float
) -> list[Note]:
    """The notes `turns` times in a row, as far as they sound in `beats` from `begin` on."""
    starts = (
        note._replace(start_beats=note.start_beats + turn * cycle_beats - begin)
        for turn in range(turns)
        for note in notes
    )
    return [note for note in starts if -note.beats < note.start_beats < beats]


def ensemble(parts: list[list[Note]], rng: np.random.Generator) -> list[Layer]:
    """A layer for each part: all share an instrument, or a kind of it, or each has its own."""
    shared = instrument(one_of(SHARED, rng), rng) if rng.random() < 0.5 else None
    kind = one_of(ENSEMBLES, rng) if rng.random() < 0.5 else ""
    octave = int(rng.choice([0, 0, 0, 0, 12, -12]))
    layers = []
    for part in parts:
        timbre = shared or instrument(kind or one_of(ENSEMBLES, rng), rng)
        layers.append(layer_of(timbre, moved(part, octave), rng.uniform(-8, 0), rng))
    return layers


def solo(tune: list[Note], key: Key, bar_beats: float, rng: np.random.Generator) -> list[Layer]:
    """A tune by one or two instruments, alone, over a drone or with chords."""
    register = float(np.mean([note.pitch for note in tune]))
    octave = 12 * round((rng.uniform(60, 80) - register) / 12)
    melody = phrased(moved(tune, octave), bar_beats, rng)
    layers = [layer_of(instrument(one_of(SOLOISTS, rng), rng), melody, 0.0, rng)]
    if rng.random() < 0.25:
        second = moved(melody, int(rng.choice([0, -12, 12])))
        timbre = instrument(one_of(SOLOISTS, rng), rng)
        layers.append(layer_of(timbre, second, rng.uniform(-9, 0), rng))
    company = rng.choice(["none", "drone", "chords"], p=[0.35, 0.2, 0.45])
    if company == "drone":
        layers.append(drone(tune, key, rng))
    elif company == "chords":
        layers += backing(tune, key, bar_beats, rng)
    return layers


def backing(tune: list[Note], key: Key, bar_beats: float, rng: np.random.Generator) -> list[Layer]:
    """Chords, a bass or both, under a tune."""
    bar = int(bar_beats) if bar_beats in (2, 3, 4) else 4
    halves = bar_beats in (2, 4) and rng.random() < 0.3
    spans = harmonised(tune, key, bar_beats / 2 if halves else bar_beats, rng)
    played = []
    if rng.random() < 0.7:
        lowest = int(rng.integers(31, 41))
        line = bass_line(spans, one_of(BASS_PATTERNS, rng), bar, lowest, None, rng)
        played.append((BACKING_BASSES, line))
    if not played or rng.random() < 0.75:
        pattern, centre = one_of(CHORD_PATTERNS, rng), int(rng.integers(50, 64))
        spread, strum_beats = rng.random() < 0.3, rng.uniform(0, 0.05)
        chords = chord_pattern(spans, pattern, bar, centre, spread, strum_beats, rng)
        played.append((BACKING, chords))
    return [
        layer_of(instrument(one_of(names, rng), rng), notes, rng.uniform(-14, -2), rng)
        for names, notes in played
    ]


def drone(tune: list[Note], key: Key, rng: np.random.Generator) -> Layer:
    """The tonic, at times with its fifth, held or struck anew."""
    root = above(int(rng.integers(36, 58)), key.tonic)
    pitches = [root, root + 7] if rng.random() < 0.6 else [root]
    step = float(rng.choice([1, 2, 4, 8]))
    end = max(note.start_beats for note in tune)
    notes = [
        Note(start, step, pitch, 0.8) for start in np.arange(0, end, step) for pitch in pitches
    ]
    return layer_of(instrument(one_of(DRONES, rng), rng), notes, rng.uniform(-14, -3), rng)


def phrased(notes: list[Note], bar_beats: float, rng: np.random.Generator) -> list[Note]:
    """The tune with accents on the bars' first beats, in some songs with grace notes."""
    articulation = rng.uniform(0.5, 1.05)
    graces = rng.choice([0.0, 0.0, 0.1, 0.25])
    played = []
    for note in notes:
        accent = 0.2 * (note.start_beats % bar_beats < 0.01)
        if note.beats >= 0.5 and rng.random() < graces:
            played.append(Note(note.start_beats, 0.1, note.pitch + 2, 0.6))
            note = note._replace(start_beats=note.start_beats + 0.1, beats=note.beats - 0.1)
        velocity = 0.7 + accent + rng.uniform(-0.1, 0.1)
        played.append(note._replace(beats=note.beats * articulation, velocity=velocity))
    return played


def moved(notes: list[Note], semitones: int) -> list[Note]:
    """The notes `semitones` higher."""
    return [note._replace(pitch=note.pitch + semitones) for note in notes]


def layer_of(timbre: Timbre, notes: list[Note], gain_db: float, rng: np.random.Generator) -> Layer:
    """A layer of an unamplified instrument in some room."""
    return Layer(timbre, notes, gain_db, reverb_send=rng.uniform(0.1, 1.0))
