"""What learns: network, optimizer, schedule and average, and one step of them."""

from contextlib import nullcontext

import torch
from accelerate import Accelerator
from accelerate.utils import GradientAccumulationPlugin, broadcast
from torch import Tensor, nn
from torch._dynamo.exc import TorchDynamoException

from model.average import moving_average
from model.checkpoint import Checkpoint, restore_model, restore_trained, restore_training
from model.loss import KeyLoss
from model.optimizer import adamw, schedule
from pipeline.frontend import FrontEnd, Waveforms
from pipeline.sample import Batch
from settings.sections import Train
from songkey.errors import AudioKeyError
from training.finite import StepResult
from training.teacher import Teacher


class LearnerError(AudioKeyError):
    """Settings of [train] that this machine, or this number of processes, cannot follow."""


def accelerator_of(mixed_precision: str) -> Accelerator:
    """The Accelerator for the devices that the launcher gave; 'auto' takes its precision too."""
    # Ours to accumulate: an environment that says otherwise would divide each loss once more.
    once = GradientAccumulationPlugin(num_steps=1)
    precision = None if mixed_precision == "auto" else mixed_precision
    try:
        accelerator = Accelerator(mixed_precision=precision, gradient_accumulation_plugin=once)
    except ValueError as error:  # for a precision that the launcher names, and this machine lacks
        raise LearnerError(f"{error} Launch with another --mixed_precision") from error
    if accelerator.mixed_precision == "fp16" and accelerator.scaler is None:
        raise LearnerError(
            f"fp16 needs a GPU, this is a {accelerator.device.type}; "
            "set train.mixed_precision to bf16 or no"
        )
    return accelerator


class Learner:
    """A network in training on this process's device."""

    def __init__(
        self, network: nn.Module, front_end: FrontEnd | Waveforms, loss: KeyLoss, setting: Train,
        total_steps: int, accelerator: Accelerator, teacher: Teacher | None = None,
    ):  # fmt: skip
        """With a `teacher` each step learns from music without labels too."""
        self._setting, self._accelerator = setting, accelerator
        _check_parts(setting, accelerator.num_processes)
        if teacher and accelerator.num_processes > 1:
            raise LearnerError(
                f"{accelerator.num_processes} processes, but music without labels is learnt from "
                "in one; start the program without a launcher"
            )
        self._teacher = teacher
        self.front_end = front_end.to(accelerator.device)
        self._loss = loss.to(accelerator.device)
        self._own = network.to(accelerator.device)
        self._average = moving_average(network, setting.ema_decay) if setting.ema_decay else None
        if setting.compile:
            network.compile()  # in place: names of weights stay
        self.optimizer = adamw(network, setting.learning_rate, setting.weight_decay)
        # Not prepared: Accelerate would step it once for each process.
        self.schedule = schedule(
            setting.schedule, self.optimizer, round(setting.warmup_fraction * total_steps),
            total_steps, setting.plateau_factor, setting.plateau_patience_epochs,
        )  # fmt: skip
        self._network, self._prepared = accelerator.prepare(network, self.optimizer)
        if self._average:
            # For its precision; it learns nothing, so without DDP.
            accelerator.prepare_model(self._average.module, evaluation_mode=True)

    def train(self) -> None:
        """Put everything into training mode."""
        self._network.train()
        self.front_end.train()

    def step(self, batch: Batch) -> StepResult:
        """One optimizer step on this process's part of the global batch, already on the device."""
        device = self._accelerator.device
        if self._teacher and self._teacher.before_step(self.answering(), self.front_end, device):
            self.train()
        self._prepared.zero_grad()
        losses = [self._backward(part, last) for part, last in self._parts(batch)]
        norm = self._accelerator.clip_grad_norm_(self._own.parameters(), self._setting.clip_norm)
        self._prepared.step()
        self.schedule.step()
        if self._average:
            self._average.update_parameters(self._own)
        return StepResult(torch.stack(losses).sum(), norm, batch.song_index)

    def answering(self) -> nn.Module:
        """The network that answers: the average where there is one; the same on all processes."""
        if not self._average:
            return self._network
        for buffer in self._average.module.buffers():  # each process averaged its own statistics
            broadcast(buffer)
        return self._average.module

    def saved(self) -> dict:
        """The arguments of save_checkpoint that hold the weights and what trains them."""
        model, trained = (self._average.module, self._own) if self._average else (self._own, None)
        return {
            "model": model, "trained": trained, "optimizer": self.optimizer,
            "scheduler": self.schedule,
        }  # fmt: skip

    def state(self) -> dict:
        """What else a checkpoint has to hold."""
        scaler = self._accelerator.scaler
        return {"scaler": scaler.state_dict() if scaler else {}}

    def start_from(self, checkpoint: Checkpoint) -> None:
        """Take the weights that answer; raises CheckpointError if they are of another network."""
        restore_model(checkpoint, self._own)
        if self._average:  # what answers until the first step
            restore_model(checkpoint, self._average.module)

    def go_on_from(self, checkpoint: Checkpoint, steps: int) -> None:
        """Take everything of a run that did `steps`; raises CheckpointError if it does not fit."""
        restore_trained(checkpoint, self._own)
        restore_training(checkpoint, self.optimizer, self.schedule)
        if self._average:
            restore_model(checkpoint, self._average.module)
            self._average.n_averaged.fill_(steps)
        if self._accelerator.scaler and checkpoint.state.get("scaler"):
            self._accelerator.scaler.load_state_dict(checkpoint.state["scaler"])

    def _parts(self, batch: Batch) -> list[tuple[Batch, bool]]:
        """The batch in train.accumulation equal parts, and whether each is the last."""
        count = self._setting.accumulation
        columns = [(None,) * count if part is None else part.chunk(count) for part in batch]
        parts = [Batch(*part) for part in zip(*columns, strict=True)]
        return [(part, index == count - 1) for index, part in enumerate(parts)]

    def _backward(self, part: Batch, last: bool) -> Tensor:
        """The part's share of the loss; processes exchange gradients with the last part only."""
        together = nullcontext() if last else self._accelerator.no_sync(self._network)
        with together:
            heard, key_id = self.front_end(part)  # (B, F, T) or waveforms (B, S), and (B,)
            loss = self._loss(self._logits(heard), key_id, part.song_index)
            if self._teacher:
                loss = loss + self._teacher.loss(self._logits, self.front_end, len(key_id))
            loss = loss / self._setting.accumulation
            self._accelerator.backward(loss)
        return loss.detach()

    def _logits(self, heard: Tensor) -> Tensor:
        try:
            return self._network(heard)
        except TorchDynamoException as error:
            reason = str(error).strip().splitlines()[0]
            raise LearnerError(
                f"torch.compile failed ({reason}); install what it asks for, a C++ compiler as a "
                "rule, or set train.compile=false"
            ) from error


def _check_parts(setting: Train, processes: int) -> None:
    share = setting.global_batch_size // processes
    if share % setting.accumulation:
        raise LearnerError(
            f"train.accumulation = {setting.accumulation}: a process's {share} intervals of a step "
            "do not split into so many equal parts; choose a divisor"
        )
