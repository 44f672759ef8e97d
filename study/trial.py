"""One trial: an ordinary training run in processes of its own, watched through its curve.

Its log, `trial-0007.log`, is locked while it runs. All processes of the trial write to it and
so hold the lock: a trial whose log can be locked was cut off, and may be gone on with.
"""

import fcntl
import logging
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import BinaryIO

import psutil
from optuna import Trial, TrialPruned
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from songkey.errors import AudioKeyError

CURVE = "valid/mirex"
POLL_SECONDS = 0.5
STOP_SECONDS = 15.0  # for a run to save and end after SIGTERM
TRAIN = Path(__file__).parent.parent / "train.py"


class TrialError(AudioKeyError):
    """A run that ended without a score; the message is its own."""


class Curve:
    """The valid split's score after each epoch of the runs that match, read while they write."""

    def __init__(self, folder: Path, pattern: str, without: set[Path]):
        self.folder, self.pattern, self.without = folder, pattern, without
        self.events: EventAccumulator | None = None

    def scores(self) -> list[float]:
        """One for each epoch so far."""
        if self.events is None:
            runs = sorted(set(self.folder.glob(self.pattern)) - self.without)
            if not runs:
                return []
            self.events = EventAccumulator(str(runs[-1]))
        self.events.Reload()
        if CURVE not in self.events.Tags()["scalars"]:
            return []
        points = {point.step: point.value for point in self.events.Scalars(CURVE)}
        return [points[step] for step in sorted(points)]


def take(folder: Path, number: int, new: bool) -> BinaryIO | None:
    """The locked log of a trial; None if another process has it, or there is none and not `new`."""
    path = folder / f"{name_of(number)}.log"
    if not new and not path.exists():
        return None
    log = path.open("ab")
    try:
        fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        log.close()
        return None
    return log


def name_of(number: int) -> str:
    """What a trial's run is named."""
    return f"trial-{number:04}"


def run_trial(
    trial: Trial, arguments: list[str], places: list[str], log: BinaryIO, stopped: Event
) -> float:
    """Train with train.py's `arguments`, or go on; gives the best score of the valid split.

    A run that goes on takes its settings from its folder, but where data lies from `places`.
    Raises TrialPruned, TrialError, or KeyboardInterrupt once `stopped` is set.
    """
    logging.getLogger("tensorboard").setLevel(logging.WARNING)  # it tells of each look at a file
    folder, pattern = Path(log.name).parent, f"*-{name_of(trial.number)}"
    runs = sorted(folder.glob(pattern))
    saved = [run for run in runs if (run / "checkpoints/last.safetensors").is_file()]
    # Runs of this name without a checkpoint hold nothing; those of a deleted study are not ours.
    going_on = trial.user_attrs.get("started") and saved
    trial.set_user_attr("started", True)
    if going_on:
        arguments = ["--resume", str(saved[-1]), *places]
    curve = Curve(folder, pattern, set() if going_on else set(runs))
    running = _start(arguments, log)
    try:
        code = None
        while code is None:
            stopped.wait(POLL_SECONDS)
            code = running.poll()
            if stopped.is_set():
                raise KeyboardInterrupt
            if report(trial, curve.scores()) and code is None and trial.should_prune():
                raise TrialPruned
    finally:
        _stop(running)
    if code or not (scores := curve.scores()):
        raise TrialError(f"{_last_line(Path(log.name))} (exit code {code}; see {log.name})")
    return max(scores)


def report(trial: Trial, scores: list[float]) -> int:
    """Tell the study the score of each epoch that it does not know yet; gives how many."""
    told = trial.study.get_trials(deepcopy=False)[trial.number].intermediate_values
    new = [epoch for epoch in range(len(scores)) if epoch not in told]
    for epoch in new:
        trial.report(scores[epoch], epoch)
    return len(new)


def _start(arguments: list[str], log: BinaryIO) -> subprocess.Popen:
    accelerate = Path(sys.executable).with_name("accelerate")
    return subprocess.Popen(
        [str(accelerate), "launch", "--quiet", str(TRAIN), *arguments],
        stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip


def _stop(running: subprocess.Popen) -> None:
    """SIGTERM to the run, which saves and ends, then SIGKILL to what is left."""
    if running.poll() is None:
        launcher = psutil.Process(running.pid)
        # Not to the launcher: it would die at once, and leave a run that nobody waits for.
        for process in launcher.children() or [launcher]:
            process.terminate()
        with suppress(subprocess.TimeoutExpired):
            running.wait(STOP_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(running.pid, signal.SIGKILL)
    running.wait()


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1].removeprefix("error: ") if lines else "nothing in its log"
