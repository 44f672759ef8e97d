"""Laws of checking: each kind of damage is found and named."""

import hashlib
import shutil

import pytest

from pipeline.bounded import ManifestError
from pipeline.manifest import read_manifest, read_songs, write_manifest, write_songs
from pipeline.record import read_record, write_record
from shards import __main__ as shards
from shards.check import manifest_folders, problems_of
from shards.checktar import problems_of_samples
from shards.splitfolder import task_names
from shards.tables import write_split_manifest


@pytest.fixture
def damaged(packed, tmp_path):
    """A copy of the train split, to be damaged."""
    shutil.copytree(packed / "shards/audio/synthetic", tmp_path / "synthetic")
    return tmp_path / "synthetic/train"


def test_a_flipped_byte_is_found(damaged):
    data = bytearray((damaged / "000000.tar").read_bytes())
    data[3000] ^= 1
    (damaged / "000000.tar").write_bytes(data)
    (problem,) = problems_of([damaged])
    assert "000000.tar: checksum differs" in problem


def test_a_shard_cut_in_half_or_gone_or_strange_is_found(damaged):
    data = (damaged / "000000.tar").read_bytes()
    (damaged / "000000.tar").write_bytes(data[: len(data) // 2])
    (damaged / "000001.tar").unlink()
    shutil.copy(damaged / "000002.tar", damaged / "stray.tar")
    problems = "\n".join(problems_of([damaged]))
    assert f"000000.tar: {len(data) // 2} bytes long, {len(data)} expected" in problems
    assert "000001.tar: not there" in problems
    assert "stray.tar: not in the manifest" in problems


def test_a_record_of_another_shard_is_found(damaged):
    shutil.copy(damaged / "000001.json", damaged / "000000.json")
    problems = "\n".join(problems_of([damaged]))
    assert "000000.json: of another shard, 000001.tar; delete it and pack again" in problems
    record = read_record(damaged, "000001.tar")
    write_record(damaged, record.model_copy(update={"shard": "000000.tar"}))
    problems = "\n".join(problems_of([damaged]))
    assert "000000.tar: its record is of another tar" in problems
    assert "songs.jsonl.zst: lists other songs than the records" in problems


def test_a_lost_manifest_is_found(damaged):
    (damaged / "manifest.json.zst").unlink()
    (problem,) = problems_of(manifest_folders(damaged.parent))
    assert "train/manifest.json.zst: not there" in problem


def test_a_table_with_a_song_too_few_or_with_another_genre_is_found(damaged):
    songs = list(read_songs(damaged))
    for wrong in (songs[1:], [songs[0].model_copy(update={"genre": "polka"}), *songs[1:]]):
        write_songs(damaged, wrong)
        (problem,) = problems_of([damaged])
        assert "songs.jsonl.zst: lists other songs than the records" in problem


def test_an_index_that_is_gone_or_says_other_things_than_the_records_is_found(damaged):
    index, manifest = damaged / "index.safetensors", read_manifest(damaged)
    other = (damaged.parent / "valid/index.safetensors").read_bytes()
    write_manifest(
        damaged, manifest.model_copy(update={"index_sha256": hashlib.sha256(other).hexdigest()})
    )
    (problem,) = problems_of([damaged])
    assert "index.safetensors: not what the manifest says (sha256); delete it" in problem
    index.write_bytes(other)
    (problem,) = problems_of([damaged])
    assert "index.safetensors: says other things than the records" in problem
    index.unlink()
    (problem,) = problems_of([damaged])
    assert "index.safetensors: not there, though the manifest names it" in problem


def test_a_song_too_many_in_the_table_is_found(damaged):
    songs = list(read_songs(damaged))
    write_songs(damaged, [*songs, songs[0].model_copy(update={"song_id": "another"})])
    (problem,) = problems_of([damaged])
    assert "songs.jsonl.zst: lists more songs than the records" in problem


def test_a_recording_in_two_splits_is_found(damaged):
    valid = damaged.parent / "valid"
    record, (first, *others) = read_record(valid, "000000.tar"), read_songs(valid)
    also = first.model_copy(update={"recording_id": next(read_songs(damaged)).recording_id})
    write_record(valid, record.model_copy(update={"songs": (also, *record.songs[1:])}))
    write_songs(valid, [also, *others])
    problems = "\n".join(problems_of(manifest_folders(damaged.parent)))
    assert "its recording is in train too" in problems


def test_a_damaged_manifest_is_found(damaged):
    (damaged / "manifest.json.zst").write_bytes(b"not zstandard")
    (problem,) = problems_of([damaged])
    assert "manifest.json.zst: damaged" in problem


def test_the_command_exits_1_where_something_is_wrong_and_0_where_not(called, damaged):
    assert called(shards.main, "check", damaged).returncode == 0
    (damaged / "000000.tar").unlink()
    failed = called(shards.main, "check", damaged)
    assert failed.returncode == 1 and "1 problem in 1 split" in failed.stderr


def test_a_folder_without_shards_is_refused(tmp_path):
    with pytest.raises(ManifestError, match="no manifest in it or below it"):
        manifest_folders(tmp_path)


def test_a_file_that_is_no_tar_is_named_as_such(damaged):
    record = read_record(damaged, "000000.tar")
    (damaged / "000000.tar").write_bytes(b"<html>404</html>" * 100)
    (problem,) = problems_of_samples(damaged / "000000.tar", record, "flac")
    assert problem.startswith("not a tar file of plain samples (")


def test_a_song_in_two_shards_is_found(damaged):
    manifest, record = read_manifest(damaged), read_record(damaged, "000000.tar")
    shutil.copy(damaged / "000000.tar", damaged / "000009.tar")
    write_record(damaged, record.model_copy(update={"shard": "000009.tar"}))
    write_split_manifest(damaged, [*task_names(manifest), "000009"], manifest.settings)
    problems = list(problems_of([damaged]))
    assert len(problems) == len(record.songs)
    assert f"{record.songs[0].song_id}: in 000000.tar and in 000009.tar" in problems[0]
