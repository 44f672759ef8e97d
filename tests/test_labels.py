"""Laws of label files: every sensible form of the table is understood, anything else is named."""

from os.path import commonprefix
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songs.labels import read_rows
from songs.listednames import ListedNames
from songs.rows import Row, match
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
        ("labels.csv", "\r\n\r\nsep=;\r\nkey;path\r\n{1};{0}\r\n"),
        ("labels.tsv", "\n\nkey\tpath\n{1}\t{0}\n"),
        ("labels.tsv", "sep=\t\nkey\tpath\n{1}\t{0}\n"),
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


def test_rows_of_several_paths_all_count_where_the_folders_agree_and_else_none():
    rows = listed(
        ("C:/a/one.mp3", "Am"), ("D:/x/a/one.mp3", "C"), ("/x/two.mp3", "C"), ("/y/two.mp3", "C"),
        ("/z/three.mp3", "C"), ("file:///z/three.mp3", "D"), ("/in/x/four.mp3", "C"),
        ("four.mp3", "D"),
    )  # fmt: skip
    songs = ["a/one.mp3", "b/two.mp3", "b/three.mp3", "b/x/four.mp3"]
    for order in (rows, rows[::-1]):
        rows_of, left_out = match(order, songs)
        told = {song: sorted((row.key, row.doubt) for row in rows_of[song]) for song in rows_of}
        assert told == {
            "a/one.mp3": [("Am", ""), ("C", "")],
            "b/three.mp3": [
                ("C", "listed in another folder: /z/three.mp3"),
                ("D", "listed in another folder: file:///z/three.mp3"),
            ],
            "b/x/four.mp3": [("D", "")],
        }
        several = "listed name is ambiguous: b/two.mp3 may be any of 2"
        assert set(left_out) == {
            LeftOut("/x/two.mp3", several), LeftOut("/y/two.mp3", several),
            LeftOut("/in/x/four.mp3", "listed but not found"),  # 'four.mp3' surely means it
        }  # fmt: skip


@pytest.mark.parametrize(
    ("path", "song", "is_meant"),
    [
        ("Abba/CD1/01.flac", "Kiss/CD1/01.flac", False),
        ("Abba/CD1/01.flac", "New/Abba/CD1/01.flac", True),
        ("CD1/01.flac", "CD2/01.flac", False),
        ("01.flac", "CD2/01.flac", True),
        ("Music/01.flac", "01.flac", True),
        ("Backup/Music/01.flac", "01.flac", True),
        ("Backup/01.flac", "01.flac", False),
        ("Backup/CD1/01.flac", "CD1/01.flac", True),
        ("../Music/CD1/01.flac", "CD1/01.flac", True),
    ],
)
def test_a_path_below_the_folder_is_taken_at_its_word(path, song, is_meant):
    rows_of, left_out = match(listed((path, "C")), [song, "other.flac"], "/home/me/Music")
    assert [*rows_of] == [song] * is_meant
    assert left_out == [LeftOut(path, "listed but not found")] * (not is_meant)


@pytest.mark.parametrize(
    ("path", "song", "is_doubtful"),
    [
        ("/D:/Abba/CD1/01.flac", "Kiss/CD1/01.flac", True),
        ("/D:/Kiss/CD1/01.flac", "Kiss/CD1/01.flac", False),
        ("/D:/CD1/01.flac", "Kiss/CD1/01.flac", False),  # no folder is against it
        ("/D:/Other/01.flac", "01.flac", True),
        ("/D:/Music/01.flac", "01.flac", False),
        ("D:\\01.flac", "Kiss/01.flac", False),
    ],
)
def test_a_path_of_any_machine_is_doubtful_where_its_folders_are_others(path, song, is_doubtful):
    rows_of, _ = match(listed((path, "C")), [song, "other.flac"], "/home/me/Music")
    doubt = f"listed in another folder: {path}" if is_doubtful else ""
    assert [row.doubt for row in rows_of[song]] == [doubt]


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


@given(paths, paths, st.sampled_from(["", "/"]))
def test_no_name_and_song_have_more_in_common_than_both_have_with_whom_they_met(
    names, songs, begin
):
    def common(name, song):
        """How many last parts; 0 where the name cannot mean the song."""
        own, file = ([*reversed(path.split("/"))] for path in (name, f"r/b/{song}"))
        count = len(commonprefix([own, file]))
        if begin == "/" or count == len(own) or 2 <= count >= len(song.split("/")):
            return 99 if name == song and not begin else count
        return 0

    met = {
        one.name: one.songs
        for one in ListedNames(songs, "/r/b").meant(begin + name for name in names)
    }
    most = {name: [common(name, song) for song in met.get(begin + name, [])] for name in names}
    assert all(len(set(lengths)) <= 1 and 0 not in lengths for lengths in most.values())
    for name in names:
        for song in songs:
            of_song = [most[one][0] for one in names if song in met.get(begin + one, [])]
            assert common(name, song) <= max(most[name] + of_song, default=0)


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
    assert [*rows_of] == ["/".join(file)] and left_out == []
    assert [(one.path, one.doubt) for one in rows_of["/".join(file)]] == [(row.path, doubt)]


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


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("path,key,mode\na.mp3,A,Minor\n", "A minor"),
        ("path,Scale,key\na.mp3,major,A\n", "A major"),
        ("path,key,mode\na.mp3,9,0\n", "A minor"),
        ("path,key,mode\na.mp3,-1,0\n", ""),
        ("path,key,mode\na.mp3,A,dorian\n", "A, mode dorian"),
        ("Title,Label,Key result,Filename\nFoo,Defected,8A,a.mp3\n", "8A"),
        ("Label,Camelot Key,Filename\nDefected,8A,a.mp3\n", "8A"),
        ("file,label\na.mp3,8A\nb.mp3,H\nc.mp3,n/a\nd.mp3,what\n", "8A"),
    ],
)
def test_the_columns_of_keys_of_programs_are_understood(tmp_path, text, key):
    (tmp_path / "labels.csv").write_text(text)
    assert read_rows(tmp_path)[0].key == key


def test_files_that_are_called_by_numbers_may_be_listed_so(tmp_path):
    (tmp_path / "labels.csv").write_text("track,key\n01,Am\n02,C\n")
    assert matched(tmp_path, "01.mp3", "x/02.mp3") == {"01.mp3": ["Am"], "x/02.mp3": ["C"]}


def test_a_row_that_is_too_wide_is_named_by_its_number(tmp_path):
    (tmp_path / "labels.csv").write_text("path,key\na.mp3,C\nb, c.mp3,C\n")
    with pytest.raises(ValueError, match="row 3 has 3 cells, the header 2; put a path that holds"):
        read_rows(tmp_path)


@pytest.mark.parametrize("row", ["a, b.mp3,Am", "a,b.MP3,Am"])
def test_a_path_that_is_cut_at_its_comma_is_named_by_its_row(tmp_path, row):
    (tmp_path / "labels.csv").write_text(f"path,key,genre\none.mp3,C,x\n{row}\n")
    with pytest.raises(ValueError, match="row 3 has 'b.*' for its key; put a path that holds a c"):
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
        (
            b"path\tlabel\none.mp3\tDefected\n",  # who published it
            "no column 'key'; its first line is 'path', 'label'; name one of its columns key",
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
