"""From a batch of stored intervals to what the network takes, on the batch's device."""

from torch import Tensor, nn

from pipeline.augment import Augment
from pipeline.cqt import LogCQT
from pipeline.image import to_decibels
from pipeline.sample import Batch


class FrontEnd(nn.Module):
    """The CQT, where the batch is audio, then augmentation in training mode and scaling."""

    def __init__(self, log_cqt: LogCQT, augment: Augment):
        super().__init__()
        self.log_cqt, self.augment = log_cqt, augment

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The network's input (B, F, T), 0 to 1, and the key ids (B,) that go with it."""
        if batch.cqt is None:
            decibels = self.log_cqt(batch.waveform)
        else:
            decibels = to_decibels(batch.cqt, self.log_cqt.range_db)
        return self.augment(decibels, batch.key_id)


class Waveforms(nn.Module):
    """The front end of a network that has its own CQT and augmentation: the audio as it is."""

    def forward(self, batch: Batch) -> tuple[Tensor | None, Tensor]:
        """Waveforms (B, S), 16-bit integers, and their key ids (B,); None if it is not audio."""
        return batch.waveform, batch.key_id
