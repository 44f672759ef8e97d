"""Laws of labels as people write them: every spelling in use names its key, none another's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songkey.keynames import AmbiguousKeyError, parse_label
from songkey.keys import KEYS, Key, KeyParseError, parse_key
from songkey.spelling import NOTATIONS, spelling

TABLE = {
    "C": "C major",
    "F#": "F# major",
    "Db": "Db major",
    "G♭": "F# major",
    "B": "B major",
    "Bb": "Bb major",
    "F sharp": "F# major",
    "A-flat": "Ab major",
    "Cmin": "C minor",
    "C:min": "C minor",
    "A#m +50": "Bb minor",
    "A#m +50 cents": "Bb minor",
    "A#m (-12,5 ct)": "Bb minor",
    "8A+3": "A minor",
    "C −7": "C major",
    "8A/Am": "A minor",
    "Am/8A": "A minor",
    "8A - Am": "A minor",
    "8A Am": "A minor",
    "Am (8A)": "A minor",
    "A minor [8A]": "A minor",
    "11B | A": "A major",
    "1d/C": "C major",
    "8A/": "A minor",
    "F#/Gb minor": "F# minor",
    "g#/ab maj": "Ab major",
    "C#/Db": "Db major",
    "G♭/F♯ min (11A)": "F# minor",
    "C - minor": "C minor",
    "C–minor": "C minor",
    "H-Moll": "B minor",
    "h-moll": "B minor",
    "H-Dur": "B major",
    "B-Dur": "Bb major",
    "b-moll": "Bb minor",
    "Bb-Dur": "Bb major",
    "fis-moll": "F# minor",
    "Des-Dur": "Db major",
    "es-Moll": "Eb minor",
    "As Dur": "Ab major",
    "C# Moll": "C# minor",
    "amoll": "A minor",
    "do mineur": "C minor",
    "Do majeur": "C major",
    "sol dièse mineur": "G# minor",
    "SOL DIÈSE MINEUR": "G# minor",
    "si bémol majeur": "Bb major",
    "mi♭ majeur": "Eb major",
    "si b majeur": "Bb major",
    "do maggiore": "C major",
    "fa diesis minore": "F# minor",
    "re bemolle maggiore": "Db major",
    "la menor": "A minor",
    "fa sostenido mayor": "F# major",
    "dó sustenido menor": "C# minor",
    "lá maior": "A major",
    "LAm": "A minor",
    "FA#m": "F# minor",
    "Sib": "Bb major",
    "DO": "C major",
    "C# mineur": "C# minor",
    "Bb maggiore": "Bb major",
}
AMBIGUOUS = {
    "c": "lower case may mean minor",
    "bb": "lower case may mean minor",
    "f#": "lower case may mean minor",
    "la": "lower case may mean minor",
    "AB": "lower case may mean minor",
    "CM": "major by the case of its M",
    "SIM": "major by the case of its M",
    "H": "has an H, which is B in German",
    "Hm": "has an H, which is B in German",
    "H minor": "has an H, which is B in German",
    "A-": "ends in a dash, which is minor to some",
    "La-": "ends in a dash",
    "C –": "ends in a dash",
    "8A - A-": "ends in a dash",
    "A#m +51": "more than 50 cents off",
    "C/Am": "names several keys: C major, A minor",
    "8A/9A": "names several keys: A minor, E minor",
    "8A C": "names several keys: A minor, C major",
    "E / B / A minor": "names several keys: E major, B major, A minor",
    "C / Cm": "names several keys: C major, C minor",
    "D minor / F major": "names several keys: D minor, F major",
}
NONE = [
    "", " ", "-", "n/a", "N/A ", "o", "X", "unknown", "House", "All", "major", "min", "C dorian",
    "C other", "Am7", "Am-5", "Cmajor7", "A-A# minor", "A# major / minor", "C minor, sad",
    "C minor C minor", "13A", "8", "/", "+50", "B# moll", "H# Dur", "aes-Dur", "Cis", "do re",
    "A B", "solo", "lament",
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), TABLE.items())
def test_what_people_write_names_its_key(text, expected):
    assert str(parse_label(text)) == expected
    assert str(parse_label(f"  {text} ")) == expected


@pytest.mark.parametrize(("text", "why"), AMBIGUOUS.items())
def test_what_may_mean_several_keys_is_refused_and_says_how(text, why):
    with pytest.raises(AmbiguousKeyError, match="^ambiguous label: ") as caught:
        parse_label(text)
    assert repr(text) in str(caught.value) and why in str(caught.value)


@pytest.mark.parametrize("text", NONE)
def test_what_names_no_key_is_refused_and_shown(text):
    with pytest.raises(KeyParseError, match="not a key: ") as caught:
        parse_label(text)
    assert repr(text) in str(caught.value)


def test_a_text_without_end_is_refused_at_once_and_not_repeated():
    for text in ("A" + 10_000_000 * "-", "A" + 10_000_000 * " " + "x", 10_000_000 * "(1"):
        with pytest.raises(KeyParseError, match="not a key: .* letters; give one tonic") as caught:
            parse_label(text)
        assert len(str(caught.value)) < 300


@pytest.mark.parametrize("notation", NOTATIONS)
def test_every_notation_that_we_write_reads_back_as_the_same_key(notation):
    for key in KEYS:
        assert parse_label(spelling(notation)(key)) == key


TONICS = [  # in German, French and English
    ("C", "do", "C"), ("Cis", "do♯", "C#"), ("Des", "ré♭", "Db"), ("D", "ré", "D"),
    ("Dis", "ré♯", "D#"), ("Es", "mi♭", "Eb"), ("E", "mi", "E"), ("F", "fa", "F"),
    ("Fis", "fa♯", "F#"), ("Ges", "sol♭", "Gb"), ("G", "sol", "G"), ("Gis", "sol♯", "G#"),
    ("As", "la♭", "Ab"), ("A", "la", "A"), ("Ais", "la♯", "A#"), ("B", "si♭", "Bb"),
    ("H", "si", "B"),
]  # fmt: skip


@pytest.mark.parametrize(("german", "french", "english"), TONICS)
def test_the_languages_agree_on_every_tonic_in_both_modes(german, french, english):
    for dur, majeur, major in (("Dur", "majeur", "major"), ("Moll", "mineur", "minor")):
        key = parse_key(f"{english} {major}")
        assert parse_label(f"{german}-{dur}") == parse_label(f"{french} {majeur}") == key
        assert parse_label(f"{english} {majeur}") == key


names = st.sampled_from([spell(key) for spell in map(spelling, NOTATIONS) for key in KEYS])


@given(names, names, st.sampled_from(["/", " / ", " - ", " | ", ", ", "; "]))
def test_two_names_are_one_key_or_refused(one, other, between):
    keys = {parse_label(one), parse_label(other)}
    if len(keys) == 1:
        assert parse_label(one + between + other) in keys
    else:
        with pytest.raises(AmbiguousKeyError, match="names several keys"):
            parse_label(one + between + other)


@given(st.text("ABCDEFGHabcdefghmisolrt#♭ /-+0158", max_size=12))
def test_what_parse_key_reads_is_read_alike_and_every_text_ends_in_a_key_or_an_error(text):
    try:
        known = parse_key(text)
    except KeyParseError:
        known = None
    try:
        key = parse_label(text)
    except KeyParseError:
        key = None
    assert isinstance(key, Key) or key is None
    assert known is None or key == known
