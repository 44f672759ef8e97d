"""Laws of song names: one song has one name in every catalogue, two songs have two."""

import pytest

from songs.titles import file_song_name, song_name, telling_name


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("Janji", "Heroes Tonight"), ("JANJI", "heroes  tonight")),
        (("Mendum", "Stay With Me"), ("Mendum", "Stay With Me (Original Mix)")),
        (("Møme & Déjà Vu", "Ça va?"), ("Deja Vu, Mome", "Ca Va")),
        (("Lost Sky", "Fearless pt.II (feat. Chris)"), ("Lost Sky, Chris", "Fearless pt. II")),
        (("Lost Sky ft Chris Linton", "Fearless"), ("Lost Sky", "Fearless featuring Chris Linton")),
        (("A feat. B", "Go (C Remix)"), ("A", "Go feat. B (C Remix)")),
        (("T & Sugah", "Can't Stop"), ("T and Sugah", "Can’t Stop [NCS Release]")),
        (("Cartoon", "On & On"), ("Cartoon", "On and On")),
        (("Egzod x Maestro", "Royalty"), ("Maestro, Egzod", "Royalty")),
        (("ｆｕｌｌ", "Ｗｉｄｔｈ"), ("full", "width")),
        (("音楽", "夜"), ("音楽", "夜")),
    ],
)  # fmt: skip
def test_one_song_has_one_name(one, other):
    assert song_name(*one) == song_name(*other) != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("Janji", "Heroes"), ("Janji", "Heroes (X Remix)")),
        (("Janji", "Heroes"), ("Janji", "Heroes VIP")),
        (("Janji", "Part 1"), ("Janji", "Part 2")),
        (("Janji", "Heroes"), ("Janji & Johnning", "Heroes")),
        (("Xomu", "Feather"), ("Omu", "Feather")),
        (("A", "!!!"), ("A", "???")),
        (("音楽", "夜"), ("音楽", "朝")),
    ],
)
def test_two_songs_have_two_names(one, other):
    assert song_name(*one) != song_name(*other)


@pytest.mark.parametrize("blank", [("", "Heroes feat. B"), ("Janji", ""), (" ", " ")])
def test_what_lacks_artist_or_title_has_no_name(blank):
    assert song_name(*blank) == ""


def test_a_title_that_is_all_noise_keeps_it():
    assert song_name("A", "Original Mix") == "a - original mix"


def test_a_file_named_by_artist_and_title_is_that_song():
    assert file_song_name("Janji - Heroes - Live") == song_name("Janji", "Heroes - Live")
    assert file_song_name("0412") == ""


@pytest.mark.parametrize(
    ("artist", "title"),
    [
        ("Unknown Artist", "Heroes"), ("Various Artists", "Heroes"), ("Janji", "Track 01"),
        ("Janji", "Untitled"), ("Janji", "03"), ("W. A. Mozart", "II. Allegro ma non troppo"),
        ("J. S. Bach", "Prelude in C minor"), ("Janji", "Intro"), ("", "Heroes"),
        ("Janji", "Intro feat. B"),
    ],
)  # fmt: skip
def test_a_name_that_many_recordings_may_have_tells_none(artist, title):
    assert telling_name(artist, title) == ""


@pytest.mark.parametrize("title", ["Heroes", "Allegro of the Heroes", "Heroes (Intro)", "夜"])
def test_any_other_name_tells_a_recording(title):
    assert telling_name("Janji", title) == song_name("Janji", title) != ""
