import math

import pytest
import torch

from model.loss import cross_entropy


def test_equal_logits_give_ln_24():
    loss = cross_entropy(torch.zeros(5, 24), torch.tensor([0, 7, 12, 20, 23]))
    assert loss.item() == pytest.approx(math.log(24), rel=1e-6)


def test_certainty_of_the_right_key_gives_zero():
    key_id = torch.arange(24)
    logits = torch.nn.functional.one_hot(key_id, 24) * 100.0
    assert cross_entropy(logits, key_id).item() == pytest.approx(0, abs=1e-6)


def test_bf16_logits_give_a_float32_loss_that_can_be_differentiated():
    logits = torch.randn(3, 24).bfloat16().requires_grad_()
    loss = cross_entropy(logits, torch.tensor([1, 2, 3]))
    loss.backward()
    assert loss.dtype == torch.float32
    assert logits.grad.abs().sum() > 0
