"""Decoders that fail in all ways, for the tests of what stands between them and us.

In a file of their own, so that the other process loads little else.
"""

import ctypes
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

from songkey.errors import AudioError, AudioKeyError


class Decoders:
    """Each method is one; `answer` is a sound one."""

    def __init__(self, on_block: Callable[[object], None]):
        self.on_block = on_block
        self.is_damaged = False

    def answer(self, path: str) -> tuple[str, int]:
        if self.is_damaged:
            os.kill(os.getpid(), signal.SIGSEGV)
        return path, os.getpid()

    def crash(self, path: str) -> None:
        self.on_block(None)
        ctypes.string_at(0)

    def abort(self, path: str) -> None:
        os.abort()

    def exit(self, path: str) -> None:
        os._exit(3)

    def hang(self, path: str) -> None:
        self.on_block(None)
        time.sleep(1_000)

    def hang_in_c(self, path: str) -> None:
        """Where no other thread runs."""
        ctypes.PyDLL(None).pause()

    def go_in_circles(self, path: str) -> None:
        while True:
            self.on_block(None)

    def take_its_time(self, path: str, seconds: float, blocks: int) -> str:
        for _ in range(blocks):
            time.sleep(seconds / blocks)
            self.on_block(None)
        return path

    def hoard(self, path: str) -> None:
        self.kept = []
        while True:
            self.kept.append(bytearray(b"x" * 5_000_000))
            time.sleep(0.005)

    def take_all_at_once(self, path: str) -> None:
        bytearray(10_000_000_000)

    def lack_memory(self, path: str) -> None:
        """As a library's error that is taken for bad audio."""
        try:
            raise MemoryError
        except MemoryError as error:
            raise AudioError(path, "truncated: decoding stopped") from error

    def lack_memory_as_all_do(self, path: str) -> None:
        """Where the system gives nobody any more."""
        import resource  # which Windows lacks

        resource.setrlimit(resource.RLIMIT_AS, (1, resource.RLIM_INFINITY))
        raise MemoryError

    def refuse(self, path: str) -> None:
        raise AudioError(path, "silent: nothing in it")

    def fail(self, path: str) -> None:
        raise IndexError("list index out of range")

    def fail_strangely(self, path: str) -> None:
        raise Unpicklable(threading.Lock())

    def chatter(self, path: str) -> str:
        """As C libraries do."""
        os.write(1, b"note: corrupt frame\n" * 100)
        print("and so do ours")
        return path

    def damage(self, path: str) -> str:
        """The next answer of this process is its last."""
        self.is_damaged = True
        return path

    def meet(self, path: str, other: str) -> str:
        """Answers when another decoder works at the same time."""
        Path(path).touch()
        while not Path(other).exists():
            time.sleep(0.01)
        return path

    def has_all_of_posix(self, path: str) -> bool:
        return hasattr(os, "fork")

    def kill_whoever_asks_and_hang(self, path: str) -> None:
        os.kill(os.getppid(), signal.SIGKILL)
        self.hang(path)

    def interrupt_whoever_asks_and_hang(self, path: str) -> None:
        os.kill(os.getppid(), signal.SIGINT)
        self.hang(path)


class Unpicklable(Exception):
    pass


def refuse_to_start(on_block: object) -> None:
    raise AudioKeyError("best.onnx: not an ONNX file; give another")


def end_at_the_start(on_block: object) -> None:
    os._exit(9)


def wait_at_the_start(on_block: object) -> None:
    time.sleep(1_000)
