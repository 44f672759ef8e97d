"""Laws of tuning: memory's edge and the knee are found, and the learning rate's right decade."""

import re

import numpy as np
import pytest
import torch
from conftest import contents, settings, small_config
from PIL import Image

from songkey.errors import AudioKeyError
from training import tune
from training.batch_size import knee, rates_by_size, step_rate
from training.range_test import RangeTest, range_test
from training.rehearsal import Trial


def measured_with_room_for(limit: int, most: int) -> dict[int, float]:
    """Rates by size where more than `limit` intervals are out of memory."""

    def measure(size: int) -> float:
        if size > limit:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return float(size)

    return rates_by_size(measure, most)


@pytest.mark.parametrize("limit", [1, 2, 3, 31, 32, 33, 100, 255])
def test_the_largest_batch_that_fits_is_found_where_memory_runs_out(limit):
    assert max(measured_with_room_for(limit, 10_000)) == limit


def test_without_a_limit_of_memory_sizes_double_up_to_the_bound():
    assert list(measured_with_room_for(10**9, 100)) == [1, 2, 4, 8, 16, 32, 64, 100]
    assert measured_with_room_for(0, 100) == {}


def test_the_search_takes_few_tries_however_much_memory_there_is():
    tries = []

    def measure(size: int) -> float:
        tries.append(size)
        if size > 5000:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return 1.0

    assert max(rates_by_size(measure, 10**6)) == 5000
    assert len(tries) <= 2 * (5000).bit_length() + 2


def test_an_error_that_is_not_for_want_of_memory_is_not_swallowed():
    def measure(size: int) -> float:
        raise RuntimeError("the network is broken")

    with pytest.raises(RuntimeError, match="the network is broken"):
        rates_by_size(measure, 8)


def test_memory_that_really_runs_out_ends_the_search():
    def measure(size: int) -> float:
        torch.empty(size * 10**14, dtype=torch.uint8)
        return 1.0

    assert rates_by_size(measure, 8) == {}


def test_the_knee_is_the_smallest_size_that_is_nearly_as_fast_as_the_fastest():
    assert knee({1: 10.0, 2: 19.0, 4: 36.0, 8: 39.0, 16: 40.0}) == 4
    assert knee({1: 10.0, 2: 20.0}) == 2


def test_a_rate_is_of_whole_batches_whatever_the_size(packed):
    trial = Trial(small_config(packed, "stream.workers=0"))
    batch = next(trial.batches())
    for size in (3, 20):  # less and more than the batch's 8
        assert step_rate(trial, batch, size, seconds=0.01) > 0


def quadratic(curvature: float):
    """Gradient descent on curvature x^2 / 2 from 1; it diverges above a rate of 2 / curvature."""
    place = 1.0

    def step(rate: float) -> float:
        nonlocal place
        loss = curvature * place**2 / 2 + 1e-3
        place -= rate * curvature * place
        return loss

    return step


@pytest.mark.parametrize("curvature", [0.1, 1.0, 10.0, 1000.0])
def test_the_suggestion_for_a_parabola_lies_in_the_decade_below_its_limit(curvature):
    limit = 2 / curvature
    test = range_test(quadratic(curvature), 1e-6 * limit, 1e3 * limit, 300)
    assert limit / 20 < test.suggestion < limit
    assert test.steepest <= test.lowest
    assert test.rates[-1] < 100 * limit  # it stopped when the loss diverged


def test_a_range_test_stops_at_a_loss_that_is_not_finite():
    losses = iter([3.0, 2.0, 1.0, float("nan"), 0.0])
    test = range_test(lambda rate: next(losses), 1e-3, 1e1, 5)
    assert len(test.rates) == len(test.losses) == 3
    assert test.rates == pytest.approx([1e-3, 1e-2, 1e-1])


def test_a_constant_loss_is_smoothed_to_itself_and_suggests_nothing():
    with pytest.raises(AudioKeyError, match="does not fall between learning rates of 0.001 and 10"):
        range_test(lambda rate: 3.0, 1e-3, 1e1, 20)


def test_the_steepest_fall_is_where_the_loss_falls_most_a_decade():
    rates = np.geomspace(1e-4, 1e0, 5)
    test = RangeTest(rates, np.array([3.0, 2.9, 1.0, 0.9, 5.0]))
    assert test.lowest == pytest.approx(1e-1) and test.suggestion == pytest.approx(1e-2)
    assert test.steepest in (pytest.approx(1e-3), pytest.approx(1e-2))


def test_tuning_the_batch_size_prints_rates_and_a_knee_among_them(called, packed):
    words = settings(packed, "tune.seconds_a_size=0.01", "tune.most_intervals_on_cpu=8")
    done = called(tune.main, "batch-size", *words)
    assert done.returncode == 0
    sizes = [int(size) for size in re.findall(r"^ +(\d+) +[\d.]+$", done.stdout, re.MULTILINE)]
    assert sizes == [1, 2, 4, 8]
    assert int(re.search(r"knee: (\d+)", done.stdout)[1]) in sizes


def test_tuning_the_learning_rate_prints_a_table_and_draws_a_plot_and_nothing_else(
    called, packed, tmp_path
):
    before = contents(packed)
    words = settings(packed, f'train.runs_dir="{tmp_path}/runs"', "tune.rate_steps=40")
    done = called(tune.main, "learning-rate", *words)
    assert done.returncode == 0
    suggestion = float(re.search(r"train.learning_rate = (\S+)", done.stdout)[1])
    assert 1e-7 < suggestion < 1
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["learning-rate.png"]
    assert np.asarray(Image.open(tmp_path / "runs/learning-rate.png")).std() > 10
    assert contents(packed) == before


def test_a_range_that_does_not_rise_is_refused(called, packed):
    done = called(tune.main, "learning-rate", *settings(packed, "tune.lowest_rate=2.0"))
    assert done.returncode == 1 and "lowest_rate must be below highest_rate" in done.stderr
