"""Laws of allconv and allconv_rnn: the published size, what they hear, what they refuse."""

import pytest
import torch
from torch import nn

from model.allconv import AllConv, Features
from model.allconv_rnn import AllConvRNN


def parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize("n", [2, 20, 24, 30])
def test_the_number_of_weights_is_that_of_the_published_layers(n):
    convolutions = 25 * n + 9 * n * n * (1 + 2 + 4 + 8 + 16 + 32 + 64)
    norms = 2 * (2 * n + 2 * 2 * n + 2 * 4 * n + 2 * 8 * n)
    assert parameters(AllConv(n, 0.1)) == convolutions + norms + 8 * n * 24 + 24


def test_with_24_feature_maps_it_has_the_670_thousand_weights_of_madmoms_network():
    assert parameters(AllConv(24, 0.1)) == pytest.approx(0.67e6, rel=0.01)


def test_three_poolings_leave_an_eighth_of_bins_and_frames():
    assert Features(4, 0.1)(torch.rand(2, 120, 108)).shape == (2, 32, 15, 13)


def test_whole_feature_maps_are_dropped():
    dropout = Features(4, 0.5).train().layers[3]
    alive = dropout(torch.ones(8, 64, 5, 5)).bool()
    assert (alive.all(dim=(2, 3)) == alive.any(dim=(2, 3))).all()
    assert 0.3 < alive.float().mean() < 0.7


@torch.no_grad()
def test_it_tells_one_tonic_from_another_by_where_the_sound_is():
    torch.manual_seed(0)
    for network in (AllConv(8, 0.1).eval(), AllConvRNN(120, 8, 8, 0.1).eval()):
        cqt = torch.zeros(1, 120, 40)
        cqt[:, 40:43] = 1
        moved = cqt.roll(2 * 7, dims=1)
        assert (network(cqt) - network(moved)).abs().max() > 1e-4


@torch.no_grad()
def test_only_the_recurrent_layer_hears_which_of_two_parts_comes_first():
    torch.manual_seed(0)
    parts = [nn.functional.pad(torch.rand(1, 120, 16).double(), (40, 40)) for _ in range(2)]
    one, other = torch.cat(parts, dim=2), torch.cat(parts[::-1], dim=2)  # (1, 120, 192)
    networks = AllConv(8, 0.0), AllConvRNN(120, 8, 32, 0.0)
    convolutions, recurrent = (network.eval().double() for network in networks)
    assert torch.allclose(convolutions(one), convolutions(other), atol=1e-12)
    assert not torch.allclose(recurrent(one), recurrent(other), atol=1e-6)


@torch.no_grad()
def test_the_recurrent_layer_gets_all_pitches_of_one_moment_after_the_other():
    network = AllConvRNN(48, 4, 8, 0.1).eval()
    cqt = torch.rand(2, 48, 40)
    maps = network.features(cqt)  # (B, 8N, 6, 5)
    moments = torch.stack([maps[..., moment].flatten(1) for moment in range(5)], dim=1)
    expected = network.keys(network.recurrent(moments)[0].mean(dim=1))
    torch.testing.assert_close(network(cqt), expected)


@pytest.mark.parametrize("shape", [(7, 100), (120, 7)])
def test_an_interval_too_small_for_three_poolings_is_refused(shape):
    message = f"{shape[0]} bins and {shape[1]} frames: .* 8 of each; raise cqt.n_bins or prepare.in"
    with pytest.raises(ValueError, match=message):
        AllConv(4, 0.1)(torch.rand(1, *shape))


def test_too_few_bins_for_the_recurrent_network_are_refused():
    with pytest.raises(ValueError, match="cqt.n_bins = 7: allconv_rnn needs 8 or more"):
        AllConvRNN(7, 4, 8, 0.1)
