"""Today's songs beside what is packed: which stay where they are, which are new, which are gone.

A packed song's split never changes by others' coming, and a new song joins the split that its
recording is packed in. The user's own word, a column or a folder's name, comes before both.
"""

import os
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from pipeline.record import SongEntry
from settings.sections import Split
from shards.digests import source_of
from shards.packed import Facts, Held
from songs.song import IN_TWO_SPLITS, SONG_MARKS, UNREAD, LeftOut, Song
from songs.split import split_of
from storage.places import Place, RemotePath, place_of

UNHEARD = ("silent", "not audio")  # why a song without an identity was left out
MD5 = re.compile("[0-9a-f]{32}")
SAME_SECONDS = 1.0  # a header and what is decoded may differ by a codec's delay


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
    songs: Mapping[str, Song]  # all of today's, by song_id
    staying: Mapping[str, Held]  # the copy that counts, by song_id
    left_out: tuple[LeftOut, ...]
    counts: Counts

    def stays(self, held: Held) -> bool:
        """Whether that copy of a song counts."""
        return self.staying.get(held.song_id) is held

    def changes_of(self, held: Iterable[Held]) -> dict[str, dict[str, SongEntry | None]]:
        """What the records of these songs do not say: a split's table of changes."""
        changes: dict[str, dict[str, SongEntry | None]] = {}
        for one in held:
            stays = self.stays(one)
            today = _today(one, self.songs[one.song_id]) if stays else None
            if not stays or today != one.packed:
                changes.setdefault(one.task, {})[one.song_id] = today and SongEntry(
                    song_id=one.song_id, intervals=0, source=one.source, **today._asdict()
                )
        return changes


def settled(
    songs: Sequence[Song], held: Sequence[Held], lost: Sequence[Held], rule: Split
) -> Settled:
    """Each song's place; `lost` are songs whose shards are gone, and which stay in their splits."""
    today = {song.song_id: song for song in songs}
    staying = _staying(today, held)
    mended = _staying(today, (one for one in lost if one.packed and not one.is_gone))
    unsure = [one for one in songs if one.song_id not in staying or staying[one.song_id].is_gone]
    # What comes back settles where others of its recording go.
    unsure.sort(key=lambda song: song.song_id not in staying)
    counting = (staying, mended)
    splits_of = _splits_of_recordings(unsure, today, chain(held, lost), counting)
    new: dict[str, list[Song]] = defaultdict(list)
    left_out = []
    for song in unsure:
        its = splits_of[song.recording_id]
        back = staying.get(song.song_id)
        if back and (song.split or its.allow(back.split)):
            its.staying |= {back.split}
            continue
        staying.pop(song.song_id, None)
        splits = _splits_for(song, mended, its)
        if len(splits) > 1:
            reason = f"{IN_TWO_SPLITS}: {', '.join(sorted(splits))}"
            left_out.append(LeftOut(song.song_id, reason))
        else:
            drawn = split_of(song, rule.valid_fraction, rule.test_fraction, rule.seed)
            new["".join(splits) or drawn].append(song)
    counts = _counts(today, chain(held, lost), staying, {one.song_id for one in left_out})
    return Settled(new, today, staying, tuple(left_out), counts)


def _splits_for(song: Song, mended: Mapping[str, Held], its: "_Splits") -> Collection[str]:
    """The one split that a song is to go to, none where it is to be drawn, or those that claim it.

    Its own comes first, where it was in one until its shard was damaged.
    """
    if song.split:
        return {song.split}
    if song.song_id in mended:
        return {mended[song.song_id].split}
    return its.staying or {its.until_now or its.before} - {""}


def _staying(today: Mapping[str, Song], held: Iterable[Held]) -> dict[str, Held]:
    """Of each song the packed copy that it is: one that counts already, and of such the last."""
    staying: dict[str, Held] = {}
    for one in held:
        song = today.get(one.song_id)
        if song and song.split in ("", one.split) and _is_same_sound(one, song):
            other = staying.get(one.song_id)
            if other is None or _rank(one) >= _rank(other):
                staying[one.song_id] = one
    return staying


def _rank(held: Held) -> tuple[bool, bool]:
    return held.packed is not None, not held.is_gone


def _is_same_sound(held: Held, song: Song) -> bool:
    known = held.now or held.packed
    if known and known.identity and song.identity:
        return known.identity == song.identity and _is_as_long(held, known, song)
    if held.reason.partition(":")[0] in UNREAD and _is_readable(place_of(song.audio_path)):
        return False
    if held.reason.partition(":")[0] in UNHEARD and song.identity:
        return False  # whose sound is heard today
    if known and song.content and (content := _content(known)):
        return content == song.content
    source = source_of(song)
    return not held.source or not source or held.source == source


def _is_readable(place: Place) -> bool:
    if isinstance(place, RemotePath):
        return place.exists()
    try:
        os.close(os.open(place, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)))  # it may be a pipe
    except OSError:
        return False
    return place.is_file()


def _content(known: Facts) -> str:
    """The MD5 of a file at an address; one without another name was once called by it."""
    if known.content or not MD5.fullmatch(known.recording_id):
        return known.content
    return known.recording_id


def _is_as_long(held: Held, known: Facts, song: Song) -> bool:
    """Whether a song that begins as a packed one is as long: a cut file is longer, once whole."""
    if not known.seconds or not song.seconds:
        return True
    # A header that lies today did so when this very file was packed.
    return abs(known.seconds - song.seconds) <= SAME_SECONDS or held.source == source_of(song)


@dataclass(slots=True)
class _Splits:
    """Where the songs of a recording are: of those that are not any more, where the last was.

    Of two splits that a recording left it is not known which it left last: the later one of train,
    valid and test counts, for whom the user moves, he moves to test.
    """

    staying: frozenset[str] = frozenset()
    until_now: str = ""
    before: str = ""

    def allow(self, split: str) -> bool:
        """Whether a song that was gone may be there again: none has been elsewhere since."""
        return split in (self.staying or {self.until_now or split})


def _splits_of_recordings(
    unsure: Sequence[Song], today: Mapping[str, Song], held: Iterable[Held],
    counting: Iterable[Mapping[str, Held]],
) -> dict[str, _Splits]:  # fmt: skip
    """The splits of the recordings of songs that are in none for sure."""
    splits_of = {song.recording_id: _Splits() for song in unsure}
    splits_with: dict[tuple[str, str], list[_Splits]] = defaultdict(list)
    for song in today.values():
        if song.recording_id in splits_of:
            for mark in _marks(song.song_id, song):
                splits_with[mark].append(splits_of[song.recording_id])
    if not splits_with:
        return splits_of
    for one in held:
        stays = any(copies.get(one.song_id) is one for copies in counting)
        for facts in _told(one, today[one.song_id] if stays else None):
            for mark in _marks(one.song_id, facts):
                for splits in splits_with.get(mark, ()):
                    if one.is_gone:
                        splits.before = one.split
                    elif stays:
                        splits.staying |= {one.split}
                    else:
                        splits.until_now = one.split
    return splits_of


def _told(held: Held, today: Song | None) -> Iterable[Facts]:
    """What is said of a song that was packed; of one that stays, `today`'s word counts if any."""
    known = held.now or held.packed
    if not today or not known:
        return filter(None, (held.packed, held.now))
    marks = {name: getattr(today, name) or getattr(known, name) for name in SONG_MARKS}
    return [known._replace(recording_id=today.recording_id, **marks)]


def _marks(song_id: str, song: Song | Facts) -> Iterator[tuple[str, str]]:
    """What two songs of one recording may share."""
    yield "song", song_id
    yield "recording", song.recording_id
    for name in SONG_MARKS:
        if text := getattr(song, name):
            yield name, text


def _today(held: Held, song: Song) -> Facts | None:
    """The song as a table lists it today; None of one that was left out."""
    return held.packed and held.packed._replace(
        recording_id=song.recording_id, key=str(song.key), genre=song.genre,
        label_source=song.label_source, confidence=song.confidence, name=song.name,
        identity=song.identity or held.packed.identity,
        content=song.content or (held.now or held.packed).content,
    )  # fmt: skip


def _counts(
    today: Mapping[str, Song], held: Iterable[Held], staying: Mapping[str, Held],
    left_out: Collection[str],
) -> Counts:  # fmt: skip
    """Of songs that are packed; what was left out then and is the same file counts nowhere."""
    before: set[str] = set()
    unusable: set[str] = set()
    same = 0
    for one in held:
        if one.is_gone:
            continue
        stays = staying.get(one.song_id) is one
        if one.packed:
            before.add(one.song_id)
            same += stays and _labels(_today(one, today[one.song_id])) == _labels(one.now)
        elif stays:
            unusable.add(one.song_id)
    known = sum(song_id in today and song_id not in left_out for song_id in before)
    added = len(today) - len(left_out) - known - len(unusable - before)
    return Counts(added, known - same, len(before) - known, same)


def _labels(known: Facts | None) -> Facts | None:
    """Without what is learnt of the same file as time goes by."""
    return known and known._replace(content="")
