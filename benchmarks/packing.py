"""Packing audio in one process against a bare loop that decodes, resamples and encodes."""

import io
import tempfile

import av
import numpy as np
import soundfile
import soxr

from benchmarks.songs import written_songs
from benchmarks.turns import median_seconds, report
from settings.config import load_config
from settings.sections import Config
from shards.prepare import prepare
from songs.song import Song

SONGS, SONG_SECONDS, FILE_RATE = 8, 120, 48000


def measure() -> None:
    """Print the rate of packing MP3 and FLAC files, stereo at 48 kHz, beside the bare loop's."""
    with tempfile.TemporaryDirectory() as folder:
        config = load_config(None, [f'prepare.shards_dir="{folder}"', "prepare.workers=1"])
        for ending in ("mp3", "flac"):
            _compare(written_songs(folder, SONGS, SONG_SECONDS, FILE_RATE, ending, 2), config)


def _compare(songs: list[Song], config: Config) -> None:
    def packed() -> None:
        prepare("bench", songs, [], "audio", config, overwrite=True)

    packing, bare = median_seconds([packed, lambda: _bare(songs, config)], runs=5)
    ending = songs[0].audio_path.rpartition(".")[2]
    report(f"packing {SONGS} {ending} songs as audio, one process", packing, bare, 0.90)


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
