"""The constant-Q transform: waveform (B, S) -> log CQT (B, F + 2M, T), M bins of margin each side.

nnAudio's CQT1992v2 gives every bin a kernel as long as the lowest bin's, most of it zeros. Here the
same kernels are applied octave by octave without those zeros: a third of the work, the same values.
Shapes: B intervals, S audio samples, F CQT bins that the network sees, T frames.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from nnAudio.utils import create_cqt_kernels
from torch import Tensor, nn

from songkey.errors import AudioKeyError

# Magnitude of a tone as loud as one step of 16-bit audio. No quieter peak counts as the loudest
# bin, so that silence stays silent and dither is not blown up to full level.
SILENT_PEAK = 1e-3


@dataclass(frozen=True)
class Bins:
    """The bins of a transform, margins included; AudioKeyError for those that audio cannot hold."""

    sample_rate: int
    lowest_hz: float
    total: int
    margin: int  # on each side
    per_octave: int

    def __post_init__(self) -> None:
        if self.per_octave % 12:
            raise AudioKeyError(
                f"cqt.bins_per_octave = {self.per_octave}: a semitone must be a whole number of "
                "bins; choose a multiple of 12"
            )
        highest_hz = self.lowest_hz * 2 ** ((self.total - 1) / self.per_octave)
        if highest_hz > self.sample_rate / 2:
            raise AudioKeyError(
                f"the CQT's highest bin is at {highest_hz:.0f} Hz, but audio sampled at "
                f"{self.sample_rate} Hz ends at {self.sample_rate / 2:.0f} Hz: lower cqt.n_bins, "
                "cqt.margin_semitones or cqt.fmin_hz, or raise audio.sample_rate"
            )


def bins_of(
    sample_rate: int, fmin_hz: float, n_bins: int, bins_per_octave: int, margin_semitones: int
) -> Bins:
    """The `n_bins` bins from `fmin_hz` with a margin below and above, so that transposing crops."""
    margin = margin_semitones * bins_per_octave // 12
    lowest_hz = fmin_hz * 2 ** (-margin_semitones / 12)
    return Bins(sample_rate, lowest_hz, n_bins + 2 * margin, margin, bins_per_octave)


class Octave(nn.Module):
    """At most an octave of neighbouring bins, whose kernels share one length."""

    kernels: Tensor

    def __init__(
        self, sample_rate: int, fmin_hz: float, n_bins: int, bins_per_octave: int, hop_length: int
    ):
        super().__init__()
        self.hop_length = hop_length
        q = 1 / (2 ** (1 / bins_per_octave) - 1)
        kernels, width, lengths, _ = create_cqt_kernels(
            q, sample_rate, fmin_hz, n_bins, bins_per_octave, norm=1, window="hann"
        )
        self.reach = math.ceil(lengths.max().item() / 2)  # samples before a frame's centre
        kernels = torch.from_numpy(kernels[:, width // 2 - self.reach : width // 2 + self.reach])
        kernels = kernels * lengths.sqrt()[:, None]  # nnAudio's "librosa" normalisation
        kernels = torch.cat([kernels.real, kernels.imag]).T.contiguous()  # (2 reach, 2 bins)
        self.register_buffer("kernels", kernels, persistent=False)

    def forward(self, padded: Tensor, centre: int, n_frames: int) -> Tensor:
        """Magnitudes (B, bins, T) of frames around samples centre, centre + hop_length, ..."""
        start, batch = centre - self.reach, len(padded)
        products = padded.new_empty(batch, n_frames, self.kernels.shape[1])  # (B, T, 2 bins)
        # Pieces of a hop at most: those of neighbouring frames do not overlap, so that they form a
        # matrix inside the waveform, which baddbmm takes without a copy. On a busy machine every
        # further parallel operation waits for the threads: hence one a piece, sum included
        # (the first, with beta = 0, ignores what the empty tensor holds).
        for first in range(0, len(self.kernels), self.hop_length):
            piece = self.kernels[first : first + self.hop_length]  # (piece, 2 bins)
            frames = padded[:, start + first :].unfold(1, len(piece), self.hop_length)
            frames = frames[:, :n_frames]  # (B, T, piece)
            products.baddbmm_(frames, piece.expand(batch, -1, -1), beta=int(first > 0))
        return torch.hypot(*products.chunk(2, dim=2)).mT


class LogCQT(nn.Module):
    """Log-magnitude CQT in decibels below the interval's loudest bin, -range_db to 0.

    The network sees `n_bins` bins from `fmin_hz`; `margin_bins` more lie below and above, so that
    transposing is cropping. Float32 even under autocast. The kernels are made from the settings and
    never saved. AudioKeyError for settings that do not fit together.
    """

    def __init__(
        self, sample_rate: int, fmin_hz: float, n_bins: int, bins_per_octave: int,
        margin_semitones: int, hop_length: int, range_db: float,
    ):  # fmt: skip
        super().__init__()
        bins = bins_of(sample_rate, fmin_hz, n_bins, bins_per_octave, margin_semitones)
        self.n_bins, self.margin_bins, self.total_bins = n_bins, bins.margin, bins.total
        self.sample_rate, self.hop_length, self.range_db = sample_rate, hop_length, range_db
        octaves = [
            Octave(
                sample_rate, bins.lowest_hz * 2 ** (first / bins_per_octave),
                min(bins_per_octave, bins.total - first), bins_per_octave, hop_length,
            )
            for first in range(0, bins.total, bins_per_octave)
        ]  # fmt: skip
        self.reach = octaves[0].reach  # samples; the lowest bins have the longest kernels
        self.octaves = nn.ModuleList(octaves)

    def forward(self, waveform: Tensor) -> Tensor:
        """Decibels (B, F + 2M, T) of a waveform (B, S); silence is -range_db.

        The waveform is between -1 and 1, or 16-bit integers as shards hold them.
        """
        return decibels_below_peak(self.magnitude(waveform), self.range_db)

    def magnitude(self, waveform: Tensor) -> Tensor:
        """Linear CQT (B, F + 2M, T), T = S // hop_length + 1, equal to nnAudio's CQT1992v2.

        AudioKeyError if the waveform is not longer than half of the lowest bin's kernel.
        """
        n_samples, reach = waveform.shape[-1], self.reach
        if n_samples <= reach:
            raise AudioKeyError(
                f"waveform of {n_samples / self.sample_rate:.2f} s: the CQT needs more than "
                f"{reach / self.sample_rate:.2f} s; pad it with zeros"
            )
        n_frames = n_samples // self.hop_length + 1
        with torch.autocast(waveform.device.type, enabled=False):
            padded = F.pad(as_float(waveform), (reach, reach), mode="reflect")
            return torch.cat([octave(padded, reach, n_frames) for octave in self.octaves], dim=1)


def unit_scale(decibels: Tensor, range_db: float) -> Tensor:
    """The network's input, 0 to 1, of a log CQT of -range_db to 0 decibels."""
    return decibels / range_db + 1


def decibels_below_peak(magnitude: Tensor, range_db: float) -> Tensor:
    """Linear magnitudes (B, F + 2M, T) in decibels below each interval's peak, -range_db to 0."""
    peak = magnitude.amax(dim=(1, 2), keepdim=True).clamp(min=SILENT_PEAK)  # (B, 1, 1)
    floor = 10 ** (-range_db / 20)
    return (20 * (magnitude / peak).clamp(min=floor).log10()).clamp(-range_db, 0)


def as_float(waveform: Tensor) -> Tensor:
    """A waveform between -1 and 1, also of one in 16-bit integers."""
    return waveform / 32768 if waveform.dtype == torch.int16 else waveform.float()
