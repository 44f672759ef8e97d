"""The same song transposed, out of tune, as a poor mp3, or its beginning alone: the same key?"""

import io
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import av
import numpy as np
from tqdm import tqdm

from songkey.audio import waveform_blocks
from songkey.detector import Audio, Detector
from songkey.keys import Key

RATE = 44_100
SEMITONES = tuple(shift for shift in range(-6, 7) if shift)
CENTS = (-40, -20, 20, 40)
MP3_BITS_PER_SECOND = 64_000
BEGINNING_SECONDS = 30

Condition = tuple[str, int]  # what is done, and by how much


def keys_in_conditions(paths: Sequence[Path], detector: Detector) -> dict[Condition, list[Key]]:
    """What is answered for each file under each condition."""
    keys: defaultdict[Condition, list[Key]] = defaultdict(list)
    for path in tqdm(paths, unit="songs", disable=None):
        for condition, audio, sample_rate in _altered(path):
            keys[condition].append(detector.estimate(audio, sample_rate).key)
    return keys


def _altered(path: Path) -> Iterator[tuple[Condition, Audio, float | None]]:
    """A file under all conditions; played faster, as a record is, it is higher in proportion."""
    waveform = np.concatenate(list(waveform_blocks(path, RATE)))  # (S,)
    for semitones in SEMITONES:
        yield ("semitones", semitones), waveform, RATE * 2 ** (semitones / 12)
    for cents in CENTS:
        yield ("cents", cents), waveform, RATE * 2 ** (cents / 1200)
    yield ("bits a second", MP3_BITS_PER_SECOND), _as_mp3(path), None
    yield ("first seconds", BEGINNING_SECONDS), waveform[: BEGINNING_SECONDS * RATE], RATE


def _as_mp3(path: Path) -> io.BytesIO:
    """The file's stereo sound, encoded."""
    encoded = io.BytesIO()
    with av.open(str(path)) as source, av.open(encoded, "w", format="mp3") as target:
        stream = target.add_stream("mp3", rate=RATE, layout="stereo")
        stream.bit_rate = MP3_BITS_PER_SECOND
        for frame in source.decode(audio=0):
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    encoded.seek(0)
    return encoded
