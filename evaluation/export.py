"""Write a trained network as one ONNX file, which answers without PyTorch: songkey --model FILE.

python -m evaluation.export runs/20260101-120000-keynet
python -m evaluation.export best.safetensors --output mine.onnx --licence MIT --temperature 2.5
python -m evaluation.scorecard FOLDER --fit says which temperature and thresholds fit
"""

import settings.extras  # noqa: F401  # isort: skip

import argparse
import hashlib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from torch import nn

from evaluation.listener import trained_network
from evaluation.provenance import commit
from model.checkpoint import load_checkpoint
from model.onnx_file import onnx_bytes
from model.run_folder import resolve
from pipeline.cqt import LogCQT
from pipeline.graph_cqt import GraphCQT
from pipeline.trainable import HearingNetwork, TrainableLogCQT
from settings.command import run
from settings.sections import Hearing
from songkey.errors import AudioKeyError
from songkey.estimate import AnswerRule
from songkey.networkfile import NetworkFileError, NetworkInfo, open_network
from storage.whole import write_whole

ANSWER = {  # fields of AnswerRule that the command line may set
    "temperature": "what an interval's logits are divided by; default: the checkpoint's own",
    "opening_share": "what a song's first interval counts at least, 0 to 1; default: as the others",
    "song_temperature": "above 1 makes the answers for songs less sure, below 1 surer; default: 1",
    "clear_threshold": "the confidence below which there is no clear key; default: 0, always clear",
    "clear_energy": "the mean energy of logits below which there is none; default: always clear",
}
DIGEST = "checkpoint_sha256"  # in the provenance; it tells whether a file is a checkpoint's own


def main() -> None:
    """Parse the command line and export."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoint", metavar="RUN_OR_CHECKPOINT")
    parser.add_argument("--output", metavar="FILE", help="default: beside the checkpoint")
    for name, meaning in ANSWER.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=float, help=meaning)
    parser.add_argument("--licence", default="not stated", help="of the weights; kept in the file")
    parser.add_argument("--data", help="what they were trained on; default: its data sets' names")
    arguments = parser.parse_args()
    checkpoint = resolve(arguments.checkpoint)
    output = Path(arguments.output or onnx_beside(checkpoint))
    answer = {n: value for n in ANSWER if (value := getattr(arguments, n)) is not None}
    if answer and output.resolve() == onnx_beside(checkpoint).resolve():
        raise AudioKeyError(
            "another answer than the checkpoint's needs another --output: the file beside a "
            "checkpoint answers as it does in evaluation"
        )
    export(checkpoint, output, answer, arguments.licence, arguments.data)
    print(f"{output}: {output.stat().st_size / 1e6:.1f} MB")


def export(
    checkpoint: Path, output: Path, answer: Mapping[str, float] = MappingProxyType({}),
    licence: str = "not stated", data: str | None = None,
) -> None:  # fmt: skip
    """Write the network of a checkpoint to `output`; without more it answers as in evaluation.

    `answer` holds fields of its AnswerRule that are other than that. Raises ExportError for a
    network that ONNX cannot express.
    """
    digest = _digest(checkpoint)
    calibrated, hearing = trained_network(checkpoint)
    provenance = {
        "run": _run_name(checkpoint),
        "checkpoint": checkpoint.name,
        DIGEST: digest,
        "data": data or ", ".join(load_checkpoint(checkpoint).trained_on),
        "exported_by": commit(),
    }
    rule = AnswerRule(**{"temperature": calibrated.temperature, **answer})
    info = NetworkInfo(
        hearing.model.name, hearing.audio.sample_rate, hearing.prepare.interval_seconds,
        hearing.cqt.model_dump(), rule, licence, provenance,
    )  # fmt: skip
    write_whole(output, onnx_bytes(*_parts(calibrated.network, hearing), info))


def current_export(checkpoint: Path) -> Path:
    """The ONNX file beside a checkpoint, written anew where it is missing or not of that file."""
    path = onnx_beside(checkpoint)
    if not _is_of(path, checkpoint):
        export(checkpoint, path)
    return path


def onnx_beside(checkpoint: Path) -> Path:
    """Where the network of a checkpoint is exported to: best.safetensors -> best.onnx."""
    return checkpoint.with_suffix(".onnx")


def _parts(network: nn.Module, hearing: Hearing) -> tuple[nn.Module, nn.Module]:
    """What hears, waveform (B, S) -> log CQT (B, F, T), and what answers -> logits (B, 24)."""
    log_cqt: LogCQT | TrainableLogCQT
    if isinstance(network, HearingNetwork):
        log_cqt, network = network.log_cqt, network.network
    else:
        log_cqt = LogCQT(hearing.audio.sample_rate, **hearing.cqt.shape)
    return GraphCQT(log_cqt, hearing.interval_samples), network


def _is_of(path: Path, checkpoint: Path) -> bool:
    if not path.is_file():
        return False
    try:
        _, info = open_network(path, threads=1)
    except NetworkFileError:
        return False
    return info.provenance.get(DIGEST) == _digest(checkpoint)


def _digest(checkpoint: Path) -> str:
    return hashlib.sha256(checkpoint.read_bytes()).hexdigest()


def _run_name(checkpoint: Path) -> str:
    """The name of the run's folder, or that of the folder the file lies in."""
    folder = checkpoint.resolve().parent
    return folder.parent.name if folder.name == "checkpoints" else folder.name


if __name__ == "__main__":
    run(main)
