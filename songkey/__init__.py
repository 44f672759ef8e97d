"""What is installed: the key of any audio file, without PyTorch. Imports nothing of ours.

songkey.estimate_key("song.mp3").key            # Key(tonic=9, mode='minor'); str: "A minor"
songkey.estimate_key(waveform, sample_rate)     # of samples
songkey.Detector("best.onnx").estimate(path)    # of another network
songkey.GuardedDetector().estimate(path)        # whatever the file does to its decoder
songkey.Detector().timeline("mix.mp3")          # [KeySpan(start_seconds=0.0, ...), ...]
songkey.Detector().listen("song.mp3")           # its key, tuning_cents, and what is asked for
songkey.compatible(key)                         # {Key: Match}, what mixes with it, the best first
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from songkey.detector import Detector, estimate_key
    from songkey.errors import AudioKeyError
    from songkey.estimate import KeyEstimate
    from songkey.guard import GuardedDetector
    from songkey.keys import Key
    from songkey.matches import compatible
    from songkey.timeline import KeySpan

__all__ = [
    "AudioKeyError", "Detector", "GuardedDetector", "Key", "KeyEstimate", "KeySpan", "compatible",
    "estimate_key",
]  # fmt: skip
HOMES = {
    "AudioKeyError": "songkey.errors", "Detector": "songkey.detector",
    "GuardedDetector": "songkey.guard", "Key": "songkey.keys", "KeyEstimate": "songkey.estimate",
    "KeySpan": "songkey.timeline", "compatible": "songkey.matches",
    "estimate_key": "songkey.detector",
}  # fmt: skip


def __getattr__(name: str) -> object:
    """Loaded when asked for: whoever needs the 24 keys alone does not wait for onnxruntime."""
    if name not in HOMES:
        raise AttributeError(f"module 'songkey' has no attribute {name!r}")
    return getattr(import_module(HOMES[name]), name)
