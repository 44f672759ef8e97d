"""Laws of recordings: what sounds or is called the same shares a split, and its labels agree."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songkey.keys import Key
from songs.recordings import recording_ids, united
from songs.song import Song
from songs.split import split_of

C, A = Key(0, "major"), Key(9, "minor")


def song(song_id, identity="", name="", key=C, recording_id="", split=""):
    return Song(song_id, "any", "", key, recording_id, "tag", 1.0, split, None, "", identity, name)


def recordings(*songs, **options):
    return {one.song_id: one.recording_id for one in united(songs, **options)[0]}


def test_sound_or_name_makes_songs_one_recording_and_chains_do():
    of = recordings(
        song("a", "1", "x"), song("b", "1"), song("c", "2", "x"), song("d", "3"), song("e"),
        song("f"),
    )  # fmt: skip
    assert of["a"] == of["b"] == of["c"]
    assert len(set(of.values())) == 4


@pytest.mark.parametrize(
    ("one", "called"),
    [
        (song("a", "1", "x", recording_id="given"), "given"), (song("a", "1", "x"), "x"),
        (song("a", "1"), "1"), (song("a"), "a"),
    ],
)  # fmt: skip
def test_a_recording_is_called_by_the_first_of_what_is_known(one, called):
    assert recordings(one) == {"a": called}


def test_a_copy_without_a_given_recording_joins_the_one_that_is_given():
    of = recordings(song("a", "1", recording_id="take 5"), song("b", "1"), song("c", "2"))
    assert of == {"a": "take 5", "b": "take 5", "c": "2"}


def test_a_copy_that_says_less_does_not_rename_a_recording():
    assert recordings(song("b", "1", "x"), song("a", "1"))["b"] == "x"
    assert recordings(song("b", "1"), song("a", "1"))["b"] == "1"


def test_songs_said_to_be_one_recording_may_have_several_keys():
    both = song("a", "1", recording_id="album"), song("b", "2", recording_id="album", key=A)
    assert united(both) == ([*both], [])


def test_labels_of_one_name_conflict_only_where_they_are_said_to():
    both = song("a", "1", "x"), song("b", "2", "x", key=A)
    found, left_out = united(both)
    assert (found, [one.kind for one in left_out]) == ([], ["conflicting labels"] * 2)
    found, left_out = united(both, of_one_key=("identity",))
    assert len(found) == 2 and not left_out
    assert len({one.recording_id for one in found}) == 1


identities, names = st.sampled_from(["", *"1234"]), st.sampled_from(["", *"wxyz"])
made = st.lists(st.tuples(identities, names, st.sampled_from([C, A])), max_size=12).map(
    lambda rows: [song(f"s{number:02}", *row) for number, row in enumerate(rows)]
)


@given(made)
def test_no_property_is_in_two_splits_and_every_song_is_found_or_left_out(songs):
    found, left_out = united(songs)
    assert sorted([one.song_id for one in (*found, *left_out)]) == [one.song_id for one in songs]
    for name in ("identity", "name"):
        splits: dict[str, set] = {}
        for one in found:
            splits.setdefault(getattr(one, name), set()).add(split_of(one, 0.3, 0.3, 0))
        assert all(len(drawn) == 1 for value, drawn in splits.items() if value)


@given(made)
def test_uniting_again_changes_nothing(songs):
    found, _ = united(songs)
    assert united(found) == (found, [])


@given(made, st.integers(0, 11))
def test_a_given_split_is_that_of_the_whole_recording(songs, chosen):
    songs = [replace(one, split="test" if at == chosen else "") for at, one in enumerate(songs)]
    found, _ = united(songs)
    tested = {one.recording_id for one in found if one.split == "test"}
    assert all((one.split == "test") == (one.recording_id in tested) for one in found)


def test_a_large_recording_that_meets_songs_listed_before_it_is_called_as_the_first_of_all():
    singles = [f"a{number}" for number in range(100)]
    whole = [f"b{number}" for number in range(100)]
    met = dict(zip(whole, singles, strict=True)) | dict(zip(singles, singles, strict=True))
    found = recording_ids([*singles, *whole], [dict.fromkeys(whole, "x"), met])
    assert found == dict.fromkeys([*singles, *whole], "a0")
