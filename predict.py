"""Name the key of audio files.

python predict.py song.mp3
python predict.py ~/Music --json --checkpoint runs/20260101-120000-keynet
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from evaluation.listener import front_end_of, refuse_other_settings, trained_network
from model.run_folder import newest_run
from pipeline.sample import Batch
from settings.command import run
from settings.config import add_config_arguments, given_settings, load_config
from songkey.audio import printable, waveform_blocks
from songkey.decode import AudioError
from songkey.estimate import KeyEstimate, estimate_from_probabilities
from songkey.files import audio_files
from songkey.intervals import intervals

BATCH_INTERVALS = 8  # of a file computed at once: memory does not grow with the file


class Predictor:
    """A trained network and what it hears with."""

    def __init__(self, checkpoint: str | Path, device: torch.device):
        network, self.config = trained_network(checkpoint)
        self.network: nn.Module = network.to(device)
        self.front_end: nn.Module = front_end_of(self.config).to(device).eval()
        self.sample_rate = self.config.audio.sample_rate
        self.interval_samples = self.config.interval_samples
        self.device = device

    def estimate(self, path: Path) -> KeyEstimate:
        """The key of one file, from the mean over its intervals; raises AudioError."""
        blocks = waveform_blocks(path, self.sample_rate)
        pieces = intervals(blocks, self.interval_samples, printable(path))
        waveforms = (torch.from_numpy(piece.waveform) for piece in pieces)
        chunks = (self._probabilities(torch.stack(chunk)) for chunk in _chunks(waveforms))
        summed = sum(chunks, torch.zeros(24))
        return estimate_from_probabilities(summed.numpy())

    @torch.inference_mode()
    def _probabilities(self, waveform: Tensor) -> Tensor:
        """The summed probabilities (24,) of int16 intervals (B, S)."""
        unknown = torch.zeros(len(waveform), dtype=torch.int64, device=self.device)  # (B,)
        batch = Batch(waveform.to(self.device), None, unknown, unknown, unknown == 0)
        cqt, _ = self.front_end(batch)
        return self.network(cqt).float().softmax(dim=1).sum(dim=0).cpu()


def main() -> None:
    """Parse the command line, print each file's key; exits 1 if a file has none."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("paths", nargs="+", metavar="FILE_OR_FOLDER")
    parser.add_argument(
        "--checkpoint", metavar="RUN_OR_FILE", help="default: the newest run's best"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON list")
    add_config_arguments(parser)
    arguments = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    config = load_config(arguments.config, arguments.overrides)
    checkpoint = arguments.checkpoint or newest_run(config.train.runs_dir)
    predictor = Predictor(checkpoint, device)
    refuse_other_settings(given_settings(arguments.config, arguments.overrides), predictor.config)
    failed = 0
    with _Printer(arguments.json) as printer:
        for path in _files(arguments.paths):
            try:
                printer.add(path, predictor.estimate(path))
            except AudioError as error:
                failed += 1
                print(f"no key: {error}", file=sys.stderr)
    if failed:
        raise ValueError(f"{failed} files could not be used, see above")


class _Printer:
    """Prints a table line by line, or all as one JSON list at the end."""

    def __init__(self, as_json: bool):
        self.as_json = as_json
        self.rows: list[dict] = []

    def __enter__(self) -> "_Printer":
        if not self.as_json:
            print(f"{'key':<10} {'Camelot':<8} {'conf.':>6}  {'next candidates':<32} path")
        return self

    def add(self, path: Path, estimate: KeyEstimate) -> None:
        """One file's answer."""
        best, *others = estimate.candidates(3)
        if self.as_json:
            self.rows.append(_as_json(path, estimate))
        else:
            following = ", ".join(f"{key} {probability:.0%}" for key, probability in others)
            key, confidence = best
            print(
                f"{key!s:<10} {key.camelot:<8} {confidence:>6.1%}  {following:<32} "
                f"{printable(path)}"
            )

    def __exit__(self, *_: object) -> None:
        if self.as_json:
            print(json.dumps(self.rows, indent=2, ensure_ascii=False))


def _as_json(path: Path, estimate: KeyEstimate) -> dict:
    return {
        "path": printable(path),
        "key": str(estimate.key),
        "camelot": estimate.key.camelot,
        "open_key": estimate.key.open_key,
        "confidence": round(estimate.confidence, 4),
        "candidates": [
            {"key": str(key), "camelot": key.camelot, "probability": round(probability, 4)}
            for key, probability in estimate.candidates(3)
        ],
    }


def _files(paths: Iterable[str]) -> Iterator[Path]:
    """Each file, and each audio file of each folder; checked before the first is read."""
    found: list[Path] = []
    for path in map(Path, paths):
        found += audio_files(path).values() if path.is_dir() else [path]
    return iter(found)


def _chunks(waveforms: Iterator[Tensor]) -> Iterator[list[Tensor]]:
    chunk = []
    for waveform in waveforms:
        chunk.append(waveform)
        if len(chunk) == BATCH_INTERVALS:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


if __name__ == "__main__":
    run(main, going_on="the files above are answered")
