"""Decoders in another process: neither a crash nor a hang of one costs more than its file.

with GuardedDetector() as detector:
    for path in paths:
        detector.estimate(path)  # raises AudioError for a file that its decoder does not survive
"""

import os
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Self

from songkey.child import ENDED, QUIET, Child, end_in_words
from songkey.errors import AudioError, AudioKeyError, printable
from songkey.guarded import ALIVE, ALIVE_SECONDS, ANSWER, ERROR, MEMORY_IS_SHORT, OUT_OF_MEMORY
from songkey.passing import REMEDY as PASSING_REMEDY
from songkey.passing import PassingAudioError

if TYPE_CHECKING:  # this process decodes nothing, and loads none of the libraries that do
    import numpy as np

    from songkey.detector import Detector
    from songkey.estimate import KeyEstimate
    from songkey.listening import Listening

QUIET_SECONDS = 60.0  # without a sign of life, however long the song: its decoder hangs
MOST_SIGNS = 3_600  # of life, an hour of them: no song, but a decoder that goes in circles
MEMORY_MB = 1_000  # beside the network; a song takes some 50
START_SECONDS = 120.0  # a virus scanner looks at each library that is loaded for the first time
REMEDY = "get it again, or convert it to another format"
TAKEN = {  # exit codes of a process that a file did not end
    -9: "SIGKILL, from outside, as where memory is short",
    MEMORY_IS_SHORT: "the machine has too little memory",
}


def failure(path: str | Path, error: Exception) -> AudioError:
    """What a fault of ours costs: the file that it shows at."""
    return AudioError(printable(path), f"decoder failed: {error!r}; a fault of songkey, report it")


class Guard:
    """Asks an object that lives in another process; threads may share one, and take turns.

    `make(*arguments, on_block=...)` makes the object there, and has to be importable. Its methods
    take a path first, and have `on_block` called with each block of sound. A process that is lost
    is replaced at the next call. It ends with the block, or with this process, however that ends.
    """

    def __init__(
        self, make: Callable[..., object], *arguments: object, seconds: float = QUIET_SECONDS,
        megabytes: int = MEMORY_MB,
    ):  # fmt: skip
        """A file may take `seconds` without a sign of life, and `megabytes` of memory.

        A block of sound is such a sign; they come at most once a second.
        """
        self.seconds, self.megabytes = seconds, megabytes
        self._order = make, arguments, megabytes
        self._child: Child | None = None
        self._turn, self._closed = Lock(), False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Start the other process, if there is none, and do not wait for it."""
        self._started()

    def ready(self) -> None:
        """Wait until files can be answered. Raises what `make` raises."""
        with self._turn:
            self._ready_child()

    def call(self, method: str, path: str | Path, **options: object) -> Any:
        """What a method says of a file. Raises its AudioKeyError, and AudioError where it fails."""
        with self._turn:
            while True:
                child = self._ready_child(path)
                is_fresh = child.replies == 1
                kind, value = self._asked(child, (method, os.fsencode(path), options))
                if kind == ANSWER:
                    return value
                if kind == ERROR and isinstance(value, AudioKeyError):
                    raise value
                if kind == ERROR:
                    raise failure(path, value) from value
                if kind == ENDED and is_fresh and value in TAKEN:
                    why = f"decoder was ended: {TAKEN[value]}; {PASSING_REMEDY}"
                    raise PassingAudioError(printable(path), why)
                if kind != ENDED or is_fresh:
                    raise AudioError(printable(path), self._reason(kind, value))
                # Else an earlier file may have left it damaged: a new process is to judge.

    def close(self) -> None:
        """End the other process, whatever it is doing."""
        self._closed = True
        if self._child:
            self._child.end()

    def _started(self) -> Child:
        if self._closed:
            raise RuntimeError("this guard was closed")
        if self._child is None or self._child.has_ended:
            self._child = Child(*self._order)
        return self._child

    def _ready_child(self, path: str | Path = "the process that decodes") -> Child:
        child = self._started()
        if child.replies:
            return child
        kind, value = child.reply(START_SECONDS)
        if kind == ANSWER:
            return child
        child.end()
        if kind == ERROR:
            raise value
        if kind == ENDED and value in TAKEN:
            why = f"decoder was ended as it began: {TAKEN[value]}; {PASSING_REMEDY}"
            raise PassingAudioError(printable(path), why)
        why = end_in_words(value) if kind == ENDED else f"not within {START_SECONDS:.0f} s"
        raise AudioKeyError(
            f"the process that decodes did not start: {why}; see whether Python can `import "
            "songkey.detector`"
        )

    def _asked(self, child: Child, request: tuple) -> tuple[str, Any]:
        """What comes of a request; without an answer or error the process is ended."""
        signs, kind, value = 0, ALIVE, None
        try:
            child.send(request)
            while kind == ALIVE and signs < MOST_SIGNS:
                kind, value = child.reply(self.seconds)
                signs += 1
            return kind, value
        finally:
            if kind not in (ANSWER, ERROR):  # an interruption too: its answer would come later
                child.end()

    def _reason(self, kind: str, code: int | None) -> str:
        """Why a file has neither answer nor error, as AudioError has it."""
        if kind == ALIVE:
            seconds = MOST_SIGNS * ALIVE_SECONDS
            return f"endless: decoding it takes more than {seconds:,.0f} s; {REMEDY}"
        if kind == QUIET:
            return f"decoder hangs: nothing came of it for {self.seconds:g} s; {REMEDY}"
        if code == OUT_OF_MEMORY:
            return f"too large: decoding it takes more than {self.megabytes:,} MB; {REMEDY}"
        return f"decoder crashed: {end_in_words(code)}; {REMEDY}"


class GuardedDetector(Guard):
    """A Detector in another process; the same answers and errors, for files alone."""

    def __init__(
        self, model: str | Path | None = None, minor_prior: float | None = None,
        seconds: float = QUIET_SECONDS, megabytes: int = MEMORY_MB,
    ):  # fmt: skip
        """The network and the prior as a Detector has them, the limits as a Guard has them."""
        super().__init__(_detector, model, minor_prior, seconds=seconds, megabytes=megabytes)

    def estimate(self, path: str | Path) -> "KeyEstimate":
        """The key of a file."""
        return self.call("estimate", path)

    def logits(self, path: str | Path) -> "np.ndarray":
        """What the network says of each interval of a file that is not silent, (N, 24)."""
        return self.call("logits", path)

    def listen(
        self, path: str | Path, timeline: bool = False, picture: bool = False
    ) -> "Listening":
        """A song's key and tuning, its timeline and CQT, heard in one go."""
        return self.call("listen", path, timeline=timeline, picture=picture)


def _detector(
    model: str | Path | None, minor_prior: float | None, on_block: Callable[["np.ndarray"], None]
) -> "Detector":
    """Called in the other process, which alone loads what decodes."""
    from songkey.detector import Detector

    return Detector(model, minor_prior=minor_prior, on_block=on_block)
