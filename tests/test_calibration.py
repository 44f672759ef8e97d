"""Laws of calibration: closed forms of the error, and what a temperature can and cannot change."""

import numpy as np
import pytest
import torch

from evaluation.calibration import BINS, Reliability, reliability
from evaluation.listener import Calibrated
from evaluation.notes import fit_notes
from evaluation.temperature import COLDEST, CalibrationError, fit_temperature


def drawn_keys(logits: np.ndarray, temperature: float, seed: int = 1) -> np.ndarray:
    """Key ids (N,) drawn with the probabilities that logits (N, 24) have at a temperature."""
    scaled = np.exp(logits / temperature)
    ends = (scaled / scaled.sum(axis=1, keepdims=True)).cumsum(axis=1)
    drawn = np.random.default_rng(seed).random((len(logits), 1))
    return (drawn < ends).argmax(axis=1)


@pytest.fixture(scope="module")
def logits() -> np.ndarray:
    return 3 * np.random.default_rng(0).normal(size=(20_000, 24))


@pytest.mark.parametrize("confidence", [0.25, 0.5, 1.0])
def test_answers_right_as_often_as_they_say_have_no_error(confidence):
    right = np.arange(100) < 100 * confidence
    assert reliability(np.full(100, confidence), right).error == pytest.approx(0)


@pytest.mark.parametrize("confidence", [0.0, 0.04, 0.5, 0.9, 1.0])
def test_constant_confidence_in_wrong_answers_is_the_error(confidence):
    assert reliability([confidence] * 7, [False] * 7).error == pytest.approx(confidence)
    assert reliability([confidence] * 7, [True] * 7).error == pytest.approx(1 - confidence)


def test_the_error_is_the_gap_of_each_bin_weighted_by_its_answers():
    confidence = [0.9, 0.9, 0.9, 0.3]  # gaps: 0.9 - 2/3 of three answers, 1 - 0.3 of one
    right = [True, True, False, True]
    assert reliability(confidence, right).error == pytest.approx(0.75 * (0.9 - 2 / 3) + 0.25 * 0.7)


def test_bins_hold_their_upper_edge_and_every_answer_has_one():
    edges = np.linspace(0, 1, BINS + 1)
    bins = reliability(edges, np.ones(BINS + 1, bool))
    assert bins.counts.tolist() == [2] + [1] * (BINS - 1)  # 0 lies in the first bin too
    assert bins.edges == pytest.approx(edges)
    assert (np.nan_to_num(bins.confidence, nan=1) <= edges[1:] + 1e-12).all()


def test_the_sum_of_parts_is_the_reliability_of_the_whole():
    random = np.random.default_rng(2)
    confidence, right = random.random(200), random.random(200) < 0.5
    halves = [reliability(confidence[part::2], right[part::2]) for part in range(2)]
    whole, summed = reliability(confidence, right), halves[0] + halves[1]
    for field in ("counts", "confidences", "hits"):
        assert getattr(summed, field) == pytest.approx(getattr(whole, field))


def test_no_answers_have_no_error_and_no_bin():
    nothing = reliability([], [])
    assert np.isnan(nothing.error) and np.isnan(nothing.accuracy).all()
    assert isinstance(nothing, Reliability)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0, 3.0])
def test_the_temperature_that_keys_were_drawn_with_is_found_again(logits, temperature):
    fit = fit_temperature(logits, drawn_keys(logits, temperature))
    assert fit.temperature == pytest.approx(temperature, rel=0.05)
    assert fit.after.error < 0.02


def test_scaled_logits_need_a_scaled_temperature(logits):
    key_ids = drawn_keys(logits, 1.5)
    fits = [fit_temperature(scale * logits, key_ids) for scale in (1.0, 2.0)]
    assert fits[1].temperature == pytest.approx(2 * fits[0].temperature, rel=1e-3)
    assert fits[1].loss == pytest.approx(fits[0].loss)


@pytest.mark.parametrize("seed", range(5))
def test_the_loss_with_the_temperature_is_never_higher_than_without(seed):
    random = np.random.default_rng(seed)
    logits, key_ids = random.normal(size=(30, 24)), random.integers(0, 24, 30)
    fit = fit_temperature(logits, key_ids)
    assert fit.loss <= fit.loss_before
    assert fit.loss_before == pytest.approx(
        torch.nn.functional.cross_entropy(torch.tensor(logits), torch.tensor(key_ids)).item()
    )


def test_where_all_answers_are_right_the_temperature_stops_at_a_bound():
    fit = fit_temperature(np.eye(24), np.arange(24))
    assert fit.temperature == pytest.approx(COLDEST, rel=1e-3)


def test_no_interval_to_fit_on_is_an_error():
    with pytest.raises(CalibrationError, match="no interval could be read to fit a temperature on"):
        fit_temperature(np.zeros((0, 24)), np.zeros(0, int))


@pytest.mark.parametrize("temperature", [0.1, 0.7, 4.0])
def test_a_temperature_changes_the_confidence_of_an_interval_never_its_answer(temperature):
    network = torch.nn.Linear(10, 24)
    x = torch.randn(50, 10, generator=torch.Generator().manual_seed(0))
    raw, scaled = network(x), Calibrated(network, temperature)(x)
    assert torch.equal(scaled.argmax(1), raw.argmax(1))
    sure, confidence = (logits.softmax(1).amax(1) for logits in (raw, scaled))
    assert ((confidence > sure) == (temperature < 1)).all()


def test_a_fit_says_what_it_changed_and_warns_at_its_bounds(logits):
    fit = fit_temperature(logits, drawn_keys(logits, 2.0))
    first, second = fit_notes(fit)
    assert first.startswith(f"temperature {fit.temperature:.3f}, fitted on the valid split: 20000")
    assert f"{fit.loss_before:.3f} -> {fit.loss:.3f}" in second
    *_, bound = fit_notes(fit_temperature(np.eye(24), np.arange(24)))
    assert bound == "that is the bound: too few songs, or all or none are right"
