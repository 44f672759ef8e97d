"""A network that learns outside of a run: real data and steps, but no folder and no checkpoint."""

from collections.abc import Iterator

import torch
from accelerate.utils import send_to_device
from torch import Tensor

from evaluation.listener import front_end_of, network_of
from pipeline.loader import loader
from pipeline.sample import Batch
from pipeline.stream import training_stream
from settings.sections import Config
from training.learner import Learner, accelerator_of
from training.objective import loss_of
from training.reading_rates import interval_rates
from training.train_source import train_source

STEADY = {"schedule": "constant", "warmup_fraction": 0.0}


class Trial:
    """What learns at a run's beginning, in one process, at a learning rate that stays."""

    def __init__(self, config: Config):
        self.config = changed(config, train=STEADY)
        self.accelerator = accelerator_of(config.train.mixed_precision)
        self.shards = train_source(config)
        self.rates = interval_rates(self.shards, config.train.balance, config.train.dataset_weights)
        torch.manual_seed(config.train.seed)
        self.learner = Learner(
            network_of(config), front_end_of(config), loss_of(config, self.shards, self.rates),
            self.config.train, 1, self.accelerator,
        )  # fmt: skip
        self.learner.train()

    def batches(self) -> Iterator[Batch]:
        """Batches of the train split on the CPU, epoch after epoch without end."""
        setting, epoch = self.config, 0
        while True:
            stream = training_stream(
                self.shards, setting.train.global_batch_size, 0, 1, setting.train.seed, epoch,
                setting.stream.lanes, setting.stream.block_intervals, rates=self.rates,
                max_bad_samples=setting.stream.max_bad_samples,
            )  # fmt: skip
            yield from loader(stream, setting.stream.workers, pin_memory=False)
            epoch += 1

    def step(self, batch: Batch) -> Tensor:
        """The loss of one optimizer step, still on the device."""
        return self.learner.step(send_to_device(batch, self.accelerator.device)).loss


def changed(config: Config, **sections: dict) -> Config:
    """`config` with other values in some sections."""
    return config.model_copy(
        update={
            name: getattr(config, name).model_copy(update=changes)
            for name, changes in sections.items()
        }
    )
