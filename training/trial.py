"""A network that learns outside of a run: real data and steps, but no folder and no checkpoint."""

from collections.abc import Iterator

import torch
from accelerate import Accelerator
from accelerate.utils import send_to_device
from torch import Tensor

from build import front_end_of, network_of, shards_of
from model.loss import cross_entropy
from model.optimizer import adamw
from pipeline.sample import Batch
from pipeline.stream import loader, training_stream
from settings import Config


class Trial:
    """The network, front end and optimizer of a run's beginning, in one process."""

    def __init__(self, config: Config):
        self.config = config
        self.accelerator = Accelerator()
        self.shards = shards_of(config, config, config.train.datasets, "train")
        torch.manual_seed(config.train.seed)
        network = network_of(config)
        optimizer = adamw(network, config.train.learning_rate, config.train.weight_decay)
        self.network, self.optimizer = self.accelerator.prepare(network, optimizer)
        self.front_end = front_end_of(config).to(self.accelerator.device)

    def batches(self) -> Iterator[Batch]:
        """Batches of the train split on the CPU, epoch after epoch without end."""
        setting, epoch = self.config, 0
        while True:
            stream = training_stream(
                self.shards, setting.train.global_batch_size, 0, 1, setting.train.seed, epoch,
                setting.stream.lanes, setting.stream.block_intervals,
            )  # fmt: skip
            for batch in loader(stream, setting.stream.workers, pin_memory=False):
                stream.check(batch, setting.stream.max_bad_samples)
                yield batch
            epoch += 1

    def input_of(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """What the network sees of a batch, (B, F, T), and its key ids, (B,)."""
        return self.front_end(send_to_device(batch, self.accelerator.device))

    def step(self, cqt: Tensor, key_id: Tensor) -> Tensor:
        """The loss of one optimizer step on (B, F, T) with keys (B,), still on the device."""
        loss = cross_entropy(self.network(cqt), key_id)
        self.optimizer.zero_grad()
        self.accelerator.backward(loss)
        clip_norm = self.config.train.clip_norm
        self.accelerator.clip_grad_norm_(self.network.parameters(), clip_norm)
        self.optimizer.step()
        return loss.detach()
