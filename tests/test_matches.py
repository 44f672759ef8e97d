"""Laws of what mixes: near on the wheel, the same for every key, and never what is not clear."""

from dataclasses import replace

import numpy as np
import pytest

import songkey
from songkey.estimate import estimate_song
from songkey.keys import KEYS, parse_key
from songkey.matches import Match, compatible, match, rank


def test_what_mixes_with_a_minor_is_the_textbooks():
    found = compatible(parse_key("Am"))
    assert [(key.camelot, str(kind)) for key, kind in found.items()] == [
        ("8A", "same key"), ("8B", "relative"), ("9A", "fifth up"), ("7A", "fifth down"),
        ("10A", "energy up (a tone)"), ("3A", "energy up (a semitone)"),
        ("6A", "energy down (a tone)"),
    ]  # fmt: skip
    assert songkey.compatible is compatible


@pytest.mark.parametrize("playing", KEYS, ids=str)
def test_the_smooth_ones_are_neighbours_on_the_wheel(playing):
    number, letter = int(playing.camelot[:-1]), playing.camelot[-1]
    for key, kind in compatible(playing).items():
        steps = (int(key.camelot[:-1]) - number + 6) % 12 - 6
        assert (key.camelot[-1] == letter) == (kind != Match.RELATIVE)
        smooth = {"same key": 0, "relative": 0, "fifth up": 1, "fifth down": -1}
        assert steps == smooth.get(kind, steps)
    assert len(compatible(playing)) == len(Match)


def test_matches_do_not_change_when_both_keys_are_transposed():
    for key in KEYS:
        for playing in KEYS:
            moved = {match(key.transpose(k), playing.transpose(k)) for k in range(12)}
            assert moved == {match(key, playing)}


def test_songs_are_ranked_by_how_they_mix_then_by_how_sure_that_is():
    def sure(text: str, logit: float):
        return estimate_song(logit * np.eye(24)[[parse_key(text).id]])

    songs = [sure("Bm", 9), sure("Em", 3), sure("Em", 5), sure("C major", 1), sure("Am", 1)]
    ranks = [rank(song, parse_key("Am")) for song in songs]
    assert sorted(ranks) == [ranks[number] for number in (4, 3, 2, 1, 0)]
    assert rank(sure("Bb minor", 9), parse_key("Am")) is not None  # a semitone up
    assert rank(sure("G# minor", 9), parse_key("Am")) is None
    assert rank(replace(songs[4], is_clear=False), parse_key("Am")) is None
