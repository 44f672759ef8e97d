"""Name the key of audio files, as `songkey` does, also with a network from a run of your own.

python predict.py song.mp3
python predict.py ~/Music --json --checkpoint runs/20260101-120000-keynet
"""

import settings.extras  # noqa: F401  # isort: skip

from pathlib import Path

from settings.command import run
from songkey.options import parsed, parser
from songkey.run import name_keys


def main() -> None:
    """Parse the command line, print each file's key; exits 1 if a file has none."""
    options = parser(__doc__)
    options.add_argument(
        "--checkpoint", metavar="RUN_OR_FILE",
        help="a run folder (its best) or a checkpoint, exported where it is not yet",
    )  # fmt: skip
    arguments = parsed(options)
    if arguments.checkpoint and arguments.model:
        options.error("--model and --checkpoint both name a network; give one")
    model = _exported(arguments.checkpoint) if arguments.checkpoint else arguments.model
    name_keys(arguments, model)


def _exported(checkpoint: str) -> Path:
    from evaluation.export import current_export  # PyTorch, which to answer takes none
    from model.run_folder import resolve

    return current_export(resolve(checkpoint))


if __name__ == "__main__":
    run(main, going_on="the files above are answered")
