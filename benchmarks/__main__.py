"""Every number of README's table of speeds, each benchmark in a process of its own.

python -m benchmarks
"""

import subprocess
import sys

NAMES = (
    "cqt", "streaming", "packing", "spectrograms", "memory", "synthetic", "downloading", "parallel",
    "scaling", "interrupting", "training", "processes", "evaluating", "answering",
)  # fmt: skip


def main() -> None:
    """Measure one thing after the other; exits 1 at the first that fails."""
    for name in NAMES:
        subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=True)


if __name__ == "__main__":
    main()
