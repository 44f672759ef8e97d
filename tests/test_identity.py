"""Laws of identity: of the decoded sound alone, the same however it is heard."""

import hashlib
import shutil

import mutagen
import numpy as np
import pytest
import soundfile
from conftest import small_config
from encoded import encode, remuxed

from pipeline.manifest import read_songs
from shards.cut import cut
from shards.prepare import prepare
from songkey.audio import to_int16, waveform_blocks
from songkey.errors import AudioError
from songkey.identity import Identity
from songkey.keys import Key
from songs import synthetic
from songs.guardedear import GuardedEar
from songs.song import Song

RATE = 8_000


@pytest.fixture(scope="module")
def ear():
    with GuardedEar() as guarded:
        yield guarded


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return generator.uniform(-0.5, 0.5, round(seconds * RATE)).astype(np.float32)


def identity(waveform: np.ndarray, block_samples: int = 10**9, rate: int = RATE) -> str:
    heard = Identity()
    heard.hear(rate, waveform[:0])
    for start in range(0, len(waveform), block_samples):
        heard.hear(rate, waveform[start : start + block_samples])
    return heard.text


def digest_from(start: int, waveform: np.ndarray) -> str:
    heard = to_int16(waveform[start : start + 10 * RATE]).astype("<i2")
    return hashlib.sha256(heard.tobytes()).hexdigest()[:20]


def first_lasting_peak(waveform: np.ndarray) -> int:
    """By its definition, sample after sample."""
    level = abs(to_int16(waveform).astype(int))
    peak = 32
    for place, one in enumerate(level):
        if one > peak:
            peak = one
            if level[place : place + RATE].max() == peak:
                return place
    raise AssertionError("no peak")


def rising(seconds: float, seed: int) -> np.ndarray:
    """Noise whose level wanders, so that it has peaks that soon are surpassed."""
    steps = np.random.default_rng(seed).uniform(0.001, 1, 1 + round(4 * seconds))
    return noise(seconds, seed) * np.repeat(steps, RATE // 4)[: round(seconds * RATE)]


@pytest.mark.parametrize("seed", range(8))
def test_it_is_that_of_ten_seconds_from_the_first_peak_that_lasts_one(seed):
    waveform = rising(20, seed)
    assert identity(waveform) == digest_from(first_lasting_peak(waveform), waveform)
    assert identity(waveform[: 9 * RATE]) not in ("", identity(waveform))


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("block_samples", [1, 977, RATE, 80_000, 80_001])
def test_it_does_not_depend_on_the_blocks(seed, block_samples):
    waveform = rising(16, seed)
    assert identity(waveform, block_samples) == identity(waveform) != ""


def test_a_steady_rise_is_heard_to_its_end():
    rise = np.linspace(0.1, 0.9, 5 * RATE, dtype=np.float32)
    waveform = np.concatenate([rise, noise(11)])
    start = first_lasting_peak(waveform)
    assert 4.9 * RATE < start < len(rise)
    assert identity(waveform, 777) == identity(waveform) == digest_from(start, waveform)


def test_sounds_that_rise_to_their_ends_are_told_apart():
    one, other = (np.linspace(0, 1, 3 * RATE) * noise(3, seed) for seed in (0, 1))
    one[-1] = other[-1] = 1
    assert identity(one) != identity(other)
    start = np.flatnonzero(abs(to_int16(one)) > 32)[0]
    assert identity(one, 777) == identity(one) == digest_from(start, one)


def test_neither_what_comes_before_the_music_nor_after_ten_seconds_counts():
    song = noise(13)
    later = song.copy()
    later[12 * RATE :] = 0.1
    assert identity(later) == identity(song) != identity(noise(13, seed=1))
    for before in (np.full(4_321, 32 / 32768, np.float32), noise(0.25, seed=2) / 10):
        assert identity(np.concatenate([before, song])) == identity(song)


def test_enough_is_known_once_more_changes_nothing():
    heard, waveform = Identity(), noise(13)
    while not heard.is_known:
        heard.hear(RATE, waveform[:RATE])
        waveform = waveform[RATE:]
    assert heard.text == identity(noise(13)) and 10 <= heard.seconds <= 12
    heard.hear(RATE, np.ones(RATE, np.float32))
    heard.hear(RATE, np.zeros(0, np.float32))
    assert heard.text == identity(noise(13)) and heard.seconds >= 11


def test_a_peak_has_to_last_a_second_at_the_rate_that_follows_it():
    heard, after = Identity(), noise(320, seed=1)
    heard.hear(1_000, np.full(500, 0.1, np.float32))
    heard.hear(192_000, after[:100_000] / 10)  # more samples than ten seconds had before
    assert not heard.is_known
    heard.hear(192_000, after[100_000:])
    alone = Identity()
    alone.hear(192_000, after[100_000:])
    assert heard.text == alone.text != ""


def test_the_rate_is_that_of_the_file_not_of_packing():
    assert identity(noise(30), rate=2 * RATE) == identity(noise(30)[: 21 * RATE], rate=2 * RATE)
    assert identity(noise(30), rate=2 * RATE) != identity(noise(30))


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
    heard = [ear.identity(str(path)) for path in (wav, flac, retagged, other)]
    assert len(set(heard[:3])) == 1 and heard[3] not in heard[:3]


@pytest.mark.parametrize(
    "ending", [".mp3", ".flac", ".ogg", ".m4a", ".opus", ".wma", ".wv", ".mka"]
)
def test_listing_hears_what_packing_hears(ear, tmp_path, ending):
    path = encode(tmp_path / f"a{ending}", np.repeat(noise(12), 5), 44_100)
    song = Song("a", "any", str(path), Key(0, "major"), "a", "tag", 1.0)
    for rate in (11_025, 22_050):
        packed = Identity()
        assert list(cut(song, rate, 4.0, identity=packed))
        assert packed.text == ear.identity(str(path)) != ""


@pytest.mark.parametrize("seconds", [14, 40])
def test_tags_and_art_of_any_size_do_not_change_that_of_a_vorbis_file(ear, tmp_path, seconds):
    path = encode(tmp_path / "a.ogg", noise(seconds) / 9, RATE)
    before = ear.identity(str(path))
    for letters in (5_000, 200_000):
        file = mutagen.File(path)
        file["metadata_block_picture"] = "A" * letters
        file.save()
        assert ear.identity(str(path)) == before
    assert ear.identity(str(remuxed(path, tmp_path / "a.mka"))) == before


CONTAINERS = {  # that may hold what the file's own one holds
    ".mp3": [".mka", ".mp4", ".mov", ".ts", ".nut", ".avi", ".mp3"],
    ".m4a": [".mka", ".mp4", ".mov", ".ts", ".nut", ".aac"],
    ".aac": [".mka", ".m4a", ".ts"],
    ".opus": [".mka", ".webm", ".mp4", ".ogg", ".nut"],
    ".ogg": [".mka", ".webm", ".nut"],
    ".flac": [".mka", ".mp4", ".ogg", ".nut"],
    ".wma": [".mka", ".avi"],
}


@pytest.mark.parametrize("ending", CONTAINERS)
def test_another_container_does_not_change_it(ear, tmp_path, ending):
    song = synthetic.render(synthetic.song_of(3, 1, 15.0).audio_path, 44_100)
    path = encode(tmp_path / f"a{ending}", song[44_100:], 44_100)  # the music begins at once
    for other in CONTAINERS[ending]:
        copied = remuxed(path, tmp_path / f"b{other}")
        assert ear.identity(str(copied)) == ear.identity(str(path)) != "", other


def test_a_damaged_file_is_refused_with_its_reason_and_the_next_is_heard(ear, tmp_path):
    (tmp_path / "page.mp3").write_bytes(b"<html>404</html>")
    with pytest.raises(AudioError, match="not audio"):
        ear.identity(str(tmp_path / "page.mp3"))
    assert ear.identity(str(encode(tmp_path / "a.wav", noise(1), RATE)))


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
        assert found[path.stem].identity == ear.identity(str(path))
        assert found[path.stem].name == f"artist - {path.stem}"


@pytest.mark.parametrize(
    "ending", [".mp3", ".flac", ".wav", ".ogg", ".m4a", ".mp2", ".wma", ".wv", ".mka", ".aac"]
)
def test_a_file_s_length_is_told_without_decoding_it(ear, tmp_path, ending):
    path = encode(tmp_path / f"a{ending}", np.repeat(noise(12), 5)[: 44_100 * 7], 44_100)
    assert ear.header_seconds(str(path)) == pytest.approx(7, abs=0.3)
    heard = Identity()
    for _ in waveform_blocks(path, RATE, hear=heard.hear):
        pass
    assert heard.seconds == pytest.approx(7, abs=0.1)


def test_a_file_that_is_no_sound_has_no_length(ear, tmp_path):
    (tmp_path / "page.mp3").write_bytes(b"<html>404</html>")
    with pytest.raises(AudioError, match="not audio"):
        ear.header_seconds(str(tmp_path / "page.mp3"))
    with pytest.raises(AudioError, match="not readable: No such file"):
        ear.header_seconds(str(tmp_path / "gone.mp3"))
