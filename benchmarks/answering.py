"""What an answer costs beside decoding its file, and why the CQT is computed in the ONNX graph.

python -m benchmarks.answering
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy's, which reads it when it is loaded

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import soundfile
from torch import nn

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
from songkey.estimate import AnswerRule
from songkey.networkfile import NetworkInfo
from songs import synthetic

SETTINGS = ["audio.sample_rate=11025", "cqt.hop_length=2048"]  # of the network that is shipped
SONG_SECONDS, BATCH, RUNS = 60.0, 4, 15


def measure() -> None:
    """Print the ratios of both front ends and of an answer, and the time of the command."""
    config = load_config(None, SETTINGS)
    _front_ends(config)
    with tempfile.TemporaryDirectory() as folder:
        song, model = Path(folder, "one.mp3"), Path(folder, "untrained.onnx")
        waveform = synthetic.render(synthetic.songs(1, SONG_SECONDS, 0)[0].audio_path, 44_100)
        soundfile.write(song, np.stack([waveform, 0.9 * waveform], axis=1), 44_100)
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
    graph, by_numpy = _graph(log_cqt, config, threads), _NumpyCQT(log_cqt, size)
    error = np.abs(graph(waveform) - by_numpy(waveform)).max()
    ours, bare = median_seconds([lambda: graph(waveform), lambda: by_numpy(waveform)], RUNS)
    print(f"front end, {threads} threads: ONNX {1e3 * ours / BATCH:.2f} ms an interval, numpy "
          f"{1e3 * bare / BATCH:.2f} ms; apart by {error:.0e} of the range")  # fmt: skip


def _graph(log_cqt: LogCQT, config: Config, threads: int) -> Callable:
    """The front end alone in onnxruntime."""
    rate, seconds = config.audio.sample_rate, config.prepare.interval_seconds
    info = NetworkInfo("front end", rate, seconds, {}, AnswerRule(), "")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    module = nn.Sequential(GraphCQT(log_cqt, config.interval_samples))
    session = onnxruntime.InferenceSession(onnx_bytes(module, info), options)
    return lambda waveform: session.run(None, {"waveform": waveform})[0]


class _NumpyCQT:
    """The same in numpy: BLAS takes overlapping frames as they lie, without a copy."""

    def __init__(self, log_cqt: LogCQT, n_samples: int):
        self.kernels = [octave.get_buffer("kernels").numpy() for octave in log_cqt.octaves]
        self.reach, self.hop_length = log_cqt.reach, log_cqt.hop_length
        self.margin_bins, self.range_db = log_cqt.margin_bins, log_cqt.range_db
        self.n_frames = n_samples // log_cqt.hop_length + 1

    def __call__(self, waveform: np.ndarray) -> np.ndarray:
        """(B, S) -> (B, F, T)."""
        return np.stack([self._of_one(one) for one in waveform])

    def _of_one(self, waveform: np.ndarray) -> np.ndarray:
        padded = np.pad(waveform, (self.reach, self.reach), mode="reflect")
        magnitude = np.concatenate([self._octave(padded, k) for k in self.kernels], axis=1)
        peak = max(float(magnitude.max()), SILENT_PEAK)
        seen = magnitude[:, self.margin_bins : magnitude.shape[1] - self.margin_bins]
        floor = 10 ** (-self.range_db / 20)
        return (20 / self.range_db * np.log10(np.maximum(seen / peak, floor)) + 1).T

    def _octave(self, padded: np.ndarray, kernels: np.ndarray) -> np.ndarray:
        products = np.zeros((self.n_frames, kernels.shape[1]), np.float32)  # (T, 2 bins)
        start = self.reach - len(kernels) // 2
        for first in range(0, len(kernels), self.hop_length):
            piece = kernels[first : first + self.hop_length]
            shape, strides = (self.n_frames, len(piece)), (4 * self.hop_length, 4)
            rows = np.lib.stride_tricks.as_strided(padded[start + first :], shape, strides)
            products += rows @ piece
        real, imaginary = np.split(products, 2, axis=1)
        return np.sqrt(real**2 + imaginary**2)


def _answers(song: Path, model: Path, sample_rate: int) -> None:
    detector = Detector(model)

    def decode() -> None:
        for _ in waveform_blocks(song, sample_rate):
            pass

    ours, bare = median_seconds([lambda: detector.estimate(song), decode], RUNS)
    report(f"mp3 to its key, beside decoding and resampling ({bare:.3f} s)", ours, bare, 0.8)


if __name__ == "__main__":
    measure()
