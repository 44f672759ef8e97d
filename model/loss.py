"""What training makes small."""

from torch import Tensor
from torch.nn import functional


def cross_entropy(logits: Tensor, key_id: Tensor) -> Tensor:
    """Mean cross entropy in nats of logits (B, 24) against key ids (B,); equal logits give ln 24.

    Computed in float32 whatever the autocast type, because bf16 keeps only three digits.
    """
    return functional.cross_entropy(logits.float(), key_id)
