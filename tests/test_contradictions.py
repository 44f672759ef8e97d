"""Laws of recordings that two data sets give different keys: named, and left out of training."""

from dataclasses import replace

import numpy as np
import pytest
from accelerate import Accelerator
from conftest import settings, small_config
from hypothesis import given
from hypothesis import strategies as st

import eval
from evaluation.listener import shards_of
from evaluation.notes import trained_notes
from model.checkpoint import CheckpointError
from pipeline.contradictions import contradictions
from pipeline.loader import loader
from pipeline.order import _repeated, epoch_order, epoch_total
from pipeline.overlap import overlap
from pipeline.record import SongEntry
from pipeline.songtable import SongRows, SongTable
from pipeline.stream import training_stream
from settings.marks import MARKS
from shards import __main__ as shards_program
from shards.check import manifest_folders, problems_of
from shards.prepare import prepare
from songkey.errors import AudioKeyError
from songkey.keys import KEYS
from songs import synthetic
from songs.recordings import united
from songs.song import Song
from training.loop import Training
from training.reading_rates import interval_rates, song_weights

Row = tuple[str, str, int]  # identity, name, key id
BOTH = 'train.datasets=["first", "second"]'
COPIES = 4  # train songs of the first data set that are in the second too, a semitone higher


def table(*datasets: tuple[str, list[Row]]) -> SongTable:
    """Songs of several data sets, numbered from 0 in each."""
    splits = []
    for _, songs in datasets:
        rows = SongRows()
        for number, (identity, name, key_id) in enumerate(songs):
            rows.add(SongEntry(
                song_id=str(number), recording_id="", key=str(KEYS[key_id]), label_source="",
                confidence=1, intervals=1, identity=identity, name=name,
            ))  # fmt: skip
        splits.append(rows.finish())
    return SongTable(tuple(name for name, _ in datasets), tuple(splits))


def test_songs_of_one_recording_and_several_keys_are_named_with_their_keys():
    ours = [("s", "", 0), ("t", "n", 21), ("u", "o", 3)]
    theirs = [("t", "", 0), ("s", "", 0), ("", "o", 15), ("", "", 7)]
    several = contradictions(table(("ours", ours), ("theirs", theirs)))
    assert several.songs.tolist() == [1, 2, 3, 5]
    assert str(several) == (
        "ours/1 is theirs/0: same sound, but A minor and C major; "
        "ours/2 is theirs/2: same artist and title, but Eb major and Eb minor"
    )


letters = st.sampled_from(["", *"abcde"])
made = st.lists(st.tuples(letters, letters.map(str.upper), st.integers(0, 2)), max_size=15)


@given(made, made)
def test_it_finds_what_comparing_each_with_each_finds(ours, theirs):
    songs = [*ours, *theirs]

    def alike(one, other):
        return any(a and a == b for a, b in zip(one[:2], other[:2], strict=True))

    recordings = []
    for place, one in enumerate(songs):
        joined = [rec for rec in recordings if any(alike(one, songs[other]) for other in rec)]
        recordings = [rec for rec in recordings if rec not in joined] + [[place, *sum(joined, [])]]
    several = [rec for rec in recordings if len({songs[place][2] for place in rec}) > 1]
    expected = sorted(sum(several, []))
    found = contradictions(table(("ours", ours), ("theirs", theirs)))
    assert found.songs.tolist() == expected
    assert bool(str(found)) == bool(expected)


def test_of_many_the_ten_that_come_first_are_named():
    ours = [(f"{99 - number}", "", 0) for number in range(30)]
    theirs = [(identity, "", 1) for identity, _, _ in reversed(ours)]
    several = contradictions(table(("ours", ours), ("theirs", theirs)))
    assert len(several.songs) == 60 and str(several).count(" is ") == 10
    pairs = str(several).split("; ")
    assert pairs[0].startswith("ours/0 is theirs/29: ") and pairs[-1] == "..."
    assert pairs[9].startswith("ours/9 is theirs/20: ")


@pytest.mark.parametrize(
    "one, other, expected",
    [
        (("gs_mtg", ("s", "n", 0)), ("ncs", ("t", "n", 1)), []),  # remixes of one name
        (("gs_mtg", ("s", "n", 0)), ("ncs", ("s", "o", 1)), [0, 1]),
        (("gs_key", ("s", "n", 0)), ("gs_key_plus", ("s", "n", 1)), []),  # labelled anew
        (("mine", ("s", "n", 0)), ("mine", ("s", "o", 1)), [0, 1]),
    ],
)
def test_what_a_data_set_gives_several_keys_itself_is_no_contradiction(one, other, expected):
    tables = table(*((dataset, [row]) for dataset, row in (one, other)))
    assert contradictions(tables).songs.tolist() == expected


def test_no_songs_and_songs_of_which_nothing_is_known_contradict_nothing():
    assert not len(contradictions(SongTable((), ())).songs)
    assert not len(contradictions(table(("ours", [("", "", 0), ("", "", 1)]))).songs)


def test_packing_and_shards_know_recordings_by_the_same_marks():
    """Two songs that share any one of them are one recording to both."""
    for mark in MARKS:
        song = Song("0", "any", "", KEYS[0], "", "", 1.0, **{mark: "x"})
        other = replace(song, song_id="1", key=KEYS[1])
        assert len(united([song, other])[1]) == 2
        rows = [(one.identity, one.name, one.key.id) for one in (song, other)]
        assert len(contradictions(table(("any", rows))).songs) == 2


def test_songs_in_two_splits_are_named_with_their_keys_where_these_differ():
    ours, theirs = table(("ours", [("s", "", 21), ("t", "", 1)])), [("s", "", 0), ("t", "", 1)]
    assert str(overlap(ours, table(("theirs", theirs)))) == (
        "ours/0 is theirs/0: same sound, but A minor and C major; ours/1 is theirs/1: same sound"
    )


@pytest.mark.parametrize("seed", range(20))
def test_what_is_left_out_never_comes_and_all_else_as_often_as_without_it(seed):
    random = np.random.default_rng(seed)
    intervals = random.integers(1, 9, 12)
    rates = random.choice([0.0, 0.3, 1.0, 2.7], intervals.sum())
    rates[0], rates[-1] = 0, 0
    for epoch in range(20):
        order = epoch_order(intervals, seed, epoch, 3, 8, rates)
        counts = np.bincount(order, minlength=len(rates))
        assert not counts[rates == 0].any() and len(order) == epoch_total(rates)
        assert np.abs(counts - rates).max() < 1.5
    for offset in (0.0, np.nextafter(1, 0)):  # where errors of rounding show
        assert rates[_repeated(np.arange(len(rates)), rates, offset)].all()
    once = (rates > 0).astype(float)
    assert sorted(epoch_order(intervals, seed, 0, 3, 8, once)) == np.flatnonzero(once).tolist()


@pytest.fixture(scope="module")
def contradictory(tmp_path_factory):
    """Two data sets; some songs that train in the first do so in the second, in another key."""
    folder = tmp_path_factory.mktemp("contradictory")
    config = small_config(folder)

    def made(dataset, seed, count, split):
        songs = synthetic.songs(count, 10.0, seed=seed)
        return [
            replace(one, dataset=dataset, split=split, song_id=f"{split}-{number}",
                    recording_id=f"{split}-{number}")
            for number, one in enumerate(songs)
        ]  # fmt: skip

    first = {
        split: made("first", n, 8, split) for n, split in enumerate(("train", "valid", "test"))
    }

    def copies(split, count):
        return [
            replace(one, dataset="second", key=one.key.transpose(1), song_id=f"{split}-copy-{n}",
                    recording_id=f"{split}-copy-{n}")
            for n, one in enumerate(first[split][:count])
        ]  # fmt: skip

    second = [*made("second", 3, 6, "train"), *copies("train", COPIES), *copies("valid", 2)]
    prepare("first", sum(first.values(), []), [], "audio", config)
    prepare("second", [*second, *copies("test", 3)], [], "audio", config)
    return folder


def test_check_names_them_and_says_what_to_do(called, contradictory):
    problems = list(problems_of(manifest_folders(contradictory / "shards")))
    assert [problem.partition(": ")[2].split(":")[0] for problem in problems] == [
        "8 songs of train have several keys", "4 songs of valid have several keys",
        "6 songs of test have several keys",
    ]  # fmt: skip
    assert "first/train-0 is second/train-copy-0: same sound, but " in problems[0]
    assert problems[0].endswith(
        "; correct the labels, or leave all but one of them out, and pack again"
    )
    done = called(shards_program.main, "check", contradictory / "shards")
    assert done.returncode == 1 and "3 problems in 6 splits" in done.stderr


def of_both(folder, *overrides):
    config = small_config(folder, BOTH, *overrides)
    return config, shards_of(config, config, config.train.datasets, "train")


def names_read(shards, rates, epoch, ranks) -> list[str]:
    """The songs of an epoch's samples in `ranks` processes, sorted."""
    songs = shards.song_table()
    read = []
    for rank in range(ranks):
        stream = training_stream(shards, ranks, rank, ranks, 0, epoch, 6, 16, rates=rates)
        batches = loader(stream, 0, pin_memory=False)
        read += [int(one) for batch in batches for one in batch.song_index]
    return sorted(f"{songs.dataset_of(one)}/{songs.song_id(one)}" for one in read)


@pytest.mark.parametrize("ranks", [1, 2])
def test_both_sides_are_left_out_of_every_epoch_and_all_else_is_read(contradictory, ranks):
    _, shards = of_both(contradictory)
    rates = interval_rates(shards, "none", {})
    left_out = {
        name
        for number in range(COPIES)
        for name in (f"first/train-{number}", f"second/train-copy-{number}")
    }
    for epoch in range(2):
        read = set(names_read(shards, rates, epoch, ranks))
        assert read == set(shards.song_table().where(range(len(shards.song_table())))) - left_out


def test_songs_of_one_data_set_alone_are_all_read(contradictory):
    config = small_config(contradictory)
    assert interval_rates(shards_of(config, config, ("first",), "train"), "none", {}) is None


@pytest.mark.parametrize("balance", ["mode", "key"])
def test_classes_are_even_in_what_is_read(contradictory, balance):
    _, shards = of_both(contradictory)
    songs, rates = shards.song_table(), interval_rates(shards, balance, {"second": 2.0})
    assert np.isfinite(rates).all()
    song_of = np.repeat(np.arange(len(songs)), songs.intervals)
    key_id = songs.key_id[song_of]
    classes = key_id // 12 if balance == "mode" else key_id
    sums = np.bincount(classes, weights=rates)
    assert sums[sums > 0] == pytest.approx(sums.max())
    weights = song_weights(shards, rates, "none", False).numpy()
    assert np.isfinite(weights).all()
    assert np.isfinite(song_weights(shards, np.sign(rates), balance, False).numpy()).all()


def test_where_nothing_is_left_to_train_on_the_run_is_refused(contradictory, tmp_path):
    config = small_config(tmp_path, BOTH)
    for dataset, semitones in (("first", 0), ("second", 1)):
        songs = [
            replace(one, dataset=dataset, split="train", key=one.key.transpose(semitones))
            for one in synthetic.songs(4, 10.0, seed=0)
        ]
        prepare(dataset, songs, [], "audio", config)
    _, shards = of_both(tmp_path)
    with pytest.raises(
        AudioKeyError, match="^all songs that train have several keys: first/.* corr"
    ):
        interval_rates(shards, "none", {})


def remembered(training: Training) -> np.ndarray:
    """(songs,) which of the train songs the checkpoint will know."""
    digests = training.data.train.song_table().digests("identity")
    assert digests.all()
    return np.isin(digests, training.data.trained_songs.labelled)


def test_a_run_says_once_whom_it_leaves_out_and_goes_on_without_them(
    contradictory, tmp_path, caplog
):
    config = small_config(contradictory, BOTH, "train.epochs=1", 'eval.datasets=["first"]')
    training = Training(config, tmp_path / "run", resume=False)
    (left_out, valid) = [text for text in caplog.messages if "several keys" in text]
    assert left_out.startswith("8 of 18 songs do not train, of recordings that have several keys: ")
    assert valid.startswith("4 of 10 songs validate all the same, of recordings that have several")
    training.run()
    songs = training.data.train.song_table()
    assert np.flatnonzero(~remembered(training)).tolist() == [*contradictions(songs).songs]
    intervals = songs.intervals.sum()
    assert 0 < training.global_step * 8 < intervals
    Training(config, tmp_path / "run", resume=True)


def test_a_run_that_began_with_them_does_not_go_on_without(contradictory, tmp_path, monkeypatch):
    config = small_config(contradictory, BOTH)
    with monkeypatch.context() as patch:  # as by the versions that did not look
        patch.setattr("training.run_data.interval_rates", lambda *_: None)
        Training(config, tmp_path / "run", resume=False).save("last")
    with pytest.raises(CheckpointError, match="cannot go on .*intervals left out today"):
        Training(config, tmp_path / "run", resume=True)


def test_shards_read_in_order_say_that_they_train(contradictory, tmp_path, caplog):
    config = small_config(contradictory, BOTH, "stream.reader=webdataset", "stream.workers=0")
    training = Training(config, tmp_path / "run", resume=False)
    table = shards_of(config, config, ("first", "second"), "train").song_table()
    known = training.data.trained_songs.labelled
    assert np.isin(table.digests("identity"), known).all()
    assert "8 of 18 songs train all the same, of recordings that have several keys" in caplog.text


def test_evaluating_them_together_says_so_beside_the_scores(
    called, contradictory, trained, tmp_path
):
    config = small_config(contradictory)
    answers = eval.evaluate(str(trained), config, ("first", "second"), Accelerator(cpu=True))
    (note,) = [one for one in trained_notes(answers) if "keys" in one]
    assert note.startswith("6 songs have several keys: first/test-")
    assert "first/test-0 is second/test-copy-0: same sound, but " in note
    answers = eval.evaluate(str(trained), config, ("first",), Accelerator(cpu=True))
    assert not [one for one in trained_notes(answers) if "keys" in one]
    words = ["--checkpoint", trained, "--datasets", "first", "second"]
    words += ["--output", tmp_path / "answers.tsv", *settings(contradictory)]
    done = called(eval.main, *words)
    assert note in done.stdout.splitlines()
    assert "6 songs have several keys: first/test-" in (tmp_path / "answers.html").read_text()
