"""Laws of the 24 keys."""

import pytest

from songkey.keys import KEYS, Key, KeyParseError, Relation, parse_key, relation


def test_ids_number_the_24_keys_without_gap():
    assert [key.id for key in KEYS] == list(range(24))
    assert len(set(KEYS)) == 24


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_every_notation_reads_back_as_the_same_key(key):
    for text in (str(key), key.camelot, key.open_key):
        for spelling in (text, text.lower(), f"  {text} "):
            assert parse_key(spelling) == key


@pytest.mark.parametrize(
    "mode_text", [" major", "maj", ":maj", "-maj", " minor", "m", " min", ":minor", "-min", "_min"]
)
@pytest.mark.parametrize(
    "tonic_text, tonic",
    [
        ("C", 0),
        ("Cb", 11),
        ("B#", 0),
        ("E#", 5),
        ("Fb", 4),
        ("C##", 2),
        ("Fx", 7),
        ("Bbb", 9),
        ("Abb", 7),
        ("f♯", 6),
        ("G♭", 6),
        ("D𝄫", 0),
        ("A𝄪", 11),
        ("C sharp", 1),
        ("A-flat", 8),
        ("bb", 10),
        ("b", 11),
    ],
)
def test_every_tonic_spelling_combines_with_every_mode_spelling(tonic_text, tonic, mode_text):
    mode = "major" if "maj" in mode_text else "minor"
    assert parse_key(tonic_text + mode_text) == Key(tonic, mode)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("Gbm", "F# minor"),
        ("8A", "A minor"),
        ("8b", "C major"),
        ("1d", "C major"),
        ("1m", "A minor"),
        ("12A", "C# minor"),
        ("05A", "C minor"),
        ("C:minor", "C minor"),
        ("c min", "C minor"),
        ("AB MINOR", "G# minor"),
    ],
)
def test_common_spellings_are_read_as_musicians_read_them(text, expected):
    assert str(parse_key(text)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "-",
        "X",
        "x minor",
        "unknown",
        "C",
        "Bb",
        "a",
        "CM",
        "H minor",
        "C dorian",
        "D phrygian",
        "C other",
        "A-A# minor",
        "E / B / A minor",
        "A# major / minor",
        "C minor, D minor",
        "D minor / F major",
        "C#b minor",
        "C### minor",
        "13A",
        "0A",
        "8C",
        "0d",
        "8",
        "C minor C minor",
        "All",
        "o",
        "major",
        "Am7",
        "Cmajor7",
    ],
)
def test_what_is_not_one_key_is_refused_and_shown(text):
    with pytest.raises(KeyParseError, match="not a key: ") as caught:
        parse_key(text)
    assert repr(text) in str(caught.value)


def test_a_key_out_of_range_cannot_be_made():
    for wrong in (lambda: Key(12, "major"), lambda: Key(0, "dorian"), lambda: Key.from_id(24)):
        with pytest.raises(ValueError, match="no such key"):
            wrong()


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_transposing_up_and_down_is_the_identity_and_keeps_the_mode(key):
    for semitones in range(-24, 25):
        moved = key.transpose(semitones)
        assert moved.transpose(-semitones) == key and moved.mode == key.mode
    assert key.transpose(12) == key


def test_the_wheels_turn_by_one_for_each_fifth():
    for key in KEYS:
        fifth = key.transpose(7)
        assert int(fifth.camelot[:-1]) % 12 == (int(key.camelot[:-1]) + 1) % 12
        assert int(fifth.open_key[:-1]) % 12 == (int(key.open_key[:-1]) + 1) % 12


def test_relations_of_c_major_and_a_minor_are_the_textbook_ones():
    named = {
        "G major": Relation.FIFTH_UP,
        "F major": Relation.FIFTH_DOWN,
        "A minor": Relation.RELATIVE,
        "C minor": Relation.PARALLEL,
        "C major": Relation.CORRECT,
        "E minor": Relation.OTHER,
    }
    for text, expected in named.items():
        assert relation(parse_key(text), parse_key("C major")) == expected
    assert relation(parse_key("C major"), parse_key("A minor")) == Relation.RELATIVE


def test_relations_do_not_change_when_both_keys_are_transposed():
    for estimate in KEYS:
        for reference in KEYS:
            moved = {relation(estimate.transpose(k), reference.transpose(k)) for k in range(12)}
            assert moved == {relation(estimate, reference)}


def test_each_key_has_one_of_each_related_key_and_nineteen_others():
    for reference in KEYS:
        relations = [relation(estimate, reference) for estimate in KEYS]
        assert relations.count(Relation.OTHER) == 19
        assert all(relations.count(one) == 1 for one in Relation if one != Relation.OTHER)
