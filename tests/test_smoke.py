"""Laws of the smoke tests: they pass where training works, fail where not, and leave nothing."""

import re
import tempfile

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from conftest import contents, pack_synthetic, settings, small_config
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import train
from evaluation.answers import answer
from evaluation.listener import front_end_of, network_of, shards_of
from pipeline.order import limited
from pipeline.stream import evaluation_stream
from songkey.errors import AudioKeyError
from training import smoke
from training.objective import loss_of
from training.rehearsal import Trial
from training.smoke import plain


def test_one_batch_is_learnt_by_heart(called, packed):
    done = called(smoke.main, "overfit", *settings(packed, "stream.workers=0"))
    assert done.returncode == 0
    steps = int(re.search(r"loss below 0.1 in (\d+) steps", done.stdout)[1])
    assert 1 < steps <= small_config(packed).smoke.overfit_steps


def test_a_network_that_does_not_learn_fails_the_overfit_test(called, packed):
    words = settings(packed, "train.learning_rate=1e-12", "smoke.overfit_steps=30")
    done = called(smoke.main, "overfit", *words)
    assert done.returncode == 1
    assert re.search(r"error: one batch of 8 intervals is not learnt: its loss is 3\.", done.stderr)


def test_a_fast_dev_run_works_on_one_batch_of_each_split_and_leaves_nothing(
    called, packed, monkeypatch, tmp_path
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = contents(packed)
    done = called(smoke.main, "fdr", *settings(packed))
    assert done.returncode == 0 and "checkpoints are written and read" in done.stdout
    assert contents(packed) == before
    assert not list(tmp_path.iterdir())


def test_a_fast_dev_run_fails_where_a_split_is_missing(called, packed):
    done = called(smoke.main, "fdr", *settings(packed, 'eval.datasets=["mine"]'))
    assert done.returncode == 1 and "error: " in done.stderr and "mine" in done.stderr


@pytest.mark.parametrize(
    "steps, fraction, expected",
    [(12, 1.0, 12), (12, 0.5, 6), (1000, 0.01, 10), (12, 0.01, 1), (12, 1e-9, 1), (0, 1.0, 0)],
)
def test_a_limit_is_that_share_of_the_steps_and_at_least_one(steps, fraction, expected):
    assert limited(steps, fraction) == expected


def test_a_limited_run_takes_that_share_of_each_epoch_s_steps(called, packed, tmp_path):
    config = small_config(packed)
    whole = shards_of(config, config, ("synthetic",), "train").total // 8
    words = settings(packed, f'train.runs_dir="{tmp_path}"', "train.limit_fraction=0.5")
    assert called(train.main, *words, "--name", "half").returncode == 0
    (run,) = tmp_path.iterdir()
    events = EventAccumulator(str(run)).Reload()
    steps = [point.step for point in events.Scalars("train/loss")]
    assert steps == list(range(1, 2 * limited(whole, 0.5) + 1))  # two epochs


def test_a_limited_evaluation_answers_that_share_of_the_batches(packed):
    config = small_config(packed)
    shards = shards_of(config, config, ("synthetic",), "valid")
    network, front_end = network_of(config), front_end_of(config)
    for fraction in (0.3, 1.0):
        answers = answer(
            network, front_end, shards, Accelerator(), 8, 0, 0, limit_fraction=fraction
        )
        intervals = sum(song.intervals.total for song in answers.songs)
        assert intervals == min(8 * limited(-(-shards.total // 8), fraction), shards.total)


def test_a_limited_evaluation_hears_every_data_set_in_proportion(tmp_path):
    for dataset, songs in (("first", 24), ("second", 12)):
        config = small_config(tmp_path, f"datasets.synthetic.songs={songs}")
        pack_synthetic(config, dataset=dataset)
    both = shards_of(config, config, ("first", "second"), "train")
    table = both.song_table()
    names = np.array(table.datasets)[table.dataset]
    held = np.repeat(names, table.intervals)
    stream = evaluation_stream(both, 4, 0, 1, limit_fraction=0.5)
    heard = np.concatenate([names[batch.song_index[batch.valid]] for batch in stream])
    assert len(heard) == 4 * limited(-(-both.total // 4), 0.5) < both.total
    expected = len(heard) * np.mean(held == "second")
    assert np.sum(heard == "second") == pytest.approx(expected, abs=1)


def test_a_limit_that_is_no_share_is_refused(called, packed):
    for value in ("0.0", "1.5"):
        done = called(train.main, *settings(packed, f"train.limit_fraction={value}"))
        assert done.returncode == 1 and "train.limit_fraction" in done.stderr


def test_the_overfit_test_neither_varies_intervals_nor_weighs_them(packed):
    trainable = ("cqt.trainable=true", "augment.transpose_semitones=6")
    weights = ("loss.class_weights=key", "loss.confidence_weights=true", "loss.name=mirex")
    config = plain(small_config(packed, *trainable, *weights, "model.dropout=0.5"))
    shards = shards_of(config, config, ("synthetic",), "train")
    loss = loss_of(config, shards, np.linspace(0.1, 2, shards.total))
    assert loss.song_weights.eq(1).all() and torch.equal(loss.targets, torch.eye(24))
    augment = network_of(config).augment
    cqt, key_id = -80 * torch.rand(4, augment.transpose.margin_bins * 2 + 120, 9), torch.arange(4)
    (varied, key), (as_it_is, _) = augment.train()(cqt, key_id), augment.eval()(cqt, key_id)
    assert torch.equal(varied, as_it_is) and torch.equal(key, key_id)
    assert config.model.dropout == 0


def test_a_trial_reads_at_the_rates_of_a_run(packed):
    with pytest.raises(
        AudioKeyError, match="train.dataset_weights: ncs is not among the data sets"
    ):
        Trial(small_config(packed, "train.dataset_weights.ncs=2.0"))
    trial = Trial(small_config(packed, "train.dataset_weights.synthetic=3.0", "stream.workers=0"))
    steps, batches = 3 * trial.shards.total // 8, trial.batches()
    counts = np.bincount(np.concatenate([next(batches).song_index for _ in range(steps)]))
    assert np.all(counts <= 3 * trial.shards.song_table().intervals) and counts.sum() == 8 * steps


def test_a_trial_s_batches_go_on_into_further_epochs_in_another_order(packed):
    config = small_config(packed, "stream.workers=0")
    trial = Trial(config)
    steps = trial.shards.total // 8
    batches = trial.batches()
    epochs = [[next(batches).song_index.numpy() for _ in range(steps)] for _ in range(2)]
    first, second = (np.concatenate(epoch) for epoch in epochs)
    assert not np.array_equal(first, second)
    assert len(first) == len(second) == 8 * steps
