"""Laws of songkey's API: a file, an open file and its samples have one answer; bad ones a name."""

import io
import tracemalloc

import numpy as np
import pytest
import soundfile

import songkey
from model.run_folder import resolve
from songkey.detector import Detector
from songkey.errors import AudioKeyError
from songs import synthetic

RATE = 44_100


@pytest.fixture(scope="module")
def detector(trained) -> Detector:
    return Detector(resolve(trained).with_suffix(".onnx"))


@pytest.fixture(scope="module")
def song() -> np.ndarray:
    """Nine seconds of music in 16 bits, (S,)."""
    one = synthetic.songs(1, 9.0, seed=4)[0]
    return (16_000 * synthetic.render(one.audio_path, RATE)).astype(np.int16)


def test_a_file_and_its_samples_have_the_same_answer(detector, song, tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, song, RATE)
    expected = detector.estimate(path)
    assert expected == detector.estimate(str(path))
    with path.open("rb") as file:
        assert expected == detector.estimate(file)
    assert expected == detector.estimate(io.BytesIO(path.read_bytes()))
    for samples in (song, song / 32768, (song / 32768).astype(np.float32)):
        estimate = detector.estimate(samples, RATE)
        assert estimate.probabilities == pytest.approx(expected.probabilities, abs=1e-6)


def test_stereo_is_its_mean_whichever_axis_is_the_channels(detector, song, tmp_path):
    stereo = np.stack([song, np.roll(song, 999)], axis=1)  # (S, 2)
    path = tmp_path / "a.wav"
    soundfile.write(path, stereo, RATE)
    expected = detector.estimate(path).probabilities
    for samples in (stereo, stereo.T, stereo / 32768):
        estimate = detector.estimate(samples, float(RATE))
        assert estimate.probabilities == pytest.approx(expected, abs=1e-6)
    mono = detector.estimate(song, RATE).probabilities
    for samples in (song[:, None], song[None]):
        assert detector.estimate(samples, RATE).probabilities == mono


def test_more_threads_give_the_same_answer(detector, song, trained):
    other = Detector(resolve(trained).with_suffix(".onnx"), threads=2)
    estimate = other.estimate(song, RATE)
    expected = detector.estimate(song, RATE).probabilities
    assert estimate.probabilities == pytest.approx(expected, abs=1e-5)


def test_a_moment_of_sound_is_answered_as_a_short_file_is(detector, song, tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, song[:4410], RATE)
    expected = detector.estimate(path).probabilities
    estimate = detector.estimate(song[:4410], RATE)
    assert estimate.probabilities == pytest.approx(expected, abs=1e-6)


def test_memory_does_not_grow_with_the_song(detector, song):
    def peak(times: int) -> int:
        samples = np.tile(song, times)
        tracemalloc.start()
        detector.estimate(samples, RATE)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(1)
    assert peak(40) < 2 * peak(10)


FINE = np.sin(np.arange(20_000) / 20)


@pytest.mark.parametrize(
    "samples, rate, message",
    [
        (np.append(FINE, np.nan), RATE, "not finite: NaN or infinite samples after 0.5 s"),
        (np.append(FINE, -np.inf), RATE, "not finite"),
        (np.zeros(0), RATE, "waveform is empty: it holds no sample"),
        (np.zeros((0, 2)), RATE, "waveform is empty"),
        (np.zeros(RATE), RATE, "silent: nothing in it is louder than -80 dB"),
        (np.zeros((RATE, 3)), RATE, r"shape \(44100, 3\) is not mono or stereo; give \(S,\)"),
        (np.zeros((2, 2)), RATE, r"shape \(2, 2\) is not mono or stereo"),
        (np.zeros((1, 2, 999)), RATE, "is not mono or stereo"),
        (np.zeros(()), RATE, "is not mono or stereo"),
        (FINE.astype(np.int32), RATE, "waveform of int32: give floats between -1 and 1, or 16-bit"),
        (FINE.astype(complex), RATE, "waveform of complex128"),
        ([0.0, 0.1], RATE, "waveform is list, no numpy array"),
        (None, RATE, "waveform is NoneType, no numpy array"),
        (b"RIFF", RATE, "waveform is bytes, no numpy array"),
        (FINE, None, "sample_rate = None: give the samples a second, 1000 to 3000000"),
        (FINE, 999, "sample_rate = 999: give the samples a second"),
        (FINE, 3_000_001, "sample_rate = 3000001: give"),
        (FINE, float("nan"), "sample_rate = nan: give"),
        (FINE, float("inf"), "sample_rate = inf: give"),
        (FINE, "44100", "sample_rate = '44100': give"),
        ("song.mp3", RATE, "sample_rate goes with samples: a file has its own"),
        ("gone.mp3", None, "gone.mp3: file not found: check the path"),
        (io.BytesIO(b""), None, "empty file"),
    ],
)
def test_what_is_no_music_is_named(detector, samples, rate, message):
    with pytest.raises(AudioKeyError, match=message):
        detector.estimate(samples, rate)


def test_unusual_rates_are_no_bad_input(detector, song):
    for rate in (1_000, 1_000_000, np.float32(22_050), np.int64(48_000)):
        assert detector.estimate(song, rate).key in songkey.keys.KEYS
