"""Styles for few or unamplified instruments: piano, orchestra, string quartet, folk."""

from synthesis import palettes
from synthesis.styles import Style

FUNCTIONAL = {"minor": "functional*70; loop*30", "major": "functional*70; loop*30"}
ACOUSTIC_STYLES = (
    Style(
        name="piano",  # or guitar by itself, with a melody over broken chords
        family="piano",
        weight=0.09,
        minor=0.45,
        tempo=(60, 140),
        harmony=FUNCTIONAL,
        colour=(0.0, 0.35),
        roles={"bass": 0.3, "chords": 0.3, "broken": 0.8, "lead": 1.0},
        timbres={"any": palettes.KEYBOARDS},
        bass_patterns="sustained; halves; quarters; root fifth; octaves; walking",
        chord_patterns="waltz; quarters; halves; offbeat; eighths; sustained; backbeat",
        grooves="sparse",
        drums=0.0,
        idioms="plain*2; classical",
        triple=0.35,
        rubato=0.7,
        excursion=0.35,
        one_timbre=True,
    ),
    Style(
        name="orchestra",
        family="orchestra",
        weight=0.05,
        minor=0.45,
        tempo=(60, 130),
        harmony=FUNCTIONAL,
        colour=(0.0, 0.3),
        roles={"bass": 0.8, "pad": 0.8, "chords": 0.3, "arp": 0.4, "lead": 0.9, "counter": 0.5},
        timbres={"any": palettes.ORCHESTRA},
        bass_patterns="sustained; halves; quarters; root fifth; walking",
        chord_patterns="halves; quarters; sustained; waltz; eighths",
        grooves="sparse; ballad; waltz",
        drums=0.1,
        idioms="plain*2; classical",
        triple=0.3,
        rubato=0.4,
        excursion=0.35,
    ),
    Style(
        name="little",  # a tune and a bass, or a slow pad
        family="little",
        weight=0.04,
        minor=0.6,
        tempo=(60, 120),
        harmony={
            "minor": "loop*60; vamp*10; functional*30",
            "major": "loop*67; vamp*3; functional*30",
        },
        colour=(0.0, 0.6),
        roles={"bass": 0.7, "pad": 0.6, "lead": 0.8, "arp": 0.3},
        timbres={
            "bass": palettes.BASSES,
            "pad": palettes.SYNTH_PADS,
            "arp": palettes.PLUCKS,
            "lead": palettes.PLAYED_LEADS,
        },
        bass_patterns="sustained; halves; quarters; long short; half time",
        chord_patterns="sustained; halves",
        grooves="sparse; half time; ballad",
        drums=0.2,
    ),
    Style(
        name="folk",  # a tune alone, over a drone or strummed chords; often modal
        family="folk",
        weight=0.05,
        minor=0.35,
        tempo=(70, 180),
        harmony={"minor": "modal*7; functional*2; loop", "major": "modal*5; functional*4; pop"},
        roles={"lead": 1.0, "drone": 0.25, "chords": 0.4, "bass": 0.3, "broken": 0.1},
        timbres={
            "bass": palettes.UPRIGHT_BASSES,
            "chords": palettes.FOLK_CHORDS,
            "broken": palettes.FOLK_CHORDS,
            "lead": palettes.FOLK_LEADS,
            "drone": palettes.FOLK_DRONES,
        },
        bass_patterns="quarters; halves; root fifth; sustained; waltz",
        chord_patterns="quarters; halves; strum*2; offbeat; sustained; waltz; backbeat",
        grooves="backbeat; sparse; four; ballad",
        drums=0.15,
        idioms="folk*4; pentatonic",
        triple=0.35,
        rubato=0.35,
        sparse=True,
    ),
)
