"""A run: the loop over epochs and steps, what it saves, and how it goes on."""

import logging
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import send_to_device
from torch import Tensor

from build import front_end_of, network_of, shards_of
from config import write_config
from evaluation.answers import Answers, answer
from model.checkpoint import (
    CheckpointError,
    load_checkpoint,
    resolve,
    restore_model,
    restore_training,
    save_checkpoint,
)
from model.loss import cross_entropy
from model.optimizer import adamw, warmup_cosine
from pipeline.manifest import differences
from pipeline.order import limited, step_count
from pipeline.sample import Batch
from pipeline.stream import Stream, StreamError, loader, training_stream
from settings import Config
from training.monitor import Monitor

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Progress:
    """Where a run stands; with the weights, all that going on needs."""

    epoch: int = 0  # the epoch of the next step, from 0
    step: int = 0  # steps done in that epoch
    loss_sum: float = 0.0  # of those steps
    best_weighted: float = -1.0  # the valid split's score so far


class Training:
    """A run: its data, network and optimizer, and where it stands."""

    def __init__(self, config: Config, folder: Path, resume: bool):
        self.config, self.folder = config, folder
        self.accelerator = Accelerator()
        self.train_shards = shards_of(config, config, config.train.datasets, "train")
        self.valid_shards = shards_of(config, config, config.train.datasets, "valid")
        steps = step_count(self.train_shards.total, config.train.global_batch_size)
        self.steps_an_epoch = limited(steps, config.train.limit_fraction)
        self._build()
        self.progress = self._resumed() if resume else Progress()
        self._stream()  # refuses data that cannot be shared before a folder is made
        main = self.accelerator.is_main_process
        if main:
            folder.mkdir(parents=True, exist_ok=resume)
            write_config(config, folder / "config.toml")
        self.monitor = Monitor(folder if main else None, config, first_step=self.global_step + 1)

    @property
    def global_step(self) -> int:
        """Steps done since the run began."""
        return self.progress.epoch * self.steps_an_epoch + self.progress.step

    def run(self) -> None:
        """Train from where the run stands to the end of its last epoch."""
        while self.progress.epoch < self.config.train.epochs:
            self._train_epoch(self._stream())
            self._end_epoch()
        logger.info("best valid mirex %.1f in %s", self.progress.best_weighted, self.folder)
        self.monitor.close()
        self.accelerator.end_training()

    def _build(self) -> None:
        setting = self.config.train
        torch.manual_seed(setting.seed)
        network = network_of(self.config)
        self.front_end = front_end_of(self.config).to(self.accelerator.device)
        optimizer = adamw(network, setting.learning_rate, setting.weight_decay)
        steps = setting.epochs * self.steps_an_epoch
        # Not prepared: Accelerate would step it once for each process.
        self.scheduler = warmup_cosine(optimizer, round(setting.warmup_fraction * steps), steps)
        self.network, self.optimizer = self.accelerator.prepare(network, optimizer)

    def _stream(self) -> Stream:
        setting = self.config
        return training_stream(
            self.train_shards, setting.train.global_batch_size, self.accelerator.process_index,
            self.accelerator.num_processes, setting.train.seed, self.progress.epoch,
            setting.stream.lanes, setting.stream.block_intervals, self.progress.step,
            setting.train.limit_fraction,
        )  # fmt: skip

    def _train_epoch(self, stream: Stream) -> None:
        self.network.train()
        self.front_end.train()
        on_cuda = self.accelerator.device.type == "cuda"
        batches = iter(loader(stream, self.config.stream.workers, pin_memory=on_cuda))
        losses, norms = [], []  # of the steps that no curve shows yet
        for step in stream.steps:
            batch = self._next(batches)
            stream.check(batch, self.config.stream.max_bad_samples)
            loss, norm = self._step(batch)
            losses.append(loss)
            norms.append(norm)
            self.progress = replace(self.progress, step=step + 1)
            last = step + 1 == self.steps_an_epoch
            saving = self.progress.step % self.config.train.checkpoint_every_steps == 0
            if last or saving or self.progress.step % self.config.train.log_every_steps == 0:
                self._log(losses, norms)
                losses, norms = [], []
            if saving and not last:
                self._save("last")

    def _next(self, batches) -> Batch:
        began = time.perf_counter()
        batch = next(batches)
        self.monitor.waited(time.perf_counter() - began)
        return batch

    def _step(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Loss and gradient norm of one optimizer step.

        What is random in it depends on seed, step and process alone.
        """
        words = (self.config.train.seed, self.global_step, self.accelerator.process_index)
        torch.manual_seed(int(np.random.SeedSequence(words).generate_state(1)[0]))
        cqt, key_id = self.front_end(send_to_device(batch, self.accelerator.device))
        loss = cross_entropy(self.network(cqt), key_id)
        self.optimizer.zero_grad()
        self.accelerator.backward(loss)
        clip_norm = self.config.train.clip_norm
        norm = self.accelerator.clip_grad_norm_(self.network.parameters(), clip_norm)
        self.optimizer.step()
        self.scheduler.step()
        return loss.detach(), norm

    def _log(self, losses: list[Tensor], norms: list[Tensor]) -> None:
        """Curves of the steps since the last; a loss that is not finite ends the run."""
        loss = float(self.accelerator.reduce(torch.stack(losses).mean(), reduction="mean"))
        if not np.isfinite(loss):
            raise StreamError(
                f"the loss is {loss} at step {self.global_step}; lower train.learning_rate or "
                "train.clip_norm, or train without mixed precision"
            )
        loss_sum = self.progress.loss_sum + loss * len(losses)
        self.progress = replace(self.progress, loss_sum=loss_sum)
        intervals = len(losses) * self.config.train.global_batch_size
        rate = self.scheduler.get_last_lr()[0]
        norm = float(torch.stack(norms).mean())
        self.monitor.steps(self.global_step, loss, norm, rate, intervals)

    def _end_epoch(self) -> None:
        """Save, score the valid split, and stand at the beginning of the next epoch."""
        self._save("last")
        valid = answer(
            self.network, self.front_end, self.valid_shards, self.accelerator,
            self.config.eval.batch_size, self.config.stream.workers,
            self.config.stream.max_bad_samples, self.config.train.limit_fraction,
        )  # fmt: skip
        self._report(valid)
        if not valid.songs:
            raise StreamError("no song of the valid split could be read; see the warnings above")
        weighted, best = valid.song_score.weighted, self.progress.best_weighted
        self.progress = Progress(self.progress.epoch + 1, best_weighted=max(weighted, best))
        self._save("last")
        if weighted > best:
            self._save("best")

    def _report(self, valid: Answers) -> None:
        loss = self.progress.loss_sum / self.steps_an_epoch
        epoch, epochs = self.progress.epoch + 1, self.config.train.epochs
        self.monitor.epoch(epoch, epochs, self.global_step, loss, valid)
        if epoch % self.config.train.pictures_every_epochs == 0:
            network = self.accelerator.unwrap_model(self.network)
            self.monitor.pictures(
                self.global_step, valid, network, self.front_end, self.valid_shards
            )

    def _save(self, name: str) -> None:
        self.monitor.flush()
        if self.accelerator.is_main_process:
            save_checkpoint(
                self.folder / "checkpoints" / f"{name}.safetensors",
                self.accelerator.unwrap_model(self.network),
                self.config.model_dump(mode="json"),
                {"progress": asdict(self.progress), "fixed": self._fixed_settings()},
                self.optimizer,
                self.scheduler,
            )

    def _fixed_settings(self) -> dict:
        """What has to stay when a run goes on: its data, their order, what the optimizer keeps."""
        return {
            "shards": self.train_shards.fingerprint,
            "train.seed": self.config.train.seed,
            "train.global_batch_size": self.config.train.global_batch_size,
            "train.limit_fraction": self.config.train.limit_fraction,
            "stream.lanes": self.config.stream.lanes,
            "stream.block_intervals": self.config.stream.block_intervals,
            "train.learning_rate": self.config.train.learning_rate,
            "train.weight_decay": self.config.train.weight_decay,
        }

    def _resumed(self) -> Progress:
        checkpoint = load_checkpoint(resolve(self.folder, "last"))
        if changed := differences(checkpoint.state["fixed"], self._fixed_settings()):
            raise CheckpointError(
                f"{checkpoint.path}: cannot go on with other settings ({changed}); set them back"
            )
        restore_model(checkpoint, self.accelerator.unwrap_model(self.network))
        restore_training(checkpoint, self.optimizer, self.scheduler)
        return Progress(**checkpoint.state["progress"])
