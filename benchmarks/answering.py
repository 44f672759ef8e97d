"""What an answer costs beside decoding its file, and why the CQT is computed in the ONNX graph."""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy's, which reads it when it is loaded

import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.lib.stride_tricks import sliding_window_view
from torch import nn

from benchmarks.songs import written_songs
from benchmarks.turns import median_seconds, report
from evaluation.export import export
from evaluation.listener import network_of
from model.checkpoint import save_checkpoint
from model.onnx_file import onnx_bytes
from pipeline.cqt import SILENT_PEAK, LogCQT
from pipeline.graph_cqt import GraphCQT
from settings.config import load_config
from settings.sections import Config
from songkey.audio import waveform_blocks
from songkey.detector import Detector
from songkey.errors import AudioError
from songkey.estimate import AnswerRule
from songkey.guard import GuardedDetector
from songkey.networkfile import NetworkInfo

SETTINGS = ["audio.sample_rate=11025", "cqt.hop_length=2048"]  # of the network that is shipped
SONG_SECONDS, BATCH, RUNS = 60.0, 4, 15


def measure() -> None:
    """Print the ratios of both front ends and of an answer, and the time of the command."""
    config = load_config(None, SETTINGS)
    _front_ends(config)
    with tempfile.TemporaryDirectory() as folder:
        (one,) = written_songs(folder, 1, SONG_SECONDS, ending="mp3", channels=2)
        song, model = Path(one.audio_path), Path(folder, "untrained.onnx")
        checkpoint = Path(folder, "untrained.safetensors")
        save_checkpoint(checkpoint, network_of(config), config.model_dump(mode="json"), {})
        export(checkpoint, model)
        _answers(song, model, config.audio.sample_rate)
        command = [sys.executable, "-m", "songkey", str(song), "--model", str(model)]
        (seconds,) = median_seconds(
            [lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL)], 5
        )
    print(f"songkey one.mp3 ({SONG_SECONDS:.0f} s), start to end: {seconds:.2f} s (<= 1.0 s)")


def _front_ends(config: Config) -> None:
    log_cqt = LogCQT(config.audio.sample_rate, **config.cqt.shape).eval()
    size, threads = config.interval_samples, int(os.environ["OPENBLAS_NUM_THREADS"])
    generator = np.random.default_rng(0)
    waveform = generator.normal(0, 0.1, (BATCH, size)).astype(np.float32)  # (B, S)
    graph = _graph(log_cqt, config, threads)

    def by_numpy() -> np.ndarray:
        return np.stack([_numpy_cqt(log_cqt, one) for one in waveform])  # (B, F, T)

    error = np.abs(graph(waveform) - by_numpy()).max()
    ours, bare = median_seconds([lambda: graph(waveform), by_numpy], RUNS)
    print(f"front end, {threads} threads: ONNX {1e3 * ours / BATCH:.2f} ms an interval, numpy "
          f"{1e3 * bare / BATCH:.2f} ms; apart by {error:.0e} of the range")  # fmt: skip


def _graph(log_cqt: LogCQT, config: Config, threads: int) -> Callable:
    """The front end alone in onnxruntime."""
    rate, seconds = config.audio.sample_rate, config.prepare.interval_seconds
    info = NetworkInfo("front end", rate, seconds, {}, AnswerRule(), "")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    file = onnx_bytes(GraphCQT(log_cqt, config.interval_samples), nn.Identity(), info)
    session = onnxruntime.InferenceSession(file, options)
    return lambda waveform: session.run(None, {"waveform": waveform})[0]


def _numpy_cqt(log_cqt: LogCQT, waveform: np.ndarray) -> np.ndarray:
    """The same in numpy, (S,) -> (F, T)."""
    padded = np.pad(waveform, log_cqt.reach, mode="reflect")
    kernels = [octave.get_buffer("kernels").numpy() for octave in log_cqt.octaves]
    magnitude = np.concatenate([_octave(log_cqt, padded, one) for one in kernels], axis=1)
    peak = max(float(magnitude.max()), SILENT_PEAK)
    seen = magnitude[:, log_cqt.margin_bins : magnitude.shape[1] - log_cqt.margin_bins]
    floor = 10 ** (-log_cqt.range_db / 20)
    return (20 / log_cqt.range_db * np.log10(np.maximum(seen / peak, floor)) + 1).T


def _octave(log_cqt: LogCQT, padded: np.ndarray, kernels: np.ndarray) -> np.ndarray:
    """BLAS takes overlapping frames as they lie, without a copy."""
    hop_length, start = log_cqt.hop_length, log_cqt.reach - len(kernels) // 2
    n_frames = (len(padded) - 2 * log_cqt.reach) // hop_length + 1
    products = np.zeros((n_frames, kernels.shape[1]), np.float32)  # (T, 2 bins)
    for first in range(0, len(kernels), hop_length):
        piece = kernels[first : first + hop_length]
        frames = sliding_window_view(padded[start + first :], len(piece))[::hop_length]
        products += frames[:n_frames] @ piece
    real, imaginary = np.split(products, 2, axis=1)
    return np.sqrt(real**2 + imaginary**2)


def _answers(song: Path, model: Path, sample_rate: int) -> None:
    detector, guarded = Detector(model), GuardedDetector(model)

    def decode() -> None:
        for _ in waveform_blocks(song, sample_rate):
            pass

    answers = [lambda: detector.estimate(song), lambda: guarded.estimate(song)]
    ours, apart, bare = median_seconds([*answers, decode], RUNS)
    report(f"mp3 to its key, beside decoding and resampling ({bare:.3f} s)", ours, bare, 0.8)
    report("the same in another process", apart, bare, 0.8)
    nothing = song.with_name("gone.mp3")
    refusals = [partial(_refused, one, nothing) for one in (detector, guarded)]
    here, there = median_seconds(refusals, 300)
    print(f"a file that is not there, in another process: {1e3 * (there - here):.2f} ms more")


def _refused(detector: Detector | GuardedDetector, path: Path) -> None:
    with suppress(AudioError):
        detector.estimate(path)
