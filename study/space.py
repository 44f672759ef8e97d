"""Where a study looks: settings by name, each with its choices or range, as Optuna says them."""

import json
from typing import Any

from optuna import Trial
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from settings.config import ConfigError, config_changed, flat, unknown
from settings.sections import Config

Choices = CategoricalDistribution | FloatDistribution | IntDistribution
ENDS = {"low", "high"}
RANGE = ("low", "high", "log", "step")


def space_of(search: dict[str, Any], source: str, config: Config) -> dict[str, Choices]:
    """The [search] of a sweep file; every choice, and both ends of a range, is tried on `config`.

    Raises ConfigError for a setting that does not exist or cannot be.
    """
    if not isinstance(search, dict):
        raise ConfigError(f"{source}: write it as a section of settings")
    space = {}
    for name, value in flat(search, whole=ENDS).items():
        if "." not in name:
            raise ConfigError(f"{source}: '{name}' names no section; write it as section.name")
        space[name] = _choices(name, value, source)
        for sample in samples_of(space[name]):
            config_changed(config, [override(name, sample)], source)
    return space


def _choices(name: str, value: Any, source: str) -> Choices:
    """What a list or a range stands for, as Optuna says it."""
    if isinstance(value, list) and value:
        # Optuna knows no lists: they are kept as the text that `--set` takes.
        texts = [json.dumps(one) if isinstance(one, list) else one for one in value]
        return CategoricalDistribution(texts)
    if not isinstance(value, dict) or not value.keys() >= ENDS:
        raise ConfigError(f"{source}: {name}: give a list of choices, or {{low = .., high = ..}}")
    for word in value:
        if word not in RANGE:
            raise ConfigError(unknown(word, RANGE, f"{source}: {name}", ""))
    whole = all(type(number) is int for number in (value["low"], value["high"]))
    try:
        return IntDistribution(**value) if whole else FloatDistribution(**value)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{source}: {name}: {error}") from None


def samples_of(choices: Choices) -> tuple:
    """All choices, or both ends of a range."""
    if isinstance(choices, CategoricalDistribution):
        return choices.choices
    return choices.low, choices.high


def suggest(trial: Trial, space: dict[str, Choices]) -> None:
    """Give a trial its settings, from the study's sampler or as they were before."""
    for name, choices in space.items():
        if isinstance(choices, CategoricalDistribution):
            trial.suggest_categorical(name, choices.choices)
        elif isinstance(choices, IntDistribution):
            trial.suggest_int(name, choices.low, choices.high, step=choices.step, log=choices.log)
        else:
            trial.suggest_float(name, choices.low, choices.high, step=choices.step, log=choices.log)


def override(name: str, value: Any) -> str:
    """A setting as `--set` takes it."""
    return f"{name}={value if isinstance(value, str) else json.dumps(value)}"
