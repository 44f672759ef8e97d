"""A style: what a kind of music is made of, from which a song draws tempo, chords and parts."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Style:
    """One kind of music; pairs are ranges, texts lists of choices, other numbers probabilities.

    `family` groups styles for trials that leave some out. A choice may end in "*3": three times as
    likely.
    """

    name: str
    family: str
    weight: float  # how frequent it is
    minor: float
    tempo: tuple[float, float]
    harmony: dict[str, str]  # by mode: kinds of progressions
    roles: dict[str, float]
    timbres: dict[str, str]
    bass_patterns: str
    chord_patterns: str
    grooves: str
    drums: float
    colour: tuple[float, float] = (0.0, 0.0)  # share of chords with added tones, between songs
    idioms: str = "plain"  # which degrees melodies like
    riffs: str = "pentatonic"  # which ones riffs like
    pedal: float = 0.0  # a bass that stays on the tonic
    triple: float = 0.0
    rubato: float = 0.0
    swing: float = 0.2
    drive: float = 0.0  # overdriven guitars
    rootless: float = 0.0  # chords that leave their root to the bass
    excursion: float = 0.0  # a middle in a neighbouring key
    one_timbre: bool = False
    sparse: bool = False  # a single part is enough
    effects: bool = False
