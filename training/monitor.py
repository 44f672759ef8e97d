"""What a person sees of a run: a log line an epoch, and curves in TensorBoard."""

import logging
import time
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

from evaluation.answers import Answers

logger = logging.getLogger(__name__)


class Monitor:
    """Writes a run's curves to `folder`; without one (not the main process) it writes nothing.

    Points at `first_step` and later, of a run that was killed after its last checkpoint, are void.
    """

    def __init__(self, folder: Path | None, first_step: int):
        self._writer = SummaryWriter(str(folder), purge_step=first_step) if folder else None
        self._epoch_intervals, self._epoch_seconds = 0, 0.0
        self._restart_clock()

    def waited(self, seconds: float) -> None:
        """Count time in which training stood still for want of a batch."""
        self._waited_seconds += seconds

    def steps(self, step: int, loss: float, learning_rate: float, intervals: int) -> None:
        """Curves of the steps since the last call, which trained on `intervals`."""
        seconds = time.perf_counter() - self._began
        self._epoch_intervals += intervals
        self._epoch_seconds += seconds
        curves = {
            "train/loss": loss,
            "train/learning_rate": learning_rate,
            "train/intervals_per_second": intervals / seconds,
            "train/data_wait_share": self._waited_seconds / seconds,
        }
        self._write(curves, step)
        self._restart_clock()

    def epoch(self, epoch: int, epochs: int, step: int, loss: float, valid: Answers) -> None:
        """The epoch's line and the curves of the valid split."""
        score = valid.song_score
        seconds = self._epoch_seconds or float("inf")  # none where a run goes on from the last step
        curves = {
            "valid/loss": valid.loss,
            "valid/accuracy": score.accuracy,
            "valid/mirex": score.weighted,
        }
        self._write(curves, step)
        logger.info(
            "epoch %d/%d  step %d  loss %.3f  valid loss %.3f  correct %.1f%%  mirex %.1f  "
            "%.0f intervals/s",
            epoch, epochs, step, loss, valid.loss, score.accuracy, score.weighted,
            self._epoch_intervals / seconds,
        )  # fmt: skip
        self._epoch_intervals, self._epoch_seconds = 0, 0.0
        self._restart_clock()

    def flush(self) -> None:
        """Put all points on the disk: with a checkpoint, so that none before it can be lost."""
        if self._writer:
            self._writer.flush()

    def close(self) -> None:
        """End the curves."""
        if self._writer:
            self._writer.close()

    def _write(self, curves: dict[str, float], step: int) -> None:
        if self._writer:
            for name, value in curves.items():
                self._writer.add_scalar(name, value, step)

    def _restart_clock(self) -> None:
        self._began = time.perf_counter()
        self._waited_seconds = 0.0
