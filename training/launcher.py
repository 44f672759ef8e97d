"""`accelerate launch` without its notice of what it takes by itself: the recipes start programs so.

python -m training.launcher --quiet train.py --name first
python -m training.launcher --quiet --num_processes 1 eval.py --full
"""

import settings.extras  # noqa: F401  # isort: skip

import argparse
import logging
import os
import sys
from collections.abc import Iterator

from accelerate.commands import launch
from accelerate.utils import str_to_bool

NOTICE, NEWS = "The following values were not passed", "More than one GPU was found"
# Of what accelerate tells a program by variables ACCELERATE_*, the arguments that say the same.
VALUES = {
    "MIXED_PRECISION": "--mixed_precision",
    "DYNAMO_BACKEND": "--dynamo_backend",
    "DYNAMO_MODE": "--dynamo_mode",
}
FLAGS = {
    "USE_CPU": "--cpu",
    "DYNAMO_USE_FULLGRAPH": "--dynamo_use_fullgraph",
    "DYNAMO_USE_DYNAMIC": "--dynamo_use_dynamic",
    "DYNAMO_USE_REGIONAL_COMPILATION": "--dynamo_use_regional_compilation",
}


def main() -> None:
    """Launch as `accelerate launch` does, but one process takes the place of this one."""
    launch.logger.addFilter(_is_news)
    launch.simple_launcher = _become
    words = [*_of_environment(), *sys.argv[1:]]  # of an argument given twice the last counts
    launch.launch_command(launch.launch_command_parser().parse_args(words))


def _become(arguments: argparse.Namespace) -> None:
    """Accelerate starts one process and waits, deaf to signals; so they and the exit code pass."""
    command, environment = launch.prepare_simple_launcher_cmd_env(arguments)
    os.execvpe(command[0], command, environment)


def _of_environment() -> Iterator[str]:
    """What the user's variables say: accelerate sets them anew, from its arguments alone."""
    for name, argument in VALUES.items():
        if value := os.environ.get(f"ACCELERATE_{name}"):
            yield f"{argument}={value.lower()}"
    for name, argument in FLAGS.items():
        value = os.environ.get(f"ACCELERATE_{name}") or "false"
        try:
            if str_to_bool(value):
                yield argument
        except ValueError:
            sys.exit(f"error: ACCELERATE_{name}: {value!r} is neither true nor false")


def _is_news(record: logging.LogRecord) -> bool:
    """Whether a message tells more than the defaults of a single process."""
    text = record.getMessage()
    return not text.startswith(NOTICE) or NEWS in text


if __name__ == "__main__":
    main()
