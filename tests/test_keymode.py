"""Laws of keys in two columns: tonic and mode make one key, or none and say what they were."""

import pytest

from songkey.keymode import key_text
from songkey.keynames import key_or_none, names_no_key, parse_label
from songkey.keys import KEYS, KeyParseError


@pytest.mark.parametrize("end", ["", ".0"])
@pytest.mark.parametrize("key", KEYS, ids=str)
def test_a_tonic_and_its_mode_are_one_key_in_words_and_in_spotify_s_numbers(key, end):
    tonic = str(key).split()[0]
    for word in (key.mode, key.mode.title(), key.mode[:3].upper()):
        assert key_or_none(key_text(tonic, word)) == key
    number = str(int(key.mode == "major")) + end
    assert key_or_none(key_text(f"{key.tonic}{end}", number)) == key
    assert key_or_none(key_text(f"{key.tonic}{end}", key.mode)) == key
    assert key_or_none(key_text(tonic, number)) == key


@pytest.mark.parametrize(
    ("key", "mode", "expected"),
    [
        ("Cis", "moll", "C# minor"),
        ("B", "Dur", "Bb major"),
        ("la", "mineur", "A minor"),
        ("a", "minor", "A minor"),
        ("F#/Gb", "minor", "F# minor"),
        ("A minor", "minor", "A minor"),
        ("8A", "Minor", "A minor"),
        ("8A", "auto", "A minor"),
        ("A minor", "", "A minor"),
        ("A", "", "A major"),
    ],
)
def test_the_mode_is_read_in_any_language_and_a_whole_key_needs_none(key, mode, expected):
    assert str(key_or_none(key_text(key, mode))) == expected


@pytest.mark.parametrize(
    ("key", "mode"),
    [
        ("A", "dorian"), ("A", "n/a"), ("A", "M"), ("A", "2"), ("9", "x"), ("12", "1"),
        ("8A", "major"), ("Am", "1"),
    ],
)  # fmt: skip
def test_a_mode_that_is_none_or_another_makes_no_key_and_is_shown(key, mode):
    with pytest.raises(KeyParseError, match=f"{key}, mode {mode}"):
        parse_label(key_text(key, mode))


def test_numbers_are_keys_beside_a_mode_only_and_minus_one_is_no_key():
    assert key_or_none(key_text("9", "")) is None
    assert names_no_key(key_text("-1", "1")) and names_no_key(key_text("-1.0", "0"))
    assert names_no_key(key_text("n/a", "minor")) and names_no_key(key_text("", "minor"))
