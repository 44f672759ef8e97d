"""Laws of the keys of NoCopyrightSounds: each label finds its own song, whatever the file."""

from pathlib import Path

import mutagen
import pytest
from conftest import small_config
from mutagen.id3 import TKEY
from ncs_site import PAGE_URL, SONGS, button, fill_download_folder, page, write

from songs import ncs
from songs.ncs_labels import read_labels
from songs.ncs_listing import releases_of
from songs.ncs_match import match_labels
from songs.song import LeftOut

TABLES = {
    "tid.csv": "tid,key\nt1,Am\nt2,8B\n",
    "tid.tsv": "Key\tTID\nA minor\tt1\nC major\tt2\n",
    "semicolons.csv": "\ufeffTid;Genre;Tonality\r\nT1;House;8A\r\nt2;;C maj\r\n",
    "url.csv": "url,key\nhttps://cdn.test/tracks/t1-song.mp3,Am\nhttp://CDN.test/tracks/t2-song.mp3?y,1d\n",
    "names.csv": (
        'artist,title,key\n"JOHNNING & Janji","Heroes Tonight (Original Mix)",Am\n'
        "Lost Sky feat. Chris,Fearless,C maj\n"
    ),
    "files.csv": "file,key\nncs\\audio\\t1.mp3,Am\nLost Sky - Fearless (feat. Chris).wav,C maj\n",
    "list.json": (
        '[{"tid": "t1", "key": "Am"}, {"Artist": "Chris, Lost Sky", "Track": "Fearless",'
        ' "key": "C maj", "bpm": 120}]'
    ),
    "own names.json": (
        '[{"tid": "t1", "key": "Am"}, {"Key": "1d", "URL": "//cdn.test/tracks/t2-song.mp3"}]'
    ),
    "songs.json": (
        '{"Janji & Johnning - Heroes Tonight": "Am", "Chris - Fearless ft Lost Sky.mp3": "8B"}'
    ),
    "map.json": '{"t1": "Am", "https://cdn.test/tracks/t2-song.mp3": {"key": "C maj"}}',
    "collection.xml": (
        '<DJ_PLAYLISTS><COLLECTION><TRACK Name="Heroes Tonight" Artist="Janji &amp; Johnning"'
        ' Tonality="Am"/><TRACK Location="file://localhost/C:/m/t2-song.MP3" Tonality="C"/>'
        "</COLLECTION></DJ_PLAYLISTS>"
    ),
    "collection.nml": (
        '<NML><COLLECTION><ENTRY TITLE="Heroes Tonight" ARTIST="Janji &amp; Johnning">'
        '<MUSICAL_KEY VALUE="21"/></ENTRY><ENTRY><LOCATION DIR="/:m/:" FILE="t2-song.MP3"/>'
        '<MUSICAL_KEY VALUE="0"/></ENTRY></COLLECTION></NML>'
    ),
}


@pytest.fixture
def downloaded(tmp_path):
    return fill_download_folder(tmp_path / "downloads")


@pytest.fixture
def songs(downloaded, tmp_path):
    """Keys and label sources by song, and what is left out, with the given label file."""

    def songs(labels: str | Path = ""):
        config = small_config(tmp_path, f'datasets.ncs.labels="{labels}"')
        found, left_out = ncs.songs(config.datasets, tmp_path / "downloads")
        return {one.song_id: (str(one.key), one.label_source) for one in found}, left_out

    return songs


@pytest.mark.parametrize("name", TABLES)
def test_each_kind_of_label_file_gives_its_songs_their_keys(songs, tmp_path, name):
    kinds = {"xml": "rekordbox XML", "nml": "Traktor collection"}
    kind = kinds.get(name[-3:], name.rpartition(".")[2].upper())
    found, left_out = songs(write(tmp_path / name, TABLES[name]))
    assert found == {"t1": ("A minor", kind), "t2": ("C major", kind)}
    assert left_out == [LeftOut(tid, "no label") for tid in ("t3", "t4", "t5", "t6")]


def test_accents_and_ampersands_match_and_a_remix_is_another_song(songs, tmp_path):
    text = 'artist,title,key\nMome,"CA VA and ‘more’",Am\nCARTOON,On and On [x remix],Bm\n'
    found, _ = songs(write(tmp_path / "keys.csv", text))
    assert {tid: key for tid, (key, _) in found.items()} == {"t3": "A minor", "t5": "B minor"}


def test_the_surest_name_that_a_release_has_decides(songs, tmp_path):
    text = (
        "tid,artist,title,key\nt1,Elektronomia,Sky High,Am\n17,Elektronomia,Sky High,Bm\n"
        "t4,,,Cm\n"
    )  # fmt: skip
    found, _ = songs(write(tmp_path / "keys.csv", text))
    keys = {tid: key for tid, (key, _) in found.items()}
    assert keys == {"t1": "A minor", "t6": "B minor", "t4": "C minor"}


def test_rows_that_mean_no_release_and_keys_that_are_none_are_reported(songs, tmp_path):
    text = "tid,key\nt1,Am\ngone,Am\n\nt2,\nt3,H\nt4,C major / A minor\n"
    found, left_out = songs(write(tmp_path / "keys.csv", text))
    assert list(found) == ["t1"]
    assert {one.song_id: one.reason for one in left_out} == {
        "keys.csv row 3": "label of no release in the listing: keys.csv row 3 (gone: 'Am')",
        "t2": "no key",
        "t3": "ambiguous label: 'H' has an H, which is B in German; write B, or H-Dur or H-Moll",
        "t4": "ambiguous label: 'C major / A minor' names several keys: C major, A minor",
        "t5": "no label",
        "t6": "no label",
    }


def test_of_a_collection_only_the_number_of_other_tracks_is_told(songs, tmp_path, caplog):
    tracks = '<TRACK Name="Mine" Artist="Me" Tonality="Am"/>' * 5
    frame = f"<DJ_PLAYLISTS><COLLECTION>{tracks}</COLLECTION></DJ_PLAYLISTS>"
    with caplog.at_level("INFO"):
        found, left_out = songs(write(tmp_path / "mine.xml", frame))
    assert found == {} and {one.reason for one in left_out} == {"no label"}
    assert "5 tracks of the collection are of no release" in caplog.text


def test_a_file_name_that_several_releases_have_means_none_of_them(tmp_path):
    buttons = [button(tid, url=f"https://cdn.test/{tid}/download.mp3") for tid in SONGS]
    labels = read_labels(write(tmp_path / "keys.csv", "file,key\ndownload.mp3,Am\nt2.mp3,Bm\n"))
    labels_of, left_out = match_labels(labels, releases_of(page(*buttons), PAGE_URL))
    assert list(labels_of) == ["t2"] and [one.song_id for one in left_out] == ["keys.csv row 2"]


def test_half_a_character_in_json_does_no_harm(tmp_path):
    [label] = read_labels(
        write(tmp_path / "keys.json", r'[{"title": "a\ud800", "tid": 1, "key": "Am"}]')
    )
    assert (label.title, label.tid) == ("a?", "1")


@pytest.mark.parametrize(
    ("second", "shown"),
    [
        ("t1,,,Am", "keys.csv row 2 (t1: 'Am') and keys.csv row 3 (t1: 'Am')"),
        ("t1,,,Bm", "keys.csv row 2 (t1: 'Am') and keys.csv row 3 (t1: 'Bm')"),
        (
            ",Johnning feat. Janji,heroes tonight,Bm",
            "keys.csv row 2 (t1: 'Am') and keys.csv row 3 "
            "(Johnning feat. Janji - heroes tonight: 'Bm')",
        ),
    ],
)
def test_two_rows_for_one_song_are_refused_and_both_shown(songs, tmp_path, second, shown):
    text = f"tid,artist,title,key\nt1,,,Am\n{second}\nt2,,,Am\n"
    labels = write(tmp_path / "keys.csv", text)
    with pytest.raises(ValueError, match="1 song with several rows; keep one: ") as refused:
        songs(labels)
    assert shown in str(refused.value)


def test_a_json_object_that_has_a_song_twice_is_refused_and_both_shown(tmp_path):
    path = write(tmp_path / "keys.json", '{"t1": "Am", "t1": "Bm"}')
    with pytest.raises(ValueError, match=r"keys\.json: 't1' is in it twice: 'Am' and 'Bm'"):
        read_labels(path)


def test_a_collection_may_hold_a_song_twice_but_not_in_two_keys(songs, tmp_path):
    track = '<TRACK Name="{}" Artist="{}" Tonality="{}"/>'
    tracks = [("Sky High", "Elektronomia", key) for key in ("C#m", "Dbm")]
    tracks += [("Heroes Tonight", "Janji, Johnning", key) for key in ("Am", "Bm")]
    text = "".join(track.format(*one) for one in tracks)
    frame = f"<DJ_PLAYLISTS><COLLECTION>{text}</COLLECTION></DJ_PLAYLISTS>"
    found, left_out = songs(write(tmp_path / "mine.xml", frame))
    assert found == {"t6": ("C# minor", "rekordbox XML")}
    assert LeftOut("t1", "conflicting labels: 'Am', 'Bm'") in left_out


def test_tags_in_the_downloaded_files_label_what_the_label_file_does_not(
    songs, downloaded, tmp_path
):
    for tid, key in (("t1", "Am"), ("t2", "8B")):
        file = mutagen.File(downloaded / f"audio/{tid}.mp3")
        file.add_tags()
        file.tags.add(TKEY(text=key))
        file.save()
    assert songs()[0] == {"t1": ("A minor", "tag"), "t2": ("C major", "tag")}
    found, _ = songs(write(tmp_path / "keys.csv", "tid,key\nt1,Fm\nt3,Gm\n"))
    assert found == {"t1": ("F minor", "CSV"), "t2": ("C major", "tag"), "t3": ("G minor", "CSV")}
