"""Today's songs beside what is packed: which stay where they are, which are new, which are gone.

A packed song's split never changes by others' coming, and a new song joins the split that its
recording is packed in. The user's own word, a column or a folder's name, comes before both.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pipeline.record import SongEntry
from settings.sections import Split
from shards.digests import source_of
from shards.packed import Held
from songkey.errors import FILE_NOT_FOUND
from songs.song import IN_TWO_SPLITS, MARKS, LeftOut, Song
from songs.split import split_of
from storage.places import RemotePath, place_of

UNHEARD = ("silent", "not audio")  # why a song without an identity was left out
MD5 = re.compile("[0-9a-f]{32}")


@dataclass(frozen=True)
class Counts:
    """How a listing differs from what was packed before it, in songs."""

    added: int
    changed: int
    removed: int
    unchanged: int

    def __str__(self) -> str:
        return (
            f"{self.added} added, {self.changed} changed, {self.removed} removed, "
            f"{self.unchanged} unchanged"
        )


@dataclass(frozen=True)
class Settled:
    """Where each song is, or is to go."""

    new: Mapping[str, list[Song]]  # by split
    staying: Mapping[str, tuple[Held, Song]]  # by song_id
    left_out: tuple[LeftOut, ...]
    counts: Counts

    def stays(self, held: Held) -> bool:
        """Whether that copy of a song counts."""
        return held.song_id in self.staying and self.staying[held.song_id][0] is held

    def changes_of(self, held: Iterable[Held]) -> dict[str, dict[str, SongEntry | None]]:
        """What the records of these songs do not say: a split's table of changes."""
        changes: dict[str, dict[str, SongEntry | None]] = {}
        for one in held:
            today = _today(one, self.staying[one.song_id][1]) if self.stays(one) else None
            if today != one.entry or not self.stays(one):
                of_task = changes.setdefault(one.task, {})
                of_task[one.song_id] = today and today.model_copy(update={"intervals": 0})
        return changes


def settled(
    songs: Sequence[Song], held: Sequence[Held], lost: Sequence[Held], rule: Split
) -> Settled:
    """Each song's place; `lost` are songs whose shards are gone, and which stay in their splits."""
    copies: dict[str, list[Held]] = defaultdict(list)
    for one in held:
        copies[one.song_id].append(one)
    staying = {}
    for song in songs:
        if copy := _copy_that_stays(song, copies.get(song.song_id, ())):
            staying[song.song_id] = copy, song
    splits_of = _splits_of_recordings(songs, [*held, *lost])
    new: dict[str, list[Song]] = defaultdict(list)
    left_out = []
    for song in songs:
        if song.song_id in staying:
            continue
        splits = {song.split} if song.split else splits_of[song.recording_id]
        if len(splits) > 1:
            reason = f"{IN_TWO_SPLITS}: {', '.join(sorted(splits))}"
            left_out.append(LeftOut(song.song_id, reason))
        else:
            drawn = split_of(song, rule.valid_fraction, rule.test_fraction, rule.seed)
            new["".join(splits) or drawn].append(song)
    return Settled(new, staying, tuple(left_out), _counts(songs, held, staying))


def _copy_that_stays(song: Song, copies: Iterable[Held]) -> Held | None:
    """The packed copy that is this song: one that counts already, if there are several."""
    same = [
        one for one in copies if song.split in ("", one.split) and _is_same_sound(one, song)
    ]  # fmt: skip
    return max(same, key=lambda one: (one.entry is not None, not one.is_gone), default=None)


def _is_same_sound(held: Held, song: Song) -> bool:
    if held.entry and held.entry.identity and song.identity:
        return held.entry.identity == song.identity
    if held.reason.partition(":")[0] == FILE_NOT_FOUND and place_of(song.audio_path).exists():
        return False
    if held.reason.partition(":")[0] in UNHEARD and song.identity:
        return False  # whose sound is heard today
    source = source_of(song)
    if held.source and source and held.source != source:
        return False
    # At an address the recording is known by what the store says of the bytes.
    ids = {held.entry.recording_id if held.entry else "", song.recording_id}
    remote = isinstance(place_of(song.audio_path), RemotePath)
    return not (remote and len(ids) == 2 and all(map(MD5.fullmatch, ids)))


def _splits_of_recordings(songs: Sequence[Song], held: Sequence[Held]) -> dict[str, set[str]]:
    """Of each of today's recordings the splits in which songs of it are packed, or have been."""
    packed_in: dict[tuple[str, str], set[str]] = defaultdict(set)
    for one in held:
        if one.entry is None:
            continue  # nobody heard it
        for entry in filter(None, (one.entry, one.now)):
            for mark in _marks(one.song_id, entry):
                packed_in[mark].add(one.split)
    found: dict[str, set[str]] = defaultdict(set)
    for song in songs:
        for mark in _marks(song.song_id, song):
            found[song.recording_id] |= packed_in.get(mark, set())
    return found


def _marks(song_id: str, song: Song | SongEntry) -> Iterator[tuple[str, str]]:
    """What two songs of one recording may share."""
    yield "song", song_id
    yield "recording", song.recording_id
    for name in MARKS:
        if text := getattr(song, name):
            yield name, text


def _today(held: Held, song: Song) -> SongEntry | None:
    """The song as a table lists it today; None of one that was left out."""
    return held.entry and held.entry.model_copy(
        update={
            "recording_id": song.recording_id, "key": str(song.key), "genre": song.genre,
            "label_source": song.label_source, "confidence": song.confidence, "name": song.name,
            "identity": song.identity or held.entry.identity,
        }
    )  # fmt: skip


def _counts(
    songs: Sequence[Song], held: Sequence[Held], staying: Mapping[str, tuple[Held, Song]]
) -> Counts:
    before = {one.song_id: one for one in held if not one.is_gone}
    today = {song.song_id for song in songs}
    same = sum(
        (copy := staying.get(song_id)) is not None
        and copy[0] is one
        and _labels(_today(*copy)) == _labels(one.now)
        for song_id, one in before.items()
    )
    known = len(before.keys() & today)
    return Counts(len(today) - known, known - same, len(before) - known, same)


def _labels(entry: SongEntry | None) -> SongEntry | None:
    return entry and entry.model_copy(update={"intervals": 0})
