"""allconv: nothing but convolutions, after Korzeniowski & Widmer 2018.

"Genre-agnostic key classification with convolutional neural networks" (ISMIR). Chosen here, where
the paper leaves it open: convolutions are padded with zeros to keep their size (the count of
weights is then that of the authors' own program, 0.67 million with 24 feature maps), `dropout` is
a setting, and the last layer has neither norm nor ELU. Zeros at the edges are needed: averaged
over all pitches, the answer could not know the tonic if no layer saw where the edge is.
Shapes: B, F and T as everywhere; N feature maps.
"""

from torch import Tensor, nn

from songkey.errors import AudioKeyError

SHRINKAGE = 8  # bins and frames that become one: three poolings halve both


class AllConv(nn.Module):
    """Log CQT (B, F, T), 0 to 1 -> logits (B, 24); F and T are 8 at least, else AudioKeyError."""

    def __init__(self, num_feature_maps: int, dropout: float):
        super().__init__()
        self.features = Features(num_feature_maps, dropout)
        self.keys = nn.Conv2d(self.features.channels, 24, kernel_size=1)

    def forward(self, cqt: Tensor) -> Tensor:
        answers = self.keys(self.features(cqt))  # (B, 24, F / 8, T / 8)
        return answers.mean(dim=(2, 3))  # (B, 24)


class Features(nn.Module):
    """Log CQT (B, F, T) -> feature maps (B, 8N, F / 8, T / 8): the eight convolutions of 5 and 3.

    AudioKeyError for an input that does not survive three poolings.
    """

    def __init__(self, num_feature_maps: int, dropout: float):
        super().__init__()
        n = num_feature_maps
        self.channels = 8 * n
        self.layers = nn.Sequential(
            *(_layer(1, n, 5), _layer(n, n), nn.MaxPool2d(2), nn.Dropout2d(dropout)),
            *(_layer(n, 2 * n), _layer(2 * n, 2 * n), nn.MaxPool2d(2), nn.Dropout2d(dropout)),
            *(_layer(2 * n, 4 * n), _layer(4 * n, 4 * n), nn.MaxPool2d(2), nn.Dropout2d(dropout)),
            *(_layer(4 * n, 8 * n), _layer(8 * n, 8 * n), nn.Dropout2d(dropout)),
        )

    def forward(self, cqt: Tensor) -> Tensor:
        n_bins, n_frames = cqt.shape[1:]
        if min(n_bins, n_frames) < SHRINKAGE:
            raise AudioKeyError(
                f"an interval of {n_bins} bins and {n_frames} frames: allconv halves both three "
                f"times, so that it needs {SHRINKAGE} of each; raise cqt.n_bins or "
                "prepare.interval_seconds, or lower cqt.hop_length"
            )
        return self.layers(cqt.unsqueeze(1))


def _layer(channels_in: int, channels_out: int, kernel_size: int = 3) -> nn.Sequential:
    convolution = nn.Conv2d(channels_in, channels_out, kernel_size, padding="same", bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(channels_out), nn.ELU())
