"""Laws of label files: every sensible form of the table is understood, anything else is named."""

import pytest

from songs.labels import Row, match, read_rows
from songs.song import LeftOut


def matched(root, *song_ids: str) -> dict[str, list[str]]:
    rows_of, left_out = match(read_rows(root), song_ids)
    assert left_out == []
    return {song_id: [row.key for row in rows] for song_id, rows in rows_of.items()}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("labels.tsv", "path\tkey\n{}\t{}\n"),
        ("labels.csv", "Key;Comment;File Name\n{1};x;{0}\n"),
        ("labels.csv", '\ufeffTONALITY,"TRACK"\r\n{1},"{0}"\r\n'),
        ("labels.tsv", "initial key\tFilename\tpath\n{1}\tnonsense\t{0}\n\n"),
    ],
)
@pytest.mark.parametrize("listed", ["in/one.mp3", "in\\one.mp3", "./in/one.mp3", "in/one", "one"])
def test_a_table_is_understood(tmp_path, name, text, listed):
    (tmp_path / name).write_bytes(text.format(listed, "8A").encode())
    assert matched(tmp_path, "in/one.mp3", "in/two.mp3") == {"in/one.mp3": ["8A"]}


def test_an_absolute_path_is_understood(tmp_path):
    (tmp_path / "labels.tsv").write_text(f"path\tkey\n{tmp_path}/in/one.mp3\tAm\n")
    assert matched(tmp_path, "in/one.mp3") == {"in/one.mp3": ["Am"]}


def test_the_whole_name_comes_before_a_shortened_one(tmp_path):
    (tmp_path / "labels.tsv").write_text("path\tkey\none.mp3\tAm\none.flac\tCm\n")
    songs = ("one.flac", "one.mp3", "in/one.mp3")
    assert matched(tmp_path, *songs) == {"one.mp3": ["Am"], "one.flac": ["Cm"]}


def test_accents_match_in_either_form_and_bytes_that_are_not_utf_8_match_their_escapes(tmp_path):
    lines = b"path\tkey\ncaf\xe9.mp3\tC minor\nin/cafe\xcc\x81.mp3\t1m\n"
    (tmp_path / "labels.tsv").write_bytes(lines)
    songs = (r"in/caf\xe9.mp3", "in/caf\u00e9.mp3")
    assert matched(tmp_path, *songs) == {songs[0]: ["C minor"], songs[1]: ["1m"]}


def test_rows_that_mean_no_file_or_could_mean_several_are_left_out(tmp_path):
    (tmp_path / "labels.csv").write_text("path,key\ntwin.mp3,Am\nx/one.mp3,Am\ngone.mp3,Am\n")
    rows_of, left_out = match(read_rows(tmp_path), ["a/twin.mp3", "b/twin.mp3", "one.mp3"])
    assert rows_of == {}
    assert left_out == [
        LeftOut("twin.mp3", "listed name is ambiguous: a/twin.mp3, b/twin.mp3"),
        LeftOut("x/one.mp3", "listed but not found"),
        LeftOut("gone.mp3", "listed but not found"),
    ]


def test_the_other_columns_are_read_and_absent_ones_are_empty(tmp_path):
    columns = "path,key,recording_id,Split,confidence,mood,Genre"
    rows = "a.mp3,C,take 5,valid,0.5,sad,House\nb.mp3\n"
    (tmp_path / "labels.csv").write_text(f"{columns}\n{rows}")
    assert read_rows(tmp_path) == [
        Row("labels.csv", "a.mp3", "C", "take 5", "valid", "0.5", "House"),
        Row("labels.csv", "b.mp3", "", "", "", "", ""),
    ]


def test_no_label_file_has_no_rows(tmp_path):
    assert read_rows(tmp_path) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"path\tmood\none.mp3\tsad\n", "no column 'key'; its first line is 'path', 'mood'"),
        (b"one.mp3\tC major\n", "no column 'path'; its first line is 'one.mp3', 'C major'"),
        (b"", "no column 'path'; its first line is nothing"),
        ("path\tkey\n".encode("utf-16"), "no column 'path'"),
        (b"path\tkey\n" + b"x" * 200_000, "not a table of text"),
    ],
)
def test_what_is_no_label_table_is_refused(tmp_path, text, message):
    (tmp_path / "labels.tsv").write_bytes(text)
    with pytest.raises(ValueError, match=rf"labels\.tsv: {message}"):
        read_rows(tmp_path)


def test_two_label_files_are_refused(tmp_path):
    for name in ("labels.tsv", "labels.csv"):
        (tmp_path / name).write_text("path,key\n")
    with pytest.raises(ValueError, match=r"both labels\.tsv and labels\.csv; keep one"):
        read_rows(tmp_path)
