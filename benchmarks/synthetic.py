"""How many times faster than real time synthetic songs are rendered, on one core.

python -m benchmarks.synthetic
"""

import time

from songs.synthetic import render, songs

LEAST = 20  # times real time, at 44.1 kHz


def measure(count: int = 48, song_seconds: float = 20.0) -> None:
    """Print one line a sample rate, for `count` songs."""
    chosen = songs(count, song_seconds, seed=0)
    for sample_rate in (44100, 22050):
        render(chosen[0].audio_path, sample_rate)
        began = time.process_time()  # of all threads: as if on one core
        for song in chosen:
            render(song.audio_path, sample_rate)
        ratio = song_seconds * count / (time.process_time() - began)
        needed = f" (>= {LEAST})" if sample_rate == 44100 else ""
        print(f"synthetic songs at {sample_rate} Hz, one core: {ratio:.0f} x real time{needed}")


if __name__ == "__main__":
    measure()
