"""The synthetic data set: any number of songs, each a pure function of (seed, song number).

Nothing is stored: a song's audio_path, "synthetic:<seed>:<number>:<seconds>", says all that its
samples follow from. They are the same for any number of threads; between processors that compute
sines and powers by other instructions they may differ by rounding.
Free of licences; the labels are certain: the key comes first.
"""

import numpy as np

from songkey.errors import AudioKeyError
from songkey.keys import KEYS, Key
from songs.song import Song
from synthesis.arrangement import compose
from synthesis.mix import mixed
from synthesis.production import draw_production
from synthesis.repertoire import draw_style
from synthesis.styles import Style

VERSION = 3  # to be raised with every change of what a path sounds like: shards remember it
# Streams of random numbers: the same piece at any sample rate, and its key without composing it.
SCORE, SOUND, STYLE, MODE, WHOLE = 0, 1, 2, 3, 4
SONG_SECONDS = (60, 420)  # shortest and longest whole song
HEARD_SECONDS = (40, 60, 60, 90, 120, 120, 180, 300)  # of one: files are often excerpts


def songs(count: int, song_seconds: float, seed: int) -> list[Song]:
    """The first `count` songs of a seed; every 24 of them hold each tonic twice."""
    return [song_of(seed, number, song_seconds) for number in range(count)]


def song_of(seed: int, number: int, song_seconds: float) -> Song:
    """Song `number` of a seed, whatever the number of songs."""
    song_id = f"synthetic-{seed}-{number:06d}"
    return Song(
        song_id=song_id,
        dataset="synthetic",
        audio_path=f"synthetic:{seed}:{number}:{song_seconds:g}",
        key=key_of(seed, number),
        recording_id=song_id,
        label_source="synthetic",
        confidence=1.0,
    )


def style_of(seed: int, number: int) -> Style:
    """The style of a song."""
    return draw_style(np.random.default_rng([seed, number, STYLE]))


def key_of(seed: int, number: int) -> Key:
    """The key of a song: tonics take turns, the mode depends on the style.

    Each block of 24 numbers holds each tonic twice, once with the chance of major that is left
    below the style's share of minor and once with that above: small sets have nearly all keys.
    """
    block, position = divmod(number, len(KEYS))
    order = np.random.default_rng([seed, block, len(KEYS)]).permutation(len(KEYS))
    half, tonic = divmod(int(order[position]), 12)
    chance = (half + np.random.default_rng([seed, number, MODE]).random()) / 2
    return Key(tonic, "minor" if chance < style_of(seed, number).minor else "major")


def render(audio_path: str, sample_rate: int) -> np.ndarray:
    """The song that "synthetic:<seed>:<number>:<seconds>" names, (S,) float32 in -1..1, mono."""
    seed, number, seconds = parse_path(audio_path)
    score_rng = np.random.default_rng([seed, number, SCORE])
    piece = compose(style_of(seed, number), key_of(seed, number), seconds, score_rng)
    production = draw_production(score_rng)
    sound_rng = np.random.default_rng([seed, number, SOUND])
    return mixed(piece, production, round(seconds * sample_rate), sample_rate, sound_rng)


def whole_song(seed: int, number: int, sample_rate: int) -> np.ndarray:
    """The first minutes of song `number` as a whole, which may leave its key: (S,) float32."""
    rng = np.random.default_rng([seed, number, WHOLE])
    song_seconds = float(np.exp(rng.uniform(*np.log(SONG_SECONDS))))
    seconds = min(song_seconds, float(rng.choice(HEARD_SECONDS)))
    style, key = style_of(seed, number), key_of(seed, number)
    piece = compose(style, key, seconds, rng, song_seconds)
    production = draw_production(rng)
    return mixed(piece, production, round(seconds * sample_rate), sample_rate, rng)


def parse_path(audio_path: str) -> tuple[int, int, float]:
    """Seed, number and seconds of a synthetic song's path."""
    try:
        scheme, seed, number, seconds = audio_path.split(":")
        parsed = int(seed), int(number), float(seconds)
    except ValueError:
        scheme, parsed = "", (-1, -1, 0.0)
    if scheme != "synthetic" or min(parsed[:2]) < 0 or not 0 < parsed[2] < float("inf"):
        raise AudioKeyError(
            f"synthetic: '{audio_path}' names no song; write synthetic:<seed>:<number>:<seconds>"
        )
    return parsed
