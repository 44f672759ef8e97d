"""Laws of what music without labels teaches: its targets, and the loss against them."""

import numpy as np
import pytest
import torch
from conftest import small_config
from torch import Tensor, nn

from evaluation.listener import front_end_of
from pipeline.unlabelled import Unlabelled
from songkey.keys import KEYS
from training.teacher import Teacher, targets_of, transposed

SETTING = small_config("nowhere").adapt
SONGS = torch.tensor([0, 0, 1, 1, 1])
LOGITS = torch.randn(5, 24, generator=torch.Generator().manual_seed(0)) * 4


def changed(**settings: float):
    return SETTING.model_copy(update=settings)


def test_a_target_is_half_the_interval_s_answer_and_half_the_mean_of_its_song():
    shares = targets_of(LOGITS, SONGS, changed(sharpening=1.0)).shares
    own = (LOGITS / 2).softmax(dim=1)
    for rows in (slice(0, 2), slice(2, 5)):
        expected = own[rows] / 2 + own[rows].mean(dim=0) / 2
        assert torch.allclose(shares[rows], expected, atol=1e-6)


def test_sharpening_raises_to_a_power_and_keeps_the_sum():
    flat = targets_of(LOGITS, SONGS, changed(sharpening=1.0)).shares
    sharp = targets_of(LOGITS, SONGS, SETTING).shares
    assert torch.allclose(sharp.sum(dim=1), torch.ones(5))
    ratios = (sharp[:, 0] / sharp[:, 1], (flat[:, 0] / flat[:, 1]) ** 1.5)
    assert torch.allclose(*ratios, rtol=1e-4)
    assert (sharp.amax(dim=1) > flat.amax(dim=1)).all()


def test_a_higher_temperature_makes_fewer_intervals_sure_and_the_threshold_decides_which():
    sure = [int(targets_of(LOGITS, SONGS, changed(temperature=t)).sure.sum()) for t in (0.5, 9.0)]
    assert sure == [5, 0]
    highest = targets_of(LOGITS, SONGS, SETTING).shares.amax(dim=1)
    threshold = float(highest.median())
    sure = targets_of(LOGITS, SONGS, changed(confidence=threshold)).sure
    assert torch.equal(sure, highest > threshold) and sure.sum() == 2


def test_a_song_is_answered_by_the_mean_of_its_intervals():
    logits = torch.full((3, 24), -20.0)
    logits[0, 4], logits[1, 9], logits[2, 9] = 20.0, 20.0, 20.0
    assert targets_of(logits, torch.tensor([0, 0, 0]), SETTING).song_keys.tolist() == [9]
    assert targets_of(logits, torch.tensor([0, 1, 1]), SETTING).song_keys.tolist() == [4, 9]


@pytest.mark.parametrize("semitones", [0, 1, 7, 11])
def test_targets_are_transposed_as_keys_are(semitones):
    moved = transposed(torch.eye(24), torch.full((24,), semitones))
    assert moved.argmax(dim=1).tolist() == [key.transpose(semitones).id for key in KEYS]
    assert torch.equal(moved.sum(dim=1), torch.ones(24))


class Recording(nn.Module):
    """Answers each interval by the lowest semitone that sounds, in major, as loudly as is set."""

    def __init__(self, loudness: float = 20.0):
        super().__init__()
        self.loudness = loudness

    def forward(self, cqt: Tensor) -> Tensor:
        semitone = cqt.amax(dim=2).argmax(dim=1) // 2 % 12  # (B,), the lowest bin is C
        return self.loudness * nn.functional.one_hot(semitone, 24).float()


def teacher_of_tones(**settings: float) -> tuple[Teacher, nn.Module]:
    """A teacher of twelve songs of one interval, each a tone of another pitch, and a front end."""
    config = small_config("nowhere")
    levels = np.zeros((12, 144, 22), np.uint8)
    for tone in range(12):
        levels[tone, 12 + 48 + 2 * tone] = 255
    music = Unlabelled(levels, tuple((f"{n}", 1) for n in range(12)), (), "tones")
    front_end = front_end_of(config)
    return Teacher(music, changed(**settings)), front_end


def test_the_loss_is_nothing_where_the_student_hears_the_transposition_that_it_should():
    teacher, front_end = teacher_of_tones()
    targets = teacher.renew(Recording(), front_end, torch.device("cpu"))
    assert targets.song_keys.tolist() == list(range(12)) and targets.sure.all()
    assert not front_end.training
    front_end.train()
    front_end.augment.mask.max_bins = 0  # it would hide the tone
    front_end.augment.tilt.max_per_bin = 0.0
    torch.manual_seed(0)
    assert teacher.loss(Recording(), front_end, 64) < 0.01
    assert teacher.loss(lambda heard: Recording()(heard).roll(1, dims=1), front_end, 64) > 10


def test_only_sure_intervals_count_and_the_loss_is_their_mean_times_the_weight():
    teacher, front_end = teacher_of_tones(confidence=0.99)
    teacher.renew(Recording(1.0), front_end, torch.device("cpu"))
    assert teacher.loss(Recording(), front_end, 64) == 0.0
    losses = []
    for weight in (1.0, 0.5):
        teacher, front_end = teacher_of_tones(weight=weight)
        teacher.renew(Recording(), front_end, torch.device("cpu"))
        losses.append(float(teacher.loss(lambda heard: torch.zeros(len(heard), 24), front_end, 5)))
    assert losses == pytest.approx([np.log(24), np.log(24) / 2])


def test_targets_are_renewed_before_the_first_step_and_every_so_many():
    teacher, front_end = teacher_of_tones(renew_every_steps=3)
    device = torch.device("cpu")
    due = [teacher.before_step(Recording(), front_end, device) for _ in range(7)]
    assert due == [True, False, False, True, False, False, True]
