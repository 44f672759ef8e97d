"""The 24 musical keys: their numbering, notations, transposition, and relations as MIREX scores."""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from songkey.errors import AudioKeyError

MAJOR_TONICS = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
MINOR_TONICS = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B")
SEMITONES_ABOVE_C = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
ACCIDENTALS = {"": 0, "#": 1, "##": 2, "x": 2, "b": -1, "bb": -2}
SIGNS = str.maketrans({"♯": "#", "♭": "b", "𝄪": "##", "𝄫": "bb", "♮": ""})

SPELLED = re.compile(
    r"(?P<letter>[a-g])"
    r"(?:(?P<sign>##?|bb?|x)|[\s_-]*(?P<word>sharp|flat))?"
    r"[\s:_-]*"
    r"(?P<mode>major|maj|minor|min|m)",
    re.IGNORECASE,
)
CAMELOT = re.compile(r"0?(?P<number>[1-9]|1[0-2])(?P<mode>[ab])", re.IGNORECASE)
OPEN_KEY = re.compile(r"0?(?P<number>[1-9]|1[0-2])(?P<mode>[dm])", re.IGNORECASE)
HINT = "give one tonic and major or minor, such as 'C minor', 'F#m', 'Ab maj', '8A' or '1m'"


class KeyParseError(AudioKeyError):
    """A text that does not name exactly one of the 24 keys."""


class Relation(StrEnum):
    """What an estimated key is to the true one, in the categories of MIREX's key detection task."""

    CORRECT = "correct"
    FIFTH_UP = "fifth up"
    FIFTH_DOWN = "fifth down"
    RELATIVE = "relative"
    PARALLEL = "parallel"
    OTHER = "other"


@dataclass(frozen=True)
class Key:
    """A musical key; `tonic` counts semitones above C (0 to 11), `mode` is 'major' or 'minor'."""

    tonic: int
    mode: str

    def __post_init__(self) -> None:
        if self.tonic not in range(12) or self.mode not in ("major", "minor"):
            raise ValueError(f"no such key: tonic {self.tonic!r} (0 to 11), mode {self.mode!r}")

    @classmethod
    def from_id(cls, key_id: int) -> "Key":
        """The key numbered `key_id`: 0 to 11 are C to B major, 12 to 23 C to B minor."""
        if key_id not in range(24):
            raise ValueError(f"no such key id: {key_id!r} (0 to 23)")
        return cls(int(key_id) % 12, "minor" if key_id >= 12 else "major")

    @property
    def id(self) -> int:
        """The only numbering of keys in this project."""
        return self.tonic + 12 * (self.mode == "minor")

    @property
    def camelot(self) -> str:
        """Camelot wheel: C major is 8B, A minor 8A, a fifth up adds one."""
        return f"{(self.fifths_above_c + 7) % 12 + 1}{'A' if self.mode == 'minor' else 'B'}"

    @property
    def open_key(self) -> str:
        """Open Key notation: C major is 1d, A minor 1m, a fifth up adds one."""
        return f"{self.fifths_above_c + 1}{'m' if self.mode == 'minor' else 'd'}"

    @property
    def fifths_above_c(self) -> int:
        """Fifths from C up to the major tonic that shares this key's scale."""
        return 7 * (self.tonic + 3 * (self.mode == "minor")) % 12

    def transpose(self, semitones: int) -> "Key":
        """This key moved up by `semitones` (down if negative)."""
        return Key((self.tonic + semitones) % 12, self.mode)

    def __str__(self) -> str:
        return f"{(MINOR_TONICS if self.mode == 'minor' else MAJOR_TONICS)[self.tonic]} {self.mode}"


KEYS = tuple(Key.from_id(key_id) for key_id in range(24))


def parse_key(text: str) -> Key:
    """The one key that `text` names, as a spelling or in Camelot or Open Key notation, in any case.

    Raises KeyParseError for anything else: blanks, several keys, modal names, a tonic without a
    mode. 'CM' is refused too: by its case it is C major, by its letters C minor.
    """
    plain = unicodedata.normalize("NFKC", text.translate(SIGNS)).strip()
    if not plain:
        raise KeyParseError(f"not a key: {text!r} is blank; {HINT}")
    if match := CAMELOT.fullmatch(plain):
        return _from_wheel(int(match["number"]) - 8, minor=match["mode"] in "aA")
    if match := OPEN_KEY.fullmatch(plain):
        return _from_wheel(int(match["number"]) - 1, minor=match["mode"] in "mM")
    match = SPELLED.fullmatch(plain)
    if not match or match["mode"] == "M":
        raise KeyParseError(f"not a key: {text!r}; {HINT}")
    return _from_spelling(match)


def _from_wheel(fifths: int, minor: bool) -> Key:
    return Key((7 * fifths - 3 * minor) % 12, "minor" if minor else "major")


def _from_spelling(match: re.Match) -> Key:
    accidental = {"sharp": "#", "flat": "b", None: ""}[match["word"] and match["word"].lower()]
    accidental = (match["sign"] or accidental).lower()
    tonic = (SEMITONES_ABOVE_C[match["letter"].lower()] + ACCIDENTALS[accidental]) % 12
    return Key(tonic, "major" if match["mode"].lower().startswith("maj") else "minor")


def relation(estimate: Key, reference: Key) -> Relation:
    """What `estimate` is to `reference`; up when the estimate's tonic lies a fifth above."""
    semitones = (estimate.tonic - reference.tonic) % 12
    if estimate.mode == reference.mode:
        same_mode = {0: Relation.CORRECT, 7: Relation.FIFTH_UP, 5: Relation.FIFTH_DOWN}
        return same_mode.get(semitones, Relation.OTHER)
    relative = 9 if reference.mode == "major" else 3
    return {0: Relation.PARALLEL, relative: Relation.RELATIVE}.get(semitones, Relation.OTHER)
