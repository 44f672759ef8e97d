"""Lines for people and programs, and a progress bar below them where a person watches."""

import errno
import os
import sys
from typing import Any, NoReturn, TextIO

from songkey.errors import harmless, one_line

CLOSED = (errno.EPIPE, errno.EINVAL)  # the latter on Windows


class NobodyReads(Exception):
    """Whoever read our output, such as `head`, has read enough."""


def ended_quietly() -> NoReturn:
    """End the program where nobody reads its output: exit code 1 and no word of it."""
    # Or else Python says at its end that it could not flush.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(1)


class Screen:
    """Prints at once; the bar is on stderr, and only where that is a terminal."""

    def __init__(self, files: int):
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):  # a name that this terminal cannot show ends no run
                stream.reconfigure(errors="backslashreplace")
        self.bar: Any = None
        if files > 1 and sys.stderr.isatty():
            from tqdm import tqdm  # which nobody waits for who has one file, or no terminal

            self.bar = tqdm(total=files, unit=" files", leave=False, dynamic_ncols=True)

    def __enter__(self) -> "Screen":
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar:
            self.bar.close()

    def line(self, text: str) -> None:
        """A line of the answer. Raises NobodyReads where that is so."""
        try:
            self._print(harmless(text) if sys.stdout.isatty() else text, sys.stdout)
        except OSError as error:
            if error.errno not in CLOSED:
                raise
            raise NobodyReads from error

    def complain(self, text: str) -> None:
        """A line beside the answer."""
        self._print(one_line(text), sys.stderr)

    def advance(self) -> None:
        """One file more is done."""
        if self.bar:
            self.bar.update()

    def _print(self, text: str, stream: TextIO) -> None:
        if self.bar:
            self.bar.write(text, file=stream)
            stream.flush()
        else:
            print(text, file=stream, flush=True)
