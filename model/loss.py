"""What training makes small: cross entropy against soft targets, one row of 24 for each true key.

Built here: plain cross entropy, label smoothing, and "mirex", the first of the original's losses
(its v0), whose targets are keys weighted by their relation to the true one; its later versions are
not. In float32 whatever the autocast type, because bf16 keeps only three digits.
"""

import torch
from torch import Tensor, nn

from model.metrics import RELATION_INDEX

# Of Relation's categories in their order; two fifths share what MIREX's weights give to one.
MIREX_TARGETS = torch.tensor([1.0, 0.25, 0.25, 0.15, 0.1, 0.0])


class KeyLoss(nn.Module):
    """The mean over a batch of the cross entropy of logits against the true key's targets, in nats.

    `targets` (24 true keys, 24); `song_weights` (songs,) says how much an interval of each counts.
    """

    targets: Tensor
    song_weights: Tensor

    def __init__(self, targets: Tensor, song_weights: Tensor):
        super().__init__()
        self.register_buffer("targets", targets, persistent=False)
        self.register_buffer("song_weights", song_weights, persistent=False)

    def forward(self, logits: Tensor, key_id: Tensor, song_index: Tensor) -> Tensor:
        """Logits (B, 24), key ids (B,) and songs (B,) -> a scalar."""
        losses = soft_cross_entropy(logits, self.targets[key_id])  # (B,)
        return (losses * self.song_weights[song_index]).mean()


def soft_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """(B,) the cross entropy of logits (B, 24) against targets (B, 24)."""
    return -(targets * logits.float().log_softmax(dim=1)).sum(dim=1)


def key_targets(name: str, normalised: bool, label_smoothing: float) -> Tensor:
    """(24 true keys, 24): what each key's logits should approach, for [loss] of config.toml."""
    if name == "mirex":
        targets = MIREX_TARGETS[torch.from_numpy(RELATION_INDEX)].T  # (24 references, 24 estimates)
    else:
        targets = torch.eye(24)
    if normalised:
        targets = targets / targets.sum(dim=1, keepdim=True)
    return (1 - label_smoothing) * targets + label_smoothing * targets.mean(dim=1, keepdim=True)
