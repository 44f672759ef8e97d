"""Laws of comparing two systems: nothing against itself, signs that flip, closed forms."""

import numpy as np
import pytest
from scipy.stats import binom, norm

import eval
from evaluation.keyfiles import PredictionsError
from evaluation.paired import compare_systems, mcnemar, paired_bootstrap
from model.metrics import MirexScore, mirex_score
from songkey.keys import KEYS

SONGS = 200


def write(path, truth, answers, dataset: str = "mine", names=None):
    """A file as eval.py writes it, of key ids."""
    names = names or [f"song {number}" for number in range(len(truth))]
    rows = [
        f"{dataset}\t{name}\t{KEYS[key]}\t{KEYS[answer]}\n"
        for name, key, answer in zip(names, truth, answers, strict=True)
    ]
    path.write_text("dataset\tsong_id\tkey\testimate\n" + "".join(rows))
    return path


def system(truth: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Answers of which about `share` are right."""
    random = np.random.default_rng(seed)
    return np.where(random.random(len(truth)) < share, truth, random.integers(0, 24, len(truth)))


@pytest.fixture
def truth() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 24, SONGS)


@pytest.fixture
def files(truth, tmp_path):
    """The files of a better and a worse system."""
    better, worse = system(truth, 0.8, 1), system(truth, 0.6, 2)
    return write(tmp_path / "a.tsv", truth, better), write(tmp_path / "b.tsv", truth, worse)


def test_a_system_differs_from_itself_by_nothing(files):
    same = compare_systems(files[0], files[0])
    assert (same.difference.points, same.difference.low, same.difference.high) == (0, 0, 0)
    assert (same.difference.p_value, same.mcnemar_p_value, same.only_right) == (1, 1, (0, 0))


def test_swapping_the_systems_flips_the_sign_and_keeps_the_p_values(files):
    there, back = compare_systems(*files), compare_systems(*files[::-1])
    assert back.difference.points == -there.difference.points
    assert back.difference.low == pytest.approx(-there.difference.high)
    assert back.difference.high == pytest.approx(-there.difference.low)
    assert back.difference.p_value == there.difference.p_value
    assert (back.mcnemar_p_value, back.only_right) == (
        there.mcnemar_p_value,
        there.only_right[::-1],
    )


def test_the_difference_is_that_of_the_two_scores_and_a_clear_one_is_significant(files, truth):
    paired = compare_systems(*files)
    assert paired.scores[0] == mirex_score(system(truth, 0.8, 1), truth)
    assert paired.difference.points == pytest.approx(
        paired.scores[0].weighted - paired.scores[1].weighted
    )
    assert 0 < paired.difference.low < paired.difference.points < paired.difference.high
    assert paired.difference.p_value < 0.01 and paired.mcnemar_p_value < 0.01


def test_the_paired_interval_is_the_normal_one_of_the_differences():
    random = np.random.default_rng(3)
    common = 30 * random.normal(size=2000)  # what is hard in a song, which pairing takes out
    first, second = common + random.normal(size=2000), common + random.normal(size=2000)
    found = paired_bootstrap(first, second)
    error = (first - second).std() / np.sqrt(2000)
    assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=0.05)


@pytest.mark.parametrize("shift", [0.0, 0.03, -0.06, 0.1])
def test_the_bootstrap_s_p_value_is_that_of_a_normal_mean(shift):
    first, second = np.random.default_rng(4).normal(size=(2, 1000))
    first += shift - (first - second).mean()
    error = (first - second).std() / np.sqrt(1000)
    expected = 2 * norm.sf(abs(shift) / error)
    assert paired_bootstrap(first, second).p_value == pytest.approx(expected, abs=0.03)


@pytest.mark.parametrize("only_first, only_second", [(0, 5), (3, 9), (4, 4), (40, 12), (1, 0)])
def test_mcnemar_is_the_binomial_of_the_songs_that_one_system_alone_gets_right(
    only_first, only_second
):
    songs, fewer = only_first + only_second, min(only_first, only_second)
    expected = min(1.0, 2 * sum(binom.pmf(number, songs, 0.5) for number in range(fewer + 1)))
    assert mcnemar(only_first, only_second) == pytest.approx(expected)


def test_only_songs_in_both_count_and_the_others_are_named(files, truth, tmp_path):
    part = write(tmp_path / "part.tsv", truth[:50], truth[:50])
    paired = compare_systems(part, files[0])
    assert paired.scores[0] == MirexScore(correct=50) and paired.scores[1].total == 50
    assert paired.only_answered == ((), tuple(sorted(f"song {n}" for n in range(50, SONGS))))


def test_annotations_stand_above_the_files_own_keys(tmp_path):
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    one.write_text("a.mp3,C minor\nb.mp3,D minor\nc.mp3,dunno\nd.mp3,Am\n")
    two.write_text("a.wav,C minor\nb.wav,D major\nc.wav,E minor\nd.wav,Am\n")
    (tmp_path / "truth.tsv").write_text("a\tCm\nb\tD major\nc\tEm\n")
    paired = compare_systems(one, two, tmp_path / "truth.tsv")
    assert paired.scores == (MirexScore(correct=1, parallel=1, other=1), MirexScore(correct=3))
    assert (paired.only_right, paired.without_truth) == ((0, 2), ("d",))


def test_the_same_song_id_in_two_data_sets_is_two_songs(truth, tmp_path):
    """GiantSteps Key and GiantSteps+ share song ids."""
    file = write(tmp_path / "a.tsv", truth, truth, "gs_key")
    more = write(tmp_path / "b.tsv", truth, truth, "gs_key_plus").read_text().partition("\n")[2]
    file.write_text(file.read_text() + more)
    assert compare_systems(file, file).scores[0].total == 2 * SONGS
    assert compare_systems(file, tmp_path / "b.tsv").scores[0].total == SONGS


def refused(message: str, *files) -> None:
    with pytest.raises(PredictionsError, match=message) as caught:
        compare_systems(*files)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["a,Cm\n", "id,key\na,Cm\n", "id,bpm,key\na,120,Cm\n", ""])
def test_answers_alone_are_not_taken_for_the_truth(files, tmp_path, content):
    (tmp_path / "answers.csv").write_text(content)
    refused(
        r"answers.csv: needs columns of ids, answers and true", tmp_path / "answers.csv", files[0]
    )


def test_files_that_cannot_be_compared_are_refused_by_name(files, truth, tmp_path):
    other = write(tmp_path / "other.tsv", truth, truth, names=[f"x{n}" for n in range(SONGS)])
    refused(r"a.tsv and .*other.tsv: no song that both answer has a key", files[0], other)
    moved = write(tmp_path / "moved.tsv", (truth + 1) % 12, truth)
    refused(r"moved.tsv: .* is in .*, but in .* in the other file", files[0], moved)
    (tmp_path / "header.tsv").write_text("song_id\tkey\testimate\n")
    refused("header.tsv: no keys in it, only a header", tmp_path / "header.tsv", files[0])
    refused(r"gone.tsv: cannot be read \(No such file", tmp_path / "gone.tsv", files[0])


def test_eval_compares_two_files_and_says_which_is_better(called, files):
    done = called(eval.main, "--compare", *files)
    assert done.returncode == 0, done.stderr
    _, first, second, difference, exact = done.stdout.splitlines()
    paired = compare_systems(*files)
    assert first.startswith("A: a.tsv") and second.startswith("B: b.tsv")
    assert difference.startswith(
        f"A minus B, weighted: {paired.difference.points:+.1f} points, 95% interval "
    )
    only_a, only_b = paired.only_right
    assert exact.startswith(f"exactly right: {only_a} songs by A only, {only_b} by B only; p = ")
