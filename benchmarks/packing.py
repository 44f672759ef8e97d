"""Packing audio in one process against a bare loop that decodes, resamples and encodes.

python -m benchmarks.packing
"""

import io
import tempfile
from pathlib import Path

import av
import numpy as np
import soundfile
import soxr

from benchmarks.turns import median_seconds, report
from settings.config import load_config
from settings.sections import Config
from shards.prepare import prepare
from songkey.keys import KEYS
from songs import synthetic
from songs.song import Song

SONGS, SONG_SECONDS, FILE_RATE = 8, 120, 48000


def measure() -> None:
    """Print the rate of packing MP3 and FLAC files, stereo at 48 kHz, beside the bare loop's."""
    with tempfile.TemporaryDirectory() as folder:
        for ending in ("mp3", "flac"):
            songs = [_written(Path(folder), number, ending) for number in range(SONGS)]
            config = load_config(
                None,
                [f'prepare.shards_dir="{folder}/shards"', "prepare.workers=1",
                 "split.valid_fraction=0.0", "split.test_fraction=0.0"],
            )  # fmt: skip
            ours, bare = median_seconds(
                [lambda: _packed(songs, config), lambda: _bare(songs, config)],  # noqa: B023
                runs=5,
            )
            report(f"packing {SONGS} {ending} songs as audio, one process", ours, bare, 0.80)


def _packed(songs: list[Song], config: Config) -> None:
    prepare("bench", songs, [], "audio", config, overwrite=True)


def _bare(songs: list[Song], config: Config) -> None:
    """Whole songs in memory, with the libraries alone: nothing is cut exactly, checked or kept."""
    rate = config.audio.sample_rate
    size = config.interval_samples
    for song in songs:
        read = _read_mp3 if song.audio_path.endswith("mp3") else _read_flac
        mono = soxr.resample(read(song.audio_path), FILE_RATE, rate, quality="HQ")
        samples = (mono * 32767).astype(np.int16)
        for start in range(0, len(samples), size):
            soundfile.write(io.BytesIO(), samples[start : start + size], rate, format="FLAC")


def _read_flac(path: str) -> np.ndarray:
    return soundfile.read(path, dtype="float32")[0].mean(axis=1)


def _read_mp3(path: str) -> np.ndarray:
    with av.open(path) as container:
        frames = [frame.to_ndarray() for frame in container.decode(audio=0)]
    return np.concatenate(frames, axis=1).mean(axis=0)


def _written(folder: Path, number: int, ending: str) -> Song:
    """A stereo file of 48 kHz with a synthetic song in it."""
    path = folder / f"{number}.{ending}"
    left = synthetic.render(f"synthetic:0:{number}:{SONG_SECONDS}", FILE_RATE)
    soundfile.write(path, np.stack([left, np.roll(left, 40)], axis=1), FILE_RATE)
    return Song(path.name, "bench", str(path), KEYS[number], path.name, "synthetic", 1.0)


if __name__ == "__main__":
    measure()
