"""An exported network: one ONNX file with all that it needs to hear, and how it answers.

`waveform` (B, S) float32 of full scale 1, S the samples of one interval, goes in; `logits` (B, 24)
in the order of the keys come out. The rest is one JSON text in the file's metadata.
"""

import json
from dataclasses import asdict, dataclass, field
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from songkey.errors import AudioKeyError, printable
from songkey.estimate import AnswerRule
from songkey.keys import KEYS
from songkey.runtime import onnx_runtime

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

FORMAT_VERSION = 2
METADATA_NAME = "songkey"
INPUT, OUTPUT = "waveform", "logits"
HEARD = "log_cqt"  # the tensor (B, F, T) inside, 0 to 1, between what hears and what answers
# A ModelProto (onnx.proto) whose graph (field 7) has that tensor as an output (12, its name 1).
# Protocol buffers are merged by joining their bytes: behind a file it adds this output.
ADDED_OUTPUT = b"\x3a\x0b\x62\x09\x0a\x07" + HEARD.encode()
KEY_ORDER = [str(key) for key in KEYS]
UNREADABLE = (  # onnxruntime's errors have no class in common
    "Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "NotImplemented",
    "RuntimeException",
)  # fmt: skip


class NetworkFileError(AudioKeyError):
    """A file that is no network of ours, or of another version."""


@dataclass(frozen=True)
class NetworkInfo:
    """What a network hears, how it answers, and where it is from."""

    name: str
    sample_rate: int
    interval_seconds: float
    cqt: dict[str, Any]  # the settings of [cqt] that it was trained with
    answer: AnswerRule
    licence: str
    provenance: dict[str, Any] = field(default_factory=dict)

    @property
    def interval_samples(self) -> int:
        """S, of the audio of one interval."""
        return round(self.interval_seconds * self.sample_rate)

    def seconds(self, frames: int) -> float:
        """How long the intervals last whose log CQTs (F, T) have so many frames in all."""
        return (
            frames / (self.interval_samples // self.cqt["hop_length"] + 1) * self.interval_seconds
        )

    def to_json(self) -> str:
        """The text in the file's metadata."""
        fixed = {"format": FORMAT_VERSION, "keys": KEY_ORDER}
        return json.dumps(fixed | asdict(self), ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str, where: str) -> "NetworkInfo":
        """What `to_json` wrote; raises NetworkFileError, naming `where`, for anything else."""
        try:
            fields = json.loads(text)
            version = fields.pop("format")
            if version > FORMAT_VERSION:
                raise NetworkFileError(
                    f"{where}: of a newer version than this songkey can read; update songkey"
                )
            if version < FORMAT_VERSION:
                raise NetworkFileError(f"{where}: of an older version; export it again")
            if fields.pop("keys") != KEY_ORDER:
                raise NetworkFileError(f"{where}: its answers stand in another order of keys")
            info = cls(**fields | {"answer": AnswerRule(**fields["answer"])})
            _ = info.interval_samples  # a number
            return info
        except NetworkFileError:
            raise
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise NetworkFileError(
                f"{where}: what it says of itself is damaged; export it again"
            ) from error


def open_network(path: str | Path | None, threads: int) -> "tuple[InferenceSession, NetworkInfo]":
    """The network in a file, or the one that is installed with songkey, ready to run.

    Beside OUTPUT it gives HEARD, for whoever asks: as fast, and no file has to be written anew.
    """
    data, where = network_bytes(path)
    data += ADDED_OUTPUT if HEARD.encode() in data else b""
    runtime = onnx_runtime()
    errors = runtime.capi.onnxruntime_pybind11_state
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4  # what is wrong is raised; onnxruntime would print it too
    try:
        session = runtime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except tuple(getattr(errors, name) for name in UNREADABLE) as error:
        raise NetworkFileError(
            f"{where}: not an ONNX file, a damaged one, or one that this onnxruntime cannot run; "
            "give one that `python -m evaluation.export` wrote"
        ) from error
    described = session.get_modelmeta().custom_metadata_map
    if METADATA_NAME not in described:
        raise NetworkFileError(
            f"{where}: an ONNX file without our description, so that nothing says what it hears; "
            "give one that `python -m evaluation.export` wrote"
        )
    info = NetworkInfo.from_json(described[METADATA_NAME], where)
    _check_shapes(session, info, where)
    return session, info


def network_bytes(path: str | Path | None) -> tuple[bytes, str]:
    """The content of a network's file, or of the installed one, and what to call it."""
    if path is not None:
        return Path(path).read_bytes(), printable(path)
    installed = resources.files("songkey") / "weights" / "default.onnx"
    if not installed.is_file():
        raise NetworkFileError("this songkey comes without a network: give one by --model FILE")
    return installed.read_bytes(), "songkey/weights/default.onnx"


def _check_shapes(session: "InferenceSession", info: NetworkInfo, where: str) -> None:
    found = [(one.name, one.type, one.shape[1:]) for one in session.get_inputs()]
    outputs = [one for one in session.get_outputs() if one.name != HEARD]
    found += [(one.name, one.type, one.shape[1:]) for one in outputs]
    expected = [
        (INPUT, "tensor(float)", [info.interval_samples]),
        (OUTPUT, "tensor(float)", [len(KEYS)]),
    ]
    if found != expected:
        raise NetworkFileError(
            f"{where}: inputs and outputs are {found} instead of {expected}; export it again"
        )
