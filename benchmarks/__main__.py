"""The numbers of README's table of speeds, each benchmark in a process of its own.

python -m benchmarks
python -m benchmarks cqt streaming
"""

import argparse
import subprocess
import sys

NAMES = (
    "cqt", "streaming", "remote_streaming", "packing", "spectrograms", "memory", "synthetic",
    "downloading", "parallel", "scaling", "interrupting", "training", "processes", "evaluating",
    "answering", "starting", "shuffling", "appending",
)  # fmt: skip
LONG = ("killing", "scheduling")  # which run where they are named alone: minutes, and hours


def main() -> None:
    """Measure what is named, or one thing after the other; exits 1 at the first that fails."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "names",
        nargs="*",
        type=_name,
        metavar="NAME",
        help=f"{', '.join(NAMES)}, which is the default, or {', '.join(LONG)}",
    )
    for name in parser.parse_args().names or NAMES:
        program = f"from benchmarks.{name} import measure; measure()"
        subprocess.run([sys.executable, "-c", program], check=True)


def _name(text: str) -> str:
    # Not by choices=NAMES, for which some versions of Python 3.11 refuse to be given none.
    if text not in NAMES + LONG:
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(NAMES + LONG)}")
    return text


if __name__ == "__main__":
    main()
