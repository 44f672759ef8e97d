"""Every number of README's table of speeds, in one run.

python -m benchmarks
"""

from benchmarks import cqt, memory, packing, parallel, scaling, streaming, synthetic


def main() -> None:
    """Measure one thing after the other."""
    for benchmark in (cqt, streaming, packing, parallel, scaling, memory, synthetic):
        benchmark.measure()


if __name__ == "__main__":
    main()
