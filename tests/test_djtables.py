"""Laws of DJ programs' collections: each program's keys are read, for the file that is meant."""

import sqlite3
from contextlib import closing

import numpy as np
import pytest
import soundfile

from songkey.errors import AudioKeyError
from songkey.keys import KEYS, parse_key
from songs import folder, mixxx, serato, traktor
from songs.djtables import read_tracks, table_rows
from songs.song import LeftOut
from songs.track import Track
from storage.places import place_of

MIXXX = """CREATE TABLE library (id INTEGER PRIMARY KEY, artist TEXT, title TEXT, location INTEGER,
    key varchar(8) DEFAULT "", key_id INTEGER DEFAULT 0, mixxx_deleted INTEGER DEFAULT 0);
CREATE TABLE track_locations (id INTEGER PRIMARY KEY, location TEXT UNIQUE);"""


def write_rekordbox(path, keys):
    """Keys by the paths of files, as from another computer."""
    tracks = "".join(
        f'<TRACK TrackID="1" Name="a" Location="file://localhost/{name.replace(" ", "%20")}" '
        f'Tonality="{key}"/>'
        for name, key in keys.items()
    )
    path.write_text(f"<DJ_PLAYLISTS><COLLECTION>{tracks}</COLLECTION></DJ_PLAYLISTS>")


def write_traktor(path, keys):
    entries = ""
    for name, key in keys.items():
        *folders, file = name.split("/")
        where = "".join(f"/:{one}" for one in folders)
        entries += f'<ENTRY TITLE="a" ARTIST="b"><LOCATION DIR="{where}/:" FILE="{file}" '
        entries += (
            f'VOLUME="D:"/><INFO KEY="1d"/><MUSICAL_KEY VALUE="{parse_key(key).id}"/></ENTRY>'
        )
    path.write_text(f'<NML VERSION="19"><COLLECTION>{entries}</COLLECTION></NML>')


def field(name, held):
    data = held if isinstance(held, bytes) else held.encode("utf-16-be")
    return name.encode() + len(data).to_bytes(4) + data


def write_serato(path, keys):
    tracks = b"".join(
        field("otrk", field("ttyp", "mp3") + field("pfil", name) + field("tkey", key)
              + field("uadd", b"\0\0\0\1") + field("bmis", b"\0"))
        for name, key in keys.items()
    )  # fmt: skip
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(field("vrsn", "2.0/Serato Scratch LIVE Database") + tracks)


def write_mixxx(path, keys):
    with closing(sqlite3.connect(path)) as library:
        library.executescript(MIXXX)
        for number, (name, key) in enumerate(keys.items(), start=1):
            library.execute("INSERT INTO track_locations VALUES (?, ?)", (number, f"/{name}"))
            library.execute(
                "INSERT INTO library (artist, title, location, key, key_id) VALUES (?, ?, ?, ?, ?)",
                ("b", "a", number, key, parse_key(key).id + 1),
            )
        library.commit()


TABLES = [
    ("rekordbox.xml", write_rekordbox),
    ("my export.XML", write_rekordbox),
    ("collection.nml", write_traktor),
    ("_Serato_/database V2", write_serato),
    ("mixxxdb.sqlite", write_mixxx),
]


@pytest.fixture
def add(tmp_path):
    """Adds a FLAC file of its own sound, without tags."""
    numbers = iter(range(1_000))

    def add(name):
        path = tmp_path / "music" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, np.full(10, next(numbers), np.int16), 8_000, format="FLAC")
        return path

    (tmp_path / "music").mkdir()
    return add


def labelled(root, **options):
    songs, _ = folder.songs(root, "mine", **options)
    return {one.song_id: (str(one.key), one.label_source) for one in songs}


@pytest.mark.parametrize(("name", "write"), TABLES)
def test_a_table_in_the_folder_gives_its_keys_to_the_files_it_lists(tmp_path, add, name, write):
    for song in ("House/Über 1.flac", "House/two.flac", "three.flac"):
        add(song)
    keys = {"Users/me/House/Über 1.flac": "Am", "x/House/two.flac": "F#m", "x/other.mp3": "Bm"}
    write(tmp_path / "music" / name, keys)
    songs, left_out = folder.songs(tmp_path / "music", "mine")
    assert {one.song_id: str(one.key) for one in songs} == {
        "House/Über 1.flac": "A minor", "House/two.flac": "F# minor"
    }  # fmt: skip
    source = "Serato database V2" if "Serato" in name else name
    assert {one.label_source for one in songs} == {source}
    assert left_out == [LeftOut("three.flac", "no label")]


@pytest.mark.parametrize(("name", "write"), TABLES)
def test_a_table_elsewhere_is_named_by_a_setting(tmp_path, add, name, write):
    add("one.flac")
    (tmp_path / "elsewhere").mkdir()
    write(tmp_path / "elsewhere" / name, {"a/one.flac": "Am"})
    assert labelled(tmp_path / "music") == {}
    tables = [str(tmp_path / "elsewhere" / name)]
    assert list(labelled(tmp_path / "music", tables=tables)) == ["one.flac"]


def test_a_label_file_comes_before_tables_and_these_before_folders(tmp_path, add):
    for song in ("C minor/one.flac", "C minor/two.flac", "C minor/three.flac"):
        add(song)
    write_traktor(
        tmp_path / "music/collection.nml",
        {"music/C minor/one.flac": "Am", "C minor/two.flac": "Bm"},
    )
    (tmp_path / "music/labels.csv").write_text("path,key\none.flac,D major\n")
    assert labelled(tmp_path / "music") == {
        "C minor/one.flac": ("D major", "labels.csv"),
        "C minor/two.flac": ("B minor", "collection.nml"),
        "C minor/three.flac": ("C minor", "folder name"),
    }


def test_two_tables_that_disagree_leave_a_song_out(tmp_path, add):
    add("one.flac")
    add("two.flac")
    write_traktor(tmp_path / "music/collection.nml", {"one.flac": "Am", "two.flac": "Bm"})
    keys = {"n/music/one.flac": "8A", "n/music/two.flac": "Em"}
    write_mixxx(tmp_path / "music/mixxxdb.sqlite", keys)
    songs, left_out = folder.songs(tmp_path / "music", "mine")
    assert [(one.song_id, str(one.key)) for one in songs] == [("one.flac", "A minor")]
    both = "'B minor' in collection.nml, 'E minor' in mixxxdb.sqlite"
    assert left_out == [LeftOut("two.flac", f"conflicting labels: {both}")]


def test_a_row_that_surely_means_a_file_comes_before_others_of_any_table(tmp_path, add):
    for song in ("Album/one.flac", "Album/two.flac", "Album/three.flac"):
        add(song)
    write_traktor(tmp_path / "music/collection.nml", {"Album/one.flac": "Am", "Old/two.flac": "Cm"})
    keys = {"Old/one.flac": "Em", "New/two.flac": "Cm", "Album/three.flac": "Dm"}
    write_mixxx(tmp_path / "music/mixxxdb.sqlite", keys)
    (tmp_path / "music/labels.csv").write_text("path,key\n/Old/three.flac,G\n")
    songs, left_out = folder.songs(tmp_path / "music", "mine")
    assert {one.song_id: (str(one.key), one.doubt) for one in songs} == {
        "Album/one.flac": ("A minor", ""), "Album/three.flac": ("D minor", "")
    }  # fmt: skip
    assert {one.song_id: one.kind for one in left_out} == {
        "/Old/three.flac": "listed but not found", "D:/Old/two.flac": "listed name is ambiguous",
        "/New/two.flac": "listed name is ambiguous", "Album/two.flac": "no label",
    }  # fmt: skip


def test_a_path_elsewhere_is_one_in_all_programs_whether_they_name_its_drive(tmp_path, add):
    add("Album/one.flac")
    write_traktor(tmp_path / "music/collection.nml", {"Music/one.flac": "Am"})  # of drive D:
    write_serato(tmp_path / "music/_Serato_/database V2", {"Music/one.flac": "8A"})
    (song,), left_out = folder.songs(tmp_path / "music", "mine")
    assert str(song.key) == "A minor" and left_out == []


def rows_of(tmp_path, song_ids, keys, ambiguous=()):
    """The keys of songs; exactly the tracks that are `ambiguous` are named as such."""
    write_rekordbox(tmp_path / "a.xml", keys)
    tables = [place_of(tmp_path / "a.xml")]
    found, left_out = table_rows(place_of(tmp_path / "music"), song_ids, tables)
    assert {one.kind for one in left_out} <= {"listed name is ambiguous"}
    assert sorted(one.song_id for one in left_out) == sorted(f"/{name}" for name in ambiguous)
    return {song_id: [row.key for row in rows] for song_id, rows in found.items()}


def test_of_files_with_one_name_each_gets_the_row_whose_folders_it_shares(tmp_path, add):
    keys = {"m/A/01.mp3": "Am", "m/B/01.mp3": "Bm", "m/C/01.mp3": "Cm", "m/C/x/02.mp3": "Dm"}
    assert rows_of(tmp_path, ["B/01.mp3", "A/01.mp3", "E/02.mp3"], keys) == {
        "A/01.mp3": ["Am"], "B/01.mp3": ["Bm"], "E/02.mp3": ["Dm"]
    }  # fmt: skip


def test_where_several_may_be_meant_none_is_and_they_are_named(tmp_path, add):
    keys = {"m/01.mp3": "Am"}
    assert rows_of(tmp_path, ["A/01.mp3", "B/01.mp3"], keys, ambiguous=keys) == {}
    keys = {"m/A/01.mp3": "Am", "m/B/01.mp3": "Bm"}
    assert rows_of(tmp_path, ["C/01.mp3"], {**keys, "m/02.mp3": "C"}, ambiguous=keys) == {}


def test_a_track_listed_twice_with_one_key_gives_it(tmp_path, add):
    keys = {"C:/Old/A/01.mp3": "Am", "D:/Backup/A/01.mp3": "8A"}
    assert rows_of(tmp_path, ["A/01.mp3"], keys) == {"A/01.mp3": ["Am", "8A"]}


def test_case_and_the_way_accents_are_written_tell_no_file_from_another(tmp_path, add):
    assert rows_of(tmp_path, ["A/\u00dc.mp3"], {"a/u\u0308.MP3": "Am"}) == {"A/\u00dc.mp3": ["Am"]}


def test_traktors_and_mixxxs_numbers_are_the_24_keys(tmp_path):
    keys = {f"{key.id}.mp3": str(key) for key in KEYS}
    write_traktor(tmp_path / "collection.nml", keys)
    assert [one.key for one in traktor.read_collection(tmp_path / "collection.nml")] == list(
        keys.values()
    )
    write_mixxx(tmp_path / "mixxxdb.sqlite", keys)
    assert [one.key for one in mixxx.read_library(tmp_path / "mixxxdb.sqlite")] == [*keys.values()]


def test_where_there_is_no_number_the_text_counts(tmp_path):
    path = tmp_path / "collection.nml"
    entries = '<ENTRY><LOCATION DIR="/:" FILE="a.mp3"/><INFO KEY="Gbm"/></ENTRY><ENTRY TITLE="b"/>'
    path.write_text(f"<NML><COLLECTION>{entries}</COLLECTION></NML>")
    assert traktor.read_collection(path) == [Track("1", "", "", "/a.mp3", "Gbm")]
    write_mixxx(tmp_path / "mixxxdb.sqlite", {"a.mp3": "Am", "b.mp3": "Bm", "c.mp3": "Cm"})
    with closing(sqlite3.connect(tmp_path / "mixxxdb.sqlite")) as library:
        library.execute("UPDATE library SET key_id = 0, key = 'Eb' WHERE id = 1")
        library.execute("UPDATE library SET mixxx_deleted = 1 WHERE id = 2")
        library.execute("UPDATE library SET key_id = NULL, key = '' WHERE id = 3")
        library.commit()
    assert mixxx.read_library(tmp_path / "mixxxdb.sqlite") == [Track("1", "b", "a", "/a.mp3", "Eb")]


def test_a_library_that_mixxx_is_writing_is_not_read(tmp_path):
    path = tmp_path / "mixxxdb.sqlite"
    write_mixxx(path, {"a.mp3": "Am"})
    (tmp_path / "mixxxdb.sqlite-journal").write_bytes(b"pages")
    with pytest.raises(AudioKeyError, match="mixxxdb.sqlite: Mixxx has it open.*close Mixxx"):
        mixxx.read_library(path)


def test_a_library_is_not_written_to(tmp_path):
    path = tmp_path / "mixxxdb.sqlite"
    write_mixxx(path, {"a.mp3": "Am"})
    before = path.read_bytes(), path.stat().st_mtime_ns
    mixxx.read_library(path)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("name", "write"), TABLES)
def test_a_table_that_is_cut_or_damaged_is_named_or_read(tmp_path, name, write):
    path = tmp_path / name
    write(path, {f"music/{number}.mp3": "Am" for number in range(30)})
    whole = path.read_bytes()
    named = 0
    for at in range(8, len(whole), len(whole) // 60):
        for data in (whole[:at], whole[:at] + b"\xff\xff\xff\xff" + whole[at + 4 :]):
            path.write_bytes(data)
            try:
                read_tracks(path)
            except AudioKeyError as error:
                assert str(error).startswith(str(path))
                named += 1
    assert named > 20


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.nml", b"<plist/>", r"a\.nml: no Traktor collection: its root is <plist>"),
        ("a.xml", b"<plist/>", r"a\.xml: no rekordbox collection: its root is <plist>"),
        ("database V2", b"what", "database V2: no Serato library"),
        ("mixxxdb.sqlite", b"what" * 100, r"mixxxdb\.sqlite: no library of Mixxx, or damaged"),
        ("a.doc", b"", r"a\.doc: no table of a DJ program's by its name; it ends on \.xml"),
        ("mixxxdb.sqlite", None, r"mixxxdb\.sqlite is not there; check the path"),
        ("gone.xml", None, r"gone\.xml is not there; check the path"),
    ],
)
def test_a_named_table_that_is_none_is_refused(tmp_path, add, name, content, message):
    add("one.flac")
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(AudioKeyError, match=message):
        folder.songs(tmp_path / "music", "mine", tables=[str(tmp_path / name)])


def test_other_programs_files_in_the_folder_are_passed_over(tmp_path, add):
    add("C minor/one.flac")
    (tmp_path / "music/podcast.xml").write_text("<rss><DJ>")
    (tmp_path / "music/photos.sqlite").write_bytes(b"what")
    (tmp_path / "music/folder.nml").mkdir()
    assert list(labelled(tmp_path / "music")) == ["C minor/one.flac"]


def test_serato_keeps_what_is_no_text_to_itself(tmp_path):
    write_serato(tmp_path / "x" / "database V2", {"a/b.mp3": "8A", "a/c.mp3": ""})
    assert serato.read_library(tmp_path / "x" / "database V2") == [
        Track("1", "", "", "/a/b.mp3", "8A")
    ]


def test_a_track_that_shares_but_the_name_with_a_file_is_doubtful(add, tmp_path):
    add("01 Intro.flac")
    write_rekordbox(tmp_path / "music/rekordbox.xml", {"D:/Other/01 Intro.flac": "Am"})
    (song,), _ = folder.songs(tmp_path / "music", "mine")
    assert song.doubt == "listed in another folder: /D:/Other/01 Intro.flac"


def test_a_table_without_a_usable_track_and_one_of_other_files_are_warned_of(add, tmp_path, caplog):
    add("C minor/one.flac")
    write_rekordbox(tmp_path / "music/rekordbox.xml", {"x/one.flac": "-", "x/two.flac": ""})
    write_mixxx(tmp_path / "music/mixxxdb.sqlite", {"x/two.flac": "Am", "x/three.flac": "Am"})
    songs, _ = folder.songs(tmp_path / "music", "mine")
    assert [song.label_source for song in songs] == ["folder name"]
    assert "rekordbox.xml: no track in it has a key and a path; let the program" in caplog.text
    assert "mixxxdb.sqlite: no track in it is a file here (2 looked at)" in caplog.text


def test_a_table_whose_tracks_are_ambiguous_is_not_warned_of(add, tmp_path, caplog):
    add("A/one.flac")
    add("B/one.flac")
    write_mixxx(tmp_path / "music/mixxxdb.sqlite", {"x/one.flac": "Am"})
    assert labelled(tmp_path / "music") == {} and caplog.text == ""
