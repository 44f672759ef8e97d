"""Recordings that may not be passed on, kept as CQT levels: what a network says of them.

A .npz file holds `levels` (N, 192, 216), uint8, of N intervals of 20 s: 24 bins an octave from F#0,
2,048 samples at 22,050 Hz from one frame to the next; level 0 is 80 dB below the interval's peak,
level 255 is that peak. `song` (N,) is each interval's song; `key` and `group` (songs,) the songs'.
"""

import math
from pathlib import Path

import numpy as np

from evaluation.heard import Heard
from model.onnx_file import without_hearing
from pipeline.cqt import bins_of
from songkey.errors import AudioKeyError
from songkey.keys import parse_key
from songkey.networkfile import HEARD, NetworkInfo
from songkey.runtime import onnx_runtime

LOWEST_HZ = 440 * 2 ** (-51 / 12)  # F#0
BINS_PER_OCTAVE, FRAMES_PER_SECOND, RANGE_DB = 24, 22_050 / 2_048, 80.0


class LevelsError(AudioKeyError):
    """Levels that a network cannot be given."""


def heard_levels(file: Path, network: bytes, info: NetworkInfo) -> list[Heard]:
    """What the answering part of an exported network says of the songs of a file of levels."""
    with np.load(file) as table:
        levels, song_of = table["levels"], table["song"]  # (N, 192, 216), (N,)
        keys, groups = table["key"].tolist(), table["group"].tolist()
    heard = network_input(levels, info)  # (N * pieces, F, T)
    session = onnx_runtime().InferenceSession(without_hearing(network))
    batches = np.array_split(heard, math.ceil(len(heard) / 32))
    logits = np.concatenate([session.run(None, {HEARD: batch})[0] for batch in batches])
    song_of = np.repeat(song_of, len(heard) // len(levels))
    return [
        Heard(file.name, f"{number:04d}", parse_key(key), logits[song_of == number], group)
        for number, (key, group) in enumerate(zip(keys, groups, strict=True))
    ]


def network_input(levels: np.ndarray, info: NetworkInfo) -> np.ndarray:
    """Levels (N, 192, 216) as the log CQTs (N * pieces, F, T), 0 to 1, that a network hears.

    Its bins with their margin are cut out, and their peak is 0 dB again. An interval of levels is
    cut into as many pieces as it holds of the network's. Raises LevelsError.
    """
    bins = bins_of(
        info.sample_rate, info.cqt["fmin_hz"], info.cqt["n_bins"], info.cqt["bins_per_octave"],
        info.cqt["margin_semitones"],
    )  # fmt: skip
    first = round(BINS_PER_OCTAVE * math.log2(bins.lowest_hz / LOWEST_HZ))
    step = FRAMES_PER_SECOND * info.cqt["hop_length"] / info.sample_rate
    frames = info.interval_samples // info.cqt["hop_length"] + 1
    seen = levels[:, max(first, 0) : first + bins.total, :: max(round(step), 1)]
    whole_step = abs(step - round(step)) < 1e-3 and round(step) >= 1
    fits = bins.per_octave == BINS_PER_OCTAVE and first >= 0 and seen.shape[1] == bins.total
    if not (whole_step and fits and seen.shape[2] >= frames):
        raise LevelsError("levels of another CQT than the network's")
    pieces = seen.shape[2] // frames
    seen = seen[:, :, : pieces * frames].reshape(len(seen), bins.total, pieces, frames)
    decibels = (seen.swapaxes(1, 2).reshape(-1, bins.total, frames) / 255 - 1) * RANGE_DB
    decibels -= decibels.max(axis=(1, 2), keepdims=True)
    inner = decibels[:, bins.margin : bins.total - bins.margin]
    return (inner / info.cqt["range_db"] + 1).clip(0, 1).astype(np.float32)
