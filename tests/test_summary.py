"""Laws of the summary: its numbers are those of the network."""

import logging

import pytest
import torch
from conftest import settings, small_config
from torch import nn

from evaluation.listener import input_of, network_of, shards_of
from training import summary
from training.loop import Training
from training.summary import network_summary

NETWORKS = ["keynet", "allconv", "allconv_rnn"]


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("trainable", ["false", "true"])
def test_the_parameters_are_all_of_the_network_s(tmp_path, name, trainable):
    config = small_config(tmp_path, f"model.name={name}", f"cqt.trainable={trainable}")
    network = network_of(config)
    statistics = network_summary(network, input_of(config))
    assert statistics.total_params == sum(weight.numel() for weight in network.parameters())
    assert statistics.summary_list[0].output_size == [1, 24]


def test_the_multiply_adds_of_a_convolution_are_those_counted_by_hand():
    convolution = nn.Conv2d(3, 8, kernel_size=(5, 1), padding="same", bias=False)
    statistics = network_summary(nn.Sequential(convolution), torch.zeros(1, 3, 20, 7))
    assert statistics.total_mult_adds == (3 * 5 * 1) * 8 * 20 * 7
    assert "Total mult-adds: 16,800" in str(statistics)


def test_the_input_is_of_the_shape_that_shards_give(packed):
    config = small_config(packed)
    samples = shards_of(config, config, ("synthetic",), "train").media_shape
    assert input_of(small_config(packed, "cqt.trainable=true")).shape == (1, *samples)
    png = small_config(packed, "stream.format=png")
    bins, frames = shards_of(png, png, ("synthetic",), "train").media_shape
    margins = 2 * 6 * 2
    assert input_of(config).shape == (1, bins - margins, frames)


def test_looking_at_a_network_does_not_change_it(tmp_path):
    config = small_config(tmp_path)
    network = network_of(config).train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    state = torch.get_rng_state()
    network_summary(network, input_of(config))
    assert network.training and torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


def test_the_program_prints_every_layer_of_the_network_in_the_settings(called, tmp_path):
    chosen = settings(tmp_path, "model.name=allconv_rnn", "model.recurrent_units=16")
    done = called(summary.main, *chosen)
    assert done.returncode == 0
    for text in ("AllConvRNN", "GRU (recurrent)", "Linear (keys)", "[1, 24]", "Total mult-adds: "):
        assert text in done.stdout


def test_a_network_that_cannot_be_is_refused_in_one_line(called, tmp_path):
    done = called(summary.main, *settings(tmp_path, "cqt.n_bins=130"))
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    short = settings(tmp_path, "model.name=allconv", "cqt.hop_length=11025")
    done = called(summary.main, *short)
    assert done.returncode == 1 and "120 bins and 5 frames" in done.stderr


def test_a_run_begins_with_its_summary(packed, tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        Training(small_config(packed), tmp_path / "run", resume=False)
    assert "KeyNet" in caplog.text and "Total params: " in caplog.text
