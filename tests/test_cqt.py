"""The CQT: nnAudio's values, the right pitch, decibels that do not know the volume."""

import functools
import math

import pytest
import torch
from nnAudio.features import CQT1992v2

from pipeline.cqt import LogCQT, unit_scale

DEFAULTS = {
    "sample_rate": 44100,
    "fmin_hz": 65.40639132514966,
    "n_bins": 120,
    "bins_per_octave": 24,
    "margin_semitones": 6,
    "hop_length": 8192,
    "range_db": 80.0,
}


@functools.cache
def make_cqt(**changes):
    return LogCQT(**DEFAULTS | changes)


def sine(frequency_hz, seconds=3.0, sample_rate=44100):
    time = torch.arange(int(seconds * sample_rate), dtype=torch.float64) / sample_rate
    return 0.5 * torch.sin(2 * math.pi * frequency_hz * time).float()[None]  # (1, S)


def noise(batch=1, seconds=3.0, sample_rate=44100):
    generator = torch.Generator().manual_seed(0)
    return 0.1 * torch.randn(batch, int(seconds * sample_rate), generator=generator)  # (B, S)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"hop_length": 2048},
        {"hop_length": 4410},
        {"sample_rate": 22050, "bins_per_octave": 36, "n_bins": 180, "hop_length": 4096},
        {"sample_rate": 8000, "n_bins": 60, "hop_length": 777, "margin_semitones": 0},
        {"n_bins": 7, "bins_per_octave": 12, "margin_semitones": 1},
    ],
)
def test_the_magnitudes_are_those_of_nnaudio(changes):
    settings = DEFAULTS | changes
    cqt = LogCQT(**settings)
    reference = CQT1992v2(
        sr=settings["sample_rate"],
        hop_length=settings["hop_length"],
        fmin=settings["fmin_hz"] * 2 ** (-settings["margin_semitones"] / 12),
        n_bins=cqt.total_bins,
        bins_per_octave=settings["bins_per_octave"],
        verbose=False,
    )
    waveform = noise(batch=2, sample_rate=settings["sample_rate"])
    expected, actual = reference(waveform), cqt.magnitude(waveform)
    assert actual.shape == expected.shape
    assert (actual - expected).norm() < 1e-5 * expected.norm()


@pytest.mark.parametrize("bin", [0, 23, 24, 61, 119])
def test_a_sine_at_a_bins_centre_is_loudest_in_that_bin(bin):
    cqt = make_cqt()
    decibels = cqt(sine(DEFAULTS["fmin_hz"] * 2 ** (bin / 24)))[0]  # (F + 2M, T)
    assert (decibels[:, 3:-3].argmax(dim=0) == cqt.margin_bins + bin).all()


@pytest.mark.parametrize("semitones", [-6, -1, 5])
def test_a_sine_moved_by_semitones_moves_the_cqt_by_their_bins(semitones):
    cqt, frequency_hz = make_cqt(), 440.0
    low = cqt(sine(frequency_hz))[0, :, 3:-3]
    moved = cqt(sine(frequency_hz * 2 ** (semitones / 12)))[0, :, 3:-3]
    difference = low.roll(2 * semitones, dims=0) - moved
    assert difference[low.roll(2 * semitones, dims=0) > -50].abs().max() < 0.1


def test_the_volume_does_not_matter():
    cqt, waveform = make_cqt(), noise()
    torch.testing.assert_close(cqt(0.01 * waveform), cqt(waveform), atol=1e-3, rtol=0)


def test_every_interval_has_its_own_loudest_bin_at_0_db():
    decibels = make_cqt()(torch.cat([noise(), 1e-2 * sine(440)]))
    assert decibels.amax(dim=(1, 2)).tolist() == [0, 0]
    assert decibels.min() >= -80


def test_silence_lies_at_the_bottom_of_the_range():
    decibels = make_cqt()(torch.zeros(2, 44100))
    assert (decibels == -80).all()
    assert (unit_scale(decibels, 80) == 0).all()


def test_half_a_step_of_16_bit_audio_is_no_music():
    dither = noise() / 0.1 * 0.5 / 32768
    assert make_cqt()(dither).max() < -15


def test_the_range_is_scaled_to_0_and_1():
    scaled = unit_scale(torch.tensor([-60.0, -30.0, 0.0]), 60)
    assert scaled.tolist() == [0, 0.5, 1]


@pytest.mark.parametrize("length", [44100, 8192 * 7, 8192 * 7 + 1, 8192 * 8 - 1])
def test_there_is_a_frame_at_every_hop_from_the_first_sample(length):
    cqt = make_cqt()
    shape = (1, cqt.n_bins + 2 * cqt.margin_bins, length // 8192 + 1)
    assert cqt(torch.zeros(1, length)).shape == shape == (1, 144, length // 8192 + 1)


def test_autocast_changes_no_value():
    cqt, waveform = make_cqt(), noise()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        decibels = cqt(waveform)
    assert decibels.dtype == torch.float32
    assert torch.equal(decibels, cqt(waveform))


def test_nothing_is_saved_or_trained():
    assert not make_cqt().state_dict()
    assert not list(make_cqt().parameters())


@pytest.mark.parametrize("sample_rate", [8000, 48000, 192000])
def test_any_sample_rate_finds_the_same_pitch(sample_rate):
    cqt = make_cqt(sample_rate=sample_rate, n_bins=96, hop_length=sample_rate // 8)
    decibels = cqt(sine(440, sample_rate=sample_rate))[0]
    a4 = cqt.margin_bins + 24 * 2 + 9 * 2  # two octaves and nine semitones above C2
    assert (decibels[:, 4:-4].argmax(dim=0) == a4).all()


def test_bins_above_half_the_sample_rate_are_refused():
    with pytest.raises(ValueError, match=r"highest bin is at 5751 Hz.* 4000 Hz: lower cqt\.n_bins"):
        make_cqt(sample_rate=8000, n_bins=144)


def test_half_a_bin_to_the_semitone_is_refused():
    with pytest.raises(ValueError, match=r"bins_per_octave = 30: .*choose a multiple of 12"):
        make_cqt(bins_per_octave=30)


def test_a_waveform_shorter_than_half_a_kernel_is_refused():
    cqt = make_cqt()
    shortest = cqt.octaves[0].reach + 1
    assert cqt(torch.zeros(1, shortest)).shape[2] == shortest // 8192 + 1
    with pytest.raises(ValueError, match=r"waveform of 0\.37 s: .* more than 0\.37 s; pad it"):
        cqt(torch.zeros(1, shortest - 1))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_gives_the_values_of_the_cpu():
    waveform = noise(batch=4)
    expected = make_cqt().magnitude(waveform)
    actual = LogCQT(**DEFAULTS).cuda().magnitude(waveform.cuda()).cpu()
    assert (actual - expected).norm() < 1e-5 * expected.norm()
