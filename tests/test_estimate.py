import dataclasses

import pytest
import torch

from keys import KEYS
from model.estimate import estimate_from_probabilities, estimate_key


def test_one_interval_gives_its_own_softmax():
    logits = torch.randn(1, 24, generator=torch.Generator().manual_seed(0))
    estimate = estimate_key(logits)
    assert estimate.probabilities == pytest.approx(logits.softmax(1)[0].tolist())
    assert estimate.key == KEYS[int(logits.argmax())]


def test_probabilities_are_averaged_so_one_sure_interval_cannot_outshout_two_others():
    logits = torch.zeros(3, 24)
    logits[0, 2] = 1000.0
    logits[1:, 19] = 5.0
    assert estimate_key(logits).key == KEYS[19]


@pytest.mark.parametrize("key_id", range(24))
def test_all_24_keys_can_be_the_answer(key_id):
    logits = torch.zeros(2, 24)
    logits[:, key_id] = 1.0
    assert estimate_key(logits).key.id == key_id


def test_probabilities_sum_to_one_and_confidence_is_the_keys_own():
    estimate = estimate_key(torch.randn(7, 24, generator=torch.Generator().manual_seed(1)).half())
    assert sum(estimate.probabilities) == pytest.approx(1)
    assert estimate.confidence == estimate.probabilities[estimate.key.id]


def test_candidates_come_best_first_and_begin_with_the_answer():
    estimate = estimate_key(torch.randn(4, 24, generator=torch.Generator().manual_seed(2)))
    candidates = estimate.candidates(24)
    assert candidates[0] == (estimate.key, estimate.confidence)
    assert [p for _, p in candidates] == sorted(estimate.probabilities, reverse=True)
    assert {key for key, _ in candidates} == set(KEYS)
    assert estimate.candidates(3) == candidates[:3]


def test_sums_added_over_batches_give_the_estimate_of_the_whole_song():
    logits = torch.randn(10, 24, generator=torch.Generator().manual_seed(3))
    summed = logits[:4].softmax(1).sum(0) + logits[4:].softmax(1).sum(0)
    whole, added = estimate_key(logits), estimate_from_probabilities(summed)
    assert added.key == whole.key
    assert added.probabilities == pytest.approx(whole.probabilities)


@pytest.mark.parametrize("logits", [torch.zeros(0, 24), torch.full((2, 24), float("nan"))])
def test_no_interval_or_a_broken_network_gives_an_error_and_no_key(logits):
    with pytest.raises(ValueError, match="no key can be estimated"):
        estimate_key(logits)


def test_an_estimate_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        estimate_key(torch.zeros(1, 24)).confidence = 1.0
