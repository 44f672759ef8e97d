"""Every number of README's table of speeds, in one run.

python -m benchmarks
"""

from benchmarks import cqt, downloading, memory, packing, streaming, synthetic


def main() -> None:
    """Measure one thing after the other."""
    for benchmark in (cqt, streaming, packing, memory, synthetic, downloading):
        benchmark.measure()


if __name__ == "__main__":
    main()
