"""A study's database: opened, checked to be of the same settings, and its loss told in one line."""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager

import optuna
from optuna.exceptions import StorageInternalError
from optuna.pruners import BasePruner, MedianPruner, NopPruner
from optuna.samplers import RandomSampler
from optuna.storages import RDBStorage
from sqlalchemy.exc import DatabaseError, IntegrityError, SQLAlchemyError

from settings.differences import differences
from songkey.errors import AudioKeyError
from study.sweep_file import Plan

LOCK_SECONDS = 60  # to wait for another process that writes to the same SQLite file
TRIES = 5  # to make the tables of a new database


class StudyError(AudioKeyError):
    """A study that cannot be reached, or is another than asked for."""


def open_study(plan: Plan, url: str) -> optuna.Study:
    """The study of `plan` in the database at `url`, new or to go on with.

    Raises StudyError if it is one of other settings.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        storage=_database(url), study_name=plan.name, direction="maximize",
        sampler=RandomSampler(), pruner=_pruner(plan), load_if_exists=True,
    )  # fmt: skip
    if "fixed" not in study.user_attrs:
        study.set_user_attr("fixed", plan.fixed())
    if changed := differences(study.user_attrs["fixed"], plan.fixed()):
        raise StudyError(
            f"study {plan.name}: made with other settings ({changed}); set them back, or copy the "
            "file to another name for a new study"
        )
    return study


@contextmanager
def kept_in(url: str) -> Iterator[None]:
    """Raises StudyError where the database at `url` cannot be used, or is lost in mid-study."""
    try:
        yield
    except (SQLAlchemyError, StorageInternalError, ImportError) as error:
        reason = str(error.__cause__ or error).splitlines()[0]
        raise StudyError(
            f"{url.rpartition('@')[2]}: the database cannot be used ({reason}); once it can, the "
            "same command goes on; for another, --storage postgresql://user:password@host/name"
        ) from error


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


def _pruner(plan: Plan) -> BasePruner:
    """The median of at least five trials, once the learning rate had time to rise and fall."""
    if plan.head.pruner == "none":
        return NopPruner()
    return MedianPruner(n_warmup_steps=plan.config.train.epochs // 4)
