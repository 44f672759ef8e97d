"""Which trial of a study comes next, and how it ended. Several processes may share a study.

New trials come first, then those that were cut off, or had failed before this process began: under
their numbers, where their logs lie. What is running elsewhere is left alone.
"""

import logging
from pathlib import Path
from typing import TextIO

import optuna
from optuna.samplers import GridSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState

from study.findings import ended, failed, score_of
from study.space import override, suggest
from study.sweep_file import Plan
from study.trial import TrialError, run_trial, take
from training.signals import Signals, Stopped

logger = logging.getLogger(__name__)


def search(study: optuna.Study, plan: Plan, folder: Path) -> None:
    """Run trials until the study has as many as planned; raises KeyboardInterrupt for a signal."""
    again = {trial.number for trial in study.get_trials(deepcopy=False) if failed(trial)}
    with Signals(processes=1) as signals:
        while not signals.agreed():
            if (taken := _next(study, plan, folder, again)) is None:
                return
            number, log = taken
            again.discard(number)  # whatever comes of it, it is tried once
            with log:
                _run(_begun(study, plan, number), plan, log, signals)
    raise KeyboardInterrupt


def _run(trial: optuna.Trial, plan: Plan, log: TextIO, signals: Signals) -> None:
    settings = [override(name, value) for name, value in trial.params.items()]
    how, shown = "goes on" if "run" in trial.user_attrs else "begins", "  ".join(settings)
    place = f"trial {trial.number + 1}/{plan.trials}"
    logger.info("%s %s: %s; log in %s", place, how, shown, log.name)
    trial.set_user_attr("message", "")
    try:
        trial.study.tell(trial, run_trial(trial, plan.config, settings, log, signals))
    except optuna.TrialPruned:
        trial.study.tell(trial, state=TrialState.PRUNED)
    except TrialError as error:
        trial.set_user_attr("message", str(error))
    except Stopped:
        raise KeyboardInterrupt from None
    this = trial.study.trials[trial.number]
    what = this.user_attrs["message"] if failed(this) else f"{score_of(this):.1f}"
    logger.info("%s  %s %s  %s", place, ended(this) or "valid mirex", what, shown)


def _next(
    study: optuna.Study, plan: Plan, folder: Path, again: set[int]
) -> tuple[int, TextIO] | None:
    """The number of the next trial with its log, locked: a new one, else one to go on with.

    Those to go on with were cut off, or failed and are in `again`.
    """
    while len(study.get_trials(deepcopy=False)) < plan.trials:
        trial = study.ask()
        if trial.number >= plan.combinations:  # another process took the last one in this moment
            study.tell(trial, state=TrialState.FAIL)
        elif log := take(folder, trial.number, new=True):  # else another took it for one cut off
            return trial.number, log
    for cut in study.get_trials(deepcopy=False):
        if _goes_on(cut, again) and (log := take(folder, cut.number, new=False)):
            if _goes_on(study.trials[cut.number], again):
                return cut.number, log
            log.close()  # ended by the process that had it, in this moment
    return None


def _goes_on(trial: FrozenTrial, again: set[int]) -> bool:
    return trial.state == TrialState.RUNNING and (not failed(trial) or trial.number in again)


def _begun(study: optuna.Study, plan: Plan, number: int) -> optuna.Trial:
    """The trial of that number with its settings: new ones, or as they were."""
    # One seed for all of TPE's would give all processes the same.
    grid = plan.grid
    study.sampler = GridSampler(grid, seed=0) if grid else TPESampler(seed=number)
    trial = optuna.Trial(study, study.trials[number]._trial_id)
    suggest(trial, plan.space)
    study.sampler = RandomSampler()  # GridSampler would stop Optuna's own loop, not ours
    return trial
