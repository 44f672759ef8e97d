"""Laws of every network that a name builds."""

import pytest
import torch
from torch.nn.functional import cross_entropy

from model.allconv import AllConv
from model.allconv_rnn import AllConvRNN
from model.keynet import KeyNet
from model.network import build_network

TYPES = {"keynet": KeyNet, "allconv": AllConv, "allconv_rnn": AllConvRNN}
every_network = pytest.mark.parametrize("name", TYPES)


def small(name, dropout=0.0, n_bins=48):
    torch.manual_seed(0)
    return build_network(
        name, n_bins, 24, channels=8, num_feature_maps=4, recurrent_units=8, dropout=dropout
    )


@every_network
def test_a_network_is_built_by_its_name(name):
    assert type(small(name)) is TYPES[name]


def test_an_unknown_name_is_refused_with_the_known_ones():
    message = "model.name: unknown network 'keynett'; known: keynet, allconv, allconv_rnn"
    with pytest.raises(ValueError, match=message):
        small("keynett")


@every_network
def test_it_learns_an_interval_of_each_key_by_heart_so_that_all_answers_are_reachable(name):
    network, cqt, key_id = small(name), torch.rand(24, 48, 16), torch.arange(24)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    for _ in range(100):
        logits = network(cqt)
        loss = cross_entropy(logits, key_id)
        if loss < 0.3:
            break
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.3
    assert logits.argmax(dim=1).tolist() == key_id.tolist()


@every_network
@torch.no_grad()
def test_dropout_makes_training_random_and_evaluation_is_not(name):
    network, cqt = small(name, dropout=0.5), torch.rand(4, 48, 16)
    assert not torch.equal(network.train()(cqt), network(cqt))
    assert torch.equal(network.eval()(cqt), network(cqt))


@every_network
def test_every_parameter_gets_a_gradient_under_bf16_autocast(name):
    network = small(name, dropout=0.1)
    with torch.autocast("cpu", torch.bfloat16):
        logits = network(torch.rand(8, 48, 33))
    cross_entropy(logits, torch.arange(8)).backward()
    assert all(p.grad.isfinite().all() and p.grad.any() for p in network.parameters())


@every_network
@pytest.mark.parametrize("frames", [8, 15, 108, 431])
def test_any_number_of_frames_gives_24_logits_an_interval(name, frames):
    assert small(name).eval()(torch.rand(2, 48, frames)).shape == (2, 24)


@every_network
@torch.no_grad()
def test_answers_do_not_depend_on_the_other_intervals_of_the_batch(name):
    network, cqt = small(name).eval().double(), torch.rand(3, 48, 43, dtype=torch.float64)
    alone = torch.cat([network(one[None]) for one in cqt])
    assert torch.allclose(network(cqt), alone, atol=1e-12)
