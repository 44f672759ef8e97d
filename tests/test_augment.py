"""Augmentation: keys move with the music, nothing leaves 0..1, nothing happens in evaluation."""

import pytest
import torch

from pipeline.augment import (
    Augment,
    RandomDetune,
    RandomEqualiser,
    RandomMask,
    RandomNoise,
    RandomTilt,
    RandomTranspose,
    transpose,
)
from pipeline.cqt import LogCQT, unit_scale
from songkey.errors import AudioKeyError
from songkey.keys import KEYS

BATCH, BINS, MARGIN, FRAMES = 512, 120, 12, 20
SETTINGS = {
    "bins_per_octave": 24,
    "margin_bins": MARGIN,
    "range_db": 80.0,
    "transpose_semitones": 6,
    "detune_cents": 20.0,
    "tilt_db_per_octave": 3.0,
    "equaliser_db": 6.0,
    "noise_floor_db": 0.0,
    "frequency_mask_bins": 8,
    "time_mask_frames": 16,
}


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.fixture
def cqt():
    return -80 * torch.rand(BATCH, BINS + 2 * MARGIN, FRAMES)


@pytest.fixture
def key_id():
    return torch.arange(BATCH) % 24


def test_evaluation_crops_the_margin_and_scales_and_nothing_else(cqt, key_id):
    x, same_key_id = Augment(**SETTINGS).eval()(cqt, key_id)
    assert torch.equal(x, unit_scale(cqt[:, MARGIN:-MARGIN], 80.0))
    assert torch.equal(same_key_id, key_id)


def test_evaluation_draws_no_random_numbers(cqt, key_id):
    state = torch.get_rng_state()
    Augment(**SETTINGS).eval()(cqt, key_id)
    assert torch.equal(torch.get_rng_state(), state)


def test_settings_of_zero_change_nothing_in_training(cqt, key_id):
    off = dict.fromkeys(SETTINGS, 0) | {"bins_per_octave": 24, "margin_bins": 12, "range_db": 80.0}
    x, same_key_id = Augment(**off)(cqt, key_id)
    assert torch.equal(x, unit_scale(cqt[:, MARGIN:-MARGIN], 80.0))
    assert torch.equal(same_key_id, key_id)


def test_training_stays_within_0_and_1_and_follows_the_seed(cqt, key_id):
    augment = Augment(**SETTINGS)
    torch.manual_seed(1)
    x, moved = augment(cqt, key_id)
    torch.manual_seed(1)
    again, moved_again = augment(cqt, key_id)
    assert x.shape == (BATCH, BINS, FRAMES)
    assert x.min() >= 0 and x.max() <= 1
    assert torch.equal(x, again) and torch.equal(moved, moved_again)
    assert not torch.equal(augment(cqt, key_id)[0], x)


def test_silence_stays_silent(key_id):
    x, _ = Augment(**SETTINGS)(torch.full((BATCH, BINS + 2 * MARGIN, FRAMES), -80.0), key_id)
    assert not x.any()


@pytest.mark.parametrize("semitones", [-6, -1, 0, 1, 6])
def test_transposing_the_cqt_is_transposing_the_audio(semitones):
    log_cqt = LogCQT(22050, 65.4, 72, 24, 6, 4096, 80.0)
    time = torch.arange(22050 * 3) / 22050
    sines = torch.stack([torch.sin(6.2832 * 220 * 2 ** (k / 12) * time) for k in (0, semitones)])
    wide = log_cqt(sines)[:, :, 3:-3]
    moved, _ = transpose(wide[:1], torch.tensor([0]), torch.tensor([semitones]), 12, 2)
    expected = wide[1:, 12:-12]
    assert torch.equal(moved.argmax(dim=1), expected.argmax(dim=1))
    assert (moved - expected)[expected > -50].abs().max() < 0.2


def test_transposing_moves_content_up_and_the_lowest_bin_in_from_the_margin():
    wide = torch.arange(BINS + 2 * MARGIN).float()[None, :, None]  # (1, F + 2M, 1), bins by number
    up, _ = transpose(wide, torch.tensor([0]), torch.tensor([6]), MARGIN, 2)
    down, _ = transpose(wide, torch.tensor([0]), torch.tensor([-6]), MARGIN, 2)
    assert up[0, :, 0].tolist() == list(range(BINS))
    assert down[0, :, 0].tolist() == list(range(2 * MARGIN, BINS + 2 * MARGIN))


def test_transposing_key_ids_is_transposing_keys():
    for semitones in range(-6, 7):
        shifts = torch.full((24,), semitones)
        _, moved = transpose(torch.zeros(24, 144, 1), torch.arange(24), shifts, MARGIN, 2)
        assert moved.tolist() == [key.transpose(semitones).id for key in KEYS]


def test_intervals_of_a_batch_move_apart_and_reach_every_transposition(cqt):
    x, moved = RandomTranspose(6, 24, MARGIN)(cqt, torch.zeros(BATCH, dtype=torch.long))
    assert sorted(set(moved.tolist())) == list(range(12))
    centred = (moved + 5) % 12 - 5  # -5..6 semitones; -6 and 6 give the same key
    plain = centred.abs() < 6
    expected, _ = transpose(cqt, torch.zeros_like(moved), centred, MARGIN, 2)
    assert torch.equal(x[plain], expected[plain])
    down = transpose(cqt, moved, torch.full_like(moved, -6), MARGIN, 2)[0]
    assert (x == down).all(dim=(1, 2)).any() and (x == expected).all(dim=(1, 2))[~plain].any()


@pytest.mark.parametrize("reach", [0, 1, 5, 6, 7])
def test_all_tonics_that_can_be_reached_are_equally_frequent(reach):
    """And all shifts to one tonic: up as often as down by a tritone."""
    intervals, margin = 60_000, 14
    cqt = torch.arange(1.0 + 2 * margin).expand(intervals, -1)[:, :, None]  # its bin's own number
    x, moved = RandomTranspose(reach, 24, margin)(cqt, torch.zeros(intervals, dtype=torch.long))
    shifts = ((margin - x[:, 0, 0]) / 2).long()
    assert torch.equal(shifts % 12, moved)
    assert _chi_square(moved.bincount()[moved.unique()], min(12, 2 * reach + 1)) < 35  # p > 0.0002
    for tonic in range(12):
        found = shifts[moved == tonic].unique(return_counts=True)[1]
        assert _chi_square(found, sum(k % 12 == tonic for k in range(-reach, reach + 1))) < 14


def _chi_square(counts: torch.Tensor, kinds: int) -> float:
    """That of the counts of equally likely kinds; each of them has to be there."""
    assert len(counts) == kinds
    expected = counts.sum() / max(kinds, 1)
    return float(((counts - expected) ** 2 / expected).sum())


def test_transposing_beyond_the_margin_is_refused():
    with pytest.raises(ValueError, match=r"transpose_semitones = 7: the CQT's margin holds 6"):
        RandomTranspose(7, 24, MARGIN)


def test_masks_are_one_band_and_one_stretch_of_at_most_their_width():
    masked = RandomMask(8, 16)(torch.ones(BATCH, BINS, FRAMES)) == 0
    bands, stretches = masked.all(dim=2), masked.all(dim=1)  # (B, F), (B, T)
    assert torch.equal(masked, bands[:, :, None] | stretches[:, None])
    for spans, widest in ((bands, 8), (stretches, 16)):
        assert set(spans.sum(dim=1).tolist()) == set(range(widest + 1))
        assert (spans.float().diff(dim=1).abs().sum(dim=1) <= 2).all()
        assert spans.any(dim=0)[:-1].all() and not spans[:, -1].any()  # the last stays, as there


@pytest.mark.parametrize("width", [1, 8, 16])
def test_masks_of_all_widths_up_to_the_longest_are_equally_frequent(width):
    masked = RandomMask(width, 0)(torch.ones(20_000, BINS, 1)) == 0
    assert _chi_square(masked.sum(dim=(1, 2)).bincount(), width + 1) < 40  # p > 0.001


def test_a_mask_longer_than_the_interval_hides_it_at_most_whole():
    masked = RandomMask(0, 50)(torch.ones(BATCH, BINS, 3)) == 0
    assert set(masked[:, 0].sum(dim=1).tolist()) == {0, 1, 2, 3}


def test_a_tilt_is_a_straight_line_over_pitch_of_either_sign_within_its_limit():
    x = 0.5 + 0.01 * torch.rand(BATCH, BINS, FRAMES)
    slopes = (RandomTilt(3.0, 24, 80.0)(x) - x).diff(dim=1) * 24 * 80  # decibels an octave
    slope = slopes.mean(dim=(1, 2))  # (B,)
    torch.testing.assert_close(slopes, slope[:, None, None].expand_as(slopes), atol=1e-3, rtol=0)
    assert -3.001 < slope.min() < -2.8 and 2.8 < slope.max() < 3.001


def test_a_tilt_keeps_the_loudest_level():
    x = torch.rand(BATCH, BINS, FRAMES)
    tilted = RandomTilt(6.0, 24, 80.0)(x)
    torch.testing.assert_close(tilted.amax(dim=(1, 2)), x.amax(dim=(1, 2)))


def test_an_equaliser_gives_each_bin_one_gain_and_the_loudest_keeps_its_level():
    x = 0.5 + 0.1 * torch.rand(64, BINS, FRAMES)  # far from the ends, so that nothing is cut off
    gains = RandomEqualiser(6.0, 80.0)(x) - x
    assert torch.allclose(gains, gains[:, :, :1].expand_as(gains), atol=1e-6)
    assert torch.allclose((x + gains).amax(dim=(1, 2)), x.amax(dim=(1, 2)), atol=1e-6)
    spread = 80 * (gains.amax(dim=(1, 2)) - gains.amin(dim=(1, 2)))
    assert 1 < spread.mean() < 12 and spread.std() > 0.5


def test_noise_covers_what_is_quieter_and_nothing_else_in_half_of_the_intervals():
    x = torch.rand(256, BINS, FRAMES)
    noisy = RandomNoise(40.0, 80.0)(x)
    touched = (noisy != x).any(dim=2).any(dim=1)
    assert 0.4 < touched.float().mean() < 0.6
    assert (noisy >= x).all()
    loud = x > 40 / 80 + 6 * RandomNoise.ROUGHNESS
    assert torch.equal(noisy[loud], x[loud])


def test_detuning_by_a_bin_moves_the_music_and_by_less_lies_between():
    """50 cents are a bin: there a bin shows its neighbour, and nothing from further off."""
    cqt = -80 * torch.rand(BATCH, BINS, FRAMES)
    detuned = RandomDetune(50.0, 24)(cqt)
    low = torch.minimum(torch.minimum(cqt[:, :-2], cqt[:, 1:-1]), cqt[:, 2:])
    high = torch.maximum(torch.maximum(cqt[:, :-2], cqt[:, 1:-1]), cqt[:, 2:])
    inner = detuned[:, 1:-1]
    assert (inner >= low - 1e-4).all() and (inner <= high + 1e-4).all()
    tone = torch.full((BATCH, BINS, 1), -80.0)
    tone[:, 60] = 0.0
    moved = RandomDetune(50.0, 24)(tone) + 80
    up, down = moved[:, 61, 0], moved[:, 59, 0]  # of 80 decibels, what reached the neighbour
    assert ((up == 0) | (down == 0)).all()
    assert 0.4 < (up > 0).float().mean() < 0.6
    assert torch.allclose(moved[:, 60, 0] + up + down, torch.tensor(80.0), atol=1e-3)


def test_detuning_further_than_a_bin_is_refused():
    with pytest.raises(AudioKeyError, match="detune_cents = 60.0: a bin is 50 cents"):
        RandomDetune(60.0, 24)
