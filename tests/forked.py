"""Our programs in forks of this process, which has loaded all that they need: they begin at once.

This process must have no other threads, and compute nothing with them.
"""

import atexit
import faulthandler
import multiprocessing.util
import os
import runpy
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import ModuleType

import psutil

HUNG = 999  # the code of a program that had to be ended


class Forked:
    """A program with these words, as a user starts it in `folder`; a session of its own."""

    def __init__(
        self, folder: Path, program: ModuleType, *words: str,
        before: Callable[[], None] = lambda: None, **environment: str,
    ):  # fmt: skip
        """`before` is called in the new process."""
        self.log = folder / f"told-{time.monotonic_ns()}"
        self.code: int | None = None
        sys.stdout.flush()
        self.pid = os.fork()
        if not self.pid:
            self._be(folder, program.__name__, words, before, environment)

    def _be(self, folder: Path, name: str, words, before, environment: dict[str, str]) -> None:
        code = 70
        try:
            os.setsid()
            sys.modules["__main__"] = ModuleType("__main__")  # which spawned workers would load
            atexit._clear()  # what the process that it was forked from would do
            os.chdir(folder)
            log = os.open(self.log, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
            os.dup2(log, 1)
            os.dup2(log, 2)
            faulthandler.register(signal.SIGUSR1, file=2, all_threads=True)
            sys.argv = [name, *words]
            os.environ.update(environment)
            before()
            code = _ended(name)
            sys.stdout.flush()
            atexit._run_exitfuncs()
            multiprocessing.util._exit_function()  # the first that is registered comes last
        finally:
            os._exit(code)

    @property
    def told(self) -> str:
        """What it printed."""
        with suppress(FileNotFoundError):
            return self.log.read_text("utf-8", "replace")
        return ""

    @property
    def is_running(self) -> bool:
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
        return self.code is None

    def children(self) -> list[psutil.Process]:
        """The processes that it has started, and they."""
        with suppress(psutil.NoSuchProcess):
            return psutil.Process(self.pid).children(recursive=True)
        return []

    def wait(self, seconds: float) -> int:
        """Its exit code once it has ended; HUNG where that takes longer."""
        end = time.monotonic() + seconds
        while self.is_running:
            if time.monotonic() > end:
                os.kill(self.pid, signal.SIGUSR1)  # it tells where it is
                time.sleep(0.5)
                os.killpg(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
                self.code = HUNG
                return HUNG
            time.sleep(0.005)
        return self.code

    def leaves(self, seconds: float) -> bool:
        """Whether processes of it are left after so long; they are ended."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                os.killpg(self.pid, 0)
            except ProcessLookupError:
                return False
            time.sleep(0.01)
        os.killpg(self.pid, signal.SIGKILL)
        return True


def _ended(name: str) -> int:
    """The exit code of `python -m name`, with what the interpreter prints at its end."""
    del sys.modules[name]  # or runpy warns that it is loaded
    try:
        runpy.run_module(name, run_name="__main__")
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
            return 1
        return end.code or 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1
    return 0
