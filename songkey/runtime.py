"""ONNX Runtime, loaded so that it reports to nobody.

Its official builds, of Linux too since 1.32, send Microsoft an identifier of this computer and
events of its use, from the moment they are loaded (its Privacy.md).
"""

import os
from types import ModuleType


def onnx_runtime() -> ModuleType:
    """The module, for whoever needs it: nothing of ours imports it otherwise."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # read once, as it is loaded
    import onnxruntime

    module: ModuleType = onnxruntime
    return module
