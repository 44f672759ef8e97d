"""What is packed of a data set already: which song lies in which task of which split."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from itertools import chain
from sys import intern
from typing import NamedTuple

from pipeline.bounded import ManifestError
from pipeline.changes import Changes, read_changes
from pipeline.manifest import MANIFEST_NAME, Manifest, read_manifest
from pipeline.pack_settings import PackSettings
from pipeline.record import ShardRecord, SongEntry
from shards.oldtables import are_there, songs_told
from shards.splitfolder import done_tasks, is_whole, records_of, task_names
from songs.song import LeftOut
from storage.places import Place, sizes

FIRST_RECORD = re.compile(r"(\d+)\.json")


class Facts(NamedTuple):
    """What the tables say of a song: a SongEntry in less memory, for there are many."""

    recording_id: str
    key: str
    label_source: str
    confidence: float
    genre: str
    identity: str
    content: str
    name: str
    seconds: float

    @classmethod
    def of(cls, entry: SongEntry) -> "Facts":
        """The same of an entry; texts that most songs share are there once."""
        is_own = entry.recording_id == entry.song_id
        return cls(
            recording_id=entry.song_id if is_own else entry.recording_id, key=intern(entry.key),
            label_source=intern(entry.label_source), confidence=entry.confidence,
            genre=intern(entry.genre), identity=entry.identity, content=entry.content,
            name=entry.name, seconds=entry.seconds,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Held:
    """A song that a finished task holds, or that it left out for `reason`."""

    split: str
    task: str
    song_id: str
    source: str
    packed: Facts | None  # None where it was left out
    now: Facts | None  # as the table of changes has it
    is_gone: bool  # by that table
    reason: str = ""

    @property
    def left_out(self) -> LeftOut:
        """Of a song that was left out."""
        return LeftOut(self.song_id, self.reason)


@dataclass(frozen=True)
class PackedTask:
    """A finished task."""

    name: str
    settings: PackSettings  # its own, with a digest of its songs
    held: tuple[Held, ...]


@dataclass(frozen=True)
class PackedSplit:
    """The finished tasks of a split: those that its manifest names, and those beyond it."""

    folder: Place
    manifest: Manifest | None  # None where there is none, or not all that it names
    is_damaged: bool  # there is, or was, a manifest that must go before a shard is made
    tasks: Mapping[str, PackedTask]  # by name
    beyond: Mapping[str, PackedTask]
    lost: tuple[Held, ...] = ()  # songs of tasks that are not finished any more

    @property
    def first_free(self) -> int:
        """The number of the first task that may be added."""
        return max(map(int, self.tasks), default=-1) + 1

    @property
    def held(self) -> Iterator[Held]:
        """The songs of all tasks that count."""
        return (held for task in self.tasks.values() for held in task.held)

    @property
    def at_risk(self) -> Iterator[Held]:
        """The songs that counted and are in no task that counts."""
        yield from self.lost
        for task in self.beyond.values() if self.manifest is None else ():
            yield from task.held

    def adopting(self, names: Iterable[str]) -> "PackedSplit":
        """The same where tasks beyond the manifest count too."""
        tasks = {**self.tasks, **{name: self.beyond[name] for name in sorted(names, key=int)}}
        beyond = {name: task for name, task in self.beyond.items() if name not in tasks}
        return replace(self, tasks=tasks, beyond=beyond)


@dataclass(frozen=True)
class _Since:
    """What became of songs since they were packed."""

    changes: Changes
    live: frozenset[str] = frozenset()  # those that count, where no changes are known any more

    def of(self, task: str, song_id: str, packed: Facts | None) -> tuple[Facts | None, bool]:
        """What a song is now, and whether it is gone."""
        of_task = self.changes.get(task, {})
        if song_id in of_task:
            now = of_task[song_id]
            return (Facts.of(now) if now else None), now is None
        is_gone = packed is not None and bool(self.live) and song_id not in self.live
        return (None if is_gone else packed), is_gone


def packed_split(folder: Place, split: str) -> PackedSplit:
    """What is packed in the folder of a split; each record is read."""
    there = sizes(folder)
    manifest = read_manifest(folder) if MANIFEST_NAME in there else None
    whole = manifest if manifest and is_whole(manifest, there) else None
    is_damaged = whole is None and (manifest is not None or are_there(there))
    since = _since(folder, manifest, is_damaged, there)
    named = task_names(whole) if whole else []
    tasks = {name: _task(split, name, records_of(folder, [name]), since) for name in named}
    begun = sorted(m[1] for m in map(FIRST_RECORD.fullmatch, there) if m and m[1] not in tasks)
    beyond = {
        name: _task(split, name, records, since)
        for name, records in done_tasks(folder, begun, there)
    }
    lost: list[Held] = []
    for name in begun:
        if name not in beyond:
            lost += _held(split, name, _records_left(folder, name), since)[1]
    if is_damaged:
        recorded = chain(lost, *(task.held for task in beyond.values()))
        lost += _without_record(split, songs_told(folder, there, or_tars=True), recorded)
    return PackedSplit(folder, whole, is_damaged, tasks, beyond, tuple(lost))


def _since(
    folder: Place, manifest: Manifest | None, is_damaged: bool, there: Collection[str]
) -> _Since:
    with suppress(ManifestError) if is_damaged else nullcontext():
        if manifest or not is_damaged:
            return _Since(read_changes(folder, manifest) if manifest else {})
    return _Since({}, frozenset(song.song_id for song in songs_told(folder, there)))


def _without_record(
    split: str, told: Iterable[SongEntry], recorded: Iterable[Held]
) -> Iterator[Held]:
    """The songs that counted, and that no record tells of any more."""
    known = {held.song_id for held in recorded if held.packed and not held.is_gone}
    for entry in told:
        if entry.song_id not in known:
            known.add(entry.song_id)
            facts = Facts.of(entry)
            yield Held(split, "", entry.song_id, entry.source, facts, facts, False)


def _records_left(folder: Place, name: str) -> Iterator[ShardRecord]:
    """The records of a task, as far as they can be read."""
    try:
        yield from records_of(folder, [name])
    except ManifestError:
        return


def _task(split: str, name: str, records: Iterable[ShardRecord], since: _Since) -> PackedTask:
    """A task of one record at least; of that it keeps the songs, and not where samples lie."""
    settings, held = _held(split, name, records, since)
    return PackedTask(name, settings[0], held)


def _held(
    split: str, name: str, records: Iterable[ShardRecord], since: _Since
) -> tuple[list[PackSettings], tuple[Held, ...]]:
    """The settings of the records, and their songs."""
    settings = []
    held: dict[str, Held] = {}  # a song that goes on in a further tar counts once
    for record in records:
        settings.append(record.settings)
        for entry in record.songs:
            packed = Facts.of(entry)
            now, is_gone = since.of(name, entry.song_id, packed)
            held[entry.song_id] = Held(
                split, name, entry.song_id, entry.source, packed, now, is_gone
            )
        sources = record.left_out_sources or ("",) * len(record.left_out)
        for (song_id, reason), source in zip(record.left_out, sources, strict=True):
            _, is_gone = since.of(name, song_id, None)
            held[song_id] = Held(split, name, song_id, source, None, None, is_gone, reason)
    return settings, tuple(held.values())
