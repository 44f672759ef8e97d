"""Which trial of a study comes next, and how it ended. Several processes may share a study.

A trial that was cut off, or that failed before this process began, is gone on with under its
number, where its log lies. What is running elsewhere is left alone.
"""

import logging
from pathlib import Path
from threading import Event
from typing import Any, BinaryIO

import optuna
from optuna.samplers import GridSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState

from settings.config import write_config
from storage.whole import writing
from study.findings import ended, failed, score_of
from study.space import override, suggest
from study.sweep_file import Plan
from study.trial import TrialError, name_of, run_trial, take

logger = logging.getLogger(__name__)


def search(study: optuna.Study, plan: Plan, folder: Path, stopped: Event) -> None:
    """Run trials until the study has as many as planned; raises KeyboardInterrupt if `stopped`."""
    base = _write_base(plan, folder)
    again = {trial.number for trial in study.get_trials(deepcopy=False) if failed(trial)}
    while (taken := _next(study, plan, folder, again)) is not None:
        trial, log = taken
        again.discard(trial.number)  # whatever comes of it, it is tried once
        with log:
            chosen = suggest(trial, plan.space)
            _announce_begin(trial, plan, log)
            trial.set_user_attr("message", "")
            begin = _arguments(base, folder, trial.number, chosen)
            places = _sets(plan.places() | {"train.runs_dir": str(folder)})
            try:
                _end(trial, run_trial(trial, begin, places, log, stopped), TrialState.COMPLETE)
            except optuna.TrialPruned:
                _end(trial, None, TrialState.PRUNED)
            except TrialError as error:
                trial.set_user_attr("message", str(error))
            _announce_end(study.trials[trial.number], plan)


def _end(trial: optuna.Trial, value: float | None, state: TrialState) -> None:
    trial.study.sampler = RandomSampler()  # GridSampler would stop Optuna's own loop, not ours
    trial.study.tell(trial, value, state)


def _next(
    study: optuna.Study, plan: Plan, folder: Path, again: set[int]
) -> tuple[optuna.Trial, BinaryIO] | None:
    """The next trial with its log, locked: one to go on with, else a new one, if any is due.

    Those to go on with were cut off, or failed and are in `again`.
    """
    study.sampler = GridSampler(plan.grid, seed=0) if plan.grid is not None else RandomSampler()
    for cut in study.get_trials(deepcopy=False):
        if _goes_on(cut, again) and (log := take(folder, cut.number, new=False)):
            if _goes_on(study.trials[cut.number], again):
                return _seeded(optuna.Trial(study, cut._trial_id), plan), log
            log.close()  # ended by the process that had it, in this moment
    if len(study.get_trials(deepcopy=False)) >= plan.trials:
        return None
    trial = study.ask()
    if trial.number >= plan.combinations:  # another process took the last one in this moment
        study.sampler = RandomSampler()
        study.tell(trial, state=TrialState.FAIL)
        return None
    if log := take(folder, trial.number, new=True):
        return _seeded(trial, plan), log
    return _next(study, plan, folder, again)  # another process took it for a trial that was cut off


def _goes_on(trial: FrozenTrial, again: set[int]) -> bool:
    return trial.state == TrialState.RUNNING and (not failed(trial) or trial.number in again)


def _seeded(trial: optuna.Trial, plan: Plan) -> optuna.Trial:
    """The trial, with choices of its own: one seed would give all processes the same."""
    if plan.grid is None:
        trial.study.sampler = TPESampler(seed=trial.number)
    return trial


def _write_base(plan: Plan, folder: Path) -> Path:
    """What all trials share, as one file; whole at any moment, as other processes read it."""
    base = folder / "config.toml"
    with writing(base) as temporary:
        write_config(plan.config, temporary)
    return base


def _arguments(base: Path, folder: Path, number: int, chosen: dict[str, Any]) -> list[str]:
    sets = _sets({"train.runs_dir": str(folder)} | chosen)
    return ["--config", str(base), "--name", name_of(number), *sets]


def _sets(settings: dict[str, Any]) -> list[str]:
    return [w for name, value in settings.items() for w in ("--set", override(name, value))]


def _announce_begin(trial: optuna.Trial, plan: Plan, log: BinaryIO) -> None:
    how = "goes on" if trial.user_attrs.get("started") else "begins"
    place = (trial.number + 1, plan.trials)
    logger.info("trial %d/%d %s: %s; log in %s", *place, how, _settings(trial), log.name)


def _announce_end(trial: FrozenTrial, plan: Plan) -> None:
    how = ended(trial) or "valid mirex"
    what = trial.user_attrs["message"] if how == "failed" else f"{score_of(trial):.1f}"
    place = (trial.number + 1, plan.trials)
    logger.info("trial %d/%d  %s %s  %s", *place, how, what, _settings(trial))


def _settings(trial: optuna.Trial | FrozenTrial) -> str:
    return "  ".join(override(name, value) for name, value in trial.params.items())
