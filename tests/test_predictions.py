"""Laws of scoring files of keys, whoever wrote them and in whatever spelling."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import mir_eval
import numpy as np
import pytest
import torch

from evaluation.answers import Answers, SongAnswer
from evaluation.keycolumns import ID_NAMES, SONG_NAMES, TRUTH_NAMES
from evaluation.keyfiles import PredictionsError
from evaluation.notes import compared, scored
from evaluation.predictions import compare, write_predictions
from model.metrics import MirexScore, mirex_score
from songkey.columns import PATH_NAMES
from songkey.estimate import estimate_from_probabilities
from songkey.keys import KEYS, Key
from songs.labels import COLUMNS

SHARPS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
FLATS = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "Cb")
GERMAN = ("C", "Cis", "D", "Es", "E", "F", "Fis", "G", "As", "A", "B", "H")
SPELLINGS = {
    "as printed": str,
    "Camelot": lambda key: key.camelot,
    "Open Key": lambda key: key.open_key,
    "colon": lambda key: str(key).replace(" ", ":"),
    "short": lambda key: str(key).replace(" minor", "m").replace(" major", "maj"),
    "sharps": lambda key: f"{SHARPS[key.tonic]} {key.mode}",
    "as programs write": lambda key: str(key).replace(" minor", "m").replace(" major", ""),
    "German": lambda key: f"{GERMAN[key.tonic]}-{'Moll' if key.mode == 'minor' else 'Dur'}",
    "flats": lambda key: f"{FLATS[key.tonic]} {key.mode}",
    "signs": lambda key: str(key).replace("b ", "♭ ").replace("#", "♯").upper(),
}


def song(number: int) -> str:
    return f"{number}.LOFI"


@pytest.fixture
def truth(tmp_path) -> Path:
    """A folder as GiantSteps has it, of 48 songs, two for each key."""
    folder = tmp_path / "key"
    folder.mkdir()
    for number in range(48):
        (folder / f"{song(number)}.key").write_text(str(KEYS[number % 24]))
    return folder


def table(path: Path, rows, header: str = "", delimiter: str = "\t") -> Path:
    """Writes rows of cells as text, with a header of names with spaces between."""
    lines = [header.split(), *rows] if header else rows
    path.write_text("".join(delimiter.join(map(str, line)) + "\n" for line in lines), "utf-8")
    return path


def refused(predictions: Path, annotations: Path, message: str) -> None:
    with pytest.raises(PredictionsError, match=message) as caught:
        compare(predictions, annotations)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("suffix, delimiter", [("tsv", "\t"), ("csv", ","), ("csv", ";")])
@pytest.mark.parametrize("header", ["", "id key"])
def test_right_answers_score_100_in_any_spelling_and_table(
    truth, tmp_path, spelling, suffix, delimiter, header
):
    rows = [(song(n) + ".mp3", SPELLINGS[spelling](KEYS[n % 24])) for n in range(48)]
    answers = table(tmp_path / f"a.{suffix}", rows, header, delimiter)
    compared = compare(answers, truth)
    assert compared.score == MirexScore(correct=48)
    assert not compared.without_answer + compared.without_truth + compared.unreadable_truth


def test_the_score_is_that_of_the_keys_and_its_ascending_column_is_mir_evals(truth, tmp_path):
    estimated = np.random.default_rng(0).integers(0, 24, 48)
    rows = [(song(n), KEYS[estimated[n]]) for n in range(48)]
    score = compare(table(tmp_path / "a.tsv", rows), truth).score
    assert score == mirex_score(estimated, np.arange(48) % 24)
    theirs = [
        mir_eval.key.weighted_score(str(KEYS[n % 24]), str(KEYS[estimated[n]])) for n in range(48)
    ]
    assert score.weighted_ascending == pytest.approx(100 * np.mean(theirs))


@pytest.mark.parametrize(
    "name",
    ["{}", "{}.mp3", "{}.FLAC", "{}.key", "./audio/{}.wav", "/data/x y/{}.m4a", "C:\\a\\{}.wav"],
)
def test_folders_and_endings_of_ids_do_not_matter(truth, tmp_path, name):
    rows = [(name.format(song(n)), KEYS[n % 24]) for n in range(48)]
    assert compare(table(tmp_path / "a.csv", rows, "", ","), truth).score.correct == 48


def test_where_file_names_repeat_folders_tell_songs_apart_even_to_a_part_of_the_answers(tmp_path):
    truths = [("a/one.mp3", "C major"), ("b/one.mp3", "E minor"), ("b/two.mp3", "A minor")]
    annotations = table(tmp_path / "truth.tsv", truths)
    for answers in (truths, truths[1:], truths[1:2]):
        compared = compare(table(tmp_path / "answers.tsv", answers), annotations)
        assert compared.score == MirexScore(correct=len(answers))
        assert len(compared.without_answer) == 3 - len(answers)


def test_a_files_name_and_as_many_folders_as_its_namesakes_need_tell_songs(tmp_path):
    truths = [
        ("CD1/01.mp3", "C"), ("CD2/01.mp3", "D"), ("other/x.mp3", "E"), ("A/y.mp3", "F"),
        ("1/intro.mp3", "G"), ("2/intro.mp3", "A"),
    ]  # fmt: skip
    annotations = table(tmp_path / "t.tsv", truths)
    answers = [(f"/music/{name}", key) for name, key in truths[:2]]
    answers += [("x", "E"), ("D:\\a\\A\\y.flac", "F"), ("intro.mp3", "G"), ("3/intro", "A")]
    compared = compare(table(tmp_path / "a.tsv", answers), annotations)
    assert compared.score == MirexScore(correct=4)
    assert compared.without_answer == ("1/intro", "2/intro")
    assert compared.without_truth == ("intro", "3/intro")
    assert not compared.in_other_folders


def test_an_answer_to_a_song_of_that_name_in_another_folder_is_named(tmp_path):
    truth = table(tmp_path / "t.tsv", [("CD1/01.mp3", "C"), ("x.mp3", "C"), ("a/y.mp3", "C")])
    answers = [("CD2/01.mp3", "D"), ("a/x.mp3", "C"), ("/music/a/y.mp3", "C")]
    *_, line = scored(table(tmp_path / "a.tsv", answers), truth)
    assert line == "1 answer to songs that lie in other folders there: " + (
        "CD2/01.mp3 (there CD1/01.mp3)"
    )


@pytest.mark.parametrize(
    "header",
    [
        "id filename key", "track File_Name Initial-Key", "song_id location musicalkey",
        "ID Path initialkey", "track title Key", "number filepath tonality",
    ],
)  # fmt: skip
def test_numbers_of_rows_and_tracks_are_no_ids_where_names_stand_beside_them(tmp_path, header):
    truth = table(tmp_path / "t.tsv", [("x.mp3", "C"), ("y.mp3", "Dm")], "path key")
    answers = table(tmp_path / "a.tsv", [("1", "y.mp3", "Dm"), ("2 / 9", "x.mp3", "C")], header)
    assert compare(answers, truth).score == MirexScore(correct=2)


def test_numbers_are_ids_where_no_path_stands_beside_them(tmp_path):
    truth = table(tmp_path / "t.tsv", [("17", "C"), ("18", "Dm")], "id key")
    answers = [("17", "Same", "C"), ("18", "Same", "Dm")]
    compared = compare(table(tmp_path / "a.tsv", answers, "id title key"), truth)
    assert compared.score == MirexScore(correct=2)


def test_the_columns_of_label_files_are_known_here_too():
    assert {*ID_NAMES, *PATH_NAMES, *SONG_NAMES} >= set(COLUMNS["path"])
    assert set(TRUTH_NAMES) >= set(COLUMNS["key"])


def test_a_mode_in_a_column_of_its_own_is_that_of_the_key(tmp_path):
    truth = table(tmp_path / "t.tsv", [("x", "Am"), ("y", "C"), ("z", "F#m")], "id key")
    rows = [("x", "A", "minor"), ("y", "C", "Major"), ("z", "F#", "minor")]
    for header in ("id key scale", "id prediction mode", "id Key Mode"):
        answers = table(tmp_path / "a.tsv", rows, header)
        assert compare(answers, truth).score == MirexScore(correct=3)
    assert compare(truth, answers).score == MirexScore(correct=3)
    both = [(*row, "Am") for row in rows]
    answers = table(tmp_path / "a.tsv", both, "id key mode estimate")
    assert compare(answers, truth).score == mirex_score([21, 21, 21], [21, 0, 18])
    assert compare(truth, answers).score == MirexScore(correct=3)


def test_a_truth_that_says_that_there_is_no_key_is_counted_as_that(tmp_path):
    truth = table(tmp_path / "t.tsv", [("a", "none"), ("b", "C"), ("c", "?"), ("d", "C/Am")])
    answers = table(tmp_path / "a.tsv", [("a", "C"), ("b", "n/a"), ("c", "C"), ("d", "C")])
    compared = compare(answers, truth)
    assert (compared.keyless, compared.unreadable_truth) == (("a", "c"), ("d ('C/Am')",))
    assert (compared.score, compared.ambiguous) == (MirexScore(other=1), ())
    assert "2 songs without a key there, not scored: a, c" in scored(answers, truth)


def test_an_answer_that_says_twice_that_there_is_no_key_counts_once(truth, tmp_path):
    rows = [(song(0), "none"), (song(0), "unknown"), (f"{song(1)}.mp3", "Db"), (song(1), "C#")]
    answers = table(tmp_path / "a.tsv", rows)
    compared = compare(answers, truth)
    assert compared.repeated == (song(0), song(1)) and compared.answers_without_key == 1
    assert compare(answers, answers).repeated == (song(0), song(1))


def test_ids_with_composed_and_decomposed_accents_are_the_same(tmp_path):
    truth = table(tmp_path / "truth.tsv", [("caf\u00e9 白鳥.mp3", "Cm")])
    answers = table(tmp_path / "answers.tsv", [("cafe\u0301 白鳥.wav", "C minor")])
    assert compare(answers, truth).score.correct == 1


def test_columns_are_found_by_their_names_wherever_they_are(tmp_path):
    truth = table(tmp_path / "t.csv", [(0.9, "8B", "x/one.mp3")], "confidence Key Path", ",")
    answers = [("one", "C minor", "C major", 0.7)]
    header = "song_id key estimate confidence"
    assert compare(table(tmp_path / "a.tsv", answers, header), truth).score.correct == 1
    assert compare(truth, table(tmp_path / "a.tsv", answers, header)).score.parallel == 1


@pytest.mark.parametrize("header", ["id detected", "sound estimate"])
def test_of_two_columns_a_header_needs_to_name_one(truth, tmp_path, header):
    compared = compare(table(tmp_path / "a.tsv", [(song(0), "C major")], header), truth)
    assert (compared.score, compared.without_truth) == (MirexScore(correct=1), ())


def test_of_more_columns_without_the_names_needed_none_is_guessed(truth, tmp_path):
    answers = table(tmp_path / "a.tsv", [(song(0), 120, "C major")], "id bpm detected")
    refused(answers, truth, r"a\.tsv: which column of id, bpm, detected holds the keys\?")
    answers = table(tmp_path / "a.tsv", [(song(0), 120, "C major")], "sound bpm key")
    refused(answers, truth, "which column of sound, bpm, key holds the ids?")


def test_blank_lines_a_byte_order_mark_and_windows_line_ends_do_not_matter(truth, tmp_path):
    text = "\ufeffid,key\r\n\r\n" + "".join(f"{song(n)},{KEYS[n % 24]}\r\n" for n in range(48))
    (tmp_path / "a.csv").write_text(text + "  ,\r\n", "utf-8", newline="")
    assert compare(tmp_path / "a.csv", truth).score == MirexScore(correct=48)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "cp1252"])
def test_answers_are_read_in_the_encodings_of_windows_and_a_quote_is_a_letter(tmp_path, encoding):
    truth = table(tmp_path / "truth.tsv", [("Größe", "F# major"), ('"Heroes', "C"), ("a", "Am")])
    answers = tmp_path / "answers.tsv"
    answers.write_bytes('id\tkey\r\nGröße.mp3\tGb\r\n"Heroes.flac\tC\r\na\t8A\r\n'.encode(encoding))
    assert compare(answers, truth).score == MirexScore(correct=3)


def test_what_cannot_be_compared_is_named_and_not_scored(truth, tmp_path):
    (truth / "unsure.LOFI.key").write_text("E / B / A minor")
    (truth / "none.LOFI.key").write_text("")
    rows = [(song(n), KEYS[n]) for n in range(2, 24)] + [("unsure.LOFI", "E minor"), ("new", "1m")]
    compared = compare(table(tmp_path / "a.tsv", rows), truth)
    assert compared.score == MirexScore(correct=22)
    assert set(compared.without_answer) == {song(n) for n in (0, 1, *range(24, 48))}
    assert compared.without_truth == ("new",)
    assert compared.unreadable_truth == ("unsure.LOFI ('E / B / A minor')",)
    assert compared.keyless == ("none.LOFI",)


def test_an_answer_that_names_no_key_is_a_wrong_answer(truth, tmp_path):
    texts = ["unknown", "", "-", "C major / A minor", "c", "nan"]
    rows = [(song(n), text) for n, text in enumerate(texts)] + [(song(6), KEYS[6])]
    compared = compare(table(tmp_path / "a.tsv", rows), truth)
    assert compared.score == MirexScore(correct=1, other=len(texts))
    assert compared.answers_without_key == len(texts)


def test_ambiguous_answers_are_counted_and_the_first_ten_named_with_the_way_to_mend_them(
    truth, tmp_path
):
    rows = [(song(n), "unknown" if n < 2 else str(KEYS[n]).split()[0].lower()) for n in range(14)]
    answers = table(tmp_path / "a.tsv", rows)
    assert compare(answers, truth).answers_without_key == 14
    *_, line = scored(answers, truth)
    assert line.startswith("12 of the answers without a key may mean several: 10.LOFI ('bb'), ")
    assert line.count("LOFI") == 10 and "('g'), ...; write one for each song" in line
    rows = [(song(n), KEYS[n]) for n in range(24)]
    assert not any("several" in line for line in scored(table(tmp_path / "a.tsv", rows), truth))


def test_a_key_file_may_go_on_with_confidence_and_comment(truth, tmp_path):
    (truth / f"{song(0)}.key").write_text("c major\t2\tintro in F, 東京\n", "utf-8")
    compared = compare(table(tmp_path / "a.tsv", [(song(0), "8B")]), truth)
    assert compared.score == MirexScore(correct=1)


def test_an_id_given_twice_with_different_keys_is_refused(truth, tmp_path):
    twice = [(song(3), "Cm"), (song(4), "Cm"), (f"{song(3)}.mp3", "Dm")]
    message = r"3\.LOFI is in it more than once, with different keys \(Cm, Dm\); keep one"
    refused(table(tmp_path / "a.tsv", twice), truth, rf"a.tsv: {message}")
    answers = table(tmp_path / "b.tsv", twice[:1])
    refused(answers, table(tmp_path / "t.tsv", twice), rf"t.tsv: {message}")
    twice = [(song(3), "dunno"), (song(3), "no idea")]
    refused(table(tmp_path / "a.tsv", twice), truth, "with different keys")
    twice = [(song(3), "Cm"), (song(3), "")]
    refused(table(tmp_path / "a.tsv", twice), truth, "with different keys")


def test_an_id_given_twice_with_the_same_key_counts_once_and_is_named(truth, tmp_path):
    rows = [(f"x/{song(n)}", KEYS[n]) for n in range(24)] + [(f"x/{song(3)}.mp3", KEYS[3].camelot)]
    compared = compare(table(tmp_path / "a.tsv", rows), truth)
    assert (compared.score, compared.repeated) == (MirexScore(correct=24), (song(3),))


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "no keys in it; give a TSV or CSV of id and key"),
        (b"id\tkey\n", "no keys in it"),
        (b"other\tC major\n", r"no song of it is in .* \(first ids: other, 0.LOFI.key\)"),
        (b"0.LOFI\tCm\n1.LOFI\n", r"row 2 has 1 columns: \['1.LOFI'\]"),
        (b"0.LOFI\tCm\n \tDm\n", r"row 2 has no id: \[' ', 'Dm'\]; name its song"),
        (b"id,key\na, b.mp3,Cm\n", "row 2 has 3 cells, the header 2; put an id that holds a comma"),
        (b"ID3\x04\x00\x00\xff\xfb\x90\x00", "not a text: holds bytes of 0; save it as UTF-8"),
        (b'a,Cm\n"b,Dm\nc,Em\n', "not a table of id and key: "),
        (b'"a" b,Cm\n', "not a table of id and key: "),
        (b'"' + b"a" * 200_000 + b'",Cm\n', "not a table of id and key: field larger"),
    ],
)
def test_a_file_that_cannot_be_scored_is_refused_by_name(truth, tmp_path, content, message):
    (tmp_path / "answers.csv").write_bytes(content)
    refused(tmp_path / "answers.csv", truth, f"answers.csv: {message}")


def test_annotations_that_say_nothing_are_refused_by_name(truth, tmp_path):
    answers = table(tmp_path / "a.tsv", [("one", "Cm")])
    refused(answers, tmp_path / "gone", "gone: no such file or folder")
    (tmp_path / "empty").mkdir()
    refused(answers, tmp_path / "empty", "empty: no keys in it; .* or a folder of .key files")
    truths = table(tmp_path / "t.tsv", [("one", "-"), ("two", "X")])
    refused(answers, truths, r"t.tsv: no key in it parses \(first: one '-'\)")


def answer_of(song_id: str, key: Key, generator: torch.Generator) -> SongAnswer:
    estimate = estimate_from_probabilities(torch.rand(24, generator=generator).numpy() ** 4)
    return SongAnswer("mine", song_id, key, estimate, MirexScore(correct=3), "tag", "House")


@pytest.fixture
def answers() -> Answers:
    """Random answers for songs whose names try the table."""
    names = ["plain", "a b", 'say "key"', '"Heroes" live', '"Heroes', "a,b;c", "tab\there", "白鳥"]
    generator = torch.Generator().manual_seed(0)
    songs = [answer_of(f"x/{n}.mp3", KEYS[5 * at], generator) for at, n in enumerate(names[:5])]
    songs += [answer_of(f"{n}.mp3", KEYS[20 + at], generator) for at, n in enumerate(names[5:])]
    return Answers(tuple(songs), 0.0, ())


def test_our_own_predictions_read_back_as_answers_and_as_truth(answers, tmp_path):
    file = tmp_path / "new folder" / "predictions.tsv"
    write_predictions(file, answers.songs)
    compared = compare(file, file)
    assert compared.score == answers.song_score
    assert not compared.without_answer + compared.without_truth + compared.unreadable_truth
    truths = [(f"{json.dumps(one.song_id)}", one.key) for one in answers.songs[:2]]
    compared = compare(file, table(tmp_path / "t.tsv", truths))
    assert compared.score.total == 2 and len(compared.without_truth) == len(answers.songs) - 2


def test_a_line_of_our_predictions_has_the_song_its_answer_and_24_probabilities(answers, tmp_path):
    write_predictions(tmp_path / "p.tsv", answers.songs)
    with open(tmp_path / "p.tsv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert [row["song_id"] for row in rows] == [one.song_id for one in answers.songs]
    for row, one in zip(rows, answers.songs, strict=True):
        probabilities = [float(row[str(key)]) for key in KEYS]
        assert sum(probabilities) == pytest.approx(1, abs=1e-4)
        assert str(KEYS[np.argmax(probabilities)]) == row["estimate"] == str(one.estimate.key)
        assert float(row["confidence"]) == pytest.approx(max(probabilities), abs=1e-4)
        assert (row["dataset"], row["key"], row["intervals"]) == ("mine", str(one.key), "3")
        assert (row["label_source"], row["genre"]) == ("tag", "House")


def test_answers_that_lack_intervals_are_told_so_beside_their_score(answers, tmp_path):
    first, second, *rest = answers.songs
    lacking = [replace(first, lost_intervals=2), replace(second, lost_intervals=1), *rest]
    write_predictions(tmp_path / "lacking.tsv", lacking)
    write_predictions(tmp_path / "whole.tsv", answers.songs)
    note = "3 intervals of the songs in lacking.tsv could not be read"
    assert scored(tmp_path / "lacking.tsv", tmp_path / "whole.tsv")[-1] == note
    assert compared(tmp_path / "whole.tsv", tmp_path / "lacking.tsv", None)[-1] == note
    assert not [line for line in scored(*[tmp_path / "whole.tsv"] * 2) if "could not" in line]


def test_writing_predictions_leaves_one_file_and_replaces_the_old(answers, tmp_path):
    for _ in range(2):
        write_predictions(tmp_path / "p.tsv", answers.songs)
    assert [path.name for path in tmp_path.iterdir()] == ["p.tsv"]
