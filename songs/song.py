"""What preparation handles: a labelled song, an interval of it, and a song that was left out."""

from collections.abc import Iterable
from dataclasses import dataclass

from settings.marks import MARKS
from songkey.errors import FILE_NOT_FOUND
from songkey.keys import Key

SONG_MARKS = (*MARKS, "content")  # of a Song too, whose sound may not have been heard yet
MADE = ("synthetic:", "scores:")  # begin the paths of songs that are made, not read
UNREAD = ("not readable", FILE_NOT_FOUND)  # reasons that may not be there the next time
IN_TWO_SPLITS = "recording in two splits"  # the reason of songs that would leak


@dataclass(frozen=True, slots=True)
class Song:
    """One labelled song, before it is decoded.

    Songs of one `recording_id` always share a split. `split` is "" where `split.py` decides, or
    "train", "valid" or "test" where the data set itself says so. `confidence` is the label's.
    `audio_path` is a local path or an address; `audio_bytes` the size of the file at an address, by
    the listing that it was found in. `genre` is the data set's word for it, "" where it has none.
    `identity` is a digest of the sound, the same for every copy of a recording, `content` the MD5
    of a file at an address, and `name` its artist and title (see titles.py); each is "" where
    unknown. `seconds` is how long it lasts by its file's header, 0 where unknown. A song of a
    training set, which is not `testable`, is never drawn for test. `doubt` says what speaks against
    the key, as a LeftOut does its reason; "" if nothing does.
    """

    song_id: str
    dataset: str
    audio_path: str
    key: Key
    recording_id: str
    label_source: str
    confidence: float
    split: str = ""
    audio_bytes: int | None = None
    genre: str = ""
    identity: str = ""
    name: str = ""
    testable: bool = True
    doubt: str = ""
    content: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Interval:
    """A piece of a song; `duration_seconds` is of real sound, before padding."""

    song: Song
    index: int
    start_seconds: float
    duration_seconds: float


@dataclass(frozen=True)
class LeftOut:
    """A song or file that was left out; `reason` is a countable phrase, details after ": "."""

    song_id: str
    reason: str

    @property
    def kind(self) -> str:
        """The reason without its details: what is counted."""
        return self.reason.partition(":")[0]


def by_reason(left_out: Iterable[LeftOut], most_names: int = 5) -> str:
    """How many were left out for each reason, and the first few: '2 no key (a.mp3, b.mp3)'."""
    names: dict[str, list[str]] = {}
    for one in left_out:
        names.setdefault(one.kind, []).append(one.song_id)
    return "; ".join(
        f"{len(songs)} {kind} ({', '.join(songs[:most_names])}"
        f"{', ...' if len(songs) > most_names else ''})"
        for kind, songs in sorted(names.items(), key=lambda item: -len(item[1]))
    )
