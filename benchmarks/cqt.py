"""How many times faster than one nnAudio CQT1992v2 the CQT by octaves is, and how near to it."""

import torch
from nnAudio.features import CQT1992v2

from benchmarks.turns import median_seconds
from pipeline.cqt import LogCQT
from settings.config import load_config
from settings.sections import Config

RUNS, CLIPS = 9, 8


def measure() -> None:
    """Print the ratio of times and the error for a batch of clips."""
    config = load_config()
    cqt = LogCQT(config.audio.sample_rate, **config.cqt.shape)
    reference = _reference(config)
    generator = torch.Generator().manual_seed(0)
    waveform = torch.randn(CLIPS, config.interval_samples, generator=generator)
    with torch.inference_mode():
        expected, actual = reference(waveform), cqt.magnitude(waveform)
        error = ((actual - expected).norm() / expected.norm()).item()
        ours, theirs = median_seconds(
            [lambda: cqt.magnitude(waveform), lambda: reference(waveform)], RUNS
        )
    size, threads = tuple(waveform.shape), torch.get_num_threads()
    print(f"CQT, CPU, {size} samples, {threads} threads")
    print(f"  nnAudio CQT1992v2  {theirs * 1000:7.1f} ms")
    print(f"  per octave         {ours * 1000:7.1f} ms   {theirs / ours:.2f} times faster (>= 2.5)")
    print(f"  relative L2 error  {error:7.1e}      (<= 1e-4)")


def _reference(config: Config) -> CQT1992v2:
    """nnAudio's module with the bins of ours, margins included."""
    margin_semitones, bins_per_octave = config.cqt.margin_semitones, config.cqt.bins_per_octave
    return CQT1992v2(
        sr=config.audio.sample_rate,
        hop_length=config.cqt.hop_length,
        fmin=config.cqt.fmin_hz * 2 ** (-margin_semitones / 12),
        n_bins=config.cqt.n_bins + 2 * margin_semitones * bins_per_octave // 12,
        bins_per_octave=bins_per_octave,
        verbose=False,
    )
