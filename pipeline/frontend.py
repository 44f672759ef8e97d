"""From a batch of stored intervals to what the network sees, on the batch's device."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from pipeline.augment import Augment
from pipeline.cqt import LogCQT
from pipeline.image import to_decibels
from pipeline.sample import Batch


class FrontEnd(nn.Module):
    """The CQT, where the batch is audio, then augmentation in training mode and scaling.

    `cqt` and `augment` are the values of the sections of that name in config.toml.
    """

    def __init__(self, sample_rate: int, cqt: Mapping[str, Any], augment: Mapping[str, Any]):
        super().__init__()
        self.log_cqt = LogCQT(sample_rate, **cqt)
        margin_bins, range_db = self.log_cqt.margin_bins, self.log_cqt.range_db
        self.augment = Augment(cqt["bins_per_octave"], margin_bins, range_db, **augment)

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The network's input (B, F, T), 0 to 1, and the key ids (B,) that go with it."""
        if batch.cqt is None:
            decibels = self.log_cqt(batch.waveform)
        else:
            decibels = to_decibels(batch.cqt, self.log_cqt.range_db)
        return self.augment(decibels, batch.key_id)
