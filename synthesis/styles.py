"""Styles: what a kind of music is made of, from which a song draws tempo, chords and parts."""

from dataclasses import dataclass

import numpy as np

BASSES = """
    saw held; saw pluck; square held; square pluck; triangle held; sub held; sub pluck; fm pluck
    supersaw held
"""
PLAYED_BASSES = """
    plucked struck; plucked pluck; plucked struck; triangle held; fm struck; random struck
"""
SYNTH_PADS = """
    supersaw swell; saw swell; pulse swell; strings swell; voice swell; organ held; random swell
    fm swell
"""
SYNTH_CHORDS = """
    supersaw held; saw pluck; pulse pluck; organ held; fm struck; piano struck; random pluck
    square pluck
"""
SYNTH_LEADS = """
    supersaw held; saw held; square held; pulse held; triangle held; sub held; fm ring
    saw pluck; voice held; voice held; bell ring; plucked pluck; random held; random pluck
    flute held
"""
PLUCKS = """
    saw pluck; square pluck; pulse pluck; triangle pluck; plucked pluck; fm ring; bell ring
    mallet pluck; random pluck
"""
PLAYED_CHORDS = """
    piano struck; plucked struck; fm struck; organ held; piano struck; plucked ring
    random struck; reed held
"""
PLAYED_LEADS = """
    voice held; voice held; flute held; reed held; brass held; strings held; saw held
    plucked struck; piano struck; mallet ring; bell ring; random held; random struck
    square held
"""
ORCHESTRA = """
    strings held; strings swell; brass held; flute held; reed held; voice swell; plucked struck
    mallet ring
"""


@dataclass(frozen=True)
class Style:
    """One kind of music; pairs are ranges, texts lists of choices, numbers probabilities."""

    weight: float
    tempo: tuple[float, float]
    vamp: float  # chords that hardly move, in minor; the rest of the progressions are loops
    functional: float
    colour: tuple[float, float]
    roles: dict[str, float]
    timbres: dict[str, str]
    bass_patterns: str
    chord_patterns: str
    grooves: str
    drums: float
    triple: float = 0.0
    rubato: float = 0.0
    one_timbre: bool = False
    effects: bool = False


STYLES = (
    Style(  # house, techno, trance, electro
        weight=0.34,
        tempo=(100, 150),
        vamp=0.28,
        functional=0.06,
        colour=(0.0, 0.7),
        roles={
            "bass": 0.9,
            "pad": 0.5,
            "chords": 0.6,
            "arp": 0.5,
            "lead": 0.6,
            "counter": 0.15,
            "talk": 0.06,
        },
        timbres={
            "bass": BASSES,
            "pad": SYNTH_PADS,
            "chords": SYNTH_CHORDS,
            "arp": PLUCKS,
            "lead": SYNTH_LEADS,
        },
        bass_patterns="offbeat; gallop; rolling; octaves; offbeat octaves; eighths; sixteenths;"
        "tresillo; sustained; syncopated; quarters; dotted; pushed; riff; riff",
        chord_patterns="offbeat; house; tresillo; stab; stabs; gate; sustained; charleston;"
        "eighths; pushed; halves",
        grooves="four; four open; four bare; trance; four; breakbeat; garage",
        drums=0.88,
        effects=True,
    ),
    Style(  # bass music: dubstep, trap, drum and bass, breaks
        weight=0.12,
        tempo=(75, 180),
        vamp=0.35,
        functional=0.05,
        colour=(0.0, 0.5),
        roles={"bass": 0.95, "pad": 0.6, "chords": 0.35, "arp": 0.35, "lead": 0.6, "talk": 0.12},
        timbres={
            "bass": BASSES,
            "pad": SYNTH_PADS,
            "chords": SYNTH_CHORDS,
            "arp": PLUCKS,
            "lead": SYNTH_LEADS,
        },
        bass_patterns="half time; sustained; halves; long short; syncopated; funk; dotted;"
        "riff; riff",
        chord_patterns="sustained; stab; stabs; halves; charleston",
        grooves="half time; trap; drum and bass; breakbeat; garage; reggaeton",
        drums=0.9,
        effects=True,
    ),
    Style(  # songs: pop, rock, soul, country
        weight=0.28,
        tempo=(60, 150),
        vamp=0.03,
        functional=0.35,
        colour=(0.0, 0.5),
        roles={"bass": 0.85, "pad": 0.4, "chords": 0.8, "arp": 0.4, "lead": 0.9, "counter": 0.2},
        timbres={
            "bass": PLAYED_BASSES,
            "pad": SYNTH_PADS,
            "chords": PLAYED_CHORDS,
            "arp": PLAYED_CHORDS,
            "lead": PLAYED_LEADS,
        },
        bass_patterns="sustained; halves; quarters; eighths; root fifth; walking; pushed;"
        "syncopated; long short; dotted",
        chord_patterns="sustained; halves; quarters; eighths; backbeat; strum; pushed;"
        "charleston; offbeat",
        grooves="backbeat; rock; ballad; half time; latin; four; reggaeton; sparse",
        drums=0.55,
        triple=0.08,
    ),
    Style(  # a piano or guitar by itself, with a melody over broken chords
        weight=0.14,
        tempo=(60, 140),
        vamp=0.0,
        functional=0.7,
        colour=(0.0, 0.35),
        roles={"bass": 0.3, "chords": 0.3, "broken": 0.8, "lead": 1.0},
        timbres={
            "any": "piano struck; piano struck; piano ring; piano struck; plucked struck; fm struck"
        },
        bass_patterns="sustained; halves; quarters; root fifth; octaves; walking",
        chord_patterns="waltz; quarters; halves; offbeat; eighths; sustained; backbeat",
        grooves="sparse",
        drums=0.0,
        triple=0.35,
        rubato=0.7,
        one_timbre=True,
    ),
    Style(  # an ensemble of orchestral instruments
        weight=0.06,
        tempo=(60, 130),
        vamp=0.0,
        functional=0.7,
        colour=(0.0, 0.3),
        roles={"bass": 0.8, "pad": 0.8, "chords": 0.3, "arp": 0.4, "lead": 0.9, "counter": 0.5},
        timbres={"any": ORCHESTRA},
        bass_patterns="sustained; halves; quarters; root fifth; walking",
        chord_patterns="halves; quarters; sustained; waltz; eighths",
        grooves="sparse; ballad; waltz",
        drums=0.1,
        triple=0.3,
        rubato=0.4,
    ),
    Style(  # little: a tune and a bass, or a slow pad
        weight=0.06,
        tempo=(60, 120),
        vamp=0.1,
        functional=0.3,
        colour=(0.0, 0.6),
        roles={"bass": 0.7, "pad": 0.6, "lead": 0.8, "arp": 0.3},
        timbres={"bass": BASSES, "pad": SYNTH_PADS, "arp": PLUCKS, "lead": PLAYED_LEADS},
        bass_patterns="sustained; halves; quarters; long short; half time",
        chord_patterns="sustained; halves",
        grooves="sparse; half time; ballad",
        drums=0.2,
    ),
)


def draw_style(rng: np.random.Generator) -> Style:
    """A style, the frequent ones more often."""
    weights = np.array([style.weight for style in STYLES])
    return STYLES[rng.choice(len(STYLES), p=weights / weights.sum())]
