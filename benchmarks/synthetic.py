"""How many times faster than real time synthetic songs are rendered, on one core."""

import time

from songs.synthetic import render, songs

SONGS, SONG_SECONDS = 48, 20.0
LEAST = 20  # times real time, at 44.1 kHz


def measure() -> None:
    """Print one line a sample rate."""
    chosen = songs(SONGS, SONG_SECONDS, seed=0)
    for sample_rate in (44100, 22050):
        render(chosen[0].audio_path, sample_rate)
        began = time.process_time()  # of all threads: as if on one core
        for song in chosen:
            render(song.audio_path, sample_rate)
        ratio = SONG_SECONDS * SONGS / (time.process_time() - began)
        needed = f" (>= {LEAST})" if sample_rate == 44100 else ""
        print(f"synthetic songs at {sample_rate} Hz, one core: {ratio:.0f} x real time{needed}")
