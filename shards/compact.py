"""Shards packed anew from themselves: full ones, with today's labels, and without what is gone.

The songs are not needed. New shards have numbers above the old ones, which go when the manifest is
the new one's: killed at any point, nothing is lost or twice there, and a second run ends it.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from pipeline.bounded import ManifestError
from pipeline.changes import as_of_today, read_changes
from pipeline.manifest import Manifest
from pipeline.pack_settings import PackSettings
from pipeline.record import ShardRecord, SongEntry
from settings.sections import Config
from shards.digests import digest_of, layout_digest
from shards.disk_error import writing_to
from shards.lock import sole_writer
from shards.pack import Packed
from shards.packed import FIRST_RECORD
from shards.prepare import Prepared, make_shards
from shards.processes import ShardTask
from shards.shardfile import TaskTars, read_samples
from shards.splitfolder import (
    done_tasks,
    make_folder,
    manifests_in,
    records_of,
    refuse_foreign,
    remove_strays,
    task_names,
)
from shards.tables import write_split_manifest
from songs.song import LeftOut
from storage.places import Place, place_of, sizes
from storage.staging import staged


@dataclass(frozen=True)
class CompactTask(ShardTask):
    """A shard to be made of others: the songs in it, in the order in which they lie there."""

    songs: tuple[tuple[str, SongEntry], ...]  # the task that holds a song, and what it is today
    left_out: tuple[tuple[str, str, str], ...]  # song_id, reason, source: of all shards
    settings: PackSettings


@dataclass(frozen=True)
class _Split:
    folder: Place
    manifest: Manifest
    tasks: tuple[CompactTask, ...]  # none where the shards are full as they are

    def finished(self) -> Manifest:
        """The manifest of the new shards, once the old ones are gone."""
        manifest = self.manifest
        if self.tasks:
            layout = [(task.name, task.settings.songs) for task in self.tasks]
            count = sum(len(task.songs) + len(task.left_out) for task in self.tasks)
            told = {"songs": layout_digest(count, layout, "")}
            settings = manifest.settings.model_copy(update=told)
            names = [task.name for task in self.tasks]
            manifest = write_split_manifest(self.folder, names, settings, listing=manifest.listing)
        remove_strays(self.folder, manifest)
        return manifest


def compact(dataset: str, format: str, config: Config, scheduler: str = "") -> Prepared:
    """Pack a data set's shards anew where they are not full, or say other things than is true.

    Raises ManifestError where there are none, or packing has not ended, ShardError where one is
    damaged, TargetError where shards cannot be written.
    """
    began = time.perf_counter()
    root = place_of(config.prepare.shards_dir) / format / dataset
    if not manifests_in(root):
        raise ManifestError(f"{root}: no {format} shards; pack this data set first")
    with sole_writer(root):
        there = manifests_in(root).items()  # as nobody changes them any more
        splits = {split: _split(root / split, manifest) for split, manifest in there}
        tasks = [task for split in splits.values() for task in _missing(split)]
        for folder in sorted({task.folder for task in tasks}):
            with writing_to(folder):
                make_folder(folder)
        make_shards(f"compacting {dataset}", pack_again, tasks, config, scheduler)
        with writing_to(root):
            made = {split: one.finished() for split, one in splits.items()}
    left_out = tuple(
        LeftOut(*one)
        for split, manifest in made.items()
        if manifest.left_out_by_reason
        for record in records_of(root / split, task_names(manifest))
        for one in record.left_out
    )
    return Prepared(root, made, left_out, time.perf_counter() - began)


def _split(folder: Place, manifest: Manifest) -> _Split:
    refuse_foreign(folder, manifest)
    names, size = task_names(manifest), manifest.settings.songs_per_shard
    songs: dict[tuple[str, str], SongEntry] = {}  # one that goes on in a further tar counts once
    left_out: list[tuple[str, str, str]] = []
    for task, record in _records_of_today(folder, manifest):
        for song in record.songs:
            songs[task, song.song_id] = song.model_copy(update={"intervals": 0})
        sources = record.left_out_sources or ("",) * len(record.left_out)
        left_out += [(*one, source) for one, source in zip(record.left_out, sources, strict=True)]
    held = [(task, song) for (task, _), song in songs.items()]
    groups = [held[start : start + size] for start in range(0, len(held), size)] or [[]]
    if not manifest.changes_sha256 and len(names) <= len(groups):
        return _Split(folder, manifest, ())
    first, tasks = max(map(int, names), default=-1) + 1, []
    for number, group in enumerate(groups, first):
        its_left_out = tuple(left_out) if number == first else ()
        lines = [song.model_dump_json() for _, song in group] + [*map(repr, its_left_out)]
        settings = manifest.settings.model_copy(update={"songs": digest_of(len(lines), lines)})
        tasks.append(CompactTask(folder, f"{number:06d}", tuple(group), its_left_out, settings))
    return _Split(folder, manifest, tuple(tasks))


def _records_of_today(folder: Place, manifest: Manifest) -> Iterator[tuple[str, ShardRecord]]:
    changes = read_changes(folder, manifest)
    for name in task_names(manifest):
        for record in records_of(folder, [name]):
            yield name, as_of_today(record, changes)


def _missing(split: _Split) -> list[CompactTask]:
    """The tasks that are not done; ManifestError where shards lie there that are none of them."""
    there = sizes(split.folder)
    last = max(map(int, task_names(split.manifest)), default=-1)
    begun = [m[1] for m in map(FIRST_RECORD.fullmatch, sorted(there)) if m and int(m[1]) > last]
    settings = {task.name: task.settings for task in split.tasks}
    done = {name: records[0].settings for name, records in done_tasks(split.folder, begun, there)}
    if strange := [name for name in done if done[name] != settings.get(name)]:
        raise ManifestError(
            f"{split.folder}: {strange[0]}.tar is beyond the manifest: packing has not ended; run "
            "it again (python -m shards pack, or merge), then compact"
        )
    return [task for task in split.tasks if task.name not in done]


def pack_again(task: CompactTask) -> Packed:
    """Copy the samples of a task's songs, with today's labels, then write the record."""
    number = -1
    with (
        staged(task.folder) as folder,
        TaskTars(folder, task.name, task.settings.max_shard_bytes) as tars,
    ):
        for source, group in groupby(task.songs, key=lambda song: song[0]):
            wanted = {entry.song_id: entry for _, entry in group}
            last = ""
            for record in records_of(task.folder, [source]):
                for sample in read_samples(task.folder, record):
                    if (entry := wanted.get(sample.song.song_id)) is None:
                        continue
                    number += entry.song_id != last
                    last = entry.song_id
                    info = sample.info.model_copy(
                        update={"key": entry.key, "label_source": entry.label_source}
                    )
                    sample_id = f"{task.name}_{number:04d}_{info.interval:05d}"
                    tars.add(entry, sample_id, task.settings.extension, sample.media, info)
        left_out = [(song_id, reason) for song_id, reason, _ in task.left_out]
        intervals = tars.commit(task.settings, left_out, _sources(task.left_out))
    return Packed(len(task.songs), intervals, len(left_out))


def _sources(left_out: Sequence[tuple[str, str, str]]) -> list[str]:
    sources = [source for _, _, source in left_out]
    return sources if any(sources) else []
