"""allconv_rnn: the convolutions of allconv, then a recurrent layer that follows the music in time.

The pitches that remain are laid side by side for it, not averaged: where something sounds is what
tells one tonic from another. So its weights belong to one number of bins; time may be any length.
Shapes: B, F and T as everywhere; N feature maps, R recurrent units.
"""

from torch import Tensor, nn

from model.allconv import SHRINKAGE, Features
from songkey.errors import AudioKeyError


class AllConvRNN(nn.Module):
    """Log CQT (B, F, T), 0 to 1 -> logits (B, 24); F and T are 8 at least, else AudioKeyError."""

    def __init__(self, n_bins: int, num_feature_maps: int, recurrent_units: int, dropout: float):
        super().__init__()
        if n_bins < SHRINKAGE:
            raise AudioKeyError(f"cqt.n_bins = {n_bins}: allconv_rnn needs {SHRINKAGE} or more")
        self.features = Features(num_feature_maps, dropout)
        inputs = self.features.channels * (n_bins // SHRINKAGE)
        self.recurrent = nn.GRU(inputs, recurrent_units, batch_first=True, bidirectional=True)
        self.keys = nn.Linear(2 * recurrent_units, 24)

    def forward(self, cqt: Tensor) -> Tensor:
        maps = self.features(cqt)  # (B, 8N, F / 8, T / 8)
        moments, _ = self.recurrent(maps.flatten(1, 2).transpose(1, 2))  # (B, T / 8, 2R)
        return self.keys(moments.mean(dim=1))  # (B, 24)
