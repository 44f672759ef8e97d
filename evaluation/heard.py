"""What a network says of labelled recordings: their logits, which any rule makes answers of."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from tqdm import tqdm

from evaluation.answers import SongAnswer
from evaluation.keycolumns import TRUTH_NAMES
from evaluation.keyfiles import read_keys
from model.metrics import mirex_score
from songkey.decode import AudioError
from songkey.detector import Audio, Detector
from songkey.estimate import AnswerRule, estimate_song
from songkey.keynames import names_no_key, parse_label
from songkey.keys import Key


@dataclass(frozen=True)
class Heard:
    """A song, or a sound without a key, as a network hears it."""

    dataset: str
    song_id: str
    key: Key | None  # None: there is none to be heard
    logits: np.ndarray  # (N, 24), of its intervals
    genre: str = ""


def heard_recordings(labels: Path, detector: Detector) -> tuple[list[Heard], list[str]]:
    """The files that a table of paths and keys names, and those that could not be read.

    An empty key says that there is none. The first folder of a path names its data set.
    """
    heard, unread = [], []
    for song_id, text in tqdm(read_keys(labels, TRUTH_NAMES), unit="songs", disable=None):
        try:
            logits = logits_of(detector, labels.parent / song_id)
        except AudioError as error:
            unread.append(str(error))
            continue
        key = None if names_no_key(text) else parse_label(text)
        heard.append(Heard(PurePosixPath(song_id).parts[0], song_id, key, logits))
    return heard, unread


def logits_of(detector: Detector, audio: Audio, sample_rate: float | None = None) -> np.ndarray:
    """The detector's, (N, 24); of silence, in which it hears nothing, that all keys are alike."""
    try:
        return detector.logits(audio, sample_rate)
    except AudioError as error:
        if not error.reason.startswith("silent"):
            raise
        return np.zeros((1, 24))


def answered(songs: Sequence[Heard], rule: AnswerRule) -> list[SongAnswer]:
    """The answers by a rule for those songs that have a key."""
    return [
        SongAnswer(
            song.dataset, song.song_id, song.key, estimate_song(song.logits, rule),
            mirex_score(song.logits.argmax(axis=1), [song.key.id] * len(song.logits)),
            genre=song.genre,
        )
        for song in songs
        if song.key
    ]  # fmt: skip
