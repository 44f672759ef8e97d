"""Laws of leaks: a recording that trains, validates and tests is found, named and refused."""

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from accelerate import Accelerator
from conftest import settings, small_config
from http_server import serving
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import save_file

import eval
from evaluation.notes import trained_notes
from evaluation.provenance import facts_of
from evaluation.seen import Seen
from model.checkpoint import PROGRAM, SONGS, load_checkpoint
from model.run_folder import resolve
from pipeline.index import INDEX_NAME, index_bytes, open_index
from pipeline.manifest import read_manifest, write_manifest
from pipeline.overlap import OverlapError, overlap, songs_here, unknown_songs
from pipeline.record import SongEntry
from pipeline.songtable import SongRows, SongTable
from shards.check import manifest_folders, problems_of
from shards.prepare import prepare
from songs import synthetic
from training.loop import Training


def table(*songs: tuple[str, str], dataset: str = "any") -> SongTable:
    """Songs numbered from 0, of these identities and names."""
    rows = SongRows()
    for number, (identity, name) in enumerate(songs):
        rows.add(SongEntry(
            song_id=str(number), recording_id="", key="C major", label_source="", confidence=1,
            intervals=1, identity=identity, name=name,
        ))  # fmt: skip
    return SongTable((dataset,), (rows.finish(),))


def test_songs_of_one_sound_or_name_are_named_and_others_are_not():
    ours = table(("s", "n"), ("t", ""), ("", "o"), dataset="ours")
    theirs = table(("x", ""), ("t", ""), ("", ""), ("s", "p"), ("y", "o"), dataset="theirs")
    shared = overlap(ours, theirs)
    assert shared.songs.tolist() == [1, 3, 4]
    assert str(shared) == (
        "ours/1 is theirs/1: same sound; ours/0 is theirs/3: same sound; "
        "ours/2 is theirs/4: same artist and title"
    )


def test_of_many_songs_ten_are_named():
    many = table(*((str(number), "") for number in range(30)))
    shared = overlap(many, many)
    assert len(shared.songs) == 30 and str(shared).count(" is ") == 10
    assert str(shared).endswith("; ...")


letters = st.sampled_from(["", *"abcdefgh"])
made = st.lists(st.tuples(letters, letters.map(str.upper)), max_size=20)


@given(made, made)
def test_it_finds_what_comparing_each_with_each_finds(ours, theirs):
    expected = [
        place
        for place, song in enumerate(theirs)
        if any(a and a == b for other in ours for a, b in zip(song, other, strict=True))
    ]
    assert overlap(table(*ours), table(*theirs)).songs.tolist() == expected


def test_no_songs_and_songs_packed_before_this_was_recorded_share_nothing():
    unknown, nothing = table(("", ""), ("", "")), SongTable((), ())
    assert unknown.splits[0].identity is None
    for pair in ((unknown, unknown), (nothing, unknown), (unknown, nothing), (nothing, nothing)):
        assert not len(overlap(*pair).songs)


@pytest.fixture(scope="module")
def leaky(packed, tmp_path_factory):
    """Shards whose songs of `packed` train, and the first six of them test as `copies`, too."""
    folder = tmp_path_factory.mktemp("leaky")
    shutil.copytree(packed / "shards/audio", folder / "shards/audio")
    config = small_config(folder)
    table = songs_here(config.prepare.shards_dir, ["audio"], ["synthetic"], "train", folder)
    trained = {table.song_id(place) for place in range(6)}
    songs = [
        replace(song, split="test", song_id=f"copy {number}", recording_id=f"copy {number}")
        for number, song in enumerate(synthetic.songs(48, 10.0, seed=0))
        if song.song_id in trained
    ]
    others = [replace(song, split="test") for song in synthetic.songs(4, 10.0, seed=77)]
    prepare("copies", [*songs, *others], [], "audio", config)
    return folder


def test_a_run_whose_test_set_holds_what_trains_is_refused_with_names(leaky, tmp_path):
    config = small_config(leaky, 'eval.datasets=["copies"]')
    with pytest.raises(OverlapError, match="^6 of 14 songs that test train too: synthetic/synth"):
        Training(config, tmp_path / "run", resume=False)
    assert not (tmp_path / "run").exists()


def test_it_goes_on_with_a_warning_where_that_is_allowed(leaky, tmp_path, caplog):
    config = small_config(leaky, 'eval.datasets=["copies"]', "stream.allow_overlap=true")
    Training(config, tmp_path / "run", resume=False)
    assert "6 of 14 songs that test train too" in caplog.text


@pytest.mark.parametrize(
    "one, other, does", [("train", "valid", "validate train"), ("valid", "test", "test validate")]
)
def test_a_run_whose_songs_are_in_two_splits_is_refused(packed, tmp_path, one, other, does):
    shutil.copytree(packed / "shards/audio/synthetic", tmp_path / "shards/audio/synthetic")
    songs = [
        replace(song, split=split, dataset="twins", song_id=f"{split}-{number}",
                recording_id=f"{split}-{number}")
        for split in (one, other)
        for number, song in enumerate(synthetic.songs(4, 10.0, seed=5))
    ]  # fmt: skip
    config = small_config(tmp_path, 'train.datasets=["twins", "synthetic"]')
    prepare("twins", songs, [], "audio", config)
    with pytest.raises(OverlapError, match=f"4 of .* songs that {does} too: twins/{one}-"):
        Training(config, tmp_path / "run", resume=False)


def evaluated(trained, leaky, *overrides):
    config = small_config(leaky, *overrides)
    return eval.evaluate(str(trained), config, ("copies",), Accelerator(cpu=True)), config


def test_evaluating_on_songs_that_trained_is_refused(trained, leaky):
    told = "6 of 10 songs to be evaluated were trained on: synthetic/.* is copies/.*: same sound; "
    with pytest.raises(OverlapError, match=told):
        evaluated(trained, leaky)


def test_songs_that_trained_are_named_where_none_of_them_trains_any_more(trained, leaky, tmp_path):
    shutil.copytree(leaky / "shards/audio/copies", tmp_path / "shards/audio/copies")
    told = "6 of 10 songs to be evaluated were trained on: copies/copy [0-9]+: same sound; "
    with pytest.raises(OverlapError, match=told):
        evaluated(trained, tmp_path)


def test_what_is_evaluated_all_the_same_is_counted(trained, leaky, caplog):
    answers, config = evaluated(trained, leaky, "stream.allow_overlap=true")
    assert trained_notes(answers) == ["6 of 10 songs were trained on"]
    facts = facts_of(load_checkpoint(resolve(trained)), config, ("copies",), answers)
    assert facts["Songs"].endswith("; 6 of 10 songs were trained on")
    assert "6 of 10 songs to be" in caplog.text


def test_the_programs_refuse_in_one_line_or_say_it_beside_the_scores(
    called, trained, leaky, tmp_path
):
    words = ["--checkpoint", trained, "--datasets", "copies", "--output", tmp_path / "answers.tsv"]
    refused = called(eval.main, *words, *settings(leaky))
    assert refused.returncode == 1 and len(refused.stderr.splitlines()) == 1
    assert "set stream.allow_overlap = true" in refused.stderr
    assert not list(tmp_path.iterdir())
    done = called(eval.main, *words, *settings(leaky, "stream.allow_overlap=true"))
    assert done.returncode == 0, done.stderr
    assert "6 of 10 songs were trained on" in done.stdout.splitlines()
    assert "6 of 10 songs were trained on" in (tmp_path / "answers.html").read_text()


def test_training_songs_that_are_asked_for_are_counted_without_ado(trained, packed, caplog):
    config = small_config(packed, "eval.split=train")
    answers = eval.evaluate(str(trained), config, ("synthetic",), Accelerator(cpu=True))
    assert answers.seen.songs == len(answers.songs) > 0
    assert "trained on" not in caplog.text


def test_a_clean_evaluation_says_nothing(trained, packed):
    answers = eval.evaluate(
        str(trained), small_config(packed), ("synthetic",), Accelerator(cpu=True)
    )
    assert (answers.seen, trained_notes(answers)) == (Seen(), [])


def test_check_reports_recordings_in_two_splits_of_different_data_sets(leaky, packed):
    assert not list(problems_of(manifest_folders(packed / "shards")))
    (problem,) = problems_of(manifest_folders(leaky / "shards"))
    assert "6 songs of test in train too: synthetic/synthetic-0-" in problem
    assert "same sound; " in problem and "pack again" in problem


def test_shards_that_are_damaged_are_named_and_those_not_there_are_not(leaky, tmp_path, caplog):
    shutil.copytree(leaky / "shards", tmp_path / "shards")

    def found():
        datasets, formats = ["copies", "synthetic", "gone"], ["png", "audio"]
        place = str(tmp_path / "shards")
        return songs_here(place, formats, datasets, "test", tmp_path / "cache").datasets

    assert found() == ("copies", "synthetic")
    assert not caplog.records
    (tmp_path / "shards/audio/copies/test/index.safetensors").write_bytes(b"damaged")
    (tmp_path / "shards/audio/synthetic/test/manifest.json.zst").write_bytes(b"damaged")
    assert found() == ()
    first, second = sorted(record.getMessage() for record in caplog.records)
    assert first.startswith("copies of the test songs of copies cannot be known: ")
    assert second.startswith("copies of the test songs of synthetic cannot be known: ")
    assert "index.safetensors: not an index" in first and "manifest.json.zst: damaged" in second


@pytest.fixture
def address(leaky):
    """Those shards on a server."""
    files = [path for path in (leaky / "shards").rglob("*") if path.is_file()]
    named = {f"/{path.relative_to(leaky / 'shards')}": path.read_bytes() for path in files}
    with serving(named) as server:
        yield server


def test_shards_at_an_address_are_compared_by_their_index_alone(address, trained, tmp_path):
    where = f'prepare.shards_dir="{address.url()}"'
    config = small_config(tmp_path, where, 'eval.datasets=["copies"]')
    with pytest.raises(OverlapError, match="^6 of 14 songs that test train too: synthetic/synth"):
        Training(config, tmp_path / "run", resume=False)
    with pytest.raises(OverlapError, match="6 of 10 songs to be evaluated were trained on"):
        eval.evaluate(str(trained), config, ("copies",), Accelerator(cpu=True))
    assert not [one for one in address.requests if one.path.endswith(".tar")]
    assert len(address.asked("/audio/copies/test/index.safetensors")) == 1


def test_an_address_whose_index_cannot_be_had_is_named(address, tmp_path, caplog):
    del address.files["/audio/copies/test/index.safetensors"]
    where = f'prepare.shards_dir="{address.url()}"'
    config = small_config(tmp_path, where, 'eval.datasets=["copies"]')
    Training(config, tmp_path / "run", resume=False)
    (line,) = [text for text in caplog.messages if "cannot be known" in text]
    assert line.startswith("copies of the test songs of copies cannot be known: http")
    assert "index.safetensors: not there, though the manifest names it" in line


def without_digests(split: Path) -> None:
    """Make the shards such as were packed before sounds and names were recorded."""
    manifest, path = read_manifest(split), split / INDEX_NAME
    index = open_index(path, manifest)
    data = index_bytes(replace(index, songs=replace(index.songs, identity=None, name=None)))
    path.write_bytes(data)
    sha256 = hashlib.sha256(data).hexdigest()
    write_manifest(split, manifest.model_copy(update={"index_sha256": sha256}))


def test_songs_of_which_neither_sound_nor_name_is_known_are_counted():
    mixed = table(("s", ""), ("", "n"), ("", ""), dataset="mixed")
    old, known = table(("", ""), ("", ""), dataset="old"), table(("s", "n"))
    assert unknown_songs(known, mixed, old, mixed) == (
        "neither sound nor name is known of 2 of 6 songs of mixed, 2 of 2 songs of old"
    )
    assert unknown_songs(known, SongTable((), ())) == ""


def test_shards_packed_before_sounds_were_recorded_are_named(leaky, trained, tmp_path, caplog):
    shutil.copytree(leaky / "shards", tmp_path / "shards")
    without_digests(tmp_path / "shards/audio/copies/test")
    config = small_config(tmp_path, 'eval.datasets=["copies"]')
    Training(config, tmp_path / "run", resume=False)
    unknown = "neither sound nor name is known of 10 of 10 songs of copies"
    (line,) = [text for text in caplog.messages if "cannot be known" in text]
    assert line == f"copies between train, valid and test cannot be known: {unknown}"
    answers = eval.evaluate(str(trained), config, ("copies",), Accelerator(cpu=True))
    assert trained_notes(answers) == [f"copies of what trained cannot be known: {unknown}"]
    facts = facts_of(load_checkpoint(resolve(trained)), config, ("copies",), answers)
    assert facts["Songs"].endswith(f"; copies of what trained cannot be known: {unknown}")


def forgetful(trained: Path, target: Path) -> Path:
    """A copy of a run's best checkpoint as versions wrote it that did not remember songs."""
    with safe_open(resolve(trained), framework="pt") as file:
        document = json.loads(file.metadata()[PROGRAM])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    for name in ("labelled", "unlabelled"):
        del tensors[f"{SONGS}.{name}"]
    del document[SONGS], document["crc32"]
    save_file(tensors, target, {PROGRAM: json.dumps(document)})
    return target


def test_a_checkpoint_that_remembers_no_songs_is_judged_by_those_that_train_today(
    trained, leaky, tmp_path
):
    old = forgetful(trained, tmp_path / "old.safetensors")
    assert load_checkpoint(old).trained_songs is None
    with pytest.raises(OverlapError, match="6 of 10 songs to be evaluated were trained on"):
        evaluated(old, leaky)
    answers, _ = evaluated(old, leaky, "stream.allow_overlap=true")
    count, unknown = trained_notes(answers)
    assert count == "6 of 10 songs were trained on"
    assert unknown == (
        "copies of what trained cannot be known: it was trained by a version that remembered "
        "neither songs nor music without labels, so that those which train today stand for them, "
        "of synthetic"
    )


def test_train_shards_without_an_index_or_not_here_are_named(leaky, trained, tmp_path, caplog):
    shutil.copytree(leaky / "shards", tmp_path / "shards")
    split, config = tmp_path / "shards/audio/synthetic/train", small_config(tmp_path)
    write_manifest(split, read_manifest(split).model_copy(update={"index_sha256": ""}))
    old = forgetful(trained, tmp_path / "old.safetensors")
    for warned in (True, False):
        caplog.clear()
        answers = eval.evaluate(str(old), config, ("copies",), Accelerator(cpu=True))
        assert trained_notes(answers) == [
            "copies of what trained cannot be known: no train shards to compare with of synthetic"
        ]
        assert ("packed before songs were compared" in caplog.text) == warned
        shutil.rmtree(split, ignore_errors=True)


def test_a_run_in_order_over_shards_without_an_index_remembers_that_it_knows_no_songs(
    packed, tmp_path
):
    shutil.copytree(packed / "shards/audio/synthetic", tmp_path / "shards/audio/synthetic")
    split = tmp_path / "shards/audio/synthetic/train"
    write_manifest(split, read_manifest(split).model_copy(update={"index_sha256": ""}))
    in_order = ("stream.reader=webdataset", "stream.workers=0")
    Training(small_config(tmp_path, *in_order), tmp_path / "run", resume=False).save("last")
    songs = load_checkpoint(resolve(tmp_path / "run", "last")).trained_songs
    assert songs.unknown == ("no index names the songs of synthetic that train",)
    Training(small_config(packed, *in_order), tmp_path / "indexed", resume=False).save("last")
    songs = load_checkpoint(resolve(tmp_path / "indexed", "last")).trained_songs
    assert not songs.unknown and len(songs.labelled) == len(songs_in(packed, "synthetic", "train"))


def test_what_trained_the_weights_that_a_run_began_with_counts_too(trained, leaky, tmp_path):
    shutil.copytree(leaky / "shards", tmp_path / "shards")
    lists = 'train.datasets=["later"]', 'eval.datasets=["later"]'
    config, folder = small_config(tmp_path, *lists), tmp_path / "runs/later"
    songs = [replace(song, dataset="later") for song in synthetic.songs(24, 10.0, seed=9)]
    prepare("later", songs, [], "audio", config)
    Training(config, folder, resume=False, checkpoint=trained).save("last")
    Training(config, folder, resume=True).save("last")
    last = resolve(folder, "last")
    assert load_checkpoint(last).trained_on == ("synthetic", "later")
    assert load_checkpoint(last).validated_on == ("later",)
    with pytest.raises(OverlapError, match="6 of 10 songs to be evaluated were trained on"):
        eval.evaluate(str(last), config, ("copies",), Accelerator(cpu=True))


def packed_anew(packed: Path, folder: Path, dataset: str, **split_of: str) -> None:
    """Pack songs of `packed` as `dataset`: those of the split that is named, in the other one."""
    config = small_config(folder)
    setting = config.datasets.synthetic
    there = {split: songs_in(packed, "synthetic", split) for split in split_of}
    songs = [
        replace(song, dataset=dataset, split=split_of[split], recording_id="")
        for song in synthetic.songs(setting.songs, setting.song_seconds, seed=0)
        for split, names in there.items()
        if song.song_id in names
    ]
    prepare(dataset, songs, [], "audio", config)


def songs_in(folder: Path, dataset: str, split: str) -> set[str]:
    """What the songs of a split are called."""
    table = songs_here(str(folder / "shards"), ["audio"], [dataset], split, folder)
    return {table.song_id(place) for place in range(len(table))}


def test_a_song_that_trained_and_was_moved_to_test_is_still_known(trained, packed, tmp_path):
    packed_anew(packed, tmp_path, "synthetic", train="test", test="train")
    config, old = small_config(tmp_path), forgetful(trained, tmp_path / "old.safetensors")
    count = len(songs_in(packed, "synthetic", "train"))
    with pytest.raises(OverlapError, match=f"^{count} of {count} songs to be evaluated"):
        eval.evaluate(str(trained), config, ("synthetic",), Accelerator(cpu=True))
    # What trains today is all that was known before.
    answers = eval.evaluate(str(old), config, ("synthetic",), Accelerator(cpu=True))
    assert answers.seen.songs == 0


def test_a_song_that_trains_since_did_not_train_what_was_trained_before(trained, packed, tmp_path):
    packed_anew(packed, tmp_path, "synthetic", test="train")
    packed_anew(packed, tmp_path, "later", test="test")
    config, old = small_config(tmp_path), forgetful(trained, tmp_path / "old.safetensors")
    answers = eval.evaluate(str(trained), config, ("later",), Accelerator(cpu=True))
    assert answers.seen == Seen()
    with pytest.raises(OverlapError, match=r"^(\d+) of \1 songs to be evaluated were"):
        eval.evaluate(str(old), config, ("later",), Accelerator(cpu=True))


@pytest.mark.parametrize("split, does", [("valid", "validate"), ("test", "test")])
def test_a_run_is_refused_whose_start_heard_what_it_is_to_be_judged_by(
    trained, packed, tmp_path, caplog, split, does
):
    packed_anew(packed, tmp_path, "mine", test="train", valid="valid", train=split)
    lists = ('train.datasets=["mine"]', 'eval.datasets=["mine"]')
    config, run = small_config(tmp_path, *lists), tmp_path / "run"
    Training(config, tmp_path / "alone", resume=False)  # by itself it is clean
    message = f"songs that {does} trained the network that this run goes on with: mine/synthetic-0-"
    with pytest.raises(OverlapError, match=message):
        Training(config, run, resume=False, checkpoint=trained)
    with pytest.raises(OverlapError, match=message):
        old = forgetful(trained, tmp_path / "old.safetensors")
        Training(small_config(packed, *lists, f'prepare.shards_dir="{both_in(packed, tmp_path)}"'),
                 run, resume=False, checkpoint=old)  # fmt: skip
    assert not run.exists()
    config = small_config(tmp_path, *lists, "stream.allow_overlap=true")
    Training(config, run, resume=False, checkpoint=trained).save("last")
    assert message in caplog.text
    with pytest.raises(OverlapError, match=message):  # so it is when the run goes on
        Training(small_config(tmp_path, *lists), run, resume=True)


def both_in(packed: Path, folder: Path) -> Path:
    """The shards in `folder` beside those of `packed`."""
    shutil.copytree(packed / "shards/audio/synthetic", folder / "shards/audio/synthetic")
    return folder / "shards"


def test_a_checkpoint_remembers_all_that_trained_its_weights_once_each(trained, leaky, tmp_path):
    shutil.copytree(leaky / "shards", tmp_path / "shards")
    config = small_config(tmp_path, 'train.datasets=["later"]', 'eval.datasets=["later"]')
    songs = [replace(song, dataset="later") for song in synthetic.songs(24, 10.0, seed=9)]
    prepare("later", songs, [], "audio", config)
    without_digests(tmp_path / "shards/audio/later/train")
    songs = load_checkpoint(resolve(trained)).trained_songs
    count = len(songs_in(leaky, "synthetic", "train"))
    assert songs.unknown == () and len(songs.labelled) == count
    Training(config, tmp_path / "later", resume=False, checkpoint=trained).save("last")
    again = small_config(tmp_path, 'train.datasets=["synthetic"]', 'eval.datasets=["synthetic"]')
    last = resolve(tmp_path / "later", "last")
    Training(again, tmp_path / "again", resume=False, checkpoint=last).save("last")
    Training(again, tmp_path / "again", resume=True).save("last")
    songs = load_checkpoint(resolve(tmp_path / "again", "last")).trained_songs
    (unknown,) = songs.unknown
    assert unknown.endswith("songs of later") and len(songs.labelled) == count
    assert (songs.labelled[1:] > songs.labelled[:-1]).all() and songs.labelled[0] > 0
