"""What preparation handles: a labelled song, an interval of it, and a song that was left out."""

from dataclasses import dataclass

from keys import Key


@dataclass(frozen=True)
class Song:
    """One labelled song, before it is decoded.

    Songs of one `recording_id` always share a split. `split` is "" where `split.py` decides, or "train", "valid" or
    "test" where the data set itself says so. `confidence` is the label's, 0 to 1.
    """

    song_id: str
    dataset: str
    audio_path: str
    key: Key
    recording_id: str
    label_source: str
    confidence: float
    split: str = ""


@dataclass(frozen=True)
class Interval:
    """A piece of a song; `duration_seconds` is of real sound, before padding."""

    song: Song
    index: int
    start_seconds: float
    duration_seconds: float


@dataclass(frozen=True)
class LeftOut:
    """A song or file that was left out; `reason` is a short phrase that can be counted, details after ": "."""

    song_id: str
    reason: str
