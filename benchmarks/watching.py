"""What a program and its children hold while it runs, and whether that is flat after warm-up.

Growth is what the last two thirds of a process's life gain by their slope, the median of the slopes
between all pairs of samples (Theil and Sen): a validation here and there tilts nothing.
"""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
from numpy.typing import ArrayLike
from scipy.stats import theilslopes

ROOT = Path(__file__).parent.parent
WARM_UP = 1 / 3  # of a life; it is not judged
MOST_SAMPLES = 400  # of a slope: their pairs are what takes time
JUDGED = 0.3  # of the program's life: processes that live shorter are judged together only
MOST_GROWTH = 0.01  # of memory, as a share of its mean
WINDOWS = 60  # of a program's life, in each of which its work is counted
TOGETHER = "all together"


@dataclass
class Series:
    """Samples of a process, or of all: when, and what it held."""

    seconds: list[float] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)
    files: list[float] = field(default_factory=list)

    def add(self, seconds: float, megabytes: float, files: float) -> None:
        """Append a sample."""
        self.seconds.append(seconds)
        self.megabytes.append(megabytes)
        self.files.append(files)

    @property
    def memory_growth(self) -> float:
        """What memory gains after warm-up, as a share of its mean."""
        return growth(self.seconds, self.megabytes) / float(np.mean(self.megabytes))

    @property
    def file_growth(self) -> float:
        """How many open files more there are."""
        return growth(self.seconds, self.files)

    def line(self, name: str) -> str:
        """One line for a person."""
        return (
            f"{name:<24} {self.seconds[-1] - self.seconds[0]:6.0f} s  "
            f"{np.mean(self.megabytes):7.1f} MB, {self.memory_growth:+7.2%} after warm-up; "
            f"{np.median(self.files):3.0f} open files, {self.file_growth:+.1f}"
        )

    def complaints(self, name: str) -> Iterator[str]:
        """What is not flat."""
        if self.memory_growth > MOST_GROWTH:
            yield f"{name}: memory grows by {self.memory_growth:.2%} after warm-up"
        if self.file_growth > 0:
            yield f"{name}: {self.file_growth:.1f} more open files after warm-up"


def growth(seconds: ArrayLike, values: ArrayLike) -> float:
    """What values gain after warm-up."""
    times = np.asarray(seconds, float)
    late = times >= times[0] + WARM_UP * (times[-1] - times[0])
    times, late_values = times[late], np.asarray(values, float)[late]
    if len(times) < 2:
        return 0.0
    kept = np.linspace(0, len(times) - 1, min(len(times), MOST_SAMPLES)).astype(int)
    slope = theilslopes(late_values[kept], times[kept]).slope
    return float(slope * (times[-1] - times[0]))


class Watched:
    """A program at work, sampled until it ends or, after `most_seconds`, is interrupted."""

    def __init__(
        self, command: Sequence[str], most_seconds: float = float("inf"),
        every_seconds: float = 1.0, **environment: str,
    ):  # fmt: skip
        self.processes: dict[str, Series] = {}
        self.lines: list[float] = []  # when each line came to stdout
        self.cpu_seconds: list[float] = []  # that all had taken at each sample of TOGETHER
        self.began = time.time()
        self._every_seconds, self._most_seconds = every_seconds, most_seconds
        self._program = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, **environment},
        )  # fmt: skip
        self._errors: list[str] = []
        readers = [threading.Thread(target=read) for read in (self._read_lines, self._read_errors)]
        for reader in readers:
            reader.start()
        try:
            self._watch()
        finally:
            self._program.kill()
            for reader in readers:
                reader.join()
        self.exit_code = self._program.wait()

    @property
    def seconds(self) -> float:
        """How long it was sampled."""
        return self.processes[TOGETHER].seconds[-1]

    @property
    def errors(self) -> str:
        """The last of what it printed to stderr."""
        return "".join(self._errors[-20:])

    def judged(self) -> dict[str, Series]:
        """Those of its processes that lived long enough, and all together."""
        least = JUDGED * self.seconds
        return {
            name: series
            for name, series in self.processes.items()
            if series.seconds[-1] - series.seconds[0] >= least
        }

    def rates(
        self, seconds: Sequence[float] | np.ndarray, done: Sequence[float] | np.ndarray
    ) -> tuple[np.ndarray, ...]:
        """Windows' ends, and what was done in each, in a second and in a second of processor time.

        `done` is how much there was at those seconds, rising. Other programs of the machine slow
        the first rate more than the second.
        """
        ends = np.linspace(seconds[0], min(seconds[-1], self.seconds), WINDOWS + 1)
        amounts = np.diff(np.interp(ends, seconds, done))
        used = np.diff(np.interp(ends, self.processes[TOGETHER].seconds, self.cpu_seconds))
        return ends[1:], amounts / np.diff(ends), amounts / np.maximum(used, 1e-9)

    def _read_lines(self) -> None:
        for _ in self._program.stdout or ():
            self.lines.append(self._now())

    def _read_errors(self) -> None:
        self._errors.extend(self._program.stderr or ())

    def _now(self) -> float:
        return time.time() - self.began

    def _watch(self) -> None:
        root = psutil.Process(self._program.pid)
        interrupted = False
        while self._program.poll() is None:
            self._sample(root)
            if not interrupted and self._now() >= self._most_seconds:
                interrupted = True
                self._program.send_signal(signal.SIGINT)
            time.sleep(self._every_seconds)

    def _sample(self, root: psutil.Process) -> None:
        now, total = self._now(), np.zeros(3)
        try:
            processes = [root, *root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return
        for process in processes:
            try:
                held = process.memory_info().rss / 1e6, process.num_fds()
                used = sum(process.cpu_times()[:4])  # with that of its children that have ended
                name = f"{process.name()} {process.pid}"
            except (psutil.NoSuchProcess, psutil.AccessDenied):  # it ended meanwhile
                continue
            total += (*held, used)
            self.processes.setdefault(name, Series()).add(now, *held)
        self.processes.setdefault(TOGETHER, Series()).add(now, *total[:2])
        self.cpu_seconds.append(total[2])
