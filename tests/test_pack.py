"""Laws of packing: repeatable, interruptible, and nothing half-written counts."""

import gc
import json
import tarfile
import warnings
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import webdataset as wds
from conftest import (
    contents,
    killed_and_run_again,
    pack_synthetic,
    settings,
    small_config,
)
from mutagen.flac import FLAC

from evaluation.listener import shards_of
from pipeline.bounded import ManifestError
from pipeline.flac import decode_flac
from pipeline.manifest import read_manifest, read_songs
from pipeline.record import ShardRecord, read_record
from shards import __main__ as shards
from shards.check import manifest_folders, problems_of
from shards.outcome import summary
from shards.packed import packed_split
from shards.prepare import PrepareError, prepare
from songkey.keys import Key
from songs import folder as folder_dataset
from songs.song import LeftOut, Song


def tone(path, seconds, hertz=220.0, sample_rate=11025):
    soundfile.write(path, 0.3 * np.sin(np.arange(seconds * sample_rate) * hertz), sample_rate)
    return str(path)


def song(path, song_id, split="train"):
    return Song(song_id, "mine", str(path), Key(0, "major"), song_id, "test", 1.0, split)


def test_two_runs_give_the_same_bytes_with_any_number_of_processes(packed, tmp_path):
    config = small_config(tmp_path, "prepare.workers=2")
    pack_synthetic(config, "audio")
    assert contents(tmp_path / "shards/audio") == contents(packed / "shards/audio")


def test_packing_killed_in_the_middle_and_run_again_equals_packing_once(packed, tmp_path):
    command = ["-m", "shards", "pack", "synthetic", "--format", "png", *settings(tmp_path)]
    again = killed_and_run_again(tmp_path / "shards/png", *command)
    assert again == contents(packed / "shards/png")


def by_webdataset(paths):
    for sample in wds.WebDataset([str(path) for path in paths], shardshuffle=False):
        yield {name: data for name, data in sample.items() if not name.startswith("__")}


def by_torchdata(paths):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its tar reader will not be kept up
        from torchdata.datapipes.iter import FileOpener, IterableWrapper
    tars = FileOpener(IterableWrapper([str(path) for path in paths]), mode="b").load_from_tar()
    for sample in tars.map(_with_bytes).webdataset():
        yield {name[1:]: data for name, data in sample.items() if name != "__key__"}


def _with_bytes(item):
    name, member = item
    return name, member.read()


def by_tarfile(paths):
    for path in paths:
        with tarfile.open(path) as tar:
            members = tar.getmembers()
            for media, info in zip(members[::2], members[1::2], strict=True):
                yield {one.name.split(".")[1]: tar.extractfile(one).read() for one in (media, info)}


@pytest.mark.parametrize("reader", [by_webdataset, by_torchdata, by_tarfile])
@pytest.mark.parametrize("format, ending", [("audio", "flac"), ("png", "png")])
def test_any_reader_of_webdatasets_streams_the_shards(packed, format, ending, reader):
    split = packed / "shards" / format / "synthetic" / "train"
    manifest = read_manifest(split)
    samples = list(reader([split / shard.name for shard in manifest.shards]))
    records = [read_record(split, shard.name) for shard in manifest.shards]
    crc32s = [crc32 for record in records for crc32 in record.media_crc32]
    assert [zlib.crc32(sample[ending]) for sample in samples] == crc32s
    songs = [record.songs[song].key for record in records for song in record.song]
    assert [json.loads(sample["json"])["key"] for sample in samples] == songs
    assert all(sample.keys() == {ending, "json"} for sample in samples)


def test_a_shard_is_the_tar_that_webdataset_writes(packed, tmp_path):
    (tar, *_) = sorted(packed.glob("shards/audio/synthetic/train/*.tar"))
    with (
        wds.TarWriter(str(tmp_path / "same.tar"), encoder=False, mtime=0) as writer,
        tarfile.open(tar) as reader,
    ):
        for member in reader:
            name, _, ending = member.name.partition(".")
            writer.write({"__key__": name, ending: reader.extractfile(member).read()})
    assert (tmp_path / "same.tar").read_bytes() == tar.read_bytes()


def test_a_tar_without_a_record_or_of_another_size_is_packed_again(packed, tmp_path):
    config = small_config(tmp_path)
    pack_synthetic(config)
    split = tmp_path / "shards/audio/synthetic/train"
    (split / "manifest.json.zst").unlink()
    (split / "000000.json").unlink()
    half = (split / "000001.tar").read_bytes()
    (split / "000001.tar").write_bytes(half[: len(half) // 2])
    (split / ".000002.tar.123.tmp").write_bytes(b"left by a killed run")
    pack_synthetic(config)
    assert contents(tmp_path / "shards/audio") == contents(packed / "shards/audio")


def test_a_second_run_with_nothing_to_do_changes_no_tar(tmp_path):
    config = small_config(tmp_path, "datasets.synthetic.songs=24")
    pack_synthetic(config)
    tars = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.tar")}
    pack_synthetic(config)
    assert tars == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.tar")}


def test_other_settings_are_refused_with_what_differs_until_overwritten(tmp_path):
    config = small_config(tmp_path, "datasets.synthetic.songs=24")
    pack_synthetic(config)
    other = small_config(tmp_path, "datasets.synthetic.songs=24", "audio.sample_rate=8000")
    with pytest.raises(ManifestError, match="sample_rate: 11025 there, 8000 today.*--overwrite"):
        pack_synthetic(other)
    drawn = small_config(tmp_path, "datasets.synthetic.songs=24", "split.seed=1")
    with pytest.raises(ManifestError, match="split_rule: .*seed 0.* there, .*seed 1.* today"):
        pack_synthetic(drawn)
    (tmp_path / "shards/audio/synthetic/train/manifest.json.zst").unlink()  # as if interrupted
    with pytest.raises(ManifestError, match="sample_rate"):
        pack_synthetic(other)


def test_overwriting_leaves_nothing_of_the_songs_before(called, tmp_path):
    for count, words in ((48, []), (24, ["--overwrite"])):
        place = settings(tmp_path / "twice", f"datasets.synthetic.songs={count}")
        done = called(shards.main, "pack", "synthetic", *words, *place)
        assert done.returncode == 0, done.stderr
    once = small_config(tmp_path / "once", "datasets.synthetic.songs=24")
    pack_synthetic(once)
    assert contents(tmp_path / "twice/shards") == contents(tmp_path / "once/shards")


def test_a_split_that_overwriting_makes_empty_is_one_that_the_data_set_has_not(called, tmp_path):
    few = ("datasets.synthetic.songs=24", "split.valid_fraction=0.5")
    pack_synthetic(small_config(tmp_path, *few))
    assert (tmp_path / "shards/audio/synthetic/test").exists()
    place = settings(tmp_path, *few, "split.test_fraction=0.0")
    done = called(shards.main, "pack", "synthetic", "--overwrite", *place)
    assert done.returncode == 0, done.stderr
    config = small_config(tmp_path, *few)
    with pytest.raises(ManifestError, match="audio: no test split in synthetic; name other data"):
        shards_of(config, config, ("synthetic",), "test")


def test_a_full_shard_goes_on_in_a_further_tar_and_no_interval_is_lost(tmp_path):
    config = small_config(tmp_path, "prepare.max_shard_bytes=1000000", "prepare.songs_per_shard=50")
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 11025 * 40)
    for name in ("a.wav", "b.wav", "c.wav"):
        soundfile.write(tmp_path / name, noise, 11025)
    songs = [song(tmp_path / name, name) for name in ("a.wav", "b.wav", "c.wav")]
    prepare("mine", songs, [], "audio", config)
    split = tmp_path / "shards/audio/mine/train"
    tars = sorted(path.name for path in split.glob("*.tar"))
    assert tars == ["000000-001.tar", "000000-002.tar", "000000.tar"]
    assert all(path.stat().st_size <= 1_000_000 for path in split.glob("*.tar"))
    assert sum(shard.intervals for shard in read_manifest(split).shards) == 30
    assert {entry.song_id for entry in read_songs(split)} == {"a.wav", "b.wav", "c.wav"}
    assert list(problems_of([split])) == []


def test_a_song_damaged_in_its_middle_leaves_nothing_in_the_shard(tmp_path):
    good, bad = tone(tmp_path / "good.flac", 12), tone(tmp_path / "bad.flac", 60)
    data = Path(bad).read_bytes()
    Path(bad).write_bytes(data[: len(data) * 2 // 3])
    done = prepare(
        "mine", [song(bad, "bad"), song(good, "good")], [], "audio", small_config(tmp_path)
    )
    assert [(one.song_id, one.reason.split(":")[0]) for one in done.left_out] == [
        ("bad", "truncated")
    ]
    record = read_record(tmp_path / "shards/audio/mine/train", "000000.tar")
    assert [entry.song_id for entry in record.songs] == ["good"] and len(record.song) == 3
    assert "bad\ttruncated" in (tmp_path / "shards/audio/mine/left_out.tsv").read_text()
    assert "left out 1 of 2 songs: 1 truncated (bad)" in summary(done)


def test_the_summary_counts_the_sources_of_labels_and_names_the_doubtful(called, tmp_path):
    music = tmp_path / "music"
    for number, name in enumerate(["a", "b", "c", "d", "1A/e", "1A/f", "C minor/g", "C minor/h"]):
        (music / name).parent.mkdir(parents=True, exist_ok=True)
        tone(music / f"{name}.flac", 2, 200 + number)
    (music / "bad.flac").write_bytes(b"no sound")
    tagged = FLAC(music / "C minor" / "h.flac")
    tagged["initialkey"] = "8A"
    tagged.save()
    table = "path,key\na.flac,C\nD:\\b.flac,Db\n/old/x/e.flac,F#m\nbad.flac,C\nc.flac,f#\n"
    (music / "labels.csv").write_text(table)
    for command in (["pack"], ["pack", "--part", "1/1"], ["merge"]):
        done = called(shards.main, *command, "folder", str(music), *settings(tmp_path))
        assert done.returncode == 0, done.stderr
        if "--part" not in command:
            lines = done.stdout.splitlines()
            assert "  labels: labels.csv 3, folder name 2, short folder name 1" in lines
            assert (
                "  doubtful labels of 3 songs: 1 listed in another folder (1A/e.flac); "
                "1 short folder name (1A/f.flac); 1 folder name against tag (C minor/h.flac)"
            ) in lines
            table = tmp_path / "shards/audio/folder/doubtful.tsv"
            assert f"    all with details in {table}" in lines
            assert table.read_text().splitlines() == [
                "song_id\treason",
                "1A/e.flac\tlisted in another folder: /old/x/e.flac",
                "1A/f.flac\tshort folder name: 1A",
                "C minor/h.flac\tfolder name against tag: C minor, A minor",
            ]
            assert "1 ambiguous label (c.flac)" in done.stdout
    (music / "labels.csv").write_text("path,key\na.flac,C\n1A/e.flac,C\n1A/f.flac,C\n")
    tagged.delete()
    done = called(shards.main, "pack", "folder", str(music), *settings(tmp_path))
    assert done.returncode == 0 and "doubtful" not in done.stdout
    assert not table.exists()


def test_rows_of_tables_are_told_and_counted_apart_from_songs(tmp_path):
    one = replace(song(tone(tmp_path / "a.flac", 12), "a"), doubt="short folder name: 1A")
    rows = [LeftOut("a", "listed name is ambiguous: a, b"), LeftOut("c", "listed but not found")]
    lost = [LeftOut("b", "no label")]
    done = prepare("mine", [one], [*rows, *lost], "audio", small_config(tmp_path))
    told = summary(done, [one]).splitlines()
    assert "left out 1 of 2 songs: 1 no label (b)" in told
    assert (
        "2 rows of tables without a song: 1 listed name is ambiguous (a); "
        "1 listed but not found (c)"
    ) in told
    assert f"  labels: {one.label_source} 1" in told  # packed, whatever a row of its name is
    assert "  doubtful labels of 1 song: 1 short folder name (a)" in told
    table = (tmp_path / "shards/audio/mine/doubtful.tsv").read_text().splitlines()
    assert table == ["song_id\treason", "a\tshort folder name: 1A"]


def test_a_sample_holds_the_song_s_own_sound(tmp_path):
    path = tone(tmp_path / "a.flac", 8)
    prepare("mine", [song(path, "a")], [], "audio", small_config(tmp_path))
    split = tmp_path / "shards/audio/mine/train"
    record = read_record(split, "000000.tar")
    tar = (split / "000000.tar").read_bytes()
    cut = [
        decode_flac(tar[offset : offset + size], record.settings.interval_samples)
        for offset, size in zip(record.media_offset, record.media_bytes, strict=True)
    ]
    assert np.array_equal(np.concatenate(cut), soundfile.read(path, dtype="int16")[0])


def test_songs_without_any_usable_one_end_in_one_line(tmp_path):
    (tmp_path / "C minor").mkdir()
    (tmp_path / "C minor" / "not audio.mp3").write_bytes(b"<html>404</html>")
    songs, left_out = folder_dataset.songs(str(tmp_path), "mine")
    with pytest.raises(PrepareError, match="mine: no song could be packed; left out: 1 "):
        prepare("mine", songs, left_out, "audio", small_config(tmp_path))
    assert [path.name for path in (tmp_path / "shards").rglob("*") if path.is_file()] == [
        "left_out.tsv"
    ]
    with pytest.raises(PrepareError, match="mine: no song has a usable label"):
        prepare("mine", [], [], "audio", small_config(tmp_path))


def test_what_was_packed_passes_the_check(packed):
    folders = manifest_folders(packed)
    assert len(folders) == 6 and list(problems_of(folders)) == []


def test_what_is_packed_is_known_without_keeping_where_samples_lie(packed):
    there = sum(type(one) is ShardRecord for one in gc.get_objects())
    known = packed_split(packed / "shards/audio/synthetic/train", "train")
    assert len(known.tasks) > 1
    assert sum(type(one) is ShardRecord for one in gc.get_objects()) == there
