"""Laws of the split: by recording, independent of what else there is, close to the fractions."""

from collections import Counter
from dataclasses import replace

import pytest

from songkey.keys import KEYS
from songs.song import Song
from songs.split import split_of


def song(number: int, recording_id: str = "", split: str = "") -> Song:
    recording_id = recording_id or f"recording {number}"
    return Song(f"song {number}", "any", "a.wav", KEYS[0], recording_id, "tag", 1.0, split)


def test_songs_of_one_recording_share_a_split():
    assert len({split_of(song(number, "the same"), 0.3, 0.3, 0) for number in range(100)}) == 1


def test_the_fractions_are_met():
    counts = Counter(split_of(song(number), 0.2, 0.1, 0) for number in range(10_000))
    assert counts["valid"] == pytest.approx(2_000, abs=160)  # four standard deviations
    assert counts["test"] == pytest.approx(1_000, abs=120)
    assert counts["train"] == 10_000 - counts["valid"] - counts["test"]


def test_a_larger_valid_fraction_moves_songs_from_train_only():
    for number in range(300):
        smaller, larger = (split_of(song(number), fraction, 0.2, 0) for fraction in (0.1, 0.3))
        assert smaller == larger or (smaller, larger) == ("train", "valid")


def test_another_seed_draws_other_recordings():
    draws = [[split_of(song(number), 0.3, 0.3, seed) for number in range(50)] for seed in (0, 1)]
    assert draws[0] != draws[1]


def test_fractions_of_zero_and_one_leave_nothing_over():
    assert {split_of(song(number), 0.0, 0.0, 0) for number in range(100)} == {"train"}
    assert {split_of(song(number), 0.0, 1.0, 0) for number in range(100)} == {"test"}


@pytest.mark.parametrize("split", ["train", "valid", "test"])
def test_a_split_given_by_the_data_is_kept(split):
    assert {split_of(song(number, split=split), 0.3, 0.3, 0) for number in range(20)} == {split}


def test_a_song_of_a_training_set_is_never_drawn_for_test_and_for_valid_as_often():
    songs = [replace(song(number), testable=False) for number in range(2_000)]
    counts = Counter(split_of(one, 0.2, 0.3, 0) for one in songs)
    assert counts["test"] == 0
    assert counts["valid"] == pytest.approx(400, abs=72)
