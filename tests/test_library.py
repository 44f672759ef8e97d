"""Laws of a folder of music without labels: what is kept of it, made once, and what is left out."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from conftest import contents, small_config

from evaluation.listener import front_end_of
from pipeline.image import to_levels
from shards.cut import cut
from shards.library import library
from songkey.errors import AudioKeyError
from songkey.identity import Identity
from songs import synthetic

RATE = 11025


def write_song(path: Path, number: int, seconds: float = 11.0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    song = synthetic.song_of(7, number, seconds)
    soundfile.write(path, synthetic.render(song.audio_path, RATE), RATE, subtype="PCM_16")


@pytest.fixture
def music(tmp_path) -> Path:
    for number in range(2):
        write_song(tmp_path / f"music/album/{number}.flac", number)
    return tmp_path / "music"


def heard(music: Path, least_seconds: float = 5.0):
    cache = music.parent / "cache"
    return library(str(music), small_config(music.parent), least_seconds, cache)


def test_intervals_are_those_that_packing_and_the_front_end_would_give(music):
    found = heard(music)
    assert found.songs == (("album/0.flac", 3), ("album/1.flac", 3)) and not found.left_out
    assert found.song_index.tolist() == [0, 0, 0, 1, 1, 1]
    log_cqt = front_end_of(small_config(music)).log_cqt
    song = synthetic.song_of(7, 1, 11.0)
    pieces = [torch.from_numpy(waveform) for _, waveform in cut(song, RATE, 4.0)]
    expected = to_levels(log_cqt(torch.stack(pieces)), 80.0).numpy().astype(int)
    assert np.abs(found.levels[3:].astype(int) - expected).max() <= 1


def test_songs_are_known_by_their_sound_as_packed_ones_are(music):
    first = heard(music)
    for number, identity in enumerate(first.identities):
        packed = Identity()
        assert list(cut(synthetic.song_of(7, number, 11.0), RATE, 4.0, identity=packed))
        assert identity == packed.text
    assert len(set(first.identities)) == 2 and first.digests.all()
    (music / "album/0.flac").rename(music / "album/9.flac")
    write_song(music / "jingle.wav", 3, seconds=4.5)
    assert heard(music).identities == first.identities[::-1]


def test_what_was_made_before_sounds_were_known_still_counts(music):
    first = heard(music)
    (file,) = (music.parent / "cache").glob("*.json")
    said = json.loads(file.read_text())
    del said["identities"]
    file.write_text(json.dumps(said))
    again = heard(music)
    assert again.songs == first.songs and again.digests.tolist() == [0, 0]


def test_what_cannot_be_used_is_left_out_named_and_counted(music, caplog):
    write_song(music / "jingle.wav", 3, seconds=4.5)
    soundfile.write(music / "silence.wav", np.zeros(8 * RATE), RATE)
    (music / "letter.mp3").write_bytes(b"dear listener")
    (music / "gone.ogg").symlink_to("nowhere")
    (music / "notes.txt").write_text("no audio at all")
    found = heard(music)
    assert len(found.songs) == 2 and len(found.levels) == 6
    left_out = {name: reason.partition(":")[0] for name, reason in found.left_out}
    assert left_out == {
        "gone.ogg": "file not found", "jingle.wav": "shorter than 5 s", "letter.mp3": "not audio",
        "silence.wav": "silent",
    }  # fmt: skip
    assert "left out of 6 files: " in caplog.text and "1 silent (silence.wav)" in caplog.text
    caplog.clear()
    assert heard(music).left_out == found.left_out and "1 not audio (letter.mp3)" in caplog.text


def test_labels_are_never_read(music):
    plain = np.array(heard(music).levels)
    (music / "labels.tsv").write_text("this is\nno\tlabel file\n")
    (music / "album").rename(music / "Ab-maj")
    found = heard(music)
    assert [name for name, _ in found.songs] == ["Ab-maj/0.flac", "Ab-maj/1.flac"]
    assert np.array_equal(found.levels, plain)
    assert not hasattr(found, "key_id")


def test_levels_are_made_once_until_a_file_or_a_setting_changes(music):
    first = heard(music)
    before = contents(music.parent / "cache")
    stamps = {path: path.stat().st_mtime_ns for path in (music.parent / "cache").iterdir()}
    assert heard(music).fingerprint == first.fingerprint
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps and len(before) == 2
    assert heard(music, least_seconds=6.0).fingerprint != first.fingerprint
    write_song(music / "album/1.flac", 5)
    assert heard(music).fingerprint != first.fingerprint


@pytest.mark.parametrize("lost", ["*.json", "*.levels"])
def test_levels_of_which_a_part_is_missing_are_made_again(music, lost):
    first = heard(music)
    whole = np.array(first.levels)
    (file,) = (music.parent / "cache").glob(lost)
    if lost == "*.json":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:-1])
    again = heard(music)
    assert again.fingerprint == first.fingerprint and np.array_equal(again.levels, whole)


def test_an_interrupted_preparation_leaves_nothing_that_counts(music, monkeypatch):
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(torch, "from_numpy", interrupt)
        with pytest.raises(KeyboardInterrupt):
            heard(music)
    assert contents(music.parent / "cache") == {}
    assert len(heard(music).levels) == 6


def test_a_folder_without_audio_or_without_usable_audio_is_one_clear_error(music):
    (music.parent / "empty").mkdir()
    with pytest.raises(AudioKeyError, match="empty: no audio file in it or below; looked for"):
        heard(music.parent / "empty")
    with pytest.raises(AudioKeyError, match=r"none of 2 .* 2 shorter than 99 s .*whole songs"):
        heard(music, least_seconds=99.0)
