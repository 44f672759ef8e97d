"""A checkpoint: one safetensors file, so that writing it is one atomic rename.

Tensors are `model.<name>`, the weights that answer, and, to resume from,
`optimizer.<parameter index>.<name>` and, where the weights that answer are an average,
`trained.<name>`, those that training goes on with; and, of the songs that trained it,
`songs.labelled` and `songs.unlabelled`. Everything else (resolved config, training
state, the optimizer's groups, the schedule, a checksum of the tensors) is one JSON text in the
metadata: safetensors writes several entries in random order, and equal checkpoints should be equal
files.
"""

import json
import zlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from model.optimizer import Schedule
from model.trained_songs import TrainedSongs
from songkey.errors import AudioKeyError
from storage.whole import write_whole

PROGRAM = "audio-key-classification"
FORMAT_VERSION = 1
NAMES_IN_A_MESSAGE = 3
SONGS = "songs"  # begins the tensors' names; the entry says which others there may be
UNKNOWN_SONGS = "unknown songs"  # of shards that name no data set
PICKLE_PROTOCOLS = tuple(bytes([0x80, protocol]) for protocol in range(2, 6))


class CheckpointError(AudioKeyError):
    """A checkpoint that is missing, damaged, not ours, or does not fit."""


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint file held; `optimizer` and `scheduler` are empty where it had none."""

    path: Path
    config: dict
    state: dict
    model: dict[str, Tensor]
    trained: dict[str, Tensor]  # what training goes on with: `model`, unless that is an average
    optimizer: dict
    scheduler: dict
    temperature: float = 1.0  # of its logits; fitted after training
    trained_songs: TrainedSongs | None = None  # older versions did not say

    @property
    def trained_on(self) -> tuple[str, ...]:
        """All data sets that trained its weights, or UNKNOWN_SONGS; its config is not checked.

        Those of the checkpoint that training began with are among them.
        """
        return tuple(self.state.get("trained_on", ())) or trains_on(self.config)

    @property
    def validated_on(self) -> tuple[str, ...]:
        """The data sets whose valid split chose it; none where it does not say them."""
        return _datasets(self.config)


def trains_on(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The data sets whose songs a run with these settings trains on, or UNKNOWN_SONGS."""
    stream = config.get("stream")
    unnamed = isinstance(stream, dict) and stream.get("urls")
    return (() if unnamed else _datasets(config)) or (UNKNOWN_SONGS,)


def _datasets(config: Mapping[str, Any]) -> tuple[str, ...]:
    train = config.get("train")
    return tuple(train.get("datasets", ())) if isinstance(train, dict) else ()


def save_checkpoint(
    path: str | Path, model: nn.Module, config: dict, state: dict,
    optimizer: Optimizer | None = None, scheduler: LRScheduler | Schedule | None = None,
    trained: nn.Module | None = None, trained_songs: TrainedSongs | None = None,
) -> None:  # fmt: skip
    """Writes one checkpoint; at any time `path` is the old file or the whole new one.

    Where `model` is an average, `trained` is the network that training goes on with.
    """
    tensors = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    if trained is not None:
        tensors |= {f"trained.{name}": tensor for name, tensor in trained.state_dict().items()}
    document = {"format": FORMAT_VERSION, "config": config, "state": state}
    if optimizer is not None:
        saved = optimizer.state_dict()
        for index, values in saved["state"].items():
            tensors |= {f"optimizer.{index}.{name}": tensor for name, tensor in values.items()}
        document["param_groups"] = saved["param_groups"]
    if trained_songs is not None:
        for name in ("labelled", "unlabelled"):
            digests: np.ndarray = getattr(trained_songs, name)
            tensors[f"{SONGS}.{name}"] = torch.from_numpy(digests.view(np.uint8))  # (8 N,)
        document[SONGS] = trained_songs.unknown
    if scheduler is not None:
        document["scheduler"] = scheduler.state_dict()
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    document["crc32"] = _checksum(contiguous)
    write_whole(Path(path), save(contiguous, {PROGRAM: json.dumps(document)}))


def load_checkpoint(path: str | Path) -> Checkpoint:
    """Reads a checkpoint onto the CPU; CheckpointError if it is missing, damaged or not ours."""
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"{path}: no such checkpoint file; train one with `just train`")
    try:
        metadata, tensors = _read(path)
    except SafetensorError as error:
        if _is_pickle(path):
            raise CheckpointError(
                f"{path}: made by pickle, which can run code; give a .safetensors checkpoint"
            ) from None
        raise CheckpointError(
            f"{path}: damaged or not a safetensors file ({error}); copy it again, or use another"
        ) from error
    if PROGRAM not in metadata:
        raise CheckpointError(f"{path}: not a checkpoint of {PROGRAM}; give one from runs/")
    document = _document(path, metadata[PROGRAM])
    if document["format"] != FORMAT_VERSION:
        raise CheckpointError(
            f"{path}: checkpoint format {document['format']}, but this version reads "
            f"format {FORMAT_VERSION}; use the version that wrote it, or train anew"
        )
    if document.get("crc32", checksum := _checksum(tensors)) != checksum:
        raise CheckpointError(
            f"{path}: damaged, its tensors differ from their checksum; copy it again, "
            "or use another"
        )
    return _from_parts(path, tensors, document)


def _document(path: Path, text: str) -> dict:
    """What the metadata says beside the tensors; CheckpointError unless all of it is there."""
    try:
        document = json.loads(text)
    except json.JSONDecodeError:
        document = None
    known = isinstance(document, dict) and document.get("format") == FORMAT_VERSION
    needed = {"format", "config", "state"} if known else {"format"}
    if not isinstance(document, dict) or not needed <= document.keys():
        raise CheckpointError(f"{path}: its description is damaged; copy it again, or use another")
    return document


def restore_model(checkpoint: Checkpoint, model: nn.Module) -> None:
    """Puts the saved weights into `model`; CheckpointError names what differs if it is another."""
    if differences := _differences(model.state_dict(), checkpoint.model):
        raise CheckpointError(
            f"{checkpoint.path}: saved from another network: {'; '.join(differences)}; "
            "build the network with the [model] and [cqt] settings saved in the checkpoint"
        )
    model.load_state_dict(checkpoint.model)


def restore_trained(checkpoint: Checkpoint, model: nn.Module) -> None:
    """Puts the weights that training goes on with into `model`, as `restore_model` does."""
    restore_model(replace(checkpoint, model=checkpoint.trained), model)


def restore_training(
    checkpoint: Checkpoint, optimizer: Optimizer, scheduler: LRScheduler | Schedule
) -> None:
    """Puts the saved state into an optimizer over the same model and its schedule, to resume."""
    if not checkpoint.optimizer or not checkpoint.scheduler:
        raise CheckpointError(
            f"{checkpoint.path}: holds weights only, so training cannot resume from it; "
            "resume from the run's last checkpoint"
        )
    optimizer.load_state_dict(checkpoint.optimizer)
    scheduler.load_state_dict(checkpoint.scheduler)


def store_temperature(path: Path, temperature: float) -> None:
    """Writes a fitted temperature into a whole checkpoint file; nothing else in it changes."""
    metadata, tensors = _read(path)
    document = json.dumps(json.loads(metadata[PROGRAM]) | {"temperature": temperature})
    write_whole(path, save(tensors, {PROGRAM: document}))


def _read(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return file.metadata() or {}, tensors


def _from_parts(path: Path, tensors: dict[str, Tensor], document: dict) -> Checkpoint:
    optimizer = {}
    if "param_groups" in document:
        values: dict[int, dict[str, Tensor]] = defaultdict(dict)
        for path_in_state, tensor in _under("optimizer.", tensors).items():
            index, name = path_in_state.split(".", 1)
            values[int(index)][name] = tensor
        optimizer = {"state": dict(values), "param_groups": document["param_groups"]}
    model, scheduler = _under("model.", tensors), document.get("scheduler", {})
    trained = _under("trained.", tensors) or model
    config, state = document["config"], document["state"]
    trained_songs = None
    if SONGS in document:
        digests = {n: t.numpy().view(np.uint64) for n, t in _under(f"{SONGS}.", tensors).items()}
        trained_songs = TrainedSongs(**digests, unknown=tuple(document[SONGS]))
    temperature = document.get("temperature", 1.0)
    return Checkpoint(
        path, config, state, model, trained, optimizer, scheduler, temperature, trained_songs
    )


def _checksum(tensors: Mapping[str, Tensor]) -> int:
    """CRC-32 over the bytes of all tensors, in the order of their names."""
    checksum = 0
    for name in sorted(tensors):
        checksum = zlib.crc32(tensors[name].reshape(-1).view(torch.uint8).numpy().data, checksum)
    return checksum


def _is_pickle(path: Path) -> bool:
    """Whether it begins as what torch.save writes: a zip archive or, long ago, a bare pickle."""
    with path.open("rb") as file:
        start = file.read(9)
    # Byte 8 of a safetensors file opens its JSON header; the two before may look like a pickle's.
    return start.startswith((b"PK\x03\x04", *PICKLE_PROTOCOLS)) and start[8:] != b"{"


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {n.removeprefix(prefix): tensor for n, tensor in tensors.items() if n.startswith(prefix)}


def _differences(expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> list[str]:
    """What separates two state dicts, as phrases; empty when the weights fit."""
    shapes = [
        f"{name} is {tuple(found[name].shape)} instead of {tuple(expected[name].shape)}"
        for name in expected
        if name in found and found[name].shape != expected[name].shape
    ]
    kinds = {
        "missing": [name for name in expected if name not in found],
        "unexpected": [name for name in found if name not in expected],
        "shape": shapes,
    }
    return [f"{kind}: {_first(names)}" for kind, names in kinds.items() if names]


def _first(names: list[str]) -> str:
    rest = len(names) - NAMES_IN_A_MESSAGE
    return ", ".join(names[:NAMES_IN_A_MESSAGE]) + (f" and {rest} more" if rest > 0 else "")
