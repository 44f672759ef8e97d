"""Laws of a run's numbers and of the checkpoints it keeps."""

import pytest

from training.progress import Progress, epochs_without_gain
from training.run_checkpoints import epoch_path, keep_best


def scored(*scores: float) -> Progress:
    progress = Progress()
    for score in scores:
        progress = progress.after_epoch(score)
    return progress


@pytest.mark.parametrize(
    "scores, gain, epochs",
    [
        ([], 0.0, 0),
        ([10.0], 0.0, 0),
        ([10.0, 10.0], 0.0, 1),
        ([10.0, 9.0, 11.0], 0.0, 0),
        ([10.0, 10.5, 10.9], 1.0, 2),
        ([10.0, 10.5, 11.5], 1.0, 0),  # small gains add up
        ([50.0, 40.0, 45.0, 49.0], 0.0, 3),
    ],
)
def test_epochs_without_gain_count_from_the_best_that_was_enough_better(scores, gain, epochs):
    assert epochs_without_gain(scores, gain) == epochs


def test_the_best_epochs_come_best_first_and_the_earlier_of_equal_ones():
    progress = scored(50.0, 70.0, 60.0, 70.0)
    assert (progress.epoch, progress.step, progress.best_weighted) == (4, 0, 70.0)
    assert progress.best_epochs(3) == [2, 4, 3]
    assert Progress().best_epochs(3) == [] and Progress().best_weighted < 0


def kept_after(folder, count: int, *scores: float) -> dict[str, str]:
    """What lies in checkpoints/ when each epoch wrote its number, if it was among the best."""
    (folder / "checkpoints").mkdir(exist_ok=True)
    for epoch in range(1, len(scores) + 1):
        progress = scored(*scores[:epoch])
        if epoch in progress.best_epochs(count):
            epoch_path(folder, epoch).write_text(f"{epoch}")
        keep_best(folder, progress, count)
    return {path.stem: path.read_text() for path in (folder / "checkpoints").iterdir()}


def test_the_best_epochs_are_kept_and_best_is_the_best_of_them(tmp_path):
    kept = kept_after(tmp_path, 2, 50.0, 70.0, 60.0, 65.0, 10.0)
    assert kept == {"epoch-0002": "2", "epoch-0004": "4", "best": "2"}


def test_keeping_one_keeps_the_best_alone(tmp_path):
    assert kept_after(tmp_path, 1, 50.0, 70.0, 60.0) == {"epoch-0002": "2", "best": "2"}


def test_a_run_that_went_back_no_longer_keeps_what_came_after(tmp_path):
    kept_after(tmp_path, 3, 50.0, 60.0, 90.0)
    epoch_path(tmp_path, 3).rename(epoch_path(tmp_path, 7))  # of a future that is void
    keep_best(tmp_path, scored(50.0, 60.0), 3)
    names = {path.stem: path.read_text() for path in (tmp_path / "checkpoints").iterdir()}
    assert names == {"epoch-0001": "1", "epoch-0002": "2", "best": "2"}
