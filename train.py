"""Train a network through Accelerate: on a CPU, on one GPU or on many.

accelerate launch --quiet train.py --set train.epochs=10 --name first
accelerate launch --quiet train.py --resume runs/20260101-120000-first
"""

import settings.extras  # noqa: F401  # isort: skip

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from settings.command import is_main_process, run
from settings.config import config_parser, load_config, run_config
from settings.sections import Config
from songkey.errors import AudioKeyError
from training.loop import Training
from training.profiler import profiled
from training.run_checkpoints import checkpoint_path, run_and_checkpoint
from training.signals import Stopped


def main() -> None:
    """Parse the command line and train."""
    parser = config_parser(__doc__)
    parser.add_argument(
        "--name", type=_plain_name, help="ends the run folder's name; default: the network's name"
    )
    parser.add_argument(
        "--profile", action="store_true", help="trace some steps, print the dearest operators"
    )
    way = parser.add_mutually_exclusive_group()
    way.add_argument(
        "--resume", metavar="RUN", help="go on with a run: its folder, or one of its checkpoints"
    )
    way.add_argument(
        "--from", metavar="CHECKPOINT", dest="weights",
        help="begin with the weights of a checkpoint, or of a run's best",
    )  # fmt: skip
    arguments = parser.parse_args()
    if arguments.resume and (arguments.config or arguments.name):
        raise AudioKeyError("--resume takes settings and name from the run; change them with --set")
    config, folder, checkpoint = _resumed(arguments) if arguments.resume else _begun(arguments)
    with _told_how_to_go_on(Path(arguments.resume or folder)):
        resume = bool(arguments.resume)
        training = Training(config, folder, resume=resume, checkpoint=checkpoint)
    profiling = arguments.profile and is_main_process()
    with _told_how_to_go_on(folder), profiled(folder) if profiling else nullcontext():
        training.run()


@contextmanager
def _told_how_to_go_on(run: Path) -> Iterator[None]:
    """What ends a run says how to go on with it, or with its checkpoint `run`, if there is one."""
    try:
        yield
    except Stopped as stop:
        if is_main_process():
            print(f"{stop}; go on with --resume {run}", file=sys.stderr)
        sys.exit(stop.exit_code)
    except BaseException as error:
        if run.is_file() or checkpoint_path(run, "last").is_file():
            error.add_note(f"go on with --resume {run}")
        raise


def _resumed(arguments: argparse.Namespace) -> tuple[Config, Path, Path | None]:
    folder, checkpoint = run_and_checkpoint(Path(arguments.resume))
    return run_config(folder / "config.toml", arguments.overrides), folder, checkpoint


def _begun(arguments: argparse.Namespace) -> tuple[Config, Path, str | None]:
    config = load_config(arguments.config, arguments.overrides)
    name = f"{time.strftime('%Y%m%d-%H%M%S')}-{arguments.name or config.model.name}"
    return config, Path(config.train.runs_dir) / name, arguments.weights


def _plain_name(text: str) -> str:
    if not text or Path(text).name != text:
        raise argparse.ArgumentTypeError(f"{text!r}: a run's name holds no '/'")
    return text


if __name__ == "__main__":
    run(main, going_on="nothing was saved; give the same command again")
