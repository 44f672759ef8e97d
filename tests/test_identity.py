"""Laws of identity: of the decoded sound alone, the same however it is heard."""

import shutil

import mutagen
import numpy as np
import pytest
import soundfile
from conftest import small_config
from encoded import encode

from pipeline.manifest import read_songs
from shards.cut import cut
from shards.prepare import prepare
from songkey.audio import to_int16, waveform_blocks
from songkey.errors import AudioError
from songkey.keys import Key
from songs.identity import GuardedEar, Identity
from songs.song import Song

RATE = 8_000


@pytest.fixture(scope="module")
def ear():
    with GuardedEar() as guarded:
        yield guarded


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return generator.uniform(-0.5, 0.5, round(seconds * RATE)).astype(np.float32)


def identity(waveform: np.ndarray, block_samples: int = 10**9) -> str:
    heard = Identity(RATE)
    starts = range(0, len(waveform), block_samples)
    for _ in heard.passing(waveform[start : start + block_samples] for start in starts):
        pass
    return heard.text


@pytest.mark.parametrize("block_samples", [1, 977, 80_000, 80_001])
def test_it_does_not_depend_on_the_blocks(block_samples):
    waveform = noise(10.2)
    assert identity(waveform, block_samples) == identity(waveform) != ""


def test_silence_before_the_song_and_what_comes_after_ten_seconds_do_not_count():
    song = noise(11)
    faint = np.full(4_321, 32 / 32768, np.float32)  # -60 dB
    later = song.copy()
    later[10 * RATE + 1 :] = 0.1  # the first sample may be a quiet one, and begin the ten seconds
    assert identity(np.concatenate([faint, song])) == identity(song) == identity(later)
    assert identity(song[: 9 * RATE]) != identity(song)
    assert identity(noise(11, seed=1)) != identity(song)


def test_silence_has_none():
    assert identity(np.zeros(RATE, np.float32)) == identity(noise(0)) == ""


def test_retagged_files_and_wav_beside_flac_are_one_sound(ear, tmp_path):
    wav, flac = tmp_path / "a.wav", tmp_path / "a.flac"
    for path in (wav, flac):
        soundfile.write(path, to_int16(noise(3)), RATE)
    retagged = shutil.copy(flac, tmp_path / "b.flac")
    file = mutagen.File(retagged)
    file["title"] = "another title"
    file.save()
    other = tmp_path / "other.wav"
    soundfile.write(other, to_int16(noise(3, seed=1)), RATE)
    assert retagged.read_bytes() != flac.read_bytes()
    heard = [ear.identity(str(path), RATE) for path in (wav, flac, retagged, other)]
    assert len(set(heard[:3])) == 1 and heard[3] not in heard[:3]


@pytest.mark.parametrize(
    "ending", [".mp3", ".flac", ".ogg", ".m4a", ".opus", ".wma", ".wv", ".mka"]
)
def test_listing_hears_what_packing_hears(ear, tmp_path, ending):
    path = encode(tmp_path / f"a{ending}", np.repeat(noise(12), 5), 44_100)
    song = Song("a", "any", str(path), Key(0, "major"), "a", "tag", 1.0)
    packed = Identity(11_025)
    for _ in cut(song, 11_025, 4.0, identity=packed):
        pass
    assert packed.text == ear.identity(str(path), 11_025) != ""


def test_a_damaged_file_is_refused_with_its_reason_and_the_next_is_heard(ear, tmp_path):
    (tmp_path / "page.mp3").write_bytes(b"<html>404</html>")
    with pytest.raises(AudioError, match="not audio"):
        ear.identity(str(tmp_path / "page.mp3"), RATE)
    assert ear.identity(str(encode(tmp_path / "a.wav", noise(1), RATE)), RATE)


@pytest.mark.parametrize("workers", [1, 2])
def test_packing_records_the_identity_and_name_of_each_song(ear, tmp_path, workers):
    paths = [encode(tmp_path / f"{seed}.flac", noise(5, seed), RATE) for seed in (0, 1)]
    songs = [
        Song(path.stem, "mine", str(path), Key(0, "major"), path.stem, "tag", 1.0, "train",
             name=f"artist - {path.stem}")
        for path in paths
    ]  # fmt: skip
    config = small_config(tmp_path, f"prepare.workers={workers}", "prepare.songs_per_shard=1")
    prepare("mine", songs, [], "audio", config)
    found = {song.song_id: song for song in read_songs(tmp_path / "shards/audio/mine/train")}
    for path in paths:
        assert found[path.stem].identity == ear.identity(str(path), config.audio.sample_rate)
        assert found[path.stem].name == f"artist - {path.stem}"


@pytest.mark.parametrize(
    "ending", [".mp3", ".flac", ".wav", ".ogg", ".m4a", ".mp2", ".wma", ".wv", ".mka", ".aac"]
)
def test_a_file_s_length_is_told_without_decoding_it(ear, tmp_path, ending):
    path = encode(tmp_path / f"a{ending}", np.repeat(noise(12), 5)[: 44_100 * 7], 44_100)
    assert ear.header_seconds(str(path)) == pytest.approx(7, abs=0.3)
    heard = Identity(RATE)
    for _ in heard.passing(waveform_blocks(path, RATE)):
        pass
    assert heard.seconds == pytest.approx(7, abs=0.1)


def test_a_file_that_is_no_sound_has_no_length(ear, tmp_path):
    (tmp_path / "page.mp3").write_bytes(b"<html>404</html>")
    assert ear.header_seconds(str(tmp_path / "page.mp3")) == 0
