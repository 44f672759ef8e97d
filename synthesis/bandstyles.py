"""Styles that a band plays: songs, rock, blues, funk and reggae, jazz."""

from synthesis import palettes
from synthesis.styles import Style

SONG_TIMBRES = {
    "bass": palettes.PLAYED_BASSES,
    "pad": palettes.SYNTH_PADS,
    "chords": palettes.PLAYED_CHORDS,
    "arp": palettes.PLAYED_CHORDS,
    "lead": palettes.PLAYED_LEADS,
}
BAND_STYLES = (
    Style(
        name="songs",  # pop, soul, country
        family="songs",
        weight=0.17,
        minor=0.40,
        tempo=(60, 150),
        harmony={
            "minor": "loop*40; pop*22; functional*35; vamp*3",
            "major": "loop*35; pop*29; functional*35; vamp*1",
        },
        colour=(0.0, 0.5),
        roles={"bass": 0.85, "pad": 0.4, "chords": 0.8, "arp": 0.4, "lead": 0.9, "counter": 0.2},
        timbres=SONG_TIMBRES,
        bass_patterns="sustained; halves; quarters; eighths; root fifth; walking; pushed;"
        "syncopated; long short; dotted",
        chord_patterns="sustained; halves; quarters; eighths; backbeat; strum; pushed;"
        "charleston; offbeat",
        grooves="backbeat; rock; ballad; half time; latin; four; reggaeton; sparse",
        drums=0.6,
        idioms="plain*2; pop*2; pentatonic",
        triple=0.08,
    ),
    Style(
        name="rock",  # and metal, punk
        family="rock",
        weight=0.07,
        minor=0.5,
        tempo=(70, 190),
        harmony={"minor": "rock*7; loop*2; pop", "major": "rock*5; pop*4; loop"},
        colour=(0.0, 0.15),
        roles={"bass": 0.9, "chords": 0.9, "riff": 0.45, "lead": 0.8, "pad": 0.1},
        timbres=SONG_TIMBRES
        | {"chords": palettes.GUITARS, "riff": palettes.GUITARS, "lead": palettes.SINGERS},
        bass_patterns="eighths*3; quarters; pushed; sustained; riff; sixteenths; dotted",
        chord_patterns="sustained*2; eighths*3; quarters; strum; pushed; gate; stabs; halves",
        grooves="rock*2; backbeat*2; half time; four; drum and bass",
        drums=0.93,
        idioms="pentatonic*2; blues; pop",
        riffs="pentatonic*3; blues*2; phrygian",
        drive=0.75,
    ),
    Style(
        name="groove",  # funk, disco, reggae, hip-hop, soul: vamps
        family="groove",
        weight=0.07,
        minor=0.6,
        tempo=(65, 128),
        harmony={"minor": "groove*7; vamp; loop*2", "major": "groove*6; pop*2; loop*2"},
        colour=(0.1, 0.7),
        roles={
            "bass": 0.95,
            "chords": 0.85,
            "pad": 0.25,
            "lead": 0.6,
            "riff": 0.3,
            "arp": 0.15,
            "talk": 0.25,
        },
        timbres=SONG_TIMBRES
        | {
            "bass": palettes.PLAYED_BASSES + palettes.BASSES,
            "chords": palettes.PLAYED_CHORDS + palettes.GUITARS + palettes.HORNS,
            "riff": palettes.HORNS + palettes.GUITARS + palettes.PLUCKS,
            "lead": palettes.SINGERS + palettes.PLAYED_LEADS,
        },
        bass_patterns="funk*2; syncopated*2; riff*4; octaves; offbeat octaves; pushed; half time;"
        "long short; dotted",
        chord_patterns="offbeat*3; backbeat*2; charleston; stab; stabs; sustained; tresillo",
        grooves="backbeat*2; four; four open; half time; breakbeat; trap; latin",
        drums=0.93,
        idioms="pentatonic*2; blues; pop; plain",
        riffs="pentatonic*2; blues; plain",
        swing=0.35,
    ),
    Style(
        name="blues",
        family="blues",
        weight=0.04,
        minor=0.25,
        tempo=(60, 150),
        harmony={"minor": "blues", "major": "blues"},
        colour=(0.0, 0.3),
        roles={"bass": 0.8, "chords": 0.9, "lead": 0.95, "riff": 0.2},
        timbres=SONG_TIMBRES
        | {
            "bass": palettes.UPRIGHT_BASSES + palettes.PLAYED_BASSES,
            "chords": palettes.GUITARS + "; piano struck; organ held",
            "lead": palettes.SINGERS + "; reed held; brass held; guitar ring; guitar held",
            "riff": palettes.GUITARS,
        },
        bass_patterns="walking*3; quarters; boogie*3; root fifth; eighths; long short",
        chord_patterns="backbeat; offbeat; quarters; shuffle*3; sustained; charleston; strum",
        grooves="backbeat*2; rock; sparse; half time",
        drums=0.7,
        idioms="blues*3; pentatonic",
        riffs="blues",
        swing=0.75,
        drive=0.35,
    ),
    Style(
        name="jazz",  # swing, standards, bossa nova
        family="jazz",
        weight=0.06,
        minor=0.35,
        tempo=(70, 240),
        harmony={"minor": "jazz*8; blues", "major": "jazz*8; blues"},
        colour=(0.1, 0.6),
        roles={"bass": 0.9, "chords": 0.85, "lead": 0.95, "counter": 0.15, "pad": 0.05},
        timbres={
            "bass": palettes.UPRIGHT_BASSES,
            "pad": palettes.HORNS,
            "chords": palettes.JAZZ_CHORDS,
            "lead": palettes.JAZZ_LEADS,
        },
        bass_patterns="walking*6; halves; root fifth; pushed; long short",
        chord_patterns="charleston*3; offbeat; halves; sustained; pushed; quarters; tresillo",
        grooves="swing*5; latin; sparse; ballad",
        drums=0.7,
        idioms="jazz*3; blues; plain",
        triple=0.08,
        rubato=0.15,
        swing=0.75,
        rootless=0.5,
    ),
)
