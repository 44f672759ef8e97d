"""Laws of label files: every sensible form of the table is understood, anything else is named."""

from dataclasses import replace
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songs.labels import Row, match, read_rows
from songs.listednames import ListedNames
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
        ("labels.csv", "sep=;\r\nkey;a,b,c;path\r\n{1};;{0}\r\n"),
        ("labels.csv", '"SEP=;"\nkey;a,b,c;path\n{1};;{0}\n'),
        ("labels.csv", "track,title,key,id\n01/12,Heroes,{1},{0}\n"),
    ],
)
@pytest.mark.parametrize("listed", ["in/one.mp3", "in\\one.mp3", "./in/one.mp3", "in/one", "one"])
def test_a_table_is_understood(tmp_path, name, text, listed):
    (tmp_path / name).write_bytes(text.format(listed, "8A").encode())
    assert matched(tmp_path, "in/one.mp3", "in/two.mp3") == {"in/one.mp3": ["8A"]}


def test_an_absolute_path_is_understood(tmp_path):
    (tmp_path / "labels.tsv").write_text(f"path\tkey\n{tmp_path}/in/one.mp3\tAm\n")
    assert matched(tmp_path, "in/one.mp3") == {"in/one.mp3": ["Am"]}


ELSEWHERE = [
    "/home/me/music/In/One.mp3",
    "/in/one.mp3",
    "D:\\Music\\in\\one.mp3",
    "d:/music/IN/ONE.MP3",
    "/D:/Music/in/one.mp3",
    "\\\\server\\share\\in\\one.mp3",
    "~/Music/in/one.mp3",
    "~me/in/one.mp3",
    "file:///Users/me/in/one.mp3",
    "file://localhost/D:/Music/in/one.mp3",
    "file:/D:/Music/in/on%65.mp3",
]


@pytest.mark.parametrize("listed", ELSEWHERE)
def test_an_absolute_path_of_any_machine_means_the_file_that_ends_it(tmp_path, listed):
    (tmp_path / "labels.tsv").write_text(f"path\tkey\n{listed}\tAm\n")
    songs = ("in/one.mp3", "one.mp3", "out/one.mp3", "in/two.mp3")
    assert matched(tmp_path, *songs) == {"in/one.mp3": ["Am"]}
    rows_of, left_out = match([Row(path=listed, key="Am")], songs)  # as a DJ program's table has it
    assert [*rows_of] == ["in/one.mp3"] and left_out == []


def test_a_file_address_has_escapes_and_any_other_path_has_letters():
    rows = [Row(path="file:///x/a%20b%23%C3%A9.mp3"), Row(path="/x/c%20d.mp3")]
    assert [*match(rows, ["a b#é.mp3", "c%20d.mp3", "c d.mp3"])[0]] == ["a b#é.mp3", "c%20d.mp3"]


def listed(*rows: tuple[str, str]) -> list[Row]:
    return [Row(path=path, key=key) for path, key in rows]


def test_where_folders_differ_a_name_counts_only_alone_and_is_doubtful():
    rows = listed(
        ("/old/one.mp3", "C"), ("/a/two.mp3", "C"), ("/b/two.mp3", "D"), ("/C:/five.mp3", "C"),
        ("/x/new/three.mp3", "C"), ("/x/old/three.mp3", "C"), ("/old/four.mp3", "C"),
        ("x/six.mp3", "C"), ("seven.mp3", "C"),
    )  # fmt: skip
    songs = [
        "new/one.mp3", "new/two.mp3", "new/three.mp3", "c/four.mp3", "d/four.mp3", "x/five.mp3",
        "six.mp3", "new/seven.mp3",
    ]  # fmt: skip
    rows_of, left_out = match(rows, songs)
    assert {song: [(row.path, row.doubt) for row in rows] for song, rows in rows_of.items()} == {
        "new/one.mp3": [("/old/one.mp3", "listed in another folder: /old/one.mp3")],
        "new/three.mp3": [("/x/new/three.mp3", "")],
        "x/five.mp3": [("/C:/five.mp3", "")],  # no folder is against it
        "new/seven.mp3": [("seven.mp3", "")],
    }
    assert set(left_out) == {
        LeftOut("/a/two.mp3", "listed name is ambiguous: new/two.mp3 may be any of 2"),
        LeftOut("/b/two.mp3", "listed name is ambiguous: new/two.mp3 may be any of 2"),
        LeftOut("/x/old/three.mp3", "listed but not found"),
        LeftOut("x/six.mp3", "listed but not found"),  # it is said to be in x, here
        LeftOut("/old/four.mp3", "listed name is ambiguous: c/four.mp3, d/four.mp3"),
    }


def test_what_is_listed_twice_alike_counts_and_is_doubtful_where_but_the_name_agrees():
    rows = listed(("C:/a/one.mp3", "Am"), ("D:/x/a/one.mp3", "8A"), ("/x/two.mp3", "C"))
    rows_of, left_out = match([*rows, *listed(("/y/two.mp3", "C"))], ["a/one.mp3", "b/two.mp3"])
    assert left_out == [] and [row.key for row in rows_of["a/one.mp3"]] == ["Am", "8A"]
    assert {row.doubt for row in rows_of["a/one.mp3"]} == {""}
    assert {row.doubt for row in rows_of["b/two.mp3"]} == {"listed in another folder: /x/two.mp3"}
    others = [replace(rows[0], split="test"), rows[1]]  # of one key, but not of one split
    assert match(others, ["a/one.mp3"])[0] == {}


def test_case_counts_only_where_nothing_else_tells_two_apart():
    songs = ["In/One.MP3", "in/two.mp3", "In/Two.mp3", "three.mp3", "Three.mp3"]
    rows = listed(("in/one.mp3", "C"), ("in/two.mp3", "D"), ("In/Two.mp3", "E"), ("THREE", "F"))
    rows_of, left_out = match(rows, songs)
    assert {song: [row.key for row in rows] for song, rows in rows_of.items()} == {
        "In/One.MP3": ["C"], "in/two.mp3": ["D"], "In/Two.mp3": ["E"]
    }  # fmt: skip
    ambiguous = "listed name is ambiguous: three.mp3, Three.mp3"
    assert left_out == [LeftOut("THREE", ambiguous)]


def test_a_path_from_a_folder_above_is_understood(tmp_path):
    rows = listed(("Music/in/one.mp3", "C"), ("Music/two.mp3", "D"), ("two.mp3", "E"))
    rows_of, _ = match(rows, ["in/one.mp3", "new/two.mp3"], tmp_path / "Music")
    assert [row.doubt for row in rows_of["in/one.mp3"]] == [""]
    rows_of, left_out = match(rows, ["two.mp3"], tmp_path / "Music")
    assert [row.key for row in rows_of["two.mp3"]] == ["E"]  # the path from the folder itself
    assert {one.song_id for one in left_out} == {"Music/in/one.mp3", "Music/two.mp3"}


paths = st.sets(st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map("/".join), max_size=9)


@given(paths, paths)
def test_names_and_songs_meet_where_they_share_the_longest_end(names, songs):
    def end(path, length):
        return ["", *path.split("/")][-length:]

    expected, left, right = [], names, songs
    for length in range(5, 0, -1):
        for path in sorted(left & names):
            shared = end(path, length)
            alike = [{one for one in side if end(one, length) == shared} for side in (left, right)]
            if len(shared) == length and all(alike):
                told = {name for name in alike[0] if length > 1 or "/" not in name}
                expected += [[sorted(told), sorted(alike[1])]] * bool(told)
                left, right = left - alike[0], right - alike[1]
    ties = ListedNames(songs).ties(sorted(names))
    found = [[sorted(tie.names), sorted(tie.songs)] for tie in ties]
    assert sorted(found) == sorted(expected)


parts = st.lists(
    st.text("abC. ~%", min_size=1, max_size=3).map(str.strip).filter(lambda part: part.strip(".")),
    min_size=1,
    max_size=4,
)


@given(parts, parts, st.sampled_from(["/", "D:\\", "\\\\nas\\", "~/", "file:///C:/"]))
def test_wherever_a_folder_was_its_files_are_found_below_it(folders, file, begin):
    path = "/".join([*folders, *file])
    if begin.startswith("file"):
        path = quote(path)
    row = Row(path=begin + (path.replace("/", "\\") if "\\" in begin else path))
    rows_of, left_out = match([row], ["/".join(file), "other.mp3"], "/elsewhere/Music")
    doubt = f"listed in another folder: {row.path}" if len(file) == 1 else ""
    assert rows_of == {"/".join(file): [replace(row, doubt=doubt)]} and left_out == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_a_table_is_read_in_any_encoding_and_what_is_guessed_is_doubtful(tmp_path, encoding):
    text = "path;key\r\nGröße.mp3;Am\r\nb.mp3;sol dièse mineur\r\nc.mp3;Cm\r\n"
    (tmp_path / "labels.csv").write_bytes(text.encode(encoding))
    rows_of, left_out = match(read_rows(tmp_path), ["Größe.mp3", "b.mp3", "c.mp3"])
    assert left_out == [] and rows_of["b.mp3"][0].key == "sol dièse mineur"
    doubt = "label not in UTF-8: read as Windows-1252" if encoding == "cp1252" else ""
    assert [rows[0].doubt for rows in rows_of.values()] == [doubt, doubt, ""]


def test_in_a_tsv_a_leading_quote_is_a_letter_and_no_row_is_lost(tmp_path):
    (tmp_path / "labels.tsv").write_text(
        'path\tkey\n"Heroes.flac\tC minor\na.flac\tAm\nb.flac\tF#m\n'
    )
    assert matched(tmp_path, '"Heroes.flac', "a.flac", "b.flac") == {
        '"Heroes.flac': ["C minor"], "a.flac": ["Am"], "b.flac": ["F#m"],
    }  # fmt: skip


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
    (tmp_path / "labels.csv").write_text("path,key\ntwin.mp3,Am\nx/two.mp3,Am\ngone.mp3,Am\n")
    rows_of, left_out = match(read_rows(tmp_path), ["a/twin.mp3", "b/twin.mp3", "one.mp3"])
    assert rows_of == {}
    assert left_out == [
        LeftOut("twin.mp3", "listed name is ambiguous: a/twin.mp3, b/twin.mp3"),
        LeftOut("x/two.mp3", "listed but not found"),
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


def test_files_that_are_called_by_numbers_may_be_listed_so(tmp_path):
    (tmp_path / "labels.csv").write_text("track,key\n01,Am\n02,C\n")
    assert matched(tmp_path, "01.mp3", "x/02.mp3") == {"01.mp3": ["Am"], "x/02.mp3": ["C"]}


def test_a_row_that_is_too_wide_is_named_by_its_number(tmp_path):
    (tmp_path / "labels.csv").write_text("path,key\na.mp3,C\nb, c.mp3,C\n")
    with pytest.raises(ValueError, match="row 3 has 3 cells, the header 2; put a path that holds"):
        read_rows(tmp_path)


def test_no_label_file_has_no_rows(tmp_path):
    assert read_rows(tmp_path) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            b"path\tmood\none.mp3\tsad\n",
            "no column 'key'; its first line is .*; name one of its columns key, .* or label",
        ),
        (b"one.mp3\tC major\n", "no column 'path'; its first line is 'one.mp3', 'C major'"),
        (b"", "no column 'path'; its first line is nothing"),
        ("path\tmood\n".encode("utf-16"), "no column 'key'; its first line is 'path', 'mood'"),
        (b"ID3\x04\x00\x00\xff\xfb\x90" * 9, "not a table of text: holds bytes of 0"),
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
