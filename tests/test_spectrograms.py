"""Laws of spectrograms made of audio shards: the bytes of packing the songs as PNG, at any time."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
import soundfile
from conftest import (
    contents,
    killed_and_run_again,
    pack_synthetic,
    settings,
    small_config,
)

from pipeline.bounded import ManifestError
from pipeline.record import read_record, write_record
from shards import __main__ as shards
from shards.outcome import summary
from shards.prepare import prepare
from shards.shardfile import ShardError
from shards.spectrograms import create_spectrograms
from shards.tables import write_split_manifest
from songkey.keys import Key
from songs.song import LeftOut, Song


@pytest.fixture
def audio(packed, tmp_path):
    """A folder with a copy of the audio shards."""
    shutil.copytree(packed / "shards/audio", tmp_path / "shards/audio")
    return tmp_path


def songs_of(folder, *names, seconds=10):
    """Songs of noise; one that is named "bad" is no audio."""
    made = []
    for number, name in enumerate(names):
        path = folder / f"{name}.wav"
        noise = np.random.default_rng(number).uniform(-0.5, 0.5, 11025 * seconds)
        soundfile.write(path, noise, 11025)
        if name == "bad":
            path.write_bytes(b"<html>404</html>")
        made.append(Song(name, "mine", str(path), Key(0, "major"), name, "test", 1.0, "train"))
    return made


@pytest.mark.parametrize("workers", [1, 2])
def test_they_are_those_of_packing_the_songs_as_png(packed, audio, workers):
    create_spectrograms("synthetic", small_config(audio, f"prepare.workers={workers}"))
    assert contents(audio / "shards/png") == contents(packed / "shards/png")


def test_songs_left_out_and_shards_that_go_on_in_a_further_tar_come_out_the_same(tmp_path):
    overrides = ("prepare.max_shard_bytes=1000000", "prepare.songs_per_shard=50")
    songs = songs_of(tmp_path, "a", "bad", "b", "c", seconds=60)
    together, direct = (small_config(tmp_path / name, *overrides) for name in ("one", "two"))
    prepare("mine", songs, [], "audio", together)
    assert (tmp_path / "one/shards/audio/mine/train/000000-001.tar").exists()
    made = create_spectrograms("mine", together)
    prepare("mine", songs, [], "png", direct)
    assert contents(tmp_path / "one/shards/png") == contents(tmp_path / "two/shards/png")
    assert "3 songs, " in summary(made) and "left out 1 of 4 songs: 1 not audio" in summary(made)


def test_the_lists_of_what_was_left_out_and_is_doubtful_are_copied_odd_names_and_all(tmp_path):
    odd = LeftOut('a\t"b"\nc', "no label: none")
    config = small_config(tmp_path)
    sure = songs_of(tmp_path, "a")
    doubtful = [replace(one, doubt="listed in another folder: b") for one in sure]
    prepare("mine", doubtful, [odd], "audio", config)
    assert create_spectrograms("mine", config).left_out == (odd,)
    for name in ("left_out.tsv", "doubtful.tsv"):
        lists = [tmp_path / f"shards/{format}/mine/{name}" for format in ("audio", "png")]
        assert lists[0].read_bytes() == lists[1].read_bytes()
    prepare("mine", sure, [odd], "audio", config)
    create_spectrograms("mine", config)
    assert not lists[1].exists()


def test_afterwards_neither_packing_nor_a_second_run_finds_anything_to_do(audio):
    config = small_config(audio)
    create_spectrograms("synthetic", config)
    times = {path: path.stat().st_mtime_ns for path in audio.rglob("*.tar")}
    create_spectrograms("synthetic", config)
    pack_synthetic(config, "png")
    assert times == {path: path.stat().st_mtime_ns for path in audio.rglob("*.tar")}


def test_killed_in_the_middle_and_run_again_equals_running_once(packed, audio):
    command = ["-m", "shards", "spectrograms", "synthetic", *settings(audio)]
    again = killed_and_run_again(audio / "shards/png", *command)
    assert again == contents(packed / "shards/png")


@pytest.mark.parametrize("place", ["header", "media", "json"])
def test_a_damaged_audio_shard_is_named_and_no_spectrogram_is_made_of_it(audio, place):
    folder = audio / "shards/audio/synthetic/train"
    data = bytearray((folder / "000001.tar").read_bytes())
    offset = {"header": 10, "media": 5000, "json": data.index(b'{"song_id"') + 20}[place]
    data[offset] ^= 1
    (folder / "000001.tar").write_bytes(data)
    with pytest.raises(ShardError, match="000001.tar, sample 0: its (header|bytes)"):
        create_spectrograms("synthetic", small_config(audio))
    left = {path.name for path in (audio / "shards/png").rglob("*") if path.is_file()}
    assert left == {"000000.tar", "000000.json"}


def test_audio_shards_that_are_missing_or_unfinished_are_refused(audio, tmp_path):
    with pytest.raises(ManifestError, match="audio/other: no audio shards; pack them first"):
        create_spectrograms("other", small_config(audio))
    (audio / "shards/audio/synthetic/valid/manifest.json.zst").unlink()
    with pytest.raises(ManifestError, match="valid/manifest.json.zst: not there; pack this data"):
        create_spectrograms("synthetic", small_config(audio))
    assert not (audio / "shards/png").exists()


def test_spectrograms_stay_where_making_them_anew_is_refused(packed, audio):
    shutil.copytree(packed / "shards/png", audio / "shards/png")
    (audio / "shards/audio/synthetic/test/manifest.json.zst").unlink()
    with pytest.raises(ManifestError, match="test/manifest.json.zst: not there; pack this data"):
        create_spectrograms("synthetic", small_config(audio), overwrite=True)
    assert contents(audio / "shards/png") == contents(packed / "shards/png")


def test_an_empty_folder_is_no_split_of_the_audio(packed, audio):
    shutil.rmtree(audio / "shards/audio/synthetic/test")
    (audio / "shards/audio/synthetic/test").mkdir()
    made = create_spectrograms("synthetic", small_config(audio))
    assert made.manifests.keys() == {"train", "valid"}


def test_other_settings_than_the_audio_shards_or_the_spectrograms_there_are_refused(audio):
    with pytest.raises(ManifestError, match="sample_rate: 11025 there, 22050 today"):
        create_spectrograms("synthetic", small_config(audio, "audio.sample_rate=22050"))
    create_spectrograms("synthetic", small_config(audio))
    other = small_config(audio, "cqt.range_db=60.0")
    with pytest.raises(ManifestError, match="cqt: .* there, .* today"):
        create_spectrograms("synthetic", other)
    create_spectrograms("synthetic", other, overwrite=True)


def test_a_record_of_another_packing_is_refused(audio):
    record = audio / "shards/audio/synthetic/train/000000.json"
    record.write_text(record.read_text().replace('"seed":0', '"seed":1'))
    with pytest.raises(ShardError, match="train/000000.json: of another packing than the manif"):
        create_spectrograms("synthetic", small_config(audio))


def test_a_split_that_the_audio_lost_is_refused_until_overwritten(audio):
    config = small_config(audio)
    create_spectrograms("synthetic", config)
    shutil.rmtree(audio / "shards/audio/synthetic/test")
    with pytest.raises(ManifestError, match="png/synthetic/test: there, but .*audio.* no test"):
        create_spectrograms("synthetic", config)
    create_spectrograms("synthetic", config, overwrite=True)
    assert not (audio / "shards/png/synthetic/test").exists()


def test_the_command_makes_them_and_says_how_many(called, audio):
    done = called(shards.main, "spectrograms", "synthetic", *settings(audio))
    assert done.returncode == 0 and done.stdout.startswith("48 songs, 144 intervals in "), done


def test_a_shard_whose_audio_was_packed_again_with_a_song_that_is_back_is_made_again(packed, audio):
    config = small_config(audio)
    create_spectrograms("synthetic", config)
    train = audio / "shards/png/synthetic/train"
    record = read_record(train, "000001.tar")
    write_record(train, record.model_copy(update={"left_out": (("a", "file not found"),)}))
    names = [path.stem for path in sorted(train.glob("*.tar"))]
    write_split_manifest(train, names, record.settings)
    create_spectrograms("synthetic", config)
    assert contents(audio / "shards/png") == contents(packed / "shards/png")
