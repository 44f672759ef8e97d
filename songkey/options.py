"""What the command line may hold."""

import argparse
from pathlib import Path

from songkey.files import AUDIO_ENDINGS
from songkey.spelling import CHOICES

EPILOG = f"""FILE_OR_FOLDER: audio files, folders with all below them, patterns such as '**/*.mp3',
and - for a list of paths on stdin, one a line or NUL between them.
NOTATION: {CHOICES}, or the path of a table of your own,
TOML or tab-separated, with a name for each of the 24 keys.
Files without an answer are named on stderr, all others answered; the exit code is then 1."""


def parser(description: str) -> argparse.ArgumentParser:
    """The options of `songkey` and of predict.py."""
    made = argparse.ArgumentParser(
        description=description, epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    made.add_argument("paths", nargs="+", metavar="FILE_OR_FOLDER")
    add_network_options(made)
    made.add_argument(
        "--workers", type=_count, metavar="N",
        help="processes that listen at once; default: one a core, at most 8, fewer for few files",
    )  # fmt: skip
    made.add_argument(
        "--resume", metavar="FILE",
        help="keep the answers in this file, and do not compute what is in it and has not changed",
    )  # fmt: skip
    _add_forms(made)
    _add_tags(made)
    return made


def add_network_options(made: argparse.ArgumentParser) -> None:
    """What listens, and what it is told of the music."""
    made.add_argument(
        "--model", metavar="FILE", help="an exported network (.onnx); default: songkey's own"
    )
    made.add_argument(
        "--minor-prior", type=float, metavar="SHARE",
        help="of minor keys in this music, where you know it: 0.85 for much dance music",
    )  # fmt: skip


def _add_forms(made: argparse.ArgumentParser) -> None:
    group = made.add_argument_group("what is printed")
    form = group.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one JSON list")
    form.add_argument("--jsonl", action="store_true", help="a JSON line as each file ends")
    form.add_argument("--csv", metavar="FILE", help='write CSV to a file, or "-": print it')
    group.add_argument(
        "--notation", default="standard", metavar="NOTATION", help="how keys are written"
    )
    group.add_argument(
        "--top", type=_count, default=3, metavar="N", help="keys named a file, the best first: 3"
    )
    group.add_argument(
        "--tuning", action="store_true", help="in the table too: cents above A = 440 Hz"
    )
    group.add_argument(
        "--timeline", action="store_true", help="the keys that each song goes through"
    )
    group.add_argument(
        "--timeline-picture", metavar="FILE.png", help="of one song: its CQT, its keys above it"
    )
    group.add_argument(
        "--compatible-with",
        metavar="SONG",
        help="only the files that mix with SONG, the best first",
    )


def _add_tags(made: argparse.ArgumentParser) -> None:
    group = made.add_argument_group("the key in the files' own tags")
    group.add_argument(
        "--write-tags", action="store_true", help="write it, unless there is no clear key"
    )
    group.add_argument(
        "--tag-notation", metavar="NOTATION", help="how keys are written there; default: short, F#m"
    )
    group.add_argument(
        "--keep-existing", action="store_true", help="leave files alone whose tags name a key"
    )
    group.add_argument("--dry-run", action="store_true", help="say what would be written")


def parsed(options: argparse.ArgumentParser) -> argparse.Namespace:
    """What the command line holds; ends the program where options do not go together."""
    arguments = options.parse_args()
    if not arguments.write_tags:
        for name in ("tag_notation", "keep_existing", "dry_run"):
            if getattr(arguments, name):
                options.error(f"--{name.replace('_', '-')} goes with --write-tags")
    if arguments.csv and Path(arguments.csv).suffix.lower() in AUDIO_ENDINGS:
        options.error(f"--csv {arguments.csv} would overwrite music; name the table to write first")
    picture = arguments.timeline_picture
    if picture and Path(picture).suffix.lower() != ".png":
        options.error(f"--timeline-picture {picture}: give a name that ends in .png")
    return arguments


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text}: give 1 or more")
    return number
