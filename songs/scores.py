"""The scores data set: real notes, made-up sound, any number of songs.

A folder of MIDI, MusicXML, ABC or kern files becomes a note table once (notetable.py); a song is
one of its pieces in a key of its own, played by instruments of its own. A song's audio_path,
"scores:<table>:<seed>:<number>:<seconds>", says all that its samples follow from.
"""

from functools import lru_cache
from pathlib import Path

import numpy as np

from settings.datasets import Scores
from songkey.errors import AudioKeyError
from songkey.keys import Key
from songs.notetable import NoteTable
from songs.song import LeftOut, Song
from songs.written import make_table
from synthesis.mix import mixed
from synthesis.performance import performed
from synthesis.production import draw_production

PIECE, SCORE, SOUND = 2, 0, 1  # three streams of random numbers


def songs_of(settings: Scores) -> tuple[list[Song], list[LeftOut]]:
    """The songs of the settings, and what was left out if the note table had to be made."""
    table, left_out = Path(settings.table), []
    if not table.exists():
        left_out = make_table(settings.path, table)
    return songs(settings.table, settings.songs, settings.song_seconds, settings.seed), left_out


def songs(table: str, count: int, song_seconds: float, seed: int) -> list[Song]:
    """The first `count` songs of a seed; songs of one piece share a recording_id, hence a split."""
    return [song_of(table, seed, number, song_seconds) for number in range(count)]


def song_of(table: str, seed: int, number: int, song_seconds: float) -> Song:
    """Song `number` of a seed, whatever the number of songs."""
    index, key = piece_of(opened(table), seed, number)
    return Song(
        song_id=f"scores-{seed}-{number:06d}",
        dataset="scores",
        audio_path=f"scores:{table}:{seed}:{number}:{song_seconds:g}",
        key=key,
        recording_id=f"scores-{index}",
        label_source="scores",
        confidence=1.0,
    )


def piece_of(table: NoteTable, seed: int, number: int) -> tuple[int, Key]:
    """Which piece a song is, and its key: ensembles as often as tunes, all tonics equally often."""
    rng = np.random.default_rng([seed, number, PIECE])
    indices = table.ensembles if rng.random() < 0.5 and table.ensembles.size else table.tunes
    index = int(rng.choice(indices if indices.size else table.ensembles))
    return index, Key(int(rng.integers(12)), table[index].key.mode)


def render(audio_path: str, sample_rate: int) -> np.ndarray:
    """The song that "scores:<table>:<seed>:<number>:<seconds>" names, (S,) float32 in -1..1."""
    table, seed, number, seconds = parse_path(audio_path)
    index, key = piece_of(opened(table), seed, number)
    score_rng = np.random.default_rng([seed, number, SCORE])
    piece = performed(opened(table)[index], key, seconds, score_rng)
    production = draw_production(score_rng)
    sound_rng = np.random.default_rng([seed, number, SOUND])
    return mixed(piece, production, round(seconds * sample_rate), sample_rate, sound_rng)


def parse_path(audio_path: str) -> tuple[str, int, int, float]:
    """Table, seed, number and seconds of a song's path; the table's may hold colons."""
    try:
        table, seed, number, seconds = audio_path.removeprefix("scores:").rsplit(":", 3)
        parsed = table, int(seed), int(number), float(seconds)
    except ValueError:
        parsed = "", -1, -1, 0.0
    if not audio_path.startswith("scores:") or min(parsed[1:3]) < 0 or not parsed[3] > 0:
        raise AudioKeyError(
            f"scores: '{audio_path}' names no song; write scores:<table>:<seed>:<number>:<seconds>"
        )
    return parsed


@lru_cache(maxsize=4)
def opened(table: str) -> NoteTable:
    """The note table at a path, read once a process."""
    return NoteTable(Path(table))
