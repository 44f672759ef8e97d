"""Laws of cutting: intervals of one length tile the song; silence and short ends are left out."""

import numpy as np
import pytest
import soundfile

from shards.cut import cut
from songkey.audio import to_int16
from songkey.decode import AudioError
from songkey.intervals import intervals
from songkey.keys import KEYS
from songs import synthetic
from songs.song import Song

RATE = 1_000
LENGTH = 2_000  # of an interval, samples


def noise(samples: int) -> np.ndarray:
    return np.random.default_rng(samples).uniform(-0.9, 0.9, samples).astype(np.float32)


def pieces(waveform: np.ndarray, block_samples: int = 1_000_000) -> list:
    starts = range(0, len(waveform), block_samples)
    blocks = (waveform[start : start + block_samples] for start in starts)
    return list(intervals(blocks, LENGTH, "a song"))


def song(tmp_path, waveform: np.ndarray, subtype: str = "FLOAT") -> Song:
    path = tmp_path / "a song.wav"
    soundfile.write(path, waveform, RATE, subtype)
    return Song("a song", "any", str(path), KEYS[3], "recording", "tag", 1.0)


@pytest.mark.parametrize("block_samples", [1, 700, LENGTH, 3_001, 1_000_000])
def test_intervals_tile_the_waveform_whatever_the_blocks(block_samples):
    waveform = noise(4 * LENGTH + 1_500)
    found = pieces(waveform, block_samples)
    tiled = np.concatenate([piece.waveform[: piece.real_samples] for piece in found])
    assert np.array_equal(tiled, to_int16(waveform))
    assert [piece.number for piece in found] == [0, 1, 2, 3, 4]
    assert [piece.start_sample for piece in found] == [0, 2_000, 4_000, 6_000, 8_000]
    assert all(piece.waveform.shape == (LENGTH,) for piece in found)


@pytest.mark.parametrize(("rest", "count"), [(0, 2), (1, 2), (999, 2), (1_000, 3), (1_999, 3)])
def test_a_last_piece_is_kept_from_half_an_interval_on(rest, count):
    found = pieces(noise(2 * LENGTH + rest))
    assert len(found) == count
    assert found[-1].real_samples == (rest if count == 3 else LENGTH)
    assert not found[-1].waveform[found[-1].real_samples :].any()


@pytest.mark.parametrize("samples", [1, 300, 1_999])
def test_a_song_shorter_than_an_interval_is_kept_and_padded(samples):
    (only,) = pieces(noise(samples))
    assert (only.real_samples, only.waveform.shape) == (samples, (LENGTH,))


def test_silent_intervals_are_left_out_and_the_others_keep_their_places():
    waveform = noise(4 * LENGTH)
    waveform[LENGTH : 2 * LENGTH] *= 1e-5
    assert [piece.number for piece in pieces(waveform)] == [0, 2, 3]


@pytest.mark.parametrize("level", [0.0, 5e-5])
def test_a_silent_song_is_refused(level):
    with pytest.raises(AudioError, match="a song: silent: "):
        pieces(level * noise(5_000))


def test_cutting_a_song_gives_its_intervals_with_times(tmp_path):
    one = song(tmp_path, noise(5_200))
    (first, _), (second, _), (third, waveform) = cut(one, RATE, 2.0)
    assert (first.song, first.index, first.start_seconds, first.duration_seconds) == (one, 0, 0, 2)
    assert (second.index, second.start_seconds, second.duration_seconds) == (1, 2.0, 2.0)
    assert (third.index, third.start_seconds, third.duration_seconds) == (2, 4.0, 1.2)
    assert (waveform.dtype, waveform.shape) == (np.int16, (LENGTH,))


@pytest.mark.parametrize("seconds", [0.5, 20.0])
def test_a_song_gives_intervals_of_the_same_length_at_any_rate(tmp_path, seconds):
    one = song(tmp_path, noise(round(seconds * RATE)))
    shapes = {waveform.shape for _, waveform in cut(one, 1_234, 3.3)}
    assert shapes == {(round(3.3 * 1_234),)}


def test_a_song_that_turns_bad_in_its_middle_raises_after_its_good_intervals(tmp_path):
    waveform = noise(30 * RATE)
    waveform[25 * RATE] = np.nan
    found = cut(song(tmp_path, waveform), RATE, 2.0)
    assert next(found)[0].index == 0
    with pytest.raises(AudioError, match="not finite"):
        list(found)


def test_a_synthetic_song_is_rendered_and_cut():
    one = synthetic.songs(1, 5.0, 0)[0]
    found = list(cut(one, 8_000, 2.0))
    assert [interval.duration_seconds for interval, _ in found] == [2.0, 2.0, 1.0]
    whole = to_int16(synthetic.render(one.audio_path, 8_000))
    assert np.array_equal(np.concatenate([waveform for _, waveform in found])[:40_000], whole)
