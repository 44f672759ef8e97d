import math

import pytest
import torch
from torch.nn.functional import cross_entropy

from model.keynet import KeyNet
from songkey.keys import KEYS


def untrained(seed: int = 0, n_bins: int = 120, bins_per_octave: int = 24) -> KeyNet:
    """A random network in float64; its norms are random too, as fresh ones change nothing."""
    torch.manual_seed(seed)
    network = KeyNet(n_bins, bins_per_octave, channels=8, dropout=0.5)
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.1)
            layer.running_var.uniform_(0.1, 0.5)
            layer.bias.data.normal_(0, 0.5)
    return network.eval().double()


def music(n_bins: int, lowest: int, highest: int) -> torch.Tensor:
    """A CQT, (1, F, 43), random in the bins lowest to highest and silent elsewhere."""
    cqt = torch.zeros(1, n_bins, 43, dtype=torch.float64)
    content = torch.rand(highest - lowest, 43, generator=torch.Generator().manual_seed(7))
    cqt[0, lowest:highest] = content
    return cqt


def rotated(logits: torch.Tensor, semitones: int) -> torch.Tensor:
    """The logits of the keys moved up by `semitones`, by songkey/keys.py's own arithmetic."""
    moved = torch.empty_like(logits)
    for key in KEYS:
        moved[:, key.transpose(semitones).id] = logits[:, key.id]
    return moved


def assert_rotates(network: KeyNet, cqt: torch.Tensor, semitones: int, bins: int) -> None:
    answers = network(cqt)
    assert answers.view(2, 12).std(dim=1).min() > 1e-3, "the network does not hear the music"
    transposed = network(cqt.roll(semitones * bins, dims=1))
    assert torch.allclose(transposed, rotated(answers, semitones), rtol=0, atol=1e-9)


@pytest.mark.parametrize("semitones", range(-6, 7))
@torch.no_grad()
def test_transposing_the_music_rotates_the_answers_by_as_much(semitones):
    """At the size used: what sounds within ten semitones of the middle does not feel the edges."""
    assert_rotates(untrained(), music(120, 52, 68), semitones, bins=2)


@pytest.mark.parametrize("semitones", [-29, -24, -12, -7, 1, 5, 12, 17, 24, 28])
@torch.no_grad()
def test_far_from_the_edges_any_transposition_rotates_and_whole_octaves_change_nothing(semitones):
    assert_rotates(untrained(1, n_bins=264), music(264, 96, 168), semitones, bins=2)


@torch.no_grad()
def test_the_law_holds_for_other_resolutions():
    assert_rotates(untrained(2, 324, 36), music(324, 130, 190), semitones=5, bins=3)
    assert_rotates(untrained(3, 108, 12), music(108, 45, 60), semitones=-4, bins=1)


@torch.no_grad()
def test_half_a_semitone_is_no_transposition():
    network, cqt = untrained(), music(120, 52, 68)
    assert not torch.allclose(network(cqt.roll(1, dims=1)), network(cqt), atol=1e-4)


@torch.no_grad()
def test_music_that_fills_every_octave_turns_the_answers_but_for_what_the_edges_cut_off():
    network, cqt = untrained(), music(120, 0, 120)
    for semitones in (1, 3, 5):
        turned = rotated(network(cqt), semitones)
        up = torch.nn.functional.pad(cqt, (0, 0, 2 * semitones, 0))[:, :120]
        assert (network(up) - turned).norm() < (network(up) - network(cqt)).norm()


@torch.no_grad()
def test_register_matters_so_a_bass_is_not_a_melody():
    network, low, high = untrained(), music(120, 52, 54), music(120, 66, 68)
    there, crossed = low + high, low.roll(24, dims=1) + high
    assert not torch.allclose(network(there), network(crossed), atol=1e-4)


@torch.no_grad()
def test_all_24_answers_are_reachable():
    network, cqt, reached = untrained(), music(120, 52, 68), set()
    for mode in (0, 1):
        network.modes.bias.copy_(torch.nn.functional.one_hot(torch.tensor(mode), 2) * 10)
        answers = [network(cqt.roll(2 * k, dims=1)).argmax().item() for k in range(-6, 6)]
        reached.update(answers)
    assert reached == set(range(24))


def test_silence_names_no_tonic():
    with torch.no_grad():
        answers = untrained()(torch.zeros(1, 120, 108, dtype=torch.float64)).view(2, 12)
    assert answers.std(dim=1).max() < 1e-12


def test_an_untrained_network_is_as_good_as_guessing():
    torch.manual_seed(0)
    network = KeyNet(120, 24, channels=24, dropout=0.1)
    loss = cross_entropy(network(torch.rand(16, 120, 108)), torch.arange(16))
    assert loss.item() == pytest.approx(math.log(24), abs=0.5)


def test_it_learns_a_handful_of_intervals_by_heart():
    torch.manual_seed(0)
    network = KeyNet(120, 24, channels=8, dropout=0.0)
    cqt, key_id = torch.rand(6, 120, 12), torch.arange(0, 24, 4)
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.01)
    for _ in range(40):
        optimizer.zero_grad()
        loss = cross_entropy(network(cqt), key_id)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1


def test_every_parameter_gets_a_gradient_under_bf16_autocast():
    network = KeyNet(120, 24, channels=8, dropout=0.1)
    with torch.autocast("cpu", torch.bfloat16):
        logits = network(torch.rand(4, 120, 108))
    cross_entropy(logits, torch.arange(4)).backward()
    assert logits.dtype == torch.bfloat16
    assert all(p.grad.isfinite().all() and p.grad.any() for p in network.parameters())


@pytest.mark.parametrize("frames", [1, 3, 108, 431])
def test_any_number_of_frames_gives_24_logits_an_interval(frames):
    network = KeyNet(120, 24, channels=8, dropout=0.1).eval()
    assert network(torch.rand(2, 120, frames)).shape == (2, 24)


def test_answers_do_not_depend_on_the_other_intervals_of_the_batch():
    network, cqt = untrained(), torch.rand(3, 120, 43, dtype=torch.float64)
    alone = torch.cat([network(one[None]) for one in cqt])
    assert torch.allclose(network(cqt), alone, atol=1e-12)


def test_it_is_small():
    parameters = sum(parameter.numel() for parameter in KeyNet(120, 24, 24, 0.1).parameters())
    assert 50_000 <= parameters <= 1_000_000


def test_settings_that_make_no_network_are_refused():
    with pytest.raises(ValueError, match=r"cqt.bins_per_octave = 20: .* multiple of 12"):
        KeyNet(120, 20, 24, 0.1)
    with pytest.raises(ValueError, match=r"cqt.n_bins = 130: .* multiple of .*\(24\)"):
        KeyNet(130, 24, 24, 0.1)
