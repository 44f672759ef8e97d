import dataclasses

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional

from model.checkpoint import (
    CheckpointError,
    load_checkpoint,
    restore_model,
    restore_trained,
    restore_training,
    save_checkpoint,
    store_temperature,
)
from model.optimizer import adamw, warmup_cosine
from model.run_folder import resolve
from model.trained_songs import TrainedSongs
from training.run_checkpoints import load_to_resume

CONFIG = {"model": {"name": "keynet", "dropout": 0.1}, "train": {"datasets": ["a", "b"]}}
STATE = {"epoch": 3, "step": 17, "seed": 0, "best": 81.25}


def network(seed: int = 0, width: int = 8) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Linear(5, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Linear(width, 24)
    )


def training(seed: int = 0):
    model = network(seed)
    optimizer = adamw(model, 0.01, 0.1)
    return model, optimizer, warmup_cosine(optimizer, 4, 20)


def losses(model, optimizer, scheduler, steps: range) -> list[float]:
    """The loss of each step on batches that depend on the step's number alone."""
    seen = []
    for step in steps:
        generator = torch.Generator().manual_seed(step)
        x = torch.randn(16, 5, generator=generator)
        loss = functional.cross_entropy(model(x), (x.sum(1).abs() * 3).long().clamp(max=23))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        seen.append(loss.item())
    return seen


@pytest.fixture
def run(tmp_path):
    """A run folder with one checkpoint, taken after ten steps of training."""
    parts = training()
    losses(*parts, range(10))
    save_checkpoint(
        tmp_path / "checkpoints" / "best.safetensors", parts[0], CONFIG, STATE, *parts[1:]
    )
    return tmp_path


def test_everything_comes_back_bit_by_bit(tmp_path):
    model = network()
    save_checkpoint(tmp_path / "a.safetensors", model, CONFIG, STATE)
    checkpoint = load_checkpoint(tmp_path / "a.safetensors")
    other = network(seed=1)
    restore_model(checkpoint, other)
    assert (checkpoint.config, checkpoint.state) == (CONFIG, STATE)
    assert all(torch.equal(a, b) for a, b in zip(*_tensors(model, other), strict=True))


def _tensors(*models: nn.Module):
    return [model.state_dict().values() for model in models]


def test_training_goes_on_exactly_as_if_it_had_not_stopped(run):
    uninterrupted = training()
    losses(*uninterrupted, range(10))
    resumed = training(seed=1)
    checkpoint = load_checkpoint(resolve(run))
    restore_model(checkpoint, resumed[0])
    restore_training(checkpoint, *resumed[1:])
    assert losses(*resumed, range(10, 20)) == losses(*uninterrupted, range(10, 20))


def test_saving_what_was_restored_gives_the_same_bytes(run, tmp_path):
    checkpoint = load_checkpoint(resolve(run))
    parts = training(seed=1)
    restore_model(checkpoint, parts[0])
    restore_training(checkpoint, *parts[1:])
    again = tmp_path / "again.safetensors"
    save_checkpoint(again, parts[0], checkpoint.config, checkpoint.state, *parts[1:])
    assert again.read_bytes() == resolve(run).read_bytes()


def test_a_checkpoint_cannot_be_changed_by_its_readers(run):
    with pytest.raises(dataclasses.FrozenInstanceError):
        load_checkpoint(resolve(run)).config = {}


@pytest.mark.parametrize("count", [0, 1, 500])
def test_it_remembers_which_songs_trained_it_whatever_is_told_to_it_afterwards(tmp_path, count):
    path, digests = tmp_path / "last.safetensors", np.arange(count, dtype=np.uint64) << 55
    songs = TrainedSongs.of(np.concatenate([digests[::-1], digests]), digests + 1, ["of some"])
    save_checkpoint(path, network(), CONFIG, STATE, trained_songs=songs)
    store_temperature(path, 2.0)
    found = load_checkpoint(path).trained_songs
    assert found.unknown == ("of some",) and found.labelled.dtype == np.uint64
    assert found.labelled.tolist() == digests[1:].tolist()
    assert found.unlabelled.tolist() == (digests + 1).tolist()
    more = TrainedSongs.of(np.array([7, 7], np.uint64), unknown=["of some", "more"])
    both = found.with_those_of(more)
    assert both.labelled.tolist() == sorted({7, *found.labelled.tolist()})
    assert both.unlabelled.tolist() == found.unlabelled.tolist()
    assert set(both.unknown) == {"of some", "more"} and len(both.unknown) == 2


def test_songs_that_trained_it_do_not_change_what_else_is_saved(run, tmp_path):
    assert load_checkpoint(resolve(run)).trained_songs is None
    paths = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    for path, songs in zip(
        paths, (None, TrainedSongs.of(np.arange(9, dtype=np.uint64))), strict=True
    ):
        save_checkpoint(path, network(), CONFIG, STATE, trained_songs=songs)
    one, other = map(load_checkpoint, paths)
    assert one.model.keys() == other.model.keys() and one.state == other.state
    assert 8 * 8 <= paths[1].stat().st_size - paths[0].stat().st_size < 8 * 8 + 250


def test_saving_leaves_one_file_and_replaces_the_old_one(tmp_path):
    path = tmp_path / "new folder" / "last.safetensors"
    for step in (1, 2):
        save_checkpoint(path, network(), CONFIG, {"step": step})
    assert [file.name for file in path.parent.iterdir()] == ["last.safetensors"]
    assert load_checkpoint(path).state == {"step": 2}


def test_a_save_that_fails_keeps_the_old_checkpoint_and_leaves_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "last.safetensors"
    save_checkpoint(path, network(), CONFIG, {"step": 1})

    def disk_full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", disk_full)
    with pytest.raises(OSError, match="No space left on device: .*last.safetensors"):
        save_checkpoint(path, network(), CONFIG, {"step": 2})
    assert [file.name for file in tmp_path.iterdir()] == ["last.safetensors"]
    assert load_checkpoint(path).state == {"step": 1}


def test_what_a_killed_process_left_of_a_checkpoint_goes_when_the_run_is_resumed(run):
    (run / "checkpoints" / ".last.safetensors.123.tmp").write_bytes(b"half of a checkpoint")
    load_to_resume(run, resolve(run))
    assert [path.name for path in (run / "checkpoints").iterdir()] == ["best.safetensors"]


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.999])
def test_a_truncated_file_is_refused(run, share):
    path = resolve(run)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(CheckpointError, match=r"best\.safetensors: damaged or not a safetensors"):
        load_checkpoint(path)


def test_a_damaged_tensor_is_refused(run):
    path = resolve(run)
    data = bytearray(path.read_bytes())
    data[-100] ^= 1
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match=r"damaged, its tensors differ from their checksum"):
        load_checkpoint(path)


@pytest.mark.parametrize("as_zip", [True, False])
def test_a_pickle_is_refused_as_one(tmp_path, as_zip):
    path = tmp_path / "theirs.pt"
    torch.save(network().state_dict(), path, _use_new_zipfile_serialization=as_zip)
    message = r"theirs\.pt: made by pickle, which can run code; give a \.safetensors checkpoint"
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(path)


def test_a_truncated_file_whose_length_looks_like_a_pickle_is_called_damaged(tmp_path):
    path = tmp_path / "last.safetensors"
    path.write_bytes((0x0280).to_bytes(8, "little") + b'{"model.weight"')
    with pytest.raises(CheckpointError, match="damaged or not a safetensors file"):
        load_checkpoint(path)


def test_an_average_and_the_weights_it_is_of_come_back_each_as_itself(tmp_path):
    average, trained = network(seed=1), network(seed=2)
    save_checkpoint(tmp_path / "a.safetensors", average, CONFIG, STATE, trained=trained)
    checkpoint = load_checkpoint(tmp_path / "a.safetensors")
    for restore, expected in ((restore_model, average), (restore_trained, trained)):
        model = network()
        restore(checkpoint, model)
        assert all(torch.equal(a, b) for a, b in zip(*_tensors(model, expected), strict=True))


def test_garbage_is_refused(tmp_path):
    (tmp_path / "song.mp3").write_bytes(b"ID3 this is no checkpoint" * 100)
    with pytest.raises(CheckpointError, match=r"song\.mp3: damaged or not a safetensors file"):
        load_checkpoint(tmp_path / "song.mp3")


def test_another_programs_safetensors_file_is_refused(tmp_path):
    save_file({"weight": torch.zeros(3)}, tmp_path / "theirs.safetensors")
    with pytest.raises(CheckpointError, match="not a checkpoint of audio-key-classification"):
        load_checkpoint(tmp_path / "theirs.safetensors")


@pytest.mark.parametrize("text", ["not json", "[]", "{}", '{"format": 1}'])
def test_a_description_that_is_not_ours_is_refused(tmp_path, text):
    save_file(
        {"model.weight": torch.zeros(3)},
        tmp_path / "odd.safetensors",
        {"audio-key-classification": text},
    )
    with pytest.raises(CheckpointError, match="odd.safetensors: its description is damaged"):
        load_checkpoint(tmp_path / "odd.safetensors")


def test_a_checkpoint_of_another_format_version_is_refused(tmp_path):
    metadata = {"audio-key-classification": '{"format": 999}'}
    save_file({"model.weight": torch.zeros(3)}, tmp_path / "new.safetensors", metadata)
    with pytest.raises(CheckpointError, match="checkpoint format 999, .* reads format 1"):
        load_checkpoint(tmp_path / "new.safetensors")


def test_weights_of_another_shape_are_refused_by_name_and_change_nothing(run):
    model = network(seed=1, width=6)
    before = model.state_dict()["3.weight"].clone()
    with pytest.raises(CheckpointError, match=r"shape: 0\.weight is \(8, 5\) instead of \(6, 5\)"):
        restore_model(load_checkpoint(resolve(run)), model)
    assert torch.equal(model.state_dict()["3.weight"], before)


def test_another_architecture_is_refused_with_what_is_missing_and_unexpected(run):
    model = nn.Sequential(network(), nn.Linear(24, 24))
    message = (
        r"missing: 0\.0\.weight, .* and \d+ more; unexpected: 0\.bias, 0\.weight, .* and \d+ more"
    )
    with pytest.raises(CheckpointError, match=message):
        restore_model(load_checkpoint(resolve(run)), model)


def test_weights_alone_do_not_resume_training(tmp_path):
    save_checkpoint(tmp_path / "weights.safetensors", network(), CONFIG, STATE)
    checkpoint = load_checkpoint(tmp_path / "weights.safetensors")
    with pytest.raises(CheckpointError, match="holds weights only"):
        restore_training(checkpoint, *training()[1:])


def test_a_run_folder_means_its_best_checkpoint_or_the_one_named(run):
    best = run / "checkpoints" / "best.safetensors"
    last = best.with_name("last.safetensors")
    last.write_bytes(best.read_bytes())
    assert resolve(run) == resolve(best) == best
    assert resolve(run, "last") == last


def test_a_path_that_is_not_there_is_named(tmp_path):
    with pytest.raises(CheckpointError, match="nowhere: no such checkpoint or run folder"):
        resolve(tmp_path / "nowhere")
    with pytest.raises(CheckpointError, match="nowhere: no such checkpoint file"):
        load_checkpoint(tmp_path / "nowhere")


def test_a_folder_without_the_checkpoint_says_what_it_has(run):
    with pytest.raises(CheckpointError, match=r"no checkpoints/last\.safetensors .*best\.safetens"):
        resolve(run, "last")
    with pytest.raises(CheckpointError, match=r"checkpoints found: none"):
        resolve(run / "checkpoints")
