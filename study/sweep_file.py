"""A sweep file: a question, where its answer is looked for, and what differs from config.toml.

    question = "Which learning rate suits how much dropout?"
    sampler = "tpe"       # learns where good trials lie; "grid" tries every combination once
    trials = 30           # how many the study has when it is done; a grid needs no number
    pruner = "median"     # ends a trial that is below the median of the others; or "none"

    [search]
    train.learning_rate = {low = 1e-4, high = 1e-2, log = true}  # a range, ends included
    train.epochs = {low = 10, high = 30, step = 10}              # whole numbers
    model.dropout = [0.0, 0.1, 0.3]                              # choices; all that a grid takes

    [train]               # any section of config.toml
    datasets = ["gs_mtg"]

The score is the best weighted score on the valid split. No test split is ever read.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from optuna.distributions import CategoricalDistribution

from settings.config import ConfigError, checked, config_with, flat, read_toml, unknown
from settings.kinds import Count, Section
from settings.sections import Config
from study.space import Choices, samples_of, space_of

ANYWHERE = (
    "prepare.shards_dir", "stream.cache_dir", "stream.cache_gigabytes", "stream.workers",
    "train.runs_dir",
)  # fmt: skip


class Head(Section):
    """What a sweep file says before its first section."""

    question: str
    sampler: Literal["grid", "tpe"]
    pruner: Literal["median", "none"]
    trials: Count | None = None


@dataclass(frozen=True)
class Plan:
    """A sweep file, read and checked; `config` is what all trials share."""

    name: str
    head: Head
    space: dict[str, Choices]  # by the name of the setting, 'train.learning_rate'
    config: Config

    @property
    def grid(self) -> dict[str, tuple]:
        """The choices of each setting; empty unless the sampler is "grid"."""
        space = self.space if self.head.sampler == "grid" else {}
        return {name: samples_of(choices) for name, choices in space.items()}

    @property
    def combinations(self) -> float:
        """How many trials can differ: infinitely many unless the sampler is "grid"."""
        return math.prod(map(len, self.grid.values())) if self.grid else math.inf

    @property
    def trials(self) -> int:
        """How many trials the study has when it is done."""
        return int(min(self.head.trials or math.inf, self.combinations))

    def fixed(self) -> dict[str, Any]:
        """What has to stay when a study goes on; where data and runs lie may change."""
        shared = flat(self.config.model_dump(mode="json"))
        space = {f"search {name}": str(choices) for name, choices in self.space.items()}
        return {name: shared[name] for name in shared if name not in ANYWHERE} | space


def load_plan(file: str, overrides: Sequence[str] = (), trials: int | None = None) -> Plan:
    """Read a sweep file; `overrides` change what all trials share, `trials` their number.

    Raises ConfigError for any setting, in [search] too, that does not exist or cannot be.
    """
    document, source = read_toml(Path(file)), Path(file).name
    known = {*Head.model_fields, "search", *Config.model_fields}
    for name in document:
        if name not in known:
            raise ConfigError(unknown(name, sorted(known), source, ""))
    sections = {name: document[name] for name in document if name in Config.model_fields}
    config = config_with(sections, source, overrides)
    words = {name: document[name] for name in document if name in Head.model_fields}
    head = checked(Head, words if trials is None else words | {"trials": trials}, source)
    space = space_of(document.get("search", {}), f"{source} [search]", config)
    _check(head, space, overrides, source)
    return Plan(Path(file).stem, head, space, config)


def _check(head: Head, space: dict[str, Choices], overrides: Sequence[str], source: str) -> None:
    """Refuse what no trial could be made of."""
    if not space:
        raise ConfigError(f"{source}: nothing to search; name settings under [search]")
    ranges = [name for name, one in space.items() if not isinstance(one, CategoricalDistribution)]
    if head.sampler == "grid" and ranges:
        raise ConfigError(f"{source}: a grid takes lists; {ranges[0]} is a range, for tpe")
    if head.sampler == "tpe" and not head.trials:
        raise ConfigError(f"{source}: trials is missing; tpe needs to know how many")
    for name in (text.partition("=")[0].strip() for text in overrides):
        if name in space:
            raise ConfigError(f"--set {name}: {source} searches it; take it out of [search]")
