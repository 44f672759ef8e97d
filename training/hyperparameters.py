"""A run's settings for TensorBoard: its HParams page, and the resolved config as text."""

import tomli_w
from tensorboard.compat.proto.summary_pb2 import Summary
from torch.utils.tensorboard.summary import hparams

from settings.sections import Config

SECTIONS = ("cqt", "augment", "model", "loss", "train")  # those that decide how well a run learns


def session_of(config: Config) -> tuple[Summary, Summary]:
    """What to write at a run's start and end: a line on the HParams page, of the curves' end.

    Written by hand, not by SummaryWriter.add_hparams: that makes a second run, and a record of the
    experiment, of which TensorBoard reads only the first it finds, so that settings go missing.
    """
    _, start, end = hparams(hyperparameters(config), {})
    return start, end


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
