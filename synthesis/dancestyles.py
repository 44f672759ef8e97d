"""Styles of dance music: harmony that hardly moves, made of riffs, drones and stabs."""

from synthesis import palettes
from synthesis.styles import Style

TIMBRES = {
    "bass": palettes.BASSES,
    "pad": palettes.SYNTH_PADS,
    "chords": palettes.SYNTH_CHORDS,
    "arp": palettes.PLUCKS,
    "lead": palettes.SYNTH_LEADS,
    "riff": palettes.PLUCKS + palettes.BASSES,
    "drone": palettes.SYNTH_PADS,
}
DANCE_STYLES = (
    Style(
        name="house",  # and trance, electro, techno with chords
        family="dance",
        weight=0.22,
        minor=0.83,
        tempo=(100, 150),
        harmony={
            "minor": "loop*66; vamp*24; parallel*4; functional*6",
            "major": "loop*86; vamp*8; functional*6",
        },
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
        timbres=TIMBRES,
        bass_patterns="offbeat; gallop; rolling; octaves; offbeat octaves; eighths; sixteenths;"
        "tresillo; sustained; syncopated; quarters; dotted; pushed; riff; riff",
        chord_patterns="offbeat; house; tresillo; stab; stabs; gate; sustained; charleston;"
        "eighths; pushed; halves",
        grooves="four; four open; four bare; trance; four; breakbeat; garage",
        drums=0.88,
        idioms="plain*3; pentatonic",
        riffs="plain; pentatonic; pentatonic",
        pedal=0.11,
        effects=True,
    ),
    Style(
        name="bass music",  # dubstep, trap, drum and bass, breaks
        family="dance",
        weight=0.09,
        minor=0.85,
        tempo=(75, 180),
        harmony={
            "minor": "loop*58; vamp*30; parallel*7; functional*5",
            "major": "loop*85; vamp*10; functional*5",
        },
        colour=(0.0, 0.5),
        roles={"bass": 0.95, "pad": 0.6, "chords": 0.35, "arp": 0.35, "lead": 0.6, "talk": 0.12},
        timbres=TIMBRES,
        bass_patterns="half time; sustained; halves; long short; syncopated; funk; dotted;"
        "riff; riff",
        chord_patterns="sustained; stab; stabs; halves; charleston",
        grooves="half time; trap; drum and bass; breakbeat; garage; reggaeton",
        drums=0.9,
        idioms="plain*3; pentatonic",
        riffs="plain; pentatonic; phrygian",
        pedal=0.14,
        effects=True,
    ),
    Style(
        name="bare dance",  # techno, minimal, acid, tech house: a riff, a drone, a stab
        family="bare",
        weight=0.11,
        minor=0.85,
        tempo=(100, 145),
        harmony={"minor": "bare*55; parallel*25; vamp*20", "major": "bare*60; vamp*40"},
        colour=(0.0, 0.4),
        roles={
            "bass": 0.85,
            "riff": 0.65,
            "drone": 0.3,
            "chords": 0.4,
            "pad": 0.15,
            "lead": 0.2,
            "talk": 0.15,
        },
        timbres=TIMBRES | {"chords": palettes.STABS},
        bass_patterns="riff*6; offbeat; gallop; rolling; sixteenths; eighths; octaves; quarters;"
        "tresillo; syncopated",
        chord_patterns="stab*2; stabs*2; offbeat; house; charleston; backbeat; sustained",
        grooves="four; four bare; four open; four bare; breakbeat; garage",
        drums=0.95,
        idioms="pentatonic; plain; phrygian",
        riffs="pentatonic*4; plain*2; phrygian; fifths*2",
        pedal=0.5,
        sparse=True,
        effects=True,
    ),
)
