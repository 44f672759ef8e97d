import dataclasses
import math

import mir_eval
import numpy as np
import pytest
import torch

from model.metrics import MirexScore, bootstrap_interval, format_table, mirex_score
from songkey.keys import KEYS

ALL = np.arange(24)
PAIRS = [(estimate, reference) for estimate in KEYS for reference in KEYS]


def test_the_ascending_score_of_every_pair_is_mir_evals():
    for estimate, reference in PAIRS:
        expected = mir_eval.key.weighted_score(str(reference), str(estimate))
        score = mirex_score([estimate.id], [reference.id])
        assert score.weighted_ascending == pytest.approx(100 * expected), (estimate, reference)


def test_the_weighted_score_does_not_care_which_of_two_keys_is_the_truth():
    for estimate, reference in PAIRS:
        there = mirex_score([estimate.id], [reference.id])
        back = mirex_score([reference.id], [estimate.id])
        assert there.weighted == back.weighted
        assert there.fifth_up == back.fifth_down


def test_right_answers_score_100():
    score = mirex_score(ALL, ALL)
    assert score == MirexScore(correct=24)
    assert score.weighted == score.weighted_ascending == score.accuracy == 100


@pytest.mark.parametrize("constant", range(24))
def test_a_constant_answer_meets_each_relation_once_and_is_otherwise_wrong(constant):
    score = mirex_score(np.full(24, constant), ALL)
    assert score == MirexScore(1, 1, 1, 1, 1, 19)
    assert score.weighted == pytest.approx(100 * 2.5 / 24)
    assert score.weighted_ascending == pytest.approx(100 * 2.0 / 24)


def test_transposing_answers_and_truth_together_changes_nothing():
    rng = np.random.default_rng(0)
    estimated, reference = rng.integers(0, 24, 200), rng.integers(0, 24, 200)
    up = [np.array([KEYS[i].transpose(5).id for i in ids]) for ids in (estimated, reference)]
    assert mirex_score(*up) == mirex_score(estimated, reference)


def test_the_sum_of_parts_is_the_score_of_the_whole():
    rng = np.random.default_rng(1)
    estimated, reference = rng.integers(0, 24, 101), rng.integers(0, 24, 101)
    parts = [mirex_score(estimated[rank::3], reference[rank::3]) for rank in range(3)]
    whole = mirex_score(estimated, reference)
    assert sum(parts, MirexScore()) == whole
    assert whole.total == 101


def test_lists_arrays_and_tensors_score_alike():
    estimated, reference = [0, 12, 7], [0, 0, 0]
    expected = MirexScore(correct=1, fifth_up=1, parallel=1)
    assert mirex_score(estimated, reference) == expected
    assert mirex_score(np.array(estimated), np.array(reference)) == expected
    assert mirex_score(torch.tensor(estimated), torch.tensor(reference)) == expected


@pytest.mark.parametrize("wrong", [-1, 24])
def test_an_id_that_names_no_key_is_refused(wrong):
    with pytest.raises(ValueError, match=f"no such key id: {wrong}"):
        mirex_score([0, wrong], [0, 1])


def test_fewer_answers_than_songs_are_refused():
    with pytest.raises(ValueError, match="2 answers for 3 songs"):
        mirex_score([0, 1], [0, 1, 2])


def test_the_bootstrap_interval_is_that_of_drawing_songs_again_and_again():
    rng = np.random.default_rng(2)
    reference = rng.integers(0, 24, 300)
    estimated = np.where(rng.random(300) < 0.6, reference, rng.integers(0, 24, 300))
    score = mirex_score(estimated, reference)
    drawn = rng.integers(0, 300, (2000, 300))
    scores = [mirex_score(estimated[songs], reference[songs]).weighted for songs in drawn]
    assert bootstrap_interval(score) == pytest.approx(np.percentile(scores, [2.5, 97.5]), abs=0.7)


def test_the_bootstrap_interval_narrows_with_the_square_root_of_the_songs():
    one = MirexScore(correct=60, fifth_up=10, relative=10, other=20)
    hundred = MirexScore(*(100 * one.counts))
    widths = [high - low for low, high in map(bootstrap_interval, (one, hundred))]
    assert widths[0] / widths[1] == pytest.approx(10, rel=0.1)


def test_the_same_seed_gives_the_same_interval():
    score = MirexScore(correct=30, other=12)
    assert bootstrap_interval(score, seed=3) == bootstrap_interval(score, seed=3)


def test_without_songs_every_score_is_nan():
    empty = MirexScore()
    assert all(map(math.isnan, (empty.weighted, empty.weighted_ascending, empty.accuracy)))
    assert all(map(math.isnan, bootstrap_interval(empty)))


def test_the_table_has_a_row_a_set_and_columns_that_line_up():
    score = mirex_score([0, 7, 5, 9, 12, 1], [0] * 6)
    lines = format_table({"short": score, "a much longer name": MirexScore(correct=1000)}).split(
        "\n"
    )
    assert len({len(line) for line in lines}) == 1
    header, row, _ = (line.split("  ") for line in lines)
    cells = [cell.strip() for cell in row if cell.strip()]
    assert cells[:2] == ["short", "6"]
    assert cells[2] == f"{score.weighted:.1f}"
    shares = [float(cell) for cell in cells[-len(dataclasses.fields(MirexScore)) :]]
    assert sum(shares) == pytest.approx(100, abs=0.3)
    assert len([cell for cell in header if cell.strip()]) == len(cells)
