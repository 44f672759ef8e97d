"""How many times faster than real time synthetic songs are rendered, on one core.

python -m benchmarks.synthetic
python -m benchmarks.synthetic --songs 96
"""

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"  # read when numpy is imported

import argparse  # noqa: E402
import time  # noqa: E402

from shards.synthetic import render, songs  # noqa: E402


def main() -> None:
    """One line a sample rate."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--songs", type=int, default=48, help="songs of 20 seconds at each rate")
    arguments = parser.parse_args()
    chosen = songs(arguments.songs, 20.0, seed=0)
    render(chosen[0].audio_path, 44100)
    for sample_rate in (44100, 22050, 11025):
        began = time.perf_counter()
        for song in chosen:
            render(song.audio_path, sample_rate)
        ratio = 20.0 * len(chosen) / (time.perf_counter() - began)
        needed = "   (>= 20)" if sample_rate == 44100 else ""
        print(f"synthetic songs, one core, {sample_rate} Hz  {ratio:5.0f} x real time{needed}")


if __name__ == "__main__":
    main()
