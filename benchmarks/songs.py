"""Synthetic songs as files and as shards, for benchmarks that start from them."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile

from settings.config import load_config
from settings.sections import Config
from shards.prepare import prepare
from songkey.keys import KEYS
from songs import synthetic
from songs.song import Song


def written_songs(
    folder: str | Path, count: int, seconds: float, sample_rate: int = 44_100, ending: str = "flac",
    channels: int = 1,
) -> list[Song]:  # fmt: skip
    """Songs of the train split in files of their own."""
    songs = []
    for number in range(count):
        path = Path(folder, f"{number}.{ending}")
        mono = synthetic.render(f"synthetic:0:{number}:{seconds}", sample_rate)  # (S,)
        waveform = np.stack([np.roll(mono, 40 * channel) for channel in range(channels)], axis=1)
        soundfile.write(path, waveform, sample_rate)
        key = KEYS[number % len(KEYS)]
        songs.append(Song(path.name, "bench", str(path), key, path.name, "none", 1.0, "train"))
    return songs


def under_other_names(songs: Sequence[Song], count: int) -> list[Song]:
    """`count` songs that share the files of `songs`: rendering takes longer than all else."""
    names = [f"{number:08d}" for number in range(count)]
    return [
        replace(songs[number % len(songs)], song_id=name, recording_id=name)
        for number, name in enumerate(names)
    ]


def packed(songs: Sequence[Song], folder: str | Path, format: str, *settings: str) -> Config:
    """Pack songs as the data set "bench"; the settings by which their shards are found."""
    places = f'prepare.shards_dir="{folder}/shards"', f"stream.format={format}"
    config = load_config(None, [*places, *settings])
    prepare("bench", songs, [], format, config)
    return config
