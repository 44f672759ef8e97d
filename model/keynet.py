"""keynet: transposing the input by k semitones rotates its answers by k, for major and minor keys.

Every layer treats all pitches alike, so that what is learnt in one key holds in all. The stem turns
bins into semitones; tall convolutions show each semitone the chord around it and its neighbours an
octave off, so that a bass is not a melody. Only then are the octaves folded to 12 pitch classes,
which circular convolutions compare with one another; time is averaged late.

Padding repeats the outermost row, so that silence looks alike at the edge and inside; zeros would
tell the layers after the first where the edge is. What remains of the edge: music within 19
semitones of it loses some of its surroundings.
Shapes: B, F and T as everywhere; C channels; P = 12 F / bins_per_octave semitones.
"""

import torch
from torch import Tensor, nn

from songkey.errors import AudioKeyError

FRAMES_PER_STEP = 4  # of the stem: 0.74 s, about a chord, with the default hop


class KeyNet(nn.Module):
    """Log CQT (B, F, T), 0 to 1, whose lowest bin is a C -> logits (B, 24) in key id order."""

    def __init__(self, n_bins: int, bins_per_octave: int, channels: int, dropout: float):
        super().__init__()
        _check_octaves(n_bins, bins_per_octave)
        bins = bins_per_octave // 12  # in a semitone
        self.stem = _layer(1, channels, (2 * bins + 1, 5), stride=(bins, FRAMES_PER_STEP))
        self.chord = _layer(channels, channels, (13, 1))
        self.register = _layer(channels, channels, (3, 1), dilation=(12, 1))
        self.classes = _circular_layer(2 * channels, 2 * channels)
        self.keys = _circular_layer(2 * channels, 2 * channels)
        self.dropout = nn.Dropout2d(dropout)
        self.modes = nn.Conv2d(2 * channels, 2, kernel_size=1)

    def forward(self, cqt: Tensor) -> Tensor:
        pitches = self.register(self.chord(self.stem(cqt.unsqueeze(1))))  # (B, C, P, T / 4)
        octaves = pitches.unflatten(2, (-1, 12))  # (B, C, P / 12, 12, T / 4)
        folded = torch.cat([octaves.mean(dim=2), octaves.amax(dim=2)], dim=1)  # (B, 2C, 12, T / 4)
        profile = self.classes(folded).mean(dim=3, keepdim=True)  # (B, 2C, 12, 1)
        return self.modes(self.dropout(self.keys(profile))).flatten(1)  # (B, 24)


def _layer(
    channels_in: int, channels_out: int, kernel_size: tuple[int, int],
    stride: tuple[int, int] = (1, 1), dilation: tuple[int, int] = (1, 1),
) -> nn.Sequential:  # fmt: skip
    """A convolution over (pitch, time) that keeps their sizes but for its stride."""
    height, width = (d * (k // 2) for k, d in zip(kernel_size, dilation, strict=True))
    convolution = nn.Conv2d(
        channels_in, channels_out, kernel_size, stride, (height, width), dilation, bias=False,
        padding_mode="replicate",
    )  # fmt: skip
    return nn.Sequential(convolution, nn.BatchNorm2d(channels_out), nn.ReLU())


def _circular_layer(channels_in: int, channels_out: int) -> nn.Sequential:
    """A convolution that weighs all 12 pitch classes by their distance upwards."""
    convolution = nn.Conv2d(
        channels_in, channels_out, kernel_size=(12, 1), padding="same", bias=False,
        padding_mode="circular",
    )  # fmt: skip
    return nn.Sequential(convolution, nn.BatchNorm2d(channels_out), nn.ReLU())


def _check_octaves(n_bins: int, bins_per_octave: int) -> None:
    if bins_per_octave % 12:
        raise AudioKeyError(
            f"cqt.bins_per_octave = {bins_per_octave}: a semitone must be a whole number of bins; "
            "choose a multiple of 12"
        )
    if n_bins % bins_per_octave or not n_bins:
        raise AudioKeyError(
            f"cqt.n_bins = {n_bins}: keynet folds whole octaves; choose a multiple of "
            f"cqt.bins_per_octave ({bins_per_octave})"
        )
