"""Synthetic songs as files, for benchmarks that start from audio."""

from pathlib import Path

import soundfile

from songkey.keys import KEYS
from songs import synthetic
from songs.song import Song


def flac_song(folder: Path, number: int, seconds: float, sample_rate: int) -> Song:
    """A mono FLAC file with a song of the train split."""
    path = folder / f"{number}.flac"
    waveform = synthetic.render(f"synthetic:0:{number}:{seconds}", sample_rate)
    soundfile.write(path, waveform, sample_rate)
    name = f"song-{number}"
    return Song(name, "bench", str(path), KEYS[number % 24], name, "none", 1.0, "train")


def under_other_names(song: Song, copies: int) -> list[Song]:
    """The same file as if it were several songs: rendering takes longer than all else."""
    names = [f"{song.song_id}-{copy}" for copy in range(copies)]
    return [
        Song(name, "bench", song.audio_path, song.key, name, "none", 1.0, song.split)
        for name in names
    ]
