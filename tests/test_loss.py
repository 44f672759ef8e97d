"""Laws of the losses: closed forms, torch's own, the relations of keys, and transposition."""

import math

import pytest
import torch

from model.loss import KeyLoss, key_targets, soft_cross_entropy
from songkey.keys import KEYS, Relation, relation

MIREX = {
    Relation.CORRECT: 1, Relation.FIFTH_UP: 0.25, Relation.FIFTH_DOWN: 0.25,
    Relation.RELATIVE: 0.15, Relation.PARALLEL: 0.1, Relation.OTHER: 0,
}  # fmt: skip
ALL_TARGETS = [
    (name, normalised, smoothing)
    for name in ("cross_entropy", "mirex")
    for normalised in (True, False)
    for smoothing in (0.0, 0.3)
]


def logits_of(batch=24, seed=0):
    return 3 * torch.randn(batch, 24, generator=torch.Generator().manual_seed(seed))


def loss_of(targets, song_weights=(1.0,)):
    return KeyLoss(targets, torch.tensor(song_weights))


def plain(logits, key_id):
    loss = loss_of(key_targets("cross_entropy", True, 0.0))
    return loss(logits, key_id, torch.zeros_like(key_id))


def test_equal_logits_give_ln_24():
    loss = plain(torch.zeros(5, 24), torch.tensor([0, 7, 12, 20, 23]))
    assert loss.item() == pytest.approx(math.log(24), rel=1e-6)


def test_certainty_of_the_right_key_gives_zero():
    key_id = torch.arange(24)
    logits = torch.nn.functional.one_hot(key_id, 24) * 100.0
    assert plain(logits, key_id).item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.9])
def test_cross_entropy_and_its_smoothing_are_torch_s(smoothing):
    logits, key_id, songs = logits_of(), torch.arange(24), torch.zeros(24, dtype=torch.int64)
    loss = loss_of(key_targets("cross_entropy", True, smoothing))(logits, key_id, songs)
    expected = torch.nn.functional.cross_entropy(logits, key_id, label_smoothing=smoothing)
    torch.testing.assert_close(loss, expected)


def test_the_mirex_targets_are_those_of_a_loop_over_all_pairs_of_keys():
    targets = key_targets("mirex", False, 0.0)
    for true in KEYS:
        for other in KEYS:
            assert targets[true.id, other.id] == pytest.approx(MIREX[relation(other, true)])


def test_the_mirex_loss_is_the_sum_over_related_keys():
    logits, key_id = logits_of(), torch.arange(24)
    slow = [
        -sum(MIREX[relation(other, true)] * row.log_softmax(0)[other.id] for other in KEYS)
        for true, row in zip(KEYS, logits, strict=True)
    ]
    losses = soft_cross_entropy(logits, key_targets("mirex", False, 0.0)[key_id])
    torch.testing.assert_close(losses, torch.stack(slow))


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_normalised_targets_sum_to_1_and_the_others_to_1_75(smoothing):
    whole, unnormalised = (key_targets("mirex", flag, smoothing) for flag in (True, False))
    torch.testing.assert_close(whole.sum(dim=1), torch.ones(24))
    torch.testing.assert_close(unnormalised, 1.75 * whole)


@pytest.mark.parametrize("semitones", range(12))
@pytest.mark.parametrize("setting", ALL_TARGETS)
def test_transposing_answers_and_labels_leaves_the_loss_as_it_was(setting, semitones):
    targets, logits = key_targets(*setting), logits_of()
    moved = torch.tensor([key.transpose(semitones).id for key in KEYS])  # (24,)
    transposed = torch.empty_like(logits)
    transposed[:, moved] = logits
    losses = soft_cross_entropy(logits, targets[torch.arange(24)])
    torch.testing.assert_close(soft_cross_entropy(transposed, targets[moved]), losses)


def test_the_least_mirex_loss_is_at_the_targets_themselves():
    targets = key_targets("mirex", True, 0.1)
    best = soft_cross_entropy(targets.log(), targets)
    torch.testing.assert_close(best, -(targets * targets.log()).sum(dim=1))
    for seed in range(5):
        assert (soft_cross_entropy(targets.log() + logits_of(seed=seed), targets) > best).all()


def test_a_song_that_weighs_nothing_has_no_say_and_a_doubled_one_counts_twice():
    logits, key_id = logits_of(4), torch.tensor([3, 5, 14, 23])
    songs = torch.tensor([0, 1, 2, 1])
    loss = loss_of(key_targets("cross_entropy", True, 0.0), (0.0, 1.0, 2.0))
    each = torch.nn.functional.cross_entropy(logits, key_id, reduction="none")
    torch.testing.assert_close(loss(logits, key_id, songs), (each[1] + each[3] + 2 * each[2]) / 4)


@pytest.mark.parametrize("name", ["cross_entropy", "mirex"])
def test_bf16_logits_give_a_float32_loss_that_can_be_differentiated(name):
    logits = torch.randn(3, 24).bfloat16().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        loss = loss_of(key_targets(name, True, 0.1))(
            logits, torch.tensor([1, 2, 3]), torch.zeros(3, dtype=torch.int64)
        )
    loss.backward()
    assert loss.dtype == torch.float32
    targets = key_targets(name, True, 0.1)[:3]
    exactly = soft_cross_entropy(logits.float(), targets)
    assert torch.equal(soft_cross_entropy(logits, targets), exactly)
    assert logits.grad.abs().sum() > 0
