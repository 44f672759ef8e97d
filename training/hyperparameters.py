"""A run's settings for TensorBoard: its HParams page, and the resolved config as text."""

from typing import NamedTuple

import tomli_w
from tensorboard.compat.proto.summary_pb2 import Summary
from torch.utils.tensorboard.summary import hparams

from settings.sections import Config

SECTIONS = ("cqt", "augment", "model", "loss", "train")  # those that decide how well a run learns


class Session(NamedTuple):
    """A run's line on the HParams page; its metrics are the last points of the run's curves.

    Written by hand, not by SummaryWriter.add_hparams: that makes a second run, and a record of the
    experiment, of which TensorBoard reads only the first it finds, so that settings go missing.
    """

    start: Summary  # the settings
    end: Summary  # the run came to its end


def session_of(config: Config) -> Session:
    """What to write at the start and at the end of a run with these settings."""
    _, start, end = hparams(hyperparameters(config), {})
    return Session(start, end)


def hyperparameters(config: Config) -> dict[str, float | str]:
    """{'section.name': value} of what is worth comparing; what is no number, as text."""
    settings = config.model_dump(mode="json", include=set(SECTIONS))
    return {
        f"{section}.{name}": value if type(value) in (int, float) else str(value)
        for section, values in settings.items()
        for name, value in values.items()
    }


def config_text(config: Config) -> str:
    """The resolved settings as a Markdown code block."""
    return f"```toml\n{tomli_w.dumps(config.model_dump(mode='json'))}```"
