"""The front end once more, of few large operations that an ONNX runtime does fast.

What a CQT, and Augment in evaluation mode, make of an interval: waveform (B, S) -> (B, F, T).
The waveform is laid out in rows of a hop. One product an octave multiplies every row by every piece
of its kernels; a frame is the sum over neighbouring rows, each by its own piece. So the waveform is
copied once an octave, where frame by frame the overlapping frames of low octaves would be.
Shapes as in pipeline/cqt.py.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.cqt import SILENT_PEAK, LogCQT
from pipeline.trainable import TrainableLogCQT


class GraphCQT(nn.Module):
    """The network's input, 0 to 1, of waveforms (B, S) of one length, full scale 1."""

    def __init__(self, log_cqt: LogCQT | TrainableLogCQT, n_samples: int):
        super().__init__()
        self.range_db, self.margin_bins = log_cqt.range_db, log_cqt.margin_bins
        if isinstance(log_cqt, LogCQT):
            self.hop_length = log_cqt.hop_length
            octaves = [octave.get_buffer("kernels") for octave in log_cqt.octaves]
        else:
            self.hop_length = log_cqt.transform.hop_length
            octaves = [_trained(log_cqt)]
        self.reach = max(map(len, octaves)) // 2
        n_frames = n_samples // self.hop_length + 1
        self.octaves = nn.ModuleList(
            GraphOctave(kernels, self.reach - len(kernels) // 2, self.hop_length, n_frames)
            for kernels in octaves
        )

    def forward(self, waveform: Tensor) -> Tensor:
        """(B, S) -> (B, F, T)."""
        padded = F.pad(waveform, (self.reach, self.reach), mode="reflect")
        padded = F.pad(padded, (0, self.hop_length))  # so that the last row is whole
        magnitude = torch.cat([octave(padded) for octave in self.octaves], dim=2)  # (B, T, F + 2M)
        peak = magnitude.amax(dim=(1, 2), keepdim=True).clamp(min=SILENT_PEAK)  # (B, 1, 1)
        seen = magnitude[:, :, self.margin_bins : magnitude.shape[2] - self.margin_bins]
        floor = 10 ** (-self.range_db / 20)
        per_range = 20 / math.log(10) / self.range_db  # from natural logarithms to the unit scale
        return ((seen / peak).clamp(min=floor).log() * per_range + 1).clamp(0, 1).transpose(1, 2)


class GraphOctave(nn.Module):
    """Bins whose kernels, (2 reach, 2 bins), share one length: their magnitudes."""

    kernels: Tensor

    def __init__(self, kernels: Tensor, start: int, hop_length: int, n_frames: int):
        super().__init__()
        length, self.columns = kernels.shape
        self.start, self.hop_length, self.n_frames = start, hop_length, n_frames
        self.pieces = math.ceil(length / hop_length)
        width = min(length, hop_length)
        kernels = F.pad(kernels, (0, 0, 0, self.pieces * width - length))
        kernels = kernels.unflatten(0, (self.pieces, width))  # (pieces, width, 2 bins)
        self.register_buffer("kernels", kernels.transpose(0, 1).flatten(1).contiguous())

    def forward(self, padded: Tensor) -> Tensor:
        """(B, S + 2 reach + hop_length) -> (B, T, bins)."""
        n_rows = self.n_frames + self.pieces - 1
        rows = padded[:, self.start : self.start + n_rows * self.hop_length]
        rows = rows.reshape(-1, n_rows, self.hop_length)
        if len(self.kernels) < self.hop_length:
            rows = rows[:, :, : len(self.kernels)]
        products = rows @ self.kernels  # (B, rows, pieces * 2 bins)
        frames = self._of_piece(products, 0)  # (B, T, 2 bins)
        for piece in range(1, self.pieces):
            frames = frames + self._of_piece(products, piece)
        real, imaginary = frames.chunk(2, dim=2)
        return (real.square() + imaginary.square()).sqrt()

    def _of_piece(self, products: Tensor, piece: int) -> Tensor:
        first = piece * self.columns
        return products[:, piece : piece + self.n_frames, first : first + self.columns]


def _trained(log_cqt: TrainableLogCQT) -> Tensor:
    """The kernels of all bins together, scaled as its `forward` scales the magnitudes."""
    transform = log_cqt.transform
    kernels = torch.cat([transform.cqt_kernels_real, transform.cqt_kernels_imag]).squeeze(1)
    return (kernels * log_cqt.get_buffer("scale").repeat(2, 1)).detach().T  # (width, 2 (F + 2M))
