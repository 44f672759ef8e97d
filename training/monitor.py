"""What a person sees of a run: a log line an epoch; curves, pictures, settings in TensorBoard."""

import logging
import time
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.tensorboard import SummaryWriter

from evaluation.answers import Answers
from evaluation.plots import confusion_figure, fifths_figure
from pipeline.shardset import ShardSet
from settings.sections import Config
from songkey.counted import counted
from training.hyperparameters import config_text, session_of
from training.pictures import Examples

logger = logging.getLogger(__name__)


class Monitor:
    """Writes what happens in a run to `folder`; without one (not the main process) nothing.

    Points at `first_step` and later, of a run that was killed after its last checkpoint, are void.
    """

    def __init__(self, folder: Path | None, config: Config, first_step: int):
        self._bins_per_octave = config.cqt.bins_per_octave
        start, self._end = session_of(config)
        self._examples: Examples | None = None
        self._writer = SummaryWriter(str(folder), purge_step=first_step) if folder else None
        if self._writer:
            self._writer.add_text("config", config_text(config), first_step - 1)
            events: Any = self._writer.file_writer  # torch declares it as None
            events.add_summary(start, first_step - 1)
        self._epoch_intervals, self._epoch_seconds = 0, 0.0
        self._restart_clock()

    def waited(self, seconds: float) -> None:
        """Count time in which training stood still for want of a batch."""
        self._waited_seconds += seconds

    def steps(
        self, step: int, loss: float, gradient_norm: float, learning_rate: float, intervals: int
    ) -> None:
        """Curves of the steps since the last call, which trained on `intervals`."""
        seconds = time.perf_counter() - self._began
        self._epoch_intervals += intervals
        self._epoch_seconds += seconds
        curves = {
            "train/loss": loss,
            "train/gradient_norm": gradient_norm,
            "train/learning_rate": learning_rate,
            "train/intervals_per_second": intervals / seconds,
            "train/data_wait_share": self._waited_seconds / seconds,
        }
        if torch.cuda.is_initialized():
            curves["train/peak_gpu_memory_gb"] = torch.cuda.max_memory_allocated() / 1e9
        self._write(curves, step)
        self._restart_clock()

    def epoch(
        self, epoch: int, epochs: int, step: int, loss: float, lost: int, valid: Answers
    ) -> None:
        """The epoch's line, the curves of the valid split, and how many intervals were lost."""
        score = valid.song_score
        seconds = self._epoch_seconds or float("inf")  # none where a run goes on from the last step
        curves = {
            "valid/loss": valid.loss,
            "valid/accuracy": score.accuracy,
            "valid/mirex": score.weighted,
            "stream/lost_intervals": lost,
            "valid/lost_intervals": valid.lost_intervals,
        }
        self._write(curves, step)
        logger.info(
            "epoch %d/%d  step %d  loss %.3f  valid loss %.3f  correct %.1f%%  mirex %.1f  "
            "%.0f intervals/s%s",
            epoch, epochs, step, loss, valid.loss, score.accuracy, score.weighted,
            self._epoch_intervals / seconds, _lost(lost, valid.lost_intervals),
        )  # fmt: skip
        self._epoch_intervals, self._epoch_seconds = 0, 0.0
        self._restart_clock()

    def pictures(
        self, step: int, valid: Answers, network: nn.Module, front_end: nn.Module, shards: ShardSet
    ) -> None:
        """How the answers for the valid split are wrong, and what a few intervals look like."""
        if not self._writer:
            return
        if self._examples is None:
            self._examples = Examples(shards, self._bins_per_octave)
        figures = {
            "valid/intervals": self._examples.figure(network, front_end),
            "valid/confusion": confusion_figure(valid.songs),
            "valid/fifths": fifths_figure(valid.songs),
        }
        for name, figure in figures.items():
            self._writer.add_figure(name, figure, step, close=False)
        self._restart_clock()

    def flush(self) -> None:
        """Put all points on the disk: with a checkpoint, so that none before it can be lost."""
        if self._writer:
            self._writer.flush()

    def finished(self) -> None:
        """Say that the run came to its end."""
        if self._writer:
            events: Any = self._writer.file_writer  # torch declares it as None
            events.add_summary(self._end)

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


def _lost(training: int, valid: int) -> str:
    """The end of an epoch's line; empty where all could be read."""
    lost = counted(training, "interval")
    return f"  lost {lost}, {valid} of the valid split" if training or valid else ""
