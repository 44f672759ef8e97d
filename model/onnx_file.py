"""Modules and what to say of them -> one ONNX file, which songkey/networkfile.py reads."""

import io
import warnings

import onnx
import torch
from torch import Tensor, nn

from songkey.errors import AudioKeyError
from songkey.networkfile import HEARD, INPUT, METADATA_NAME, OUTPUT, NetworkInfo

OPSET = 17  # of 2022: onnxruntime-web and other small runtimes know it too


class ExportError(AudioKeyError):
    """A network that ONNX cannot express."""


class _Whole(nn.Module):
    def __init__(self, hearing: nn.Module, answering: nn.Module):
        super().__init__()
        self.hearing, self.answering = hearing, answering

    def forward(self, waveform: Tensor) -> tuple[Tensor, Tensor]:
        heard = self.hearing(waveform)
        return self.answering(heard), heard


def onnx_bytes(hearing: nn.Module, answering: nn.Module, info: NetworkInfo) -> bytes:
    """The file of a network, any number B of intervals at a time.

    `hearing` makes log CQTs (B, F, T) of waveforms (B, S), `answering` logits (B, 24) of these.

    By torch's older, tracing exporter: as true as the newer one, in a twentieth of the time (0.3
    against 6 seconds), and the file is as fast. Raises ExportError.
    """
    example = torch.zeros(2, info.interval_samples)  # (B, S); of one alone, B would be fixed
    traced = io.BytesIO()
    batch = {0: "batch"}
    try:
        with warnings.catch_warnings():
            # That it is the older one, and that sizes which Python code looks at become fixed.
            warnings.simplefilter("ignore")
            torch.onnx.export(
                _Whole(hearing, answering).eval(), (example,), traced,  # type: ignore[arg-type]  # this one takes files
                dynamo=False, opset_version=OPSET,
                input_names=[INPUT], output_names=[OUTPUT, HEARD],
                dynamic_axes={INPUT: batch, OUTPUT: batch, HEARD: batch},
            )  # fmt: skip
    except RuntimeError as error:  # torch.onnx's own among them
        reason = str(error).splitlines()[0]
        raise ExportError(f"{info.name} cannot be exported to ONNX: {reason}") from error
    model = onnx.load_from_string(traced.getvalue())
    del model.graph.output[1]  # the tensor keeps its name
    model.metadata_props.add(key=METADATA_NAME, value=info.to_json())
    return model.SerializeToString(deterministic=True)


def without_hearing(file: bytes) -> bytes:
    """The part of a file that answers, from log CQTs (B, F, T) to logits (B, 24).

    Raises ExportError for a file whose log CQT has no name, as those of older versions.
    """
    model = onnx.shape_inference.infer_shapes(onnx.load_from_string(file))
    if HEARD not in {name for node in model.graph.node for name in node.output}:
        raise ExportError(f"no tensor {HEARD} in it; export it again")
    return onnx.utils.Extractor(model).extract_model([HEARD], [OUTPUT]).SerializeToString()
