"""Keys as people and programs write them into tags and tables: more than `parse_key` reads.

- C, F#, Db: major. So write rekordbox, Serato, Mixxx, beets and keyfinder-cli.
- 8A/Am, Am (8A), 11A - F#m, F#/Gb minor: two names of one key. Mixed In Key, Beatport, Spotify.
- A#m +50, Am (-12 cents): the key, whose tuning is passed over. Rapid Evolution.
- H-Moll, B-Dur, fis-moll: B minor, Bb major, F# minor. German, and what takes after it.
- do mineur, si bémol majeur, la menor, C# minore: French, Italian, Spanish, Portuguese.
"""

import re
import unicodedata
from contextlib import suppress

from songkey.keys import ACCIDENTALS, HINT, SEMITONES_ABOVE_C, SIGNS, Key, KeyParseError, parse_key

MOST_LETTERS = 100  # of a text that is looked at: some patterns take their square
MOST_CENTS = 50  # off a key that is still the nearest
DASHES = str.maketrans(dict.fromkeys("‐‑‒–—−", "-"))
TUNING = re.compile(
    r"(?:\s*[(\[]\s*|\s+|(?=\+))(?P<cents>[+-]\s?\d+(?:[.,]\d+)?)\s*(?:ct?|cents?)?\s*[)\]]?$",
    re.IGNORECASE,
)
ENHARMONIC = re.compile(r"(?P<one>[a-g][#b]?)\s*/\s*(?P<other>[a-g][#b]?)(?P<rest>.*)", re.I)
BETWEEN = re.compile(r"[/|,;=()\[\]]|\s-\s")
WHEEL = r"0?(?:[1-9]|1[0-2])[abdm]"
WITH_WHEEL = re.compile(
    rf"(?P<code>{WHEEL})[\s:_-]+(?P<name>.+)|(?P<name_first>.+?)[\s:_-]+(?P<code_last>{WHEEL})",
    re.IGNORECASE,
)

GERMAN_TONICS = {
    "c": 0, "cis": 1, "des": 1, "d": 2, "dis": 3, "es": 3, "e": 4, "fes": 4, "eis": 5, "f": 5,
    "fis": 6, "ges": 6, "g": 7, "gis": 8, "as": 8, "a": 9, "ais": 10, "b": 10, "bb": 10, "h": 11,
    "ces": 11, "his": 0,
}  # fmt: skip
GERMAN = re.compile(
    r"(?P<tonic>[a-h](?:is|es|s|#|b)?)[\s_-]*(?P<mode>dur|moll)", re.IGNORECASE
)  # and only with these words is B a Bb
GERMAN_H = re.compile(r"h\s*(?:[#b]|is)?[\s:_-]*(?:major|maj|minor|min|m)?", re.IGNORECASE)

SYLLABLES = dict(do="c", ut="c", re="d", mi="e", fa="f", sol="g", la="a", si="b")
RAISED = ("sharp", "diese", "diesis", "sostenido", "sustenido")
LOWERED = ("flat", "bemolle", "bemol")
MAJOR = ("major", "maj", "majeur", "maggiore", "mayor", "maior")
MINOR = ("minor", "min", "mineur", "minore", "menor", "m")
NAMED = re.compile(
    rf"(?:(?P<syllable>{'|'.join(SYLLABLES)})[\s_-]*|(?P<letter>[a-g]))"
    rf"(?:(?P<sign>##?|bb?)|[\s_-]*(?P<word>{'|'.join(RAISED + LOWERED)}))?"
    rf"[\s:_-]*(?P<mode>{'|'.join(MAJOR + MINOR)})?",
    re.IGNORECASE,
)


# How people and programs write that there is none: R, pandas, spreadsheets, taggers.
NO_KEY = {
    "", "-", "--", "–", "—", "?", "n/a", "na", "n.a.", "nan", "null", "none", "unknown", "no key",
    "off key",
}  # fmt: skip


class AmbiguousKeyError(KeyParseError):
    """A text that may mean several keys: "ambiguous label: " and the text and how."""


def parse_label(text: str) -> Key:
    """The one key that a tag or a cell names; a tonic alone is major, but not in lower case.

    Raises AmbiguousKeyError where several keys may be meant, KeyParseError for anything else.
    """
    if len(text) > MOST_LETTERS:
        raise KeyParseError(f"not a key: {text[:MOST_LETTERS]!r}... of {len(text)} letters; {HINT}")
    plain = unicodedata.normalize("NFKC", text.translate(SIGNS).translate(DASHES)).strip()
    if names_no_key(text):
        raise _no_key(plain, text)
    if tuning := TUNING.search(plain):
        cents = float(re.sub(r"\s", "", tuning["cents"]).replace(",", "."))
        if abs(cents) > MOST_CENTS:
            raise _ambiguous(text, f"is more than {MOST_CENTS} cents off; name the nearest key")
        plain = plain[: tuning.start()]
    if key := _one(plain, text):
        return key
    keys = [_one(part, text) for part in _parts(plain)]
    known = [key for key in dict.fromkeys(keys) if key]
    if not known or None in keys:
        raise _no_key(plain, text)
    if len(known) > 1:
        raise _ambiguous(text, f"names several keys: {', '.join(map(str, known))}")
    return known[0]


def key_or_none(text: str) -> Key | None:
    """The key that a tag or a cell names, if it names one."""
    with suppress(KeyParseError):
        return parse_label(text)
    return None


def is_ambiguous(text: str) -> bool:
    """Whether a tag or a cell may mean several keys."""
    try:
        parse_label(text)
    except AmbiguousKeyError:
        return True
    except KeyParseError:
        pass
    return False


def names_no_key(text: str) -> bool:
    """Whether a tag or a cell says that there is no key, or that it is not known."""
    return text.strip().casefold() in NO_KEY


def _parts(plain: str) -> list[str]:
    """The names that stand side by side in a text: '8A - F#/Gb m' -> '8A', 'Gb m'."""
    if (match := ENHARMONIC.fullmatch(plain)) and _sound_alike(match["one"], match["other"]):
        plain = match["other"] + match["rest"]
    found: list[str] = []
    for part in filter(None, map(str.strip, BETWEEN.split(plain))):
        if match := WITH_WHEEL.fullmatch(part):
            found += filter(None, match.group("code", "name", "name_first", "code_last"))
        else:
            found.append(part)
    return found


def _sound_alike(one: str, other: str) -> bool:
    """Whether two names such as F# and Gb are one tonic's; a name twice is none."""
    return one.lower() != other.lower() and _tonic(one) == _tonic(other)


def _tonic(name: str) -> int:
    """The tonic of a letter and its sign."""
    return (SEMITONES_ABOVE_C[name[0].lower()] + ACCIDENTALS[name[1:].lower()]) % 12


def _one(name: str, text: str) -> Key | None:
    """The key that a single name means, None where it is no name; `text` is shown in errors."""
    with suppress(KeyParseError):
        return parse_key(name)
    bare = re.sub(r"[\u0300-\u036f]", "", unicodedata.normalize("NFD", name))  # no accents
    if match := GERMAN.fullmatch(bare):
        return _german(match)
    if GERMAN_H.fullmatch(bare):
        raise _ambiguous(text, "has an H, which is B in German; write B, or H-Dur or H-Moll")
    match = NAMED.fullmatch(bare)
    return _named(match, text) if match else None


def _german(match: re.Match) -> Key | None:
    name, mode = match["tonic"].lower(), "minor" if match["mode"].lower() == "moll" else "major"
    if name in GERMAN_TONICS:
        return Key(GERMAN_TONICS[name], mode)
    if name[0] in "bh" or name[1] not in "#b":  # 'B#' is C in English; 'as' and 'es' have no 'aes'
        return None
    return Key(_tonic(name), mode)


def _named(match: re.Match, text: str) -> Key:
    mode = match["mode"]
    if match[0].endswith("-"):
        raise _ambiguous(text, "ends in a dash, which is minor to some; add major or minor")
    if mode == "M":
        raise _ambiguous(text, "is major by the case of its M, minor by the letter; write it out")
    if mode is None and (not match[0][0].isupper() or match["sign"] == "B"):
        raise _ambiguous(text, "names no mode, and lower case may mean minor; add major or minor")
    word = (match["word"] or "").lower()
    sign = match["sign"] or ("#" if word in RAISED else "b" if word else "")
    letter = SYLLABLES[match["syllable"].lower()] if match["syllable"] else match["letter"]
    return Key(_tonic(letter + sign), "minor" if mode and mode.lower() in MINOR else "major")


def _no_key(plain: str, text: str) -> KeyParseError:
    what = repr(text) if plain else f"{text!r} is blank"
    return KeyParseError(f"not a key: {what}; {HINT}")


def _ambiguous(text: str, why: str) -> AmbiguousKeyError:
    return AmbiguousKeyError(f"ambiguous label: {text!r} {why}")
