"""Networks by name: one file each, and one case here."""

from torch import nn

from model.allconv import AllConv
from model.allconv_rnn import AllConvRNN
from model.keynet import KeyNet
from songkey.errors import AudioKeyError


def build_network(
    name: str, n_bins: int, bins_per_octave: int, channels: int, num_feature_maps: int,
    recurrent_units: int, dropout: float,
) -> nn.Module:  # fmt: skip
    """The network `name`, untrained: log CQT (B, F, T), 0 to 1 -> logits (B, 24).

    Each takes what it needs of the settings. AudioKeyError for settings that make no network.
    """
    match name:
        case "keynet":
            return KeyNet(n_bins, bins_per_octave, channels, dropout)
        case "allconv":
            return AllConv(num_feature_maps, dropout)
        case "allconv_rnn":
            return AllConvRNN(n_bins, num_feature_maps, recurrent_units, dropout)
    raise AudioKeyError(
        f"model.name: unknown network {name!r}; known: keynet, allconv, allconv_rnn"
    )
