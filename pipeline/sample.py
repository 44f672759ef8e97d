"""What one shard entry holds, and what a batch of them is: the contract of packing and training.

Shapes, everywhere: B intervals in the batch, S audio samples, F CQT bins, T frames.
"""

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from pipeline.strict import Frozen


class SampleInfo(Frozen):
    """The `<sample id>.json` beside the media: which interval of which song it is, and its key."""

    song_id: str
    interval: int  # from 0, in the song
    start_seconds: float
    duration_seconds: float  # of the song's own sound; zeros fill the rest
    key: str  # "C minor"
    label_source: str
    media_crc32: int


class Batch(NamedTuple):
    """A batch of intervals, either as audio or as ready spectrograms; the other is None."""

    waveform: Tensor | None  # (B, S) int16
    cqt: Tensor | None  # (B, F, T) uint8 levels, margins included
    key_id: Tensor  # (B,) int64
    song_index: Tensor  # (B,) int64, the song's line in the tables of songs
    valid: Tensor  # (B,) bool; False fills up evaluation's last batch

    def __reduce__(self) -> tuple[Any, ...]:
        """Labels go from worker to trainer as arrays: each tensor would cost a connection."""
        labels = [tensor.numpy() for tensor in (self.key_id, self.song_index, self.valid)]
        return _with_labels, (self.waveform, self.cqt, *labels)


def _with_labels(waveform: Tensor | None, cqt: Tensor | None, *labels: np.ndarray) -> Batch:
    return Batch(waveform, cqt, *(torch.from_numpy(label) for label in labels))
