"""Laws of a user's own folder: which source labels a file, and that nothing is lost in silence."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from mutagen.flac import FLAC

from songs import folder
from songs.ears import Ears
from songs.song import LeftOut


@pytest.fixture
def add(tmp_path):
    """Adds a FLAC file, maybe with key tags; unless said otherwise each has its own sound."""
    numbers = iter(range(1_000))

    def add(name: str, *tags: str, content: int | None = None):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        level = next(numbers) if content is None else content
        soundfile.write(path, np.full(10, level, np.int16), 8_000, format="FLAC")
        if tags:
            file = FLAC(path)
            file["initialkey"] = list(tags)
            file.save()
        return path

    return add


def labelled(root) -> dict[str, tuple[str, str]]:
    return {one.song_id: (str(one.key), one.label_source) for one in folder.songs(root, "mine")[0]}


def left_out(root) -> dict[str, str]:
    return {one.song_id: one.reason for one in folder.songs(root, "mine")[1]}


def test_the_label_file_comes_before_folders_and_folders_before_tags(tmp_path, add):
    for name in ("Ab-maj/one.flac", "Ab-maj/two.flac", "three.flac", "four.flac"):
        add(name, "Em")
    (tmp_path / "labels.tsv").write_text(
        "path\tkey\nAb-maj/one.flac\tC major\nfour.flac\tD major\n"
    )
    assert labelled(tmp_path) == {
        "Ab-maj/one.flac": ("C major", "labels.tsv"),
        "Ab-maj/two.flac": ("Ab major", "folder name"),
        "four.flac": ("D major", "labels.tsv"),
        "three.flac": ("E minor", "tag"),
    }


def test_what_a_label_file_lists_badly_is_left_out_each_with_its_reason(tmp_path, add):
    for name in ("C minor/none", "odd", "low", "twice", "same", "a/twin", "b/twin", "part", "sure"):
        add(f"{name}.flac")
    lines = [
        "path\tkey\tsplit\tconfidence",
        "C minor/none.flac\tn/a\t\t",
        "odd.flac\tsad\t\t",
        "low.flac\tf#\t\t",
        "twice.flac\tC major\t\t",
        "twice.flac\tAm\t\t",
        "same.flac\tC# major\t\t",
        "same.flac\tDb major\t\t",
        "twin.flac\tC major\t\t",
        "gone.flac\tC major\t\t",
        "part.flac\tC major\tsecret\t",
        "sure.flac\tC major\t\tvery",
    ]
    (tmp_path / "labels.tsv").write_text("\n".join(lines))
    assert labelled(tmp_path) == {"same.flac": ("Db major", "labels.tsv")}
    assert left_out(tmp_path) == {
        "C minor/none.flac": "no key",
        "odd.flac": "label does not parse: sad",
        "low.flac": "ambiguous label: 'f#' names no mode, and lower case may mean minor; "
        "add major or minor",
        "twice.flac": "conflicting labels: 'C major', 'Am'",
        "twin.flac": "listed name is ambiguous: a/twin.flac, b/twin.flac",
        "a/twin.flac": "no label",
        "b/twin.flac": "no label",
        "gone.flac": "listed but not found",
        "part.flac": "split is none of train, valid, validation, test: secret",
        "sure.flac": "confidence is not a number from 0 to 1: very",
    }


def test_a_tonic_alone_is_major_in_tables_and_tags_and_no_folder_s_name(tmp_path, add):
    add("a.flac")
    add("b.flac", "Gb")
    add("A/c.flac", "C")
    add("tuned.flac", "A#m +50")
    add("twice.flac", "8A/Am")
    add("E/d.flac")
    (tmp_path / "labels.csv").write_text("path,key\na.flac,Db\n")
    assert labelled(tmp_path) == {
        "A/c.flac": ("C major", "tag"),
        "a.flac": ("Db major", "labels.csv"),
        "b.flac": ("F# major", "tag"),
        "tuned.flac": ("Bb minor", "tag"),
        "twice.flac": ("A minor", "tag"),
    }
    assert left_out(tmp_path) == {"E/d.flac": "no label"}


def test_a_label_file_may_say_recording_split_confidence_and_genre(tmp_path, add):
    add("one.flac")
    columns = "path,key,recording_id,split,confidence,genre"
    row = "one.flac,C major,take 5,validation,0.25,House"
    (tmp_path / "labels.csv").write_text(f"{columns}\n{row}\n")
    (one,), _ = folder.songs(tmp_path, "mine")
    assert (one.recording_id, one.split, one.confidence) == ("take 5", "valid", 0.25)
    assert one.genre == "House"
    assert (one.dataset, one.audio_path) == ("mine", str(tmp_path / "one.flac"))


def test_the_nearest_folder_named_by_a_key_counts_and_the_split_above_it_is_kept(tmp_path, add):
    add("train/Ab-maj/one.flac")
    add("Validation/C minor/live/two.flac")
    add("test/F#min/8B/three.FLAC")
    songs, _ = folder.songs(tmp_path, "mine")
    assert [(one.song_id, str(one.key), one.split) for one in songs] == [
        ("Validation/C minor/live/two.flac", "C minor", "valid"),
        ("test/F#min/8B/three.FLAC", "F# minor", "test"),  # 8B may be a side of a record
        ("train/Ab-maj/one.flac", "Ab major", "train"),
    ]


CODES = {"1A": "G# minor", "3D": "D major", "1d": "C major", "a-m": "A minor", "8m": "Bb minor"}


def test_a_folder_whose_name_could_be_short_for_a_key_counts_last_and_is_doubtful(tmp_path, add):
    for name in CODES:
        add(f"{name}/tagged.flac", "F#")
        add(f"{name}/listed.flac")
        add(f"{name}/bare.flac")
        add(f"C minor/{name}/spelled.flac")
    rows = "".join(f"{name}/listed.flac\tG\n" for name in CODES)
    (tmp_path / "labels.tsv").write_text(f"path\tkey\n{rows}")
    songs = {one.song_id: one for one in folder.songs(tmp_path, "mine")[0]}
    for name, key in CODES.items():
        found = [songs[f"{name}/{file}.flac"] for file in ("tagged", "listed", "bare")]
        assert [str(song.key) for song in found] == ["F# major", "G major", key]
        assert [song.label_source for song in found] == ["tag", "labels.tsv", "short folder name"]
        assert [song.doubt for song in found] == ["", "", f"short folder name: {name}"]
        spelled = songs[f"C minor/{name}/spelled.flac"]
        assert (str(spelled.key), spelled.doubt) == ("C minor", "")


def test_a_tag_against_a_folder_s_name_makes_its_label_doubtful(tmp_path, add):
    for name, *tags in [
        ("a", "Am"),
        ("b", "8A"),
        ("c", "sad"),
        ("d", "o"),
        ("e", "Am", "Em"),
        ("f",),
    ]:
        add(f"A minor/{name}.flac", *tags)
        add(f"C-maj/{name}.flac", *tags)
    (tmp_path / "C-maj" / "g.flac").write_bytes(b"no tags to read")
    songs, out = folder.songs(tmp_path, "mine")
    assert {one.song_id: one.doubt for one in songs if one.doubt} == {
        "C-maj/a.flac": "folder name against tag: C-maj, A minor",
        "C-maj/b.flac": "folder name against tag: C-maj, A minor",
    }
    assert len(songs) == 13 and out == []


def test_a_tag_that_says_off_key_is_no_key_and_a_strange_one_does_not_parse(tmp_path, add):
    add("a.flac", "o")
    add("b.flac", "sad")
    add("c.flac", "Am", "8A")
    add("d.flac", "Am", "9A")
    add("e.flac")
    assert labelled(tmp_path) == {"c.flac": ("A minor", "tag")}
    assert left_out(tmp_path) == {
        "a.flac": "no key",
        "b.flac": "label does not parse: sad",
        "d.flac": "conflicting labels: 'Am', '9A'",
        "e.flac": "no label",
    }


@pytest.fixture
def heard(tmp_path_factory):
    """Lists a folder as packing does, which listens to the files."""
    listening = Ears(1, tmp_path_factory.mktemp("cache"))
    return lambda root: folder.songs(root, "mine", ears=listening)


def test_copies_are_one_recording_and_take_the_split_that_one_of_them_has(tmp_path, add, heard):
    add("C major/one.flac", content=1_000)
    add("train/C major/copy.flac", "other tags", content=1_000)
    add("C major/other.flac", content=2_000)
    songs, _ = heard(tmp_path)
    assert [one.split for one in songs] == ["train", "", "train"]
    assert songs[0].recording_id == songs[2].recording_id != songs[1].recording_id


def test_a_recording_given_to_two_splits_is_left_out(tmp_path, add, heard):
    add("train/C major/one.flac", content=1_000)
    add("test/C major/one.flac", content=1_000)
    songs, out = heard(tmp_path)
    reason = "recording in two splits: test, train"
    assert songs == []
    assert out == [LeftOut(f"{split}/C major/one.flac", reason) for split in ("test", "train")]


def test_a_recording_in_two_keys_is_left_out_and_says_beside_which(tmp_path, add, heard):
    add("C major/one.flac", content=1_000)
    add("copy.flac", "Gm", content=1_000)
    add("G minor/other.flac", content=2_000)
    songs, out = heard(tmp_path)
    tagged, named = "G minor by tag", "C major by folder name"
    same = "conflicting labels: same recording as"
    assert [one.song_id for one in songs] == ["G minor/other.flac"]
    assert out == [
        LeftOut("C major/one.flac", f"{same} copy.flac, which is {tagged}, not {named}"),
        LeftOut("copy.flac", f"{same} C major/one.flac, which is {named}, not {tagged}"),
    ]


@pytest.mark.parametrize("text", ["n/a", "-", "None", "Unknown", "NaN", "N.A."])
def test_a_tag_or_a_cell_that_says_there_is_no_key_is_counted_as_that(tmp_path, add, text):
    add("tagged.flac", text)
    add("C minor/listed.flac", "Cm")
    (tmp_path / "labels.csv").write_text(f"path,key\nC minor/listed.flac,{text}\n")
    assert left_out(tmp_path) == dict.fromkeys(("tagged.flac", "C minor/listed.flac"), "no key")


def listed_elsewhere(tmp_path, add, *tags, name="Album"):
    """The song of a file that a label file lists in another folder, in C minor."""
    add(f"{name}/Intro.flac", *tags)
    (tmp_path / "labels.csv").write_text("path,key,split\nD:/Other/Intro.flac,Cm,test\n")
    (song,), _ = folder.songs(tmp_path, "mine")
    return song


def test_a_row_for_another_folder_comes_after_tags_and_spelled_folders_and_is_told(tmp_path, add):
    song = listed_elsewhere(tmp_path, add, "Am")
    assert (str(song.key), song.label_source, song.split) == ("A minor", "tag", "")
    row = "Cm for D:/Other/Intro.flac"
    assert song.doubt == f"tag against row for another folder: A minor, {row}"
    song = listed_elsewhere(tmp_path / "spelled", add_below(add, "spelled"), name="A minor")
    assert (str(song.key), song.label_source) == ("A minor", "folder name")
    assert song.doubt == f"folder name against row for another folder: A minor, {row}"
    song = listed_elsewhere(tmp_path / "agreeing", add_below(add, "agreeing"), "5A")
    assert (str(song.key), song.label_source, song.doubt) == ("C minor", "tag", "")
    song = listed_elsewhere(tmp_path / "short", add_below(add, "short"), name="8A")
    assert (str(song.key), song.label_source, song.split) == ("C minor", "labels.csv", "test")
    assert song.doubt == "listed in another folder: D:/Other/Intro.flac"


def add_below(add, root):
    return lambda name, *tags: add(f"{root}/{name}", *tags)


def test_rows_that_surely_mean_a_file_and_disagree_leave_it_out_whatever_its_tag(tmp_path, add):
    for name in ("CD1/key", "split", "take", "sure", "genre", "same"):
        add(f"{name}.flac", "Am")
    lines = [
        "path,key,split,recording,confidence,genre",
        "CD1/key.flac,Cm,,,,",
        f"{tmp_path}/CD1/key.flac,Dm,,,,",
        "split.flac,Cm,test,,,", "split.flac,Cm,train,,,",
        "take.flac,Cm,,r1,,", "take.flac,5A,,r2,,",
        "sure.flac,Cm,,,1,", "sure.flac,Cm,,,10%,",
        "genre.flac,Cm,,,,House", "genre.flac,Cm,,,,Trance",
        "same.flac,Cm,valid,r1,,House", 'same.flac,5A,validation,,"0,9",', "same.flac,Cm,,,90%,",
    ]  # fmt: skip
    expected = {
        "split.flac": "conflicting split: 'test', 'train'",
        "take.flac": "conflicting recording: 'r1', 'r2'",
        "sure.flac": "conflicting confidence: '1', '10%'",
        "genre.flac": "conflicting genre: 'House', 'Trance'",
    }
    for rows in (lines[1:], lines[:0:-1]):
        (tmp_path / "labels.csv").write_text("\n".join([lines[0], *rows]))
        (same,), out = folder.songs(tmp_path, "mine")
        assert (same.split, same.recording_id, same.confidence, same.genre) == (
            "valid", "r1", 0.9, "House",
        )  # fmt: skip
        reasons = {one.song_id: one.reason for one in out}
        assert set(reasons.pop("CD1/key.flac").split(": ")[1].split(", ")) == {"'Cm'", "'Dm'"}
        assert reasons == expected


@pytest.mark.parametrize("name", ["Labels.csv", "LABELS.TSV", "labels.CSV"])
def test_a_label_file_is_read_whatever_the_case_of_its_name(tmp_path, add, name):
    add("one.flac", "Am")
    (tmp_path / name).write_text("path\tkey\none.flac\tC minor\n")
    assert labelled(tmp_path) == {"one.flac": ("C minor", name)}


def test_a_label_file_of_ambiguous_rows_is_no_other_folder_s_and_one_in_a_wrong_encoding_may_be(
    tmp_path, add, caplog
):
    for name in ("a/twin.flac", "b/twin.flac"):
        add(name)
    (tmp_path / "labels.csv").write_text("path,key\ntwin.flac,Am\n")
    assert labelled(tmp_path) == {} and "no row names a file here" not in caplog.text
    (tmp_path / "labels.csv").write_bytes("path,key\nНочь.flac,Am\n".encode("cp1251"))
    assert labelled(tmp_path) == {} and "no row names a file here" in caplog.text
    assert "it is not UTF-8, which may be the cause: save it as UTF-8" in caplog.text


def test_a_label_file_that_names_no_file_here_is_warned_of(tmp_path, add, caplog):
    add("C minor/one.flac")
    (tmp_path / "labels.csv").write_text("track,title,key\n01,Heroes,Am\n")
    assert labelled(tmp_path) == {"C minor/one.flac": ("C minor", "folder name")}
    assert (
        "labels.csv: no row names a file here (1 looked at, the first: '01'); name the column of "
        "paths path, filepath, file, filename, location, audio, track or id"
    ) in caplog.text


def test_hidden_files_and_what_is_not_audio_are_passed_over(tmp_path, add):
    add("C major/one.flac")
    add("C major/._one.flac")
    add(".trash/C major/two.flac")
    (tmp_path / "C major" / "cover.jpg").write_bytes(b"jpg")
    assert (list(labelled(tmp_path)), left_out(tmp_path)) == (["C major/one.flac"], {})


def test_any_file_name_gives_a_song_id_in_valid_utf_8(tmp_path, add):
    path = add("C major/白鳥 caf\u00e9.flac")
    name = os.fsdecode(os.fsencode(path.parent) + b"/caf\xe9.flac")
    try:
        shutil.copy(path, name)
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    songs, _ = folder.songs(tmp_path, "mine")
    assert [one.song_id for one in songs] == [r"C major/caf\xe9.flac", "C major/白鳥 café.flac"]
    assert songs[0].audio_path == name


def test_a_folder_without_music_is_refused(tmp_path):
    with pytest.raises(ValueError, match="gone: no such folder; give the folder that holds"):
        folder.songs(tmp_path / "gone", "mine")
    (tmp_path / "notes.txt").write_text("no music")
    with pytest.raises(ValueError, match="no audio file in it or below; looked for .3g2 .3gp"):
        folder.songs(tmp_path, "mine")


def test_a_folder_without_labels_gives_no_songs_but_names_all_files(tmp_path, add):
    add("one.flac")
    (tmp_path / "broken.flac").write_bytes(b"no tags to read")
    assert labelled(tmp_path) == {}
    assert left_out(tmp_path) == {"broken.flac": "no label", "one.flac": "no label"}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_and_a_folder_that_may_not_be_read_are_left_out_and_the_rest_is_used(
    tmp_path, add, monkeypatch
):
    add("C major/one.flac")
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "closed").mkdir()
    scan = os.scandir

    def refusing(path):
        if Path(path).name == "closed":  # which would not keep root out
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refusing)
    assert labelled(tmp_path) == {"C major/one.flac": ("C major", "folder name")}
    assert left_out(tmp_path) == {
        "pipe.wav": "not a file: it is a pipe; give a file of music",
        f"{tmp_path}/closed": "folder not readable: Permission denied; what is in it is left out",
    }
