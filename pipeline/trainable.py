"""A network that learns its CQT too: nnAudio's kernels as weights, then augmentation, then it.

What front_end and network do elsewhere happens here in one module, so that the kernels are trained,
saved and shared between processes as the network's other weights are. Its answers are of the
keys that were played, also where augmentation has transposed the music.
Shapes as in pipeline/cqt.py.
"""

import torch
from nnAudio.features import CQT1992v2
from torch import Tensor, nn

from pipeline.augment import Augment
from pipeline.cqt import as_float, bins_of, decibels_below_peak
from songkey.errors import AudioKeyError

# Adam moves every weight by about the learning rate, however small. nnAudio's kernels, whose values
# sum to 1, would be gone after a step; as high as this, a step of 0.003 changes them by 0.03%.
PEAK = 10.0
TINY = 1e-16  # keeps the root's slope finite at silence, and silence below every range_db up to 100


class TrainableLogCQT(nn.Module):
    """What LogCQT gives, of kernels that training changes: (B, S) -> (B, F + 2M, T) decibels.

    One kernel of the lowest bin's length for every bin: three times LogCQT's work or more.
    """

    def __init__(
        self, sample_rate: int, fmin_hz: float, n_bins: int, bins_per_octave: int,
        margin_semitones: int, hop_length: int, range_db: float,
    ):  # fmt: skip
        super().__init__()
        bins = bins_of(sample_rate, fmin_hz, n_bins, bins_per_octave, margin_semitones)
        self.margin_bins, self.range_db, self.sample_rate = bins.margin, range_db, sample_rate
        self.transform = CQT1992v2(
            sample_rate, hop_length, bins.lowest_hz, n_bins=bins.total,
            bins_per_octave=bins_per_octave, trainable=True, output_format="Complex", verbose=False,
        )  # fmt: skip
        lengths = self.transform.lenghts[:, None]  # (F + 2M, 1), samples
        for kernels in self.transform.parameters():  # (F + 2M, 1, samples), Hann windows of sum 1
            kernels.data *= PEAK * lengths[:, None] / 2
        scale = 2 / PEAK / lengths.sqrt()  # undoes that, with nnAudio's "librosa" normalisation
        self.register_buffer("scale", scale, persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        """Decibels (B, F + 2M, T) of a waveform (B, S); in float32 even under autocast.

        AudioKeyError if the waveform is not longer than half of a kernel.
        """
        reach = self.transform.kernel_width // 2
        if waveform.shape[-1] <= reach:
            raise AudioKeyError(
                f"waveform of {waveform.shape[-1] / self.sample_rate:.2f} s: the trainable CQT "
                f"needs more than {reach / self.sample_rate:.2f} s; pad it with zeros"
            )
        with torch.autocast(waveform.device.type, enabled=False):
            parts = self.transform(as_float(waveform), normalization_type="convolutional")
            magnitude = (parts.square().sum(dim=3) + TINY).sqrt()  # (B, F + 2M, T)
            return decibels_below_peak(self.scale * magnitude, self.range_db)


class HearingNetwork(nn.Module):
    """A trainable CQT, augmentation in training mode, and a network: waveform (B, S) -> (B, 24)."""

    def __init__(self, log_cqt: TrainableLogCQT, augment: Augment, network: nn.Module):
        super().__init__()
        self.log_cqt, self.augment, self.network = log_cqt, augment, network

    def forward(self, waveform: Tensor) -> Tensor:
        """Logits (B, 24) of the keys as played: answers for transposed music are turned back."""
        c_major = torch.zeros(len(waveform), dtype=torch.int64, device=waveform.device)  # (B,)
        cqt, semitones = self.augment(self.log_cqt(waveform), c_major)  # (B, F, T), (B,) 0 to 11
        key_id = torch.arange(24, device=waveform.device)
        heard_as = (key_id + semitones[:, None]) % 12 + key_id // 12 * 12  # (B, 24)
        return self.network(cqt).gather(1, heard_as)
