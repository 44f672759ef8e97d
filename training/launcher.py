"""`accelerate launch` without its notice of what it takes by itself: the recipes start programs so.

python -m training.launcher --quiet train.py --name first
"""

import settings.extras  # noqa: F401  # isort: skip

import logging
import signal
from types import FrameType

from accelerate.commands import launch

NOTICE, NEWS = "The following values were not passed", "More than one GPU was found"


def main() -> None:
    """Launch as `accelerate launch` does; Ctrl-C is for the program, whose end is waited for."""
    launch.logger.addFilter(_is_news)
    signal.signal(signal.SIGINT, _leave)
    launch.main()


def _leave(_number: int, _frame: FrameType | None) -> None:
    """A handler, as the program would inherit SIG_IGN."""


def _is_news(record: logging.LogRecord) -> bool:
    """Whether a message tells more than the defaults of a single process."""
    text = record.getMessage()
    return not text.startswith(NOTICE) or NEWS in text


if __name__ == "__main__":
    main()
