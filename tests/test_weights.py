"""Laws of weights and rates: what they even out, what they average, what a run does with them."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import pack_synthetic, settings, small_config

import train
from evaluation.listener import shards_of
from model.checkpoint import CheckpointError, load_checkpoint
from pipeline.loader import loader
from pipeline.lost import StreamError
from pipeline.order import epoch_order, epoch_total
from pipeline.stream import training_stream
from songkey.errors import AudioKeyError
from songkey.keys import KEYS
from training.loop import Training
from training.reading_rates import (
    check_balanced_once,
    epoch_intervals,
    interval_rates,
    song_weights,
)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """Two data sets of which the second is smaller; their keys are not balanced."""
    folder = tmp_path_factory.mktemp("mixed")
    for dataset, songs, seed in (("first", 31, 1), ("second", 9, 2)):
        config = small_config(folder, f"datasets.synthetic.songs={songs}")
        pack_synthetic(config, dataset=dataset, seed=seed)
    return folder


@pytest.fixture(scope="module")
def shards(mixed):
    config = small_config(mixed)
    return shards_of(config, config, ("first", "second"), "train")


def intervals_of(shards) -> np.ndarray:
    return shards.song_table().intervals


def names_of(shards) -> np.ndarray:
    """The data set of each song."""
    table = shards.song_table()
    return np.array(table.datasets)[table.dataset]


def once(shards) -> np.ndarray:
    """Rates (N,) of an epoch that reads each interval once."""
    return np.ones(shards.total)


def class_sums(shards, amounts, by) -> dict[str, float]:
    """The sum of the songs' `amounts` in each mode or key."""
    sums: dict[str, float] = {}
    for key_id, amount in zip(shards.song_table().key_id, amounts, strict=True):
        name = KEYS[key_id].mode if by == "mode" else str(KEYS[key_id])
        sums[name] = sums.get(name, 0) + float(amount)
    return sums


def with_confidences(shards, monkeypatch, confidences):
    """The same shards with other label confidences in their tables."""
    table = shards.song_table()
    table.__dict__["confidence"] = confidences  # in place of what it would gather
    monkeypatch.setattr(type(shards), "song_table", lambda _: table)
    return replace(shards)


def test_by_default_every_song_weighs_one_and_every_interval_comes_once(shards):
    assert torch.equal(
        song_weights(shards, once(shards), "none", False), torch.ones(len(shards.song_table()))
    )
    assert interval_rates(shards, "none", {"first": 1.0}) is None
    assert epoch_intervals(shards, None) == shards.total
    assert torch.equal(
        song_weights(shards, None, "key", False), song_weights(shards, once(shards), "key", False)
    )


@pytest.mark.parametrize("by", ["mode", "key"])
def test_class_weights_make_classes_equal_and_are_1_on_average(shards, by):
    amounts = song_weights(shards, once(shards), by, False).double().numpy() * intervals_of(shards)
    sums = class_sums(shards, amounts, by)
    assert len(set(class_sums(shards, intervals_of(shards), by).values())) > 1
    assert list(sums.values()) == pytest.approx([shards.total / len(sums)] * len(sums), rel=1e-5)


@pytest.mark.parametrize("by", ["mode", "key"])
def test_class_weights_make_classes_equal_in_what_an_epoch_reads_and_are_1_on_average(shards, by):
    rates = interval_rates(shards, "none", {"second": 5.0, "first": 0.5})
    weights = song_weights(shards, rates, by, False).double().numpy()
    songs = np.repeat(np.arange(len(weights)), intervals_of(shards))
    sums = class_sums(shards, np.bincount(songs, weights=rates) * weights, by)
    assert list(sums.values()) == pytest.approx([rates.sum() / len(sums)] * len(sums), rel=1e-5)


def test_confidence_weights_are_in_proportion_and_1_on_average(shards, monkeypatch):
    confidences = np.linspace(0, 1, len(shards.song_table()))
    unsure = with_confidences(shards, monkeypatch, confidences)
    weights = song_weights(unsure, once(shards), "none", True)
    ratio = weights[1:].double().numpy() / confidences[1:]
    assert ratio == pytest.approx(ratio[0], rel=1e-5) and weights[0] == 0
    mean = (weights.double().numpy() * intervals_of(shards)).sum() / shards.total
    assert mean == pytest.approx(1, rel=1e-5)


def test_confidences_that_are_all_zero_are_refused(shards, monkeypatch):
    silent = with_confidences(shards, monkeypatch, np.zeros(len(shards.song_table())))
    with pytest.raises(AudioKeyError, match="every label that trains is zero; set it to false"):
        song_weights(silent, once(silent), "none", True)


def test_confidences_count_only_of_songs_that_are_read(shards, monkeypatch):
    confidences = np.zeros(len(shards.song_table()))
    confidences[0] = 1.0
    unsure = with_confidences(shards, monkeypatch, confidences)
    rates = np.repeat(confidences == 0, intervals_of(shards)).astype(float)
    with pytest.raises(AudioKeyError, match="every label that trains is zero; set it to false"):
        song_weights(unsure, rates, "none", True)


@pytest.mark.parametrize("by", ["mode", "key"])
def test_balance_reads_all_classes_equally_often_and_keeps_the_epoch_s_length(shards, by):
    rates = interval_rates(shards, by, {})
    songs = np.repeat(np.arange(len(shards.song_table())), intervals_of(shards))
    sums = class_sums(shards, np.bincount(songs, weights=rates), by)
    assert list(sums.values()) == pytest.approx([shards.total / len(sums)] * len(sums))
    assert epoch_total(rates) == shards.total


@pytest.mark.parametrize("balance", ["none", "mode"])
def test_a_data_set_s_weight_is_how_often_its_intervals_come(shards, balance):
    weights = {"second": 3.0, "first": 0.5}
    rates = interval_rates(shards, balance, weights)
    per_dataset = {name: [] for name in weights}
    names = np.repeat(names_of(shards), intervals_of(shards))
    for name, rate in zip(names, rates, strict=True):
        per_dataset[name].append(rate)
    assert sum(map(sum, per_dataset.values())) == pytest.approx(
        sum(weights[name] * len(per_dataset[name]) for name in weights)
    )
    if balance == "none":
        assert {name: set(per_dataset[name]) for name in weights} == {
            "second": {3.0},
            "first": {0.5},
        }


def test_rates_belong_to_the_intervals_that_are_read(shards):
    """All the samples of the second data set, and none but every other one of the first."""
    rates = interval_rates(shards, "none", {"second": 2.0, "first": 0.5})
    stream = training_stream(shards, 1, 0, 1, 0, 0, 6, 16, rates=rates)
    table = shards.song_table()
    read = {"first": 0, "second": 0}
    for batch in loader(stream, 0, pin_memory=False):
        read[table.dataset_of(int(batch.song_index))] += 1
    held = {name: table.intervals[names_of(shards) == name].sum() for name in read}
    assert read["second"] == pytest.approx(2 * held["second"], abs=1)
    assert read["first"] == pytest.approx(0.5 * held["first"], abs=1)
    assert sum(read.values()) == epoch_total(rates)
    order = epoch_order(shards.intervals, 0, 0, 6, 16, rates)
    assert len(order) == epoch_total(rates)


def test_bad_samples_are_replaced_in_an_epoch_shorter_than_the_shards(mixed, tmp_path):
    shutil.copytree(mixed / "shards", tmp_path / "shards")
    (tar,) = (tmp_path / "shards/audio/second/train").glob("000000.tar")
    tar.write_bytes(bytes(tar.stat().st_size))
    config = small_config(tmp_path)
    damaged = shards_of(config, config, ("first", "second"), "train")
    rates = interval_rates(damaged, "none", {"first": 0.25})
    stream = training_stream(damaged, 1, 0, 1, 0, 0, 3, 16, rates=rates, max_bad_samples=100)
    batches = list(loader(stream, 0, pin_memory=False))
    assert len(batches) == epoch_total(rates) < damaged.total
    assert stream.bad_samples > 0 and all(batch.valid.all() for batch in batches)


def test_weights_of_a_data_set_that_is_not_read_are_refused(shards):
    message = "train.dataset_weights: ncs is not among the data sets of this run .first, second.;"
    with pytest.raises(AudioKeyError, match=message):
        interval_rates(shards, "none", {"ncs": 2.0})


def test_evening_out_classes_twice_is_refused():
    check_balanced_once("mode", "none")
    check_balanced_once("none", "key")
    with pytest.raises(
        AudioKeyError, match="class_weights = mode and train.balance = key both even"
    ):
        check_balanced_once("mode", "key")


def test_a_mix_too_small_for_a_batch_is_refused(shards):
    rates = interval_rates(shards, "none", {"second": 0.01, "first": 0.01})
    with pytest.raises(StreamError, match="1 intervals do not fill one .*raise train.dataset_w"):
        training_stream(shards, 8, 0, 1, 0, 0, 6, 16, rates=rates)
    with pytest.raises(StreamError, match="lower train.global_batch_size, or pack more songs"):
        training_stream(shards, 10_000, 0, 1, 0, 0, 6, 16)


def test_a_run_has_as_many_steps_as_its_rates_say_and_keeps_them_when_it_goes_on(mixed, tmp_path):
    ours = [
        'train.datasets=["first", "second"]', "train.dataset_weights.second=2.0",
        "train.balance=mode", "loss.name=mirex", "loss.confidence_weights=true",
        "loss.label_smoothing=0.1", "train.epochs=1", "model.name=allconv",
        "model.num_feature_maps=2",
    ]  # fmt: skip
    config = small_config(mixed, *ours)
    run = tmp_path / "run"
    training = Training(config, run, resume=False)
    training.run()
    rates = interval_rates(training.data.train, "mode", {"second": 2.0})
    assert training.global_step == epoch_total(rates) // 8 > training.data.train.total // 8
    checkpoint = load_checkpoint(run / "checkpoints/last.safetensors")
    assert checkpoint.config["train"]["dataset_weights"] == {"second": 2.0}
    Training(config, run, resume=True)
    for other, message in (
        ("train.dataset_weights.second=3.0", "train.dataset_weights: {'second': 2.0} there"),
        ("train.balance=none", "train.balance: mode there, none today"),
        (
            "loss.name=cross_entropy",
            r"other settings .loss.name: mirex there, cross_entropy today\)",
        ),
    ):
        with pytest.raises(CheckpointError, match=message):
            Training(small_config(mixed, *ours, other), run, resume=True)


@pytest.mark.parametrize(
    "override, message",
    [
        ("train.dataset_weights.ncs=2.0", "train.dataset_weights: ncs is not among the data sets"),
        ("train.dataset_weights.synthetic=0", "input should be greater than 0"),
        ("train.dataset_weights=3", "'train.dataset_weights' is a section"),
        ("train.balance=keys", "train.balance = 'keys': input should be 'none', 'mode' or 'key'"),
        ("loss.name=v2", "loss.name = 'v2': input should be 'cross_entropy' or 'mirex'"),
        ("loss.label_smoothing=1.0", "loss.label_smoothing = 1.0: input should be less than 1"),
        ("model.num_feature_maps=31", "num_feature_maps = 31: input should be less than or equal"),
        ("model.num_feature_maps=true", "num_feature_maps = True: input should be a valid integer"),
        ("model.recurrent_units=0", "recurrent_units = 0: input should be greater than or equal"),
    ],
)
def test_wrong_settings_end_in_one_line(packed, called, override, message):
    done = called(train.main, *settings(packed, override))
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and message in done.stderr
