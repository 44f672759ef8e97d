"""A study in a database: which trial comes next, and how it ended. Several processes may share it.

A trial that was cut off is gone on with under its number, where its log lies. What is running
elsewhere is left alone.
"""

import logging
import os
import random
import time
from pathlib import Path
from threading import Event
from typing import Any, BinaryIO

import optuna
from optuna.pruners import BasePruner, MedianPruner, NopPruner
from optuna.samplers import GridSampler, RandomSampler, TPESampler
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import make_url
from sqlalchemy.exc import DatabaseError, IntegrityError, SQLAlchemyError

from config import write_config
from pipeline.manifest import differences
from study.plan import Plan
from study.report import ended, score_of
from study.space import override, suggest
from study.trial import TrialError, name_of, run_trial, take

logger = logging.getLogger(__name__)

LOCK_SECONDS = 60  # to wait for another process that writes to the same SQLite file
TRIES = 5  # to make the tables of a new database


class StudyError(ValueError):
    """A study that cannot be reached, or is another than asked for."""


def open_study(plan: Plan, url: str) -> optuna.Study:
    """The study of `plan` in the database at `url`, new or to go on with.

    Raises StudyError if the database cannot be used or holds a study of other settings.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        study = optuna.create_study(
            storage=_database(url), study_name=plan.name, direction="maximize",
            pruner=_pruner(plan), load_if_exists=True,
        )  # fmt: skip
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError, ImportError) as error:
        raise StudyError(
            f"{_without_password(url)}: no database that can be used ({_reason(error)}); "
            "give a URL such as postgresql://user:password@host/name"
        ) from None
    if "fixed" not in study.user_attrs:
        study.set_user_attr("fixed", plan.fixed())
    if changed := differences(study.user_attrs["fixed"], plan.fixed()):
        raise StudyError(
            f"study {plan.name}: made with other settings ({changed}); set them back, or copy the "
            "file to another name for a new study"
        )
    return study


def _database(url: str) -> RDBStorage:
    """The database, with its tables made; two processes may begin to make them at once."""
    lock = {"connect_args": {"timeout": LOCK_SECONDS}} if url.startswith("sqlite") else {}
    for _ in range(TRIES - 1):
        try:
            return RDBStorage(url, engine_kwargs=lock)
        except DatabaseError as error:
            if "exists" not in str(error) and not isinstance(error, IntegrityError):
                raise
            time.sleep(random.uniform(0.5, 1.5))
    return RDBStorage(url, engine_kwargs=lock)


def search(study: optuna.Study, plan: Plan, folder: Path, stopped: Event) -> None:
    """Run trials until the study has as many as planned; raises KeyboardInterrupt if `stopped`."""
    base = _write_base(plan, folder)
    while (taken := _next(study, plan, folder)) is not None:
        trial, log = taken
        with log:
            chosen = suggest(trial, plan.space)
            arguments = _arguments(base, folder, trial.number, chosen)
            state, value = TrialState.COMPLETE, None
            try:
                value = run_trial(trial, arguments, log, stopped)
            except optuna.TrialPruned:
                state = TrialState.PRUNED
            except TrialError as error:
                trial.set_user_attr("message", str(error))
                state = TrialState.FAIL
            study.sampler = RandomSampler()  # GridSampler would stop Optuna's own loop, not ours
            _announce(study.tell(trial, value, state), plan)


def _next(study: optuna.Study, plan: Plan, folder: Path) -> tuple[optuna.Trial, BinaryIO] | None:
    """The next trial with its log, locked: one that was cut off, else a new one, if any is due."""
    study.sampler = GridSampler(plan.grid, seed=0) if plan.grid is not None else RandomSampler()
    for cut in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        if log := take(folder, cut.number, new=False):
            if study.trials[cut.number].state == TrialState.RUNNING:
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
    return _next(study, plan, folder)  # another process took it for a trial that was cut off


def _seeded(trial: optuna.Trial, plan: Plan) -> optuna.Trial:
    """The trial, with choices of its own: one seed would give all processes the same."""
    if plan.grid is None:
        trial.study.sampler = TPESampler(seed=trial.number)
    return trial


def _write_base(plan: Plan, folder: Path) -> Path:
    """What all trials share, as one file; whole at any moment, as other processes read it."""
    base = folder / "config.toml"
    temporary = folder / f".config.{os.getpid()}.tmp"
    write_config(plan.config, temporary)
    return temporary.replace(base)


def _pruner(plan: Plan) -> BasePruner:
    """The median of at least five trials, once the learning rate had time to rise and fall."""
    if plan.head.pruner == "none":
        return NopPruner()
    return MedianPruner(n_warmup_steps=plan.config.train.epochs // 4)


def _arguments(base: Path, folder: Path, number: int, chosen: dict[str, Any]) -> list[str]:
    settings = [override("train.runs_dir", str(folder))]
    settings += [override(name, value) for name, value in chosen.items()]
    sets = [word for setting in settings for word in ("--set", setting)]
    return ["--config", str(base), "--name", name_of(number), *sets]


def _announce(trial: FrozenTrial, plan: Plan) -> None:
    chosen = "  ".join(override(name, value) for name, value in trial.params.items())
    how = ended(trial) or "valid mirex"
    what = trial.user_attrs["message"] if how == "failed" else f"{score_of(trial):.1f}"
    logger.info("trial %d/%d  %s %s  %s", trial.number + 1, plan.trials, how, what, chosen)


def _reason(error: Exception) -> str:
    return str(error).splitlines()[0]


def _without_password(url: str) -> str:
    try:
        return make_url(url).render_as_string(hide_password=True)
    except SQLAlchemyError:
        return "--storage"
