"""One trial: an ordinary training run in this process, with a folder and a log of its own.

Its log, `trial-0007.log`, is locked while it runs, and the lock goes with its process: a trial
whose log can be locked was cut off, and may be gone on with.
"""

import fcntl
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from functools import partial
from pathlib import Path
from typing import TextIO

import torch
from accelerate.state import AcceleratorState
from accelerate.utils.memory import clear_device_cache
from optuna import Trial, TrialPruned

from settings.config import config_changed
from settings.sections import Config
from songkey.errors import AudioKeyError
from training.loop import Training
from training.signals import Signals, Stopped

logger = logging.getLogger(__name__)


class TrialError(AudioKeyError):
    """A run that ended without a score."""


def take(folder: Path, number: int, new: bool) -> TextIO | None:
    """The locked log of a trial; None if another process has it, or there is none and not `new`."""
    path = folder / f"{name_of(number)}.log"
    if not new and not path.exists():
        return None
    log = path.open("a", encoding="utf-8", buffering=1)
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
    trial: Trial, shared: Config, settings: list[str], log: TextIO, signals: Signals
) -> float:
    """Train with `settings` over the `shared` ones, or go on; gives the valid split's best score.

    Raises TrialPruned, Stopped, or TrialError for whatever else ends the run.
    """
    with _everything_to(log):
        try:
            config = config_changed(shared, settings, f"trial {trial.number}")
            training = _training(trial, config, Path(log.name).parent)
            if signal := signals.agreed():
                raise Stopped(signal)
            return training.run(partial(_report, trial))
        except (TrialPruned, Stopped):
            raise
        except Exception as error:  # whatever it is, the other trials may do better
            logger.exception("the trial failed")
            raise TrialError(" ".join(str(error).split()) or repr(error)) from error


def _training(trial: Trial, config: Config, folder: Path) -> Training:
    """The run that the trial began before, if that has saved something, otherwise a new one."""
    # Libraries keep these for a whole process: precision, compiled networks, memory.
    AcceleratorState._reset_state(reset_partial_state=True)
    torch.compiler.reset()
    clear_device_cache(garbage_collection=True)
    before = trial.user_attrs.get("run")
    if before and (folder / before / "checkpoints/last.safetensors").is_file():
        return Training(config, folder / before, resume=True)
    run = f"{time.strftime('%Y%m%d-%H%M%S')}-{name_of(trial.number)}"
    trial.set_user_attr("run", run)
    return Training(config, folder / run, resume=False)


def _report(trial: Trial, scores: list[float]) -> None:
    """Tell the study the score of each epoch that it does not know yet; may raise TrialPruned."""
    told = trial.study.get_trials(deepcopy=False)[trial.number].intermediate_values
    for epoch in range(len(scores)):
        if epoch not in told:
            trial.report(scores[epoch], epoch)
    if trial.should_prune():
        raise TrialPruned


@contextmanager
def _everything_to(log: TextIO) -> Iterator[None]:
    """Within it, what is logged or printed goes to `log` alone."""
    root = logging.getLogger()
    handlers, root.handlers = root.handlers, [logging.StreamHandler(log)]
    try:
        with redirect_stdout(log), redirect_stderr(log):
            yield
    finally:
        root.handlers = handlers
