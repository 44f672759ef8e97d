"""Keys of two columns, a tonic and its mode: as Essentia, Spotify and what is made of them write.

Essentia writes `A` and `minor`; Spotify a pitch class from 0 (C) to 11 (B), -1 for no key, and as
its mode 1 for major and 0 for minor (Web API, "Get Track's Audio Features").
"""

from songkey.keynames import MAJOR, MINOR, key_or_none, names_no_key
from songkey.keys import Key

MODE_NAMES = ("mode", "scale", "keymode", "keyscale")  # of a column beside that of the key
WORDS = dict.fromkeys((*MAJOR, "dur"), "major") | dict.fromkeys((*MINOR, "moll"), "minor")
OF_NUMBERS = {"0": "minor", "1": "major"}
PITCH_CLASSES = tuple(map(str, range(12)))
NO_PITCH_CLASS = "-1"


def key_text(key: str, mode: str) -> str:
    """The text, for parse_label, that the cells of a key and of its mode make together.

    A blank mode says nothing, and a key that names a mode needs none. Where both make no key, the
    text is none either, and shows them: 'A, mode dorian'.
    """
    plain, number = mode.strip(), _number(key)
    if not plain or names_no_key(key):
        return key
    if number == NO_PITCH_CLASS:
        return ""
    spelled = OF_NUMBERS.get(_number(plain), "" if plain == "M" else plain.lower())
    word = WORDS.get(spelled)
    if number in PITCH_CLASSES and word:
        return str(Key(int(number), word))
    if word and key_or_none(f"{key} {spelled}"):
        return f"{key} {spelled}"
    whole = None if _is_tonic(key) else key_or_none(key)
    return key if whole and word in (None, whole.mode) else f"{key}, mode {mode}"


def _number(text: str) -> str:
    """A whole number without the '.0' that pandas writes."""
    return text.strip().removesuffix(".0")


def _is_tonic(key: str) -> bool:
    """Whether it names a tonic alone."""
    return any(key_or_none(f"{key} {word}") for word in ("minor", "moll"))
