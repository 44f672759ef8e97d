"""Laws of training: it learns, goes on exactly where it stopped, and shares work without loss."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from accelerate import Accelerator
from conftest import ROOT, contents, pack_synthetic, run_program, settings, small_config, torchrun
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.nn.functional import cross_entropy

import train
from evaluation.answers import answer
from evaluation.listener import front_end_of, network_of, shards_of, trained_network
from model.checkpoint import CheckpointError, load_checkpoint
from model.run_folder import resolve
from pipeline.loader import loader
from pipeline.stream import training_stream
from settings.config import load_config
from training.finite import NotFiniteError
from training.loop import Training
from training.run_checkpoints import RunError, run_and_checkpoint


def curve(run: Path, name: str) -> dict[int, float]:
    """{step: value} of a curve; a step logged twice counts as logged last."""
    events = EventAccumulator(str(run)).Reload()
    return {point.step: point.value for point in events.Scalars(name)}


def launch(processes: int, *command: str) -> subprocess.CompletedProcess:
    """Run an entry point on `processes` CPU processes."""
    return run_program(*torchrun(processes), *command, ACCELERATE_USE_CPU="true")


def test_a_run_leaves_curves_checkpoints_and_its_settings(trained, packed):
    config = small_config(packed)
    steps = 2 * (shards_of(config, config, ("synthetic",), "train").total // 8)
    for name in ("loss", "learning_rate", "intervals_per_second", "data_wait_share"):
        assert list(curve(trained, f"train/{name}")) == list(range(1, steps + 1))
    for name in ("loss", "accuracy", "mirex"):
        assert len(curve(trained, f"valid/{name}")) == 2
    assert load_config(str(trained / "config.toml")) == small_config(packed)
    for name in ("last", "best"):
        checkpoint = load_checkpoint(trained / "checkpoints" / f"{name}.safetensors")
        assert checkpoint.config == small_config(packed).model_dump(mode="json")
    best = max(curve(trained, "valid/mirex").values())  # float32 in the curve
    assert max(checkpoint.state["progress"]["scores"]) == pytest.approx(best, rel=1e-6)


def test_the_same_seed_gives_the_same_losses_and_another_seed_others(trained, packed, tmp_path):
    again = small_config(packed, "stream.workers=0")
    Training(again, tmp_path / "again", resume=False).run()
    assert curve(tmp_path / "again", "train/loss") == curve(trained, "train/loss")
    other = small_config(packed, "train.seed=1", "train.epochs=1")
    Training(other, tmp_path / "other", resume=False).run()
    assert curve(tmp_path / "other", "train/loss") != curve(trained, "train/loss")


def test_a_run_killed_in_mid_epoch_goes_on_with_the_losses_of_one_that_was_not(trained, packed):
    threads = {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    command = [sys.executable, "train.py", "--name", "killed"]
    command += settings(packed, "train.checkpoint_every_steps=3")
    killed = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **threads}, start_new_session=True
    )
    while not (saved := list(packed.glob("runs/*-killed/checkpoints/last.safetensors"))):
        assert killed.poll() is None
        time.sleep(0.005)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    time.sleep(1.1)  # TensorBoard puts a run's files in order by whole seconds
    run = saved[0].parent.parent
    stopped_at = load_checkpoint(saved[0]).state["progress"]
    assert (stopped_at["epoch"], stopped_at["step"] % 3) == (0, 0) and stopped_at["step"] > 0
    Training(load_config(str(run / "config.toml")), run, resume=True).run()
    for name in ("train/loss", "train/learning_rate", "valid/loss", "valid/mirex"):
        assert curve(run, name) == curve(trained, name)


def test_a_run_that_goes_on_replaces_its_settings_and_is_never_without(trained, packed, tmp_path):
    run = shutil.copytree(trained, tmp_path / "run")
    before = (run / "config.toml").read_bytes()
    os.link(run / "config.toml", tmp_path / "before.toml")  # who writes into a file shows in both
    Training(small_config(packed, "train.log_every_steps=7"), run, resume=True)
    assert (tmp_path / "before.toml").read_bytes() == before
    assert load_config(str(run / "config.toml")).train.log_every_steps == 7


def test_a_run_goes_on_from_the_checkpoint_of_any_epoch_and_what_came_after_is_void(
    trained, packed, tmp_path
):
    run = shutil.copytree(trained, tmp_path / "run")
    time.sleep(1.1)  # TensorBoard puts a run's files in order by whole seconds
    folder, checkpoint = run_and_checkpoint(run / "checkpoints" / "epoch-0001.safetensors")
    config = small_config(packed, "stream.workers=0")
    Training(config, folder, resume=True, checkpoint=checkpoint).run()
    for name in ("train/loss", "train/learning_rate", "valid/mirex"):
        assert curve(run, name) == curve(trained, name)
    assert list(run.glob("checkpoints/replaced-*/epoch-0002.safetensors"))
    for name in ("last", "best", "epoch-0001", "epoch-0002"):
        there, here = (load_checkpoint(resolve(place, name)) for place in (trained, run))
        assert there.state == here.state
        assert all(torch.equal(there.model[key], here.model[key]) for key in there.model)


def test_each_epoch_s_score_is_told_when_it_is_saved_and_who_hears_it_may_end_the_run(
    packed, tmp_path
):
    heard: list[list[float]] = []

    def hear(scores: list[float]) -> None:
        heard.append(scores)
        if len(heard) == 2:
            raise InterruptedError

    config = small_config(packed)
    with pytest.raises(InterruptedError):
        Training(config, tmp_path / "run", resume=False).run(hear)
    again = Training(config, tmp_path / "run", resume=True)
    again.run(hear)
    assert heard == [[], heard[1], heard[1], again.progress.scores]
    assert [len(scores) for scores in heard] == [0, 1, 1, 2]


def test_going_on_from_an_older_checkpoint_moves_later_ones_aside_and_stands_there(
    trained, packed, tmp_path, caplog
):
    run = shutil.copytree(trained, tmp_path / "run")
    before = contents(run / "checkpoints")
    older = run / "checkpoints/epoch-0001.safetensors"
    with caplog.at_level("INFO"):
        Training(small_config(packed), run, resume=True, checkpoint=older)
    (aside,) = run.glob("checkpoints/replaced-*")
    assert f"checkpoints of later steps are moved to {aside}" in caplog.text
    moved = contents(aside)
    assert {"last.safetensors", "epoch-0002.safetensors"} <= moved.keys()
    assert all(before[name] == data for name, data in moved.items())
    for name in ("last", "best"):  # the first epoch is the only one, and so the best
        assert resolve(run, name).read_bytes() == older.read_bytes()
    Training(small_config(packed), run, resume=True, checkpoint=older)  # nothing is later now
    Training(small_config(packed), run, resume=True)
    assert list(run.glob("checkpoints/replaced-*")) == [aside] and contents(aside) == moved


def test_going_on_from_the_last_checkpoint_by_name_moves_nothing(trained, packed, tmp_path):
    run = shutil.copytree(trained, tmp_path / "run")
    before = contents(run / "checkpoints")
    Training(small_config(packed), run, resume=True, checkpoint=resolve(run, "last"))
    assert contents(run / "checkpoints") == before


def test_a_second_run_of_one_name_is_refused_and_changes_nothing(trained, packed):
    before = contents(trained)
    with pytest.raises(RunError, match="trained: there is a run of this name; .* by --name"):
        Training(small_config(packed), trained, resume=False)
    assert contents(trained) == before


def test_a_folder_that_is_no_run_cannot_be_resumed(tmp_path):
    with pytest.raises(RunError, match="no such run or checkpoint; see the folders in runs/"):
        run_and_checkpoint(tmp_path)


def test_a_checkpoint_outside_a_run_cannot_be_resumed(trained, tmp_path):
    shutil.copy(resolve(trained), tmp_path)
    with pytest.raises(CheckpointError, match="no run to go on with; start a new one .*--from"):
        run_and_checkpoint(tmp_path / "best.safetensors")


@pytest.mark.parametrize("kept", [0.0, 0.5, 0.99])
def test_of_a_truncated_last_checkpoint_the_newest_whole_one_is_named(
    trained, packed, tmp_path, kept
):
    run = shutil.copytree(trained, tmp_path / "run")
    last = resolve(run, "last")
    last.write_bytes(last.read_bytes()[: int(kept * last.stat().st_size)])
    resolve(run).unlink()
    message = (
        r"last\.safetensors: damaged .*newest whole one .*: --resume .*/epoch-0002.safetensors"
    )
    with pytest.raises(CheckpointError, match=message):
        Training(small_config(packed), run, resume=True)


def test_a_run_that_begins_with_weights_answers_like_them_and_counts_anew(
    trained, packed, tmp_path
):
    config = small_config(packed, "model.dropout=0.3", "train.learning_rate=0.001")
    training = Training(config, tmp_path / "new", resume=False, checkpoint=trained)
    weights = training.learner.saved()["model"].state_dict()
    best = load_checkpoint(resolve(trained)).model
    assert all(torch.equal(weights[name], best[name]) for name in best)
    assert training.global_step == 0 and not training.learner.optimizer.state


@pytest.mark.parametrize(
    "override, message",
    [
        ("model.channels=16", "saved from another network: shape: stem.0.weight"),
        ("cqt.range_db=60.0", "its weights are of other settings .cqt.range_db: 80.0 there, 60.0"),
    ],
)
def test_weights_of_other_settings_are_refused_before_a_folder_is_made(
    trained, packed, tmp_path, override, message
):
    with pytest.raises(CheckpointError, match=message):
        Training(small_config(packed, override), tmp_path / "new", False, checkpoint=trained)
    assert not (tmp_path / "new").exists()


def test_a_run_ends_early_when_the_score_gains_too_little(packed, tmp_path):
    config = small_config(
        packed, "train.epochs=9", "train.patience_epochs=1", "train.smallest_gain=200.0",
        "train.schedule=plateau", "stream.workers=0",
    )  # fmt: skip
    best = Training(config, tmp_path / "early", resume=False).run()
    scores = list(curve(tmp_path / "early", "valid/mirex").values())
    assert len(scores) == 2 and best == pytest.approx(max(scores), rel=1e-6)
    again = Training(config, tmp_path / "early", resume=True)
    assert again.run() == best and again.progress.epoch == 2


def test_with_an_average_the_loss_curve_stays_and_the_saved_best_is_the_average(
    trained, packed, tmp_path
):
    config = small_config(packed, "train.ema_decay=0.8", "train.checkpoint_every_steps=5")
    run = tmp_path / "averaged"
    Training(config, run, resume=False).run()
    assert curve(run, "train/loss") == curve(trained, "train/loss")
    assert curve(run, "valid/loss") != curve(trained, "valid/loss")
    last, plain = (load_checkpoint(resolve(place, "last")) for place in (run, trained))
    assert all(torch.equal(last.trained[name], plain.model[name]) for name in plain.model)
    network, hearing = trained_network(run)
    shards = shards_of(small_config(packed), hearing, ("synthetic",), "valid")
    answers = answer(network, front_end_of(hearing), shards, Accelerator(), 8, 0, 100)
    best = max(curve(run, "valid/mirex").values())
    assert answers.song_score.weighted == pytest.approx(best, abs=1e-4)


def test_a_loss_that_is_not_finite_ends_the_run_and_leaves_no_checkpoint_of_it(packed, tmp_path):
    config = small_config(
        packed, "train.learning_rate=1e30", "train.warmup_fraction=0.0",
        "train.log_every_steps=4", "stream.workers=0",
    )  # fmt: skip
    run = tmp_path / "wild"
    with pytest.raises(
        NotFiniteError, match=r"since step 2, of songs synthetic/\S+, .*; begin"
    ) as no:
        Training(config, run, resume=False).run()
    assert "--resume" not in str(no.value)
    assert not (run / "checkpoints").exists()


@pytest.mark.parametrize(
    "override, message",
    [
        ("train.global_batch_size=500", "intervals do not fill one batch of 500; lower train.glob"),
        ('train.datasets=["none"]', "none/train/manifest.json.zst: not there; pack this data set"),
        ("train.accumulation=3", "do not split into so many equal parts"),
    ],
)
def test_what_cannot_be_trained_leaves_no_folder(packed, tmp_path, override, message):
    with pytest.raises(ValueError, match=message):
        Training(small_config(packed, override), tmp_path / "run", resume=False)
    assert not (tmp_path / "run").exists()


def test_a_data_set_without_songs_to_validate_with_is_refused(packed, tmp_path):
    shutil.copytree(packed / "shards", tmp_path / "shards")
    shutil.rmtree(tmp_path / "shards/audio/synthetic/valid")
    with pytest.raises(ValueError, match="no valid split in synthetic; name other data sets"):
        Training(small_config(tmp_path), tmp_path / "run", resume=False)
    assert not (tmp_path / "run").exists()


def test_two_processes_train_on_uneven_shards(packed):
    done = launch(2, "train.py", "--name", "two", *settings(packed))
    assert done.returncode == 0, done.stderr
    (run,) = packed.glob("runs/*-two")
    assert len(curve(run, "valid/loss")) == 2


def test_one_batch_can_be_learned_by_heart(packed):
    torch.manual_seed(0)
    config = small_config(packed, "model.dropout=0.0")
    shards = shards_of(config, config, ("synthetic",), "train")
    batch = next(iter(loader(training_stream(shards, 8, 0, 1, 0, 0, 6, 16), 0, False)))
    cqt, key_id = front_end_of(config).eval()(batch)
    network = network_of(config).train()
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    for _ in range(300):
        loss = cross_entropy(network(cqt), key_id)
        if loss < 0.1:
            return
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    pytest.fail(f"the loss is still {loss:.2f}")


@pytest.mark.parametrize(
    "override, message",
    [
        ("train.global_batch_size=4", "train.global_batch_size: 8 there, 4 today"),
        ("train.learning_rate=0.5", "train.learning_rate: 0.003 there, 0.5 today"),
        ("train.warmup_fraction=0.2", "train.warmup_fraction: 0.1 there, 0.2 today"),
        ("train.plateau_factor=0.1", "train.plateau_factor: 0.5 there, 0.1 today"),
        ("train.plateau_patience_epochs=1", "train.plateau_patience_epochs: 3 there, 1 today"),
        ("loss.label_smoothing=0.1", r"settings .loss.label_smoothing: 0.0 there, 0.1 today\);"),
        ("cqt.range_db=60.0", "cqt.range_db: 80.0 there, 60.0 today"),
        ("model.name=allconv", "model.name: keynet there, allconv today"),
    ],
)
def test_going_on_with_other_input_or_another_order_is_refused_with_what_differs(
    trained, packed, override, message
):
    before = contents(trained)
    with pytest.raises(CheckpointError, match=message):
        Training(small_config(packed, override), trained, resume=True)
    assert contents(trained) == before


def test_a_cosine_run_cannot_be_made_longer(trained, packed):
    before = contents(trained)
    for epochs in (1, 3):
        message = rf"epochs: 2 there, {epochs} today: a cosine schedule .* \(--from\)\. A run with"
        with pytest.raises(CheckpointError, match=message):
            Training(small_config(packed, f"train.epochs={epochs}"), trained, resume=True)
    assert contents(trained) == before


@pytest.mark.parametrize("schedule", ["constant", "plateau"])
def test_a_run_whose_schedule_continues_can_be_made_longer(packed, tmp_path, caplog, schedule):
    run = tmp_path / "run"
    settings = (f"train.schedule={schedule}", "train.warmup_fraction=0.5", "stream.workers=0")
    Training(small_config(packed, "train.epochs=1", *settings), run, resume=False).run()
    before = curve(run, "train/learning_rate")
    time.sleep(1.1)  # TensorBoard puts a run's files in order by whole seconds
    with caplog.at_level("INFO"):
        longer = Training(small_config(packed, "train.epochs=2", *settings), run, resume=True)
    assert f"train.epochs: 1 there, 2 today; the {schedule} schedule goes on" in caplog.messages
    longer.run()
    after = curve(run, "train/learning_rate")
    assert len(after) == 2 * len(before) and {s: after[s] for s in before} == before
    assert {after[step] for step in after if step not in before} == {max(before.values())}


def test_going_on_with_other_shards_is_refused(trained, packed, tmp_path):
    pack_synthetic(small_config(tmp_path), seed=1)
    with pytest.raises(CheckpointError, match="other settings .shards: .* there, .* today"):
        Training(small_config(tmp_path), trained, resume=True)


def test_a_checkpoint_of_another_architecture_is_refused(trained, packed, tmp_path):
    other = shutil.copytree(trained, tmp_path / "other")
    with pytest.raises(CheckpointError, match="another network"):
        Training(small_config(packed, "model.channels=16"), other, resume=True)


def test_a_best_checkpoint_answers_as_the_run_s_last_line_said(trained, packed):
    network, hearing = trained_network(trained)
    shards = shards_of(small_config(packed), hearing, ("synthetic",), "valid")
    answers = answer(network, front_end_of(hearing), shards, Accelerator(), 8, 0, 100)
    best = max(curve(trained, "valid/mirex").values())
    assert answers.song_score.weighted == pytest.approx(best, abs=1e-4)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--set", "train.epoch=3"], "unknown setting 'epoch'; did you mean 'epochs'?"),
        (["--set", "prepare.shards_dir=nowhere"], "not there; pack this data set first"),
        (["--resume", "nowhere"], "nowhere: no such run or checkpoint; see the folders in runs/"),
        (["--set", "model.name=keynett"], "unknown network 'keynett'; known: keynet"),
    ],
)
def test_wrong_input_ends_in_one_line_and_exit_code_1(called, packed, arguments, message):
    extra = [] if "--resume" in arguments else settings(packed)
    done = called(train.main, *extra, *arguments)
    assert done.returncode == 1 and message in done.stderr
    assert "Traceback" not in done.stderr
