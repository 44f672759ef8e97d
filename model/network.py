"""Networks by name: one file each, and one line here."""

from torch import nn

from model.keynet import KeyNet

NETWORKS = {"keynet": KeyNet}


def build_network(
    name: str, n_bins: int, bins_per_octave: int, channels: int, dropout: float
) -> nn.Module:
    """The network `name`, untrained: log CQT (B, F, T), 0 to 1 -> logits (B, 24)."""
    if name not in NETWORKS:
        raise ValueError(f"model.name: unknown network {name!r}; known: {', '.join(NETWORKS)}")
    return NETWORKS[name](n_bins, bins_per_octave, channels, dropout)
