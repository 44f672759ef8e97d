"""The process behind a guard, as the one that started it sees it."""

import os
import pickle
import queue
import signal
import subprocess
import sys
import weakref
from contextlib import suppress
from threading import Thread
from typing import IO, Any

from songkey.carried import Carrier, shared_file
from songkey.guarded import ANSWER, ERROR

# Not by -m, which imports from the folder where this is called: beside music there may lie a numpy.
PROGRAM = (
    "import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer); "
    "from songkey.guarded import serve; serve(*map(int, sys.argv[1:]))"
)
# glibc gives the pages of freed arrays back, and each block of sound would pay for fresh ones. Not
# as this process has it: Dask tells its workers to give back all there is.
ALLOCATOR = {"MALLOC_TRIM_THRESHOLD_": "64000000", "MALLOC_MMAP_THRESHOLD_": "32000000"}
ENDED, QUIET = "ended", "quiet"  # what `reply` may say beside the kinds in songkey.guarded
TICKS = 60  # that a time of waiting is divided in
END_SECONDS = 5.0  # a process that waits for a dead network drive cannot be killed


class Child:
    """Another Python process, which serves requests; it ends with this object."""

    def __init__(self, *order: object):
        """`order` is what `songkey.guarded` needs to begin."""
        self.replies = 0  # that it has given; the first says that it is ready
        shared = shared_file()
        descriptors = () if shared is None else (shared,)
        try:
            self.popen = subprocess.Popen(
                [sys.executable, "-P", "-c", PROGRAM, *map(str, descriptors)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                pass_fds=descriptors, env={**os.environ, **ALLOCATOR},
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )  # fmt: skip
            carrier = Carrier(shared)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        self._stdin: IO[bytes] = self.popen.stdin  # type: ignore[assignment]  # not None: a pipe
        self._inbox: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        arriving = self.popen.stdout, carrier, self._inbox
        reader = Thread(target=_receive, args=arriving, daemon=True)
        reader.start()
        self.end = weakref.finalize(self, _end, self.popen, self._stdin, reader)
        self.send(sys.path)
        self.send(order)

    @property
    def has_ended(self) -> bool:
        return self.popen.poll() is not None

    def send(self, message: object) -> None:
        """If it cannot come there, `reply` says so."""
        with suppress(OSError, ValueError):  # a broken pipe, or one that `end` has closed
            self._stdin.write(pickle.dumps(message))
            self._stdin.flush()

    def reply(self, seconds: float) -> tuple[str, Any]:
        """What comes next, a kind and its value; QUIET if nothing does for so long.

        ENDED has the exit code. A machine that is suspended meanwhile loses one tick, not all.
        """
        for _ in range(TICKS):
            with suppress(queue.Empty):
                kind, value = self._inbox.get(timeout=seconds / TICKS)
                self.replies += kind in (ANSWER, ERROR)
                return kind, self._exit_code() if kind == ENDED else value
        return QUIET, None

    def _exit_code(self) -> int | None:
        with suppress(subprocess.TimeoutExpired):
            return self.popen.wait(END_SECONDS)
        return None


def _receive(stream: IO[bytes], carrier: Carrier, inbox: queue.SimpleQueue) -> None:
    try:
        with stream, suppress(EOFError, OSError, pickle.UnpicklingError):  # it died, maybe halfway
            while True:
                inbox.put(carrier.unpacked(pickle.load(stream)))
    finally:
        inbox.put((ENDED, None))


def _end(popen: subprocess.Popen, stdin: IO[bytes], reader: Thread) -> None:
    popen.kill()
    with suppress(OSError):  # it has not read all
        stdin.close()
    with suppress(subprocess.TimeoutExpired):
        popen.wait(END_SECONDS)
    reader.join(END_SECONDS)


def end_in_words(code: int | None) -> str:
    """-11 -> "SIGSEGV"; a Windows exception's code as Windows writes it."""
    if code is None:
        return "no exit code"
    if code < 0:
        with suppress(ValueError):
            return signal.Signals(-code).name
    return f"exit code {code:#x}" if code > 255 else f"exit code {code}"
