"""Laws of what was written yesterday: checkpoints load for ever, runs go on where that is right.

`checkpoints/format-1.safetensors` was written on 2026-11-28 by commit f423a72, with the SMALL
settings of conftest, model.channels=2 and train.ema_decay=0.5. It is never to be written anew.
"""

import json
import shutil
from pathlib import Path

import pytest
import torch
from conftest import settings, small_config
from safetensors import safe_open
from safetensors.torch import save_file

import eval
import train
from evaluation.listener import front_end_of, network_of, trained_network
from model.checkpoint import (
    PROGRAM,
    CheckpointError,
    load_checkpoint,
    restore_trained,
    restore_training,
)
from model.optimizer import adamw, schedule
from model.run_folder import resolve
from pipeline.sample import Batch
from settings.config import load_config
from training.loop import Training

OLD = Path(__file__).parent / "checkpoints" / "format-1.safetensors"
CHORD_HZ = (220.0, 261.63, 329.63)
LOGITS = (0.39953, 0.40149, 0.41178, 0.47276, 0.44154, 0.50383)  # of the chord: C to F major


def logits_of(path: Path) -> torch.Tensor:
    """The answer (24,) of a checkpoint for a chord of A minor."""
    network, hearing = trained_network(path)
    time = torch.arange(hearing.interval_samples) / hearing.audio.sample_rate
    chord = sum(torch.sin(2 * torch.pi * hz * time) for hz in CHORD_HZ) / 4  # (S,)
    waveform = (32767 * chord).short()[None]
    unknown = torch.zeros(1, dtype=torch.int64)
    with torch.inference_mode():
        cqt, _ = front_end_of(hearing).eval()(Batch(waveform, None, unknown, unknown, unknown == 0))
        return network(cqt)[0]


def changed(source: Path, target: Path, **sections: dict | None) -> Path:
    """A copy of a checkpoint whose config has other settings in some sections, or lacks these."""
    with safe_open(source, framework="pt") as file:
        document = json.loads(file.metadata()[PROGRAM])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    for section, change in sections.items():
        if change is None:
            del document["config"][section]
        else:
            document["config"].setdefault(section, {}).update(change)
    save_file(tensors, target, {PROGRAM: json.dumps(document)})
    return target


def test_the_oldest_checkpoint_answers_as_on_its_first_day():
    assert logits_of(OLD)[:6].tolist() == pytest.approx(LOGITS, abs=2e-4)


def test_training_could_go_on_from_it():
    checkpoint = load_checkpoint(OLD)
    network = network_of(trained_network(OLD)[1])
    optimizer = adamw(network, 0.003, 0.01)
    steps = schedule("cosine", optimizer, 2, 24, 0.5, 3)
    restore_trained(checkpoint, network)
    restore_training(checkpoint, optimizer, steps)
    assert len(optimizer.state) == len(list(network.parameters()))
    assert steps.learning_rate == 0.0 and checkpoint.state["progress"]["epoch"] == 2
    assert any(
        not torch.equal(checkpoint.model[n], checkpoint.trained[n]) for n in checkpoint.model
    )


def test_settings_that_are_not_its_network_s_may_be_of_any_version(packed, called, tmp_path):
    other = changed(
        OLD, tmp_path / "other.safetensors", tune={"gone": 1}, gone={"too": [2]}, train=None,
        prepare={"gone": 3, "workers": "no number"}, augment={"transpose_semitones": 99},
        datasets={"synthetic": 4}, stream={"format": "cassette"},
    )  # fmt: skip
    assert torch.equal(logits_of(other), logits_of(OLD))
    place = settings(packed, "model.channels=2")
    done = called(eval.main, "--checkpoint", other, *place)
    assert done.returncode == 0, done.stderr
    assert "trained on unknown songs" in next(tmp_path.glob("report-*.html")).read_text("utf-8")
    done = called(eval.main, "--checkpoint", other, "--calibrate", *place)
    assert "does not say which data sets it was trained on" in done.stderr
    begun = Training(small_config(packed, "model.channels=2"), tmp_path / "run", False, other)
    weights = begun.learner.saved()["model"].state_dict()
    assert torch.equal(weights["modes.bias"], load_checkpoint(OLD).model["modes.bias"])


@pytest.mark.parametrize(
    "section, change, message",
    [
        ("model", {"heads": 3}, r"\[model\]: unknown setting 'heads'; .* the version that wrote"),
        ("cqt", {"window": "hann"}, r"\[cqt\]: unknown setting 'window'; .*; use the version"),
        ("audio", {"sample_rate": "high"}, "audio.sample_rate = 'high': .*; use the version"),
        ("model", {"name": "gone"}, "model.name: unknown network 'gone'; .*; use the version"),
    ],
)
def test_a_network_that_this_version_does_not_know_is_refused(tmp_path, section, change, message):
    other = changed(OLD, tmp_path / "other.safetensors", **{section: change})
    with pytest.raises(CheckpointError, match=f"^{other}:? ?.*{message}"):
        trained_network(other)


def with_old_settings(trained: Path, run: Path, **sections: dict) -> Path:
    """A copy of a run whose version knew these settings, too."""
    shutil.copytree(trained, run)
    last = resolve(run, "last")
    changed(resolve(trained, "last"), last, **sections)
    text = (run / "config.toml").read_text("utf-8")
    for section, change in sections.items():
        for name, value in change.items():
            text = text.replace(f"[{section}]\n", f"[{section}]\n{name} = {value}\n")
    (run / "config.toml").write_text(text, "utf-8")
    return run


def test_a_run_of_yesterday_goes_on_without_settings_that_decide_nothing(
    trained, called, tmp_path, caplog
):
    run = with_old_settings(trained, tmp_path / "run", tune={"gone": 1}, train={"colour": 2})
    with caplog.at_level("INFO"):
        done = called(train.main, "--resume", run)
    assert done.returncode == 0, done.stderr
    assert "left out, unknown to this version: t" in caplog.text
    assert "tune.gone" in caplog.text and "train.colour" in caplog.text
    load_config(str(run / "config.toml"))  # written anew, without them


@pytest.mark.parametrize("section", ["loss", "cqt"])
def test_a_run_of_yesterday_is_refused_where_what_it_learns_is_unknown(
    trained, called, tmp_path, section
):
    run = with_old_settings(trained, tmp_path / "run", **{section: {"gone": 1}})
    done = called(train.main, "--resume", run)
    assert done.returncode == 1
    assert (
        f"cannot go on with other settings ({section}.gone: 1 there, absent today)" in done.stderr
    )
