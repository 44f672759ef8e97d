"""A run: the loop over epochs and steps, what it saves, and how it goes on."""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from accelerate.utils import send_to_device

from evaluation.answers import Answers, answer
from evaluation.listener import front_end_of, input_of, network_of
from model.checkpoint import load_checkpoint, save_checkpoint
from model.run_folder import resolve
from pipeline.loader import loader
from pipeline.lost import StreamError
from pipeline.sample import Batch
from pipeline.source import Source
from pipeline.stream import Stream
from settings.config import toml_of
from settings.ending import end_together
from settings.sections import Config
from songkey.counted import counted
from storage.whole import write_whole
from training import run_checkpoints
from training.compatibility import check_goes_on, check_same_input
from training.finite import StepResult, means
from training.learner import Learner, accelerator_of
from training.monitor import Monitor
from training.objective import loss_of
from training.progress import Progress, epochs_without_gain
from training.run_data import RunData
from training.signals import Signals, Stopped
from training.summary import network_summary
from training.teacher import Teacher

logger = logging.getLogger(__name__)


class Training:
    """A run: its data, what learns, and where it stands."""

    def __init__(
        self, config: Config, folder: Path, resume: bool, checkpoint: str | Path | None = None,
        source: Source | None = None, teacher: Teacher | None = None,
    ):  # fmt: skip
        """Begin a run in a new `folder`, with the weights of `checkpoint` if one is given.

        With `resume`, go on with the run in `folder`, from that checkpoint or its last. What trains
        are the shards that `config` says, or a `source` of other intervals; a `teacher` adds music
        without labels.
        """
        self.config, self.folder = config, folder
        self.accelerator = accelerator_of(config.train.mixed_precision)
        self.data = RunData(config, source, teacher)
        self.progress = Progress()
        self._saved = resume  # whether there is a checkpoint to go on from
        self._stream()  # refuses data that cannot be shared before a folder is made
        torch.manual_seed(config.train.seed)
        network = network_of(config)
        logger.info("%s", network_summary(network, input_of(config)))
        self.learner = Learner(
            network, front_end_of(config), loss_of(config, self.data.train, self.data.rates),
            config.train, config.train.epochs * self.data.steps_an_epoch, self.accelerator, teacher,
        )  # fmt: skip
        if resume:
            self._go_on_from(Path(checkpoint) if checkpoint else None)
        elif checkpoint:
            self._start_from(checkpoint)
        self.signals = Signals(self.accelerator.num_processes)
        main = self.accelerator.is_main_process
        if main:
            self._prepare_folder(resume, checkpoint)
            write_whole(folder / "config.toml", toml_of(config))
        self.monitor = Monitor(folder if main else None, config, self.global_step + 1)

    @property
    def global_step(self) -> int:
        """Steps done since the run began."""
        return self.progress.epoch * self.data.steps_an_epoch + self.progress.step

    def run(self, scored: Callable[[list[float]], None] = lambda _: None) -> float:
        """Train to the end of the last epoch; gives the best weighted score of the valid split.

        `scored` gets those of all epochs so far, at the beginning and, with everything saved, after
        each epoch; what it raises ends the run.
        Raises Stopped, with everything saved, after SIGTERM or Ctrl-C.
        """
        try:
            with self.signals:
                scored(self.progress.scores)
                while not self._finished():
                    self._train_epoch(self._stream())
                    self._end_epoch()
                    scored(self.progress.scores)
            self.monitor.finished()
        finally:
            self.monitor.close()
        if self.accelerator.is_main_process:
            run_checkpoints.export_best(self.folder)
        logger.info("best valid mirex %.1f in %s", self.progress.best_weighted, self.folder)
        end_together(self.accelerator)
        return self.progress.best_weighted

    def _finished(self) -> bool:
        setting, progress = self.config.train, self.progress
        if progress.epoch >= setting.epochs:
            return True
        flat = epochs_without_gain(progress.scores, setting.smallest_gain)
        if setting.patience_epochs and flat >= setting.patience_epochs:
            logger.info("stopped after %s without a better score", counted(flat, "epoch"))
            return True
        return False

    def _stream(self) -> Stream:
        process, processes = self.accelerator.process_index, self.accelerator.num_processes
        return self.data.stream(self.progress, process, processes)

    def _train_epoch(self, stream: Stream) -> None:
        self.learner.train()
        setting = self.config.train
        on_cuda = self.accelerator.device.type == "cuda"
        batches = iter(loader(stream, self.config.stream.workers, pin_memory=on_cuda))
        results: list[StepResult] = []  # of the steps that no curve shows yet
        for step in stream.steps:
            results.append(self._step(self._next(batches)))
            self.progress = replace(self.progress, step=step + 1)
            last, signal = step + 1 == self.data.steps_an_epoch, self.signals.agreed()
            saving = last or signal or (step + 1) % setting.checkpoint_every_steps == 0
            if saving or (step + 1) % setting.log_every_steps == 0:
                self._log(results)
                results = []
            if saving:
                self.progress = replace(self.progress, lost=stream.lost.of_all())
                self.save("last")
            if signal:
                self._stop(signal)

    def _next(self, batches: Iterator[Batch]) -> Batch:
        began = time.perf_counter()
        batch = next(batches)
        self.monitor.waited(time.perf_counter() - began)
        return batch

    def _step(self, batch: Batch) -> StepResult:
        """One optimizer step; what is random in it depends on seed, step and process alone."""
        words = (self.config.train.seed, self.global_step, self.accelerator.process_index)
        torch.manual_seed(int(np.random.SeedSequence(words).generate_state(1)[0]))
        return self.learner.step(send_to_device(batch, self.accelerator.device))

    def _log(self, results: list[StepResult]) -> None:
        """Curves of the steps since the last; a loss that is not finite ends the run."""
        step, shards = self.global_step, self.data.train
        loss, norm = means(results, step, self.accelerator, shards, self._saved)
        loss_sum = self.progress.loss_sum + loss * len(results)
        self.progress = replace(self.progress, loss_sum=loss_sum)
        intervals = len(results) * self.config.train.global_batch_size
        rate = self.learner.schedule.learning_rate
        self.monitor.steps(self.global_step, loss, norm, rate, intervals)

    def _end_epoch(self) -> None:
        """Score the valid split, save, and stand at the beginning of the next epoch."""
        valid = self.answers()
        self._report(valid)
        weighted = valid.song_score.weighted
        self.learner.schedule.scored(weighted)
        self.progress = self.progress.after_epoch(weighted)
        if self.accelerator.is_main_process:
            self._keep_best()
        self.save("last")

    def answers(self) -> Answers:
        """What the network answers for the songs of the valid split; StreamError without any."""
        valid = answer(
            self.learner.answering(), self.learner.front_end, self.data.valid, self.accelerator,
            self.config.eval.batch_size, self.config.stream.workers,
            self.config.stream.max_bad_samples, self._stop_if_asked,
            limit_fraction=self.config.train.limit_fraction,
        )  # fmt: skip
        if not valid.songs:
            raise StreamError("no song of the valid split could be read; see the warnings above")
        return valid

    def _report(self, valid: Answers) -> None:
        loss = self.progress.loss_sum / self.data.steps_an_epoch
        epoch, epochs = self.progress.epoch + 1, self.config.train.epochs
        lost = len(self.progress.lost)
        self.monitor.epoch(epoch, epochs, self.global_step, loss, lost, valid)
        if epoch % self.config.train.pictures_every_epochs == 0:
            network, front_end = self.learner.answering(), self.learner.front_end
            network = self.accelerator.unwrap_model(network)
            self.monitor.pictures(self.global_step, valid, network, front_end, self.data.valid)

    def _keep_best(self) -> None:
        epoch, count = self.progress.epoch, self.config.train.keep_best
        if epoch in self.progress.best_epochs(count):
            self._write(run_checkpoints.epoch_path(self.folder, epoch))
        run_checkpoints.keep_best(self.folder, self.progress, count)

    def save(self, name: str) -> None:
        """Write all that the run is as its checkpoint `name`."""
        self.monitor.flush()
        if self.accelerator.is_main_process:
            self._write(run_checkpoints.checkpoint_path(self.folder, name))
        self._saved = True

    def _write(self, path: Path) -> None:
        fixed = {"shards": self.data.fingerprint}
        state = {
            "progress": asdict(self.progress), "fixed": fixed,
            "trained_on": self.data.trained_on,
        } | self.learner.state()  # fmt: skip
        config = self.config.model_dump(mode="json")
        save_checkpoint(
            path,
            config=config,
            state=state,
            trained_songs=self.data.trained_songs,
            **self.learner.saved(),
        )

    def _stop_if_asked(self) -> None:
        if signal := self.signals.agreed():
            self._stop(signal)

    def _stop(self, signal: int) -> None:
        end_together(self.accelerator)  # a launcher ends all processes when one has ended
        raise Stopped(signal)

    def _prepare_folder(self, resume: bool, checkpoint: str | Path | None) -> None:
        if not resume:
            run_checkpoints.make_run_folder(self.folder)
        elif checkpoint:
            count = self.config.train.keep_best
            run_checkpoints.set_aside_later(self.folder, Path(checkpoint), self.progress, count)

    def _start_from(self, path: str | Path) -> None:
        checkpoint = load_checkpoint(resolve(path))
        check_same_input(checkpoint, self.config)
        self.data.inherit(checkpoint)
        self.learner.start_from(checkpoint)

    def _go_on_from(self, path: Path | None) -> None:
        checkpoint = run_checkpoints.load_to_resume(self.folder, path)
        check_goes_on(checkpoint, self.config, self.data.fingerprint)
        self.data.inherit(checkpoint)
        self.progress = Progress(**checkpoint.state["progress"])
        self.learner.go_on_from(checkpoint, self.global_step)
        if again := self.data.read_again(self.progress):
            logger.warning("%s", again)
