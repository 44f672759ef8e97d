"""Every number of README's table of speeds, in one run.

python -m benchmarks
"""

from benchmarks import (
    cqt,
    downloading,
    evaluating,
    memory,
    packing,
    parallel,
    processes,
    scaling,
    spectrograms,
    streaming,
    synthetic,
    training,
)


def main() -> None:
    """Measure one thing after the other."""
    for benchmark in (
        cqt, streaming, packing, spectrograms, memory, synthetic, downloading, parallel, scaling,
        training, processes, evaluating,
    ):  # fmt: skip
        benchmark.measure()


if __name__ == "__main__":
    main()
