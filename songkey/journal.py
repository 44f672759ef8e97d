"""Answers that are kept in a file, line by line, so that an interrupted run goes on.

The first line says which network answered. Then each line holds one song: its path, size and time
of change, by which the song is known, and all that was heard. The last line that is whole counts.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from songkey.errors import AudioKeyError, printable
from songkey.estimate import KeyEstimate
from songkey.keys import KEYS
from songkey.listening import Listening
from songkey.networkfile import network_bytes
from songkey.timeline import KeySpan

FORMAT = "songkey answers, format 1"


class Journal:
    """The file of answers; close it, or use it in a `with` block."""

    def __init__(self, path: str | Path, model: str | Path | None, minor_prior: float | None):
        """Raises AudioKeyError where the file holds anything else, or another network's answers."""
        network = hashlib.sha256(network_bytes(model)[0]).hexdigest()
        header = _line({"file": FORMAT, "network": network, "minor_prior": minor_prior})
        path = Path(path).expanduser()
        content = path.read_bytes() if path.exists() else b""
        if header.startswith(content):  # nothing yet, or a run that was killed at once
            content = header
            path.write_bytes(header)
        first, *lines = content.splitlines(keepends=True)
        if _parsed(first).get("file") != FORMAT:
            raise AudioKeyError(
                f"{printable(path)}: holds no answers of songkey; give another name to --resume"
            )
        if first != header:
            raise AudioKeyError(
                f"{printable(path)}: answers of another network or --minor-prior; give another "
                "name to --resume"
            )
        whole = content.rfind(b"\n") + 1  # a run that was killed left half a line
        self.lines = {name: line for line in lines if (name := _parsed(line).get("path"))}
        self.file = open(path, "r+b")  # noqa: SIM115  # closed by __exit__
        self.file.truncate(whole)
        self.file.seek(whole)

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def answer(self, path: Path, timeline: bool) -> Listening | None:
        """What was heard in a file, if that was kept and the file is still the same."""
        kept = _parsed(self.lines.get(os.path.abspath(path), b""))
        try:
            if not kept or kept["state"] != _state(path) or (timeline and not kept["timeline"]):
                return None
        except OSError:  # it is gone: the decoder says so
            return None
        return _listening(kept)

    def keep(self, path: Path, listening: Listening) -> None:
        """Add a file's answer; not of one that is gone by now."""
        estimate = listening.estimate
        if not path.exists():
            return
        name = os.path.abspath(path)
        self.lines[name] = line = _line(
            {
                "path": name,
                "state": _state(path),
                "probabilities": estimate.probabilities,
                "clear": estimate.is_clear,
                "tuning_cents": listening.tuning_cents,
                "timeline": listening.spans
                and [
                    [span.start_seconds, span.end_seconds, span.key.id, span.confidence,
                     span.is_clear]
                    for span in listening.spans
                ],
            }
        )  # fmt: skip
        self.file.write(line)
        self.file.flush()


def _line(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields).encode() + b"\n"


def _state(path: Path) -> list[int]:
    """Bytes and time of change in nanoseconds."""
    found = path.stat()
    return [found.st_size, found.st_mtime_ns]


def _parsed(line: bytes) -> dict[str, Any]:
    """A line's fields; none of a line that is damaged."""
    try:
        fields = json.loads(line)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}


def _listening(kept: dict[str, Any]) -> Listening:
    probabilities = tuple(kept["probabilities"])
    best = int(np.argmax(probabilities))
    estimate = KeyEstimate(KEYS[best], probabilities[best], probabilities, kept["clear"])
    spans = kept["timeline"] and tuple(
        KeySpan(start, end, KEYS[key_id], confidence, clear)
        for start, end, key_id, confidence, clear in kept["timeline"]
    )
    return Listening(estimate, kept["tuning_cents"], spans)
