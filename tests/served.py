"""`songkey page`, started as a user would."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from conftest import ROOT


class Served:
    """A running `songkey page` at `address`, whose temporary files are in `temporary`."""

    def __init__(self, temporary: Path, *words: str):
        self.temporary = temporary
        self.process = subprocess.Popen(
            [sys.executable, "-m", "songkey", "page", "--no-browser", *words],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "TMPDIR": str(temporary), "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        line = self.process.stdout.readline()
        found = re.fullmatch(r"(http://127\.0\.0\.1:\d+/)  \(Ctrl-C ends it\)\n", line)
        assert found, line + self.process.stderr.read()
        self.address = found[1]

    def interrupt(self) -> tuple[int, str]:
        """Press Ctrl-C: the exit code, and all that was printed after the address."""
        self.process.send_signal(signal.SIGINT)
        output, errors = self.process.communicate(timeout=60)
        return self.process.returncode, output + errors


@contextmanager
def served(temporary: Path, *words: str) -> Iterator[Served]:
    """A page that ends with the block."""
    page = Served(temporary, *words)
    try:
        yield page
    finally:
        page.process.kill()
        page.process.communicate()
