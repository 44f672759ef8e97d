import dataclasses

import numpy as np
import pytest
from scipy.special import softmax

from songkey.errors import AudioKeyError
from songkey.estimate import (
    AnswerRule,
    estimate_from_probabilities,
    estimate_song,
    mean_energy,
)
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


LOGITS = np.random.default_rng(4).normal(0, 2, size=(5, 24))


def test_a_song_s_temperature_changes_how_sure_an_answer_is_and_never_the_ranking():
    """Of one interval it is the temperature of its logits."""
    plain = estimate_song(LOGITS)
    cold, hot = (estimate_song(LOGITS, AnswerRule(song_temperature=t)) for t in (0.5, 2.0))
    assert cold.confidence > plain.confidence > hot.confidence
    for other in (cold, hot):
        assert [k for k, _ in other.candidates(24)] == [k for k, _ in plain.candidates(24)]
        assert sum(other.probabilities) == pytest.approx(1)
    one, same = AnswerRule(song_temperature=3.0), AnswerRule(temperature=3.0)
    assert estimate_song(LOGITS[:1], one).probabilities == pytest.approx(
        estimate_song(LOGITS[:1], same).probabilities
    )


def test_sharpening_survives_probabilities_too_small_for_a_float():
    estimate = estimate_song(1000 * LOGITS, AnswerRule(song_temperature=0.01))
    assert sum(estimate.probabilities) == pytest.approx(1)


def test_below_the_threshold_no_key_is_clear_and_the_best_is_still_named():
    plain = estimate_song(LOGITS)
    assert plain.is_clear
    below = AnswerRule(clear_threshold=plain.confidence + 0.01)
    assert estimate_song(LOGITS, below) == dataclasses.replace(plain, is_clear=False)
    assert estimate_song(LOGITS, AnswerRule(clear_threshold=plain.confidence)).is_clear


def test_a_prior_multiplies_the_odds_of_minor_keys_and_of_nothing_else():
    plain, prior = np.array(estimate_song(LOGITS).probabilities), AnswerRule(minor_prior=0.8)
    given = np.array(estimate_song(LOGITS, prior).probabilities)
    assert given[12:].sum() / given[:12].sum() == pytest.approx(
        4 * plain[12:].sum() / plain[:12].sum()
    )
    for mode in (slice(0, 12), slice(12, 24)):
        assert given[mode] / given[mode].sum() == pytest.approx(plain[mode] / plain[mode].sum())


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"song_temperature": 0.0}, "song temperature 0.0: give numbers above 0"),
        ({"opening_share": 1.0}, "opening share 1.0: give 0 to below 1"),
        ({"clear_threshold": 1.0}, "clear threshold 1.0: give 0 to below 1"),
        ({"clear_threshold": float("nan")}, "clear threshold nan"),
        ({"clear_energy": float("nan")}, "clear energy nan: give a number, or none"),
        ({"minor_prior": 1.0}, "minor prior 1.0: give a share between 0 and 1"),
        ({"minor_prior": 0.0}, "minor prior 0.0"),
    ],
)
def test_a_rule_that_means_nothing_is_refused(wrong, message):
    with pytest.raises(AudioKeyError, match=message):
        AnswerRule(**wrong)


def test_the_opening_has_the_share_that_the_rule_says():
    logits = np.random.default_rng(4).normal(0, 3, size=(6, 24))
    opening = estimate_song(logits, AnswerRule(opening_share=0.375))
    thrice = estimate_song(np.concatenate([logits[:1], logits[:1], logits]))  # 3 of 8
    assert opening.probabilities == pytest.approx(thrice.probabilities)
    assert opening.probabilities != pytest.approx(estimate_song(logits).probabilities)


def test_a_song_of_less_energy_has_no_clear_key_and_the_same_answer():
    logits = np.random.default_rng(6).normal(0, 3, size=(4, 24))
    energy = np.log(np.exp(logits).sum(axis=1)).mean()
    assert mean_energy(logits) == pytest.approx(energy)
    assert mean_energy(logits - 2000) == pytest.approx(energy - 2000)
    plain = estimate_song(logits)
    assert estimate_song(logits, AnswerRule(clear_energy=energy - 1e-6)) == plain
    unclear = estimate_song(logits, AnswerRule(clear_energy=energy + 1e-6))
    assert unclear == dataclasses.replace(plain, is_clear=False)
    no_confidence = AnswerRule(clear_threshold=0.999, clear_energy=energy - 1)
    assert not estimate_song(logits, no_confidence).is_clear


@pytest.mark.parametrize("intervals", [1, 2])
def test_the_opening_of_a_short_song_counts_as_its_other_intervals(intervals):
    logits = np.random.default_rng(5).normal(0, 3, size=(intervals, 24))
    opening = estimate_song(logits, AnswerRule(opening_share=0.4))
    assert opening.probabilities == pytest.approx(estimate_song(logits).probabilities)
