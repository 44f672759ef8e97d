import dataclasses

import numpy as np
import pytest
from scipy.special import softmax

from songkey.estimate import estimate_from_probabilities, estimate_song
from songkey.keys import KEYS


def test_one_interval_gives_its_own_softmax():
    logits = np.random.default_rng(0).normal(size=(1, 24))
    estimate = estimate_song(logits)
    assert estimate.probabilities == pytest.approx(softmax(logits, axis=1)[0])
    assert estimate.key == KEYS[int(logits.argmax())]


def test_probabilities_are_averaged_so_one_sure_interval_cannot_outshout_two_others():
    logits = np.zeros((3, 24))
    logits[0, 2] = 1000.0
    logits[1:, 19] = 5.0
    assert estimate_song(logits).key == KEYS[19]


@pytest.mark.parametrize("key_id", range(24))
def test_all_24_keys_can_be_the_answer(key_id):
    logits = np.zeros((2, 24))
    logits[:, key_id] = 1.0
    assert estimate_song(logits).key.id == key_id


def test_probabilities_sum_to_one_and_confidence_is_the_keys_own():
    estimate = estimate_song(np.random.default_rng(1).normal(size=(7, 24)).astype("float16"))
    assert sum(estimate.probabilities) == pytest.approx(1)
    assert estimate.confidence == estimate.probabilities[estimate.key.id]


def test_candidates_come_best_first_and_begin_with_the_answer():
    estimate = estimate_song(np.random.default_rng(2).normal(size=(4, 24)))
    candidates = estimate.candidates(24)
    assert candidates[0] == (estimate.key, estimate.confidence)
    assert [p for _, p in candidates] == sorted(estimate.probabilities, reverse=True)
    assert {key for key, _ in candidates} == set(KEYS)
    assert estimate.candidates(3) == candidates[:3]


def test_sums_added_over_batches_give_the_estimate_of_the_whole_song():
    logits = np.random.default_rng(3).normal(size=(10, 24))
    summed = softmax(logits[:4], axis=1).sum(0) + softmax(logits[4:], axis=1).sum(0)
    whole, added = estimate_song(logits), estimate_from_probabilities(summed)
    assert added.key == whole.key
    assert added.probabilities == pytest.approx(whole.probabilities)


@pytest.mark.parametrize("logits", [np.zeros((0, 24)), np.full((2, 24), float("nan"))])
def test_no_interval_or_a_broken_network_gives_an_error_and_no_key(logits):
    with pytest.raises(ValueError, match="no key can be estimated"):
        estimate_song(logits)


def test_an_estimate_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        estimate_song(np.zeros((1, 24))).confidence = 1.0
