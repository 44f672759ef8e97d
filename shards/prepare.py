"""One data set from its songs to verified shards of all splits, at once or in parts."""

import re
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass

from tqdm import tqdm

from pipeline.manifest import Manifest
from settings.sections import Config
from shards.disk_error import writing_to
from shards.doubtful import doubtful, write_doubtful
from shards.executor import run_tasks, worker_count
from shards.leftout import left_out_table, write_left_out
from shards.lock import part_writer, sole_writer
from shards.pack import Packed, pack_shard
from shards.plan import MOST_NAMES, all_settings, plan
from shards.processes import Task
from shards.settled import Counts
from shards.splitfolder import clear, make_way, remove_strays
from shards.splitplan import Plan
from shards.tables import split_manifest
from songkey.counted import counted
from songkey.errors import AudioKeyError
from songs.song import LeftOut, Song, by_reason
from storage.places import Place, place_of


class PrepareError(AudioKeyError):
    """A data set that cannot become shards."""


@dataclass(frozen=True)
class Prepared:
    """What was packed of a data set."""

    folder: Place
    manifests: dict[str, Manifest]  # by split; a split without songs is absent
    left_out: tuple[LeftOut, ...]
    seconds: float  # that packing took
    counts: Counts | None = None  # how the songs differ from those that were packed before


@dataclass(frozen=True)
class Part:
    """One of `of` parts of a data set's tasks: the tasks number k with k % of == number - 1."""

    number: int  # 1 to `of`
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


def parse_part(text: str) -> Part:
    """The part that '3/64' names; raises PrepareError."""
    if match := re.fullmatch(r"(\d+)/(\d+)", text):
        part = Part(*map(int, match.groups()))
        if 1 <= part.number <= part.of:
            return part
    raise PrepareError(f"--part {text}: write the part and the number of parts, from 1/64 to 64/64")


def prepare(
    dataset: str, songs: Sequence[Song], left_out: Sequence[LeftOut], format: str, config: Config,
    overwrite: bool = False, scheduler: str = "",
) -> Prepared:  # fmt: skip
    """Pack the songs of `dataset` as 'audio' or 'png'; what is already packed stays.

    With a `scheduler` the tasks run on its Dask cluster. Raises PrepareError where no song is left,
    ManifestError where other shards are in the way, TargetError where shards cannot be written.
    """
    began = time.perf_counter()
    _refuse_no_songs(dataset, songs, left_out)
    root = place_of(config.prepare.shards_dir) / format / dataset
    with sole_writer(root):
        make_way(root, all_settings(dataset, format, config), dataset, overwrite)
        made = plan(dataset, songs, format, config)
        for split in made.splits:
            if split.missing or split.strays:
                with writing_to(split.folder):
                    split.begin()
        missing = [task for split in made.splits for task in split.missing]
        make_shards(f"packing {dataset}", pack_shard, missing, config, scheduler)
        with writing_to(root):
            return _finished(dataset, made, songs, left_out, began)


def prepare_part(
    dataset: str, songs: Sequence[Song], left_out: Sequence[LeftOut], format: str, config: Config,
    part: Part, scheduler: str = "",
) -> str:  # fmt: skip
    """Pack one part of the shards; says in a line what was done. `merge` makes the manifests."""
    with part_writer(place_of(config.prepare.shards_dir) / format / dataset, part.number, part.of):
        return _pack_part(
            _planned_in_parts(dataset, songs, left_out, format, config),
            dataset,
            config,
            part,
            scheduler,
        )


def _pack_part(made: Plan, dataset: str, config: Config, part: Part, scheduler: str) -> str:
    every = [(split, task) for split in made.splits for task in split.tasks]
    mine = every[part.number - 1 :: part.of]
    missing = [(split, task) for split, task in mine if task in split.missing]
    for split in made.splits:
        if any(one is split for one, _ in missing):
            with writing_to(split.folder):
                split.begin()
    make_shards(f"packing {dataset}", pack_shard, [task for _, task in missing], config, scheduler)
    return (
        f"part {part}: {len(mine)} of {len(every)} shards, {len(missing)} packed now: "
        f"{made.root}; after the last part, merge (python -m shards merge)"
    )


def merge(
    dataset: str, songs: Sequence[Song], left_out: Sequence[LeftOut], format: str, config: Config
) -> Prepared:
    """Write the manifests of shards that were packed in parts; PrepareError where some lack."""
    began = time.perf_counter()
    with sole_writer(place_of(config.prepare.shards_dir) / format / dataset):
        made = _planned_in_parts(dataset, songs, left_out, format, config)
        missing = [task for split in made.splits for task in split.missing]
        if missing:
            total = sum(len(split.tasks) for split in made.splits)
            names = [f"{task.settings.split}/{task.name}" for task in missing[:MOST_NAMES]]
            more = ", ..." if len(missing) > MOST_NAMES else ""
            raise PrepareError(
                f"{made.root}: {len(missing)} of {total} shards are missing "
                f"({', '.join(names)}{more}); run the parts that have not ended, then merge again"
            )
        with writing_to(made.root):
            return _finished(dataset, made, songs, left_out, began)


def _planned_in_parts(
    dataset: str, songs: Sequence[Song], left_out: Sequence[LeftOut], format: str, config: Config
) -> Plan:
    """The same plan on every machine."""
    _refuse_no_songs(dataset, songs, left_out)
    root = place_of(config.prepare.shards_dir) / format / dataset
    make_way(root, all_settings(dataset, format, config), dataset)
    return plan(dataset, songs, format, config, in_parts=True)


def _refuse_no_songs(dataset: str, songs: Sequence[Song], left_out: Sequence[LeftOut]) -> None:
    if not songs:
        raise PrepareError(
            f"{dataset}: no song has a usable label; left out: {by_reason(left_out)}"
        )


def make_shards(
    title: str, function: Callable[[Task], Packed], tasks: Sequence[Task], config: Config,
    scheduler: str,
) -> None:  # fmt: skip
    """Run the tasks, with a progress bar on a terminal."""
    intervals = left_out = 0
    began = time.perf_counter()
    results = run_tasks(function, tasks, worker_count(config.prepare.workers), scheduler)
    with (
        closing(results),
        tqdm(total=len(tasks), desc=title, unit="shard", disable=None) as bar,
    ):
        for packed in results:
            intervals += packed.intervals
            left_out += packed.left_out
            audio_seconds = intervals * config.prepare.interval_seconds
            rate = audio_seconds / (time.perf_counter() - began)
            bar.set_postfix_str(
                f"{counted(intervals, 'interval')}, {rate:.0f} s of "
                f"audio a second, {counted(left_out, 'song')} left out"
            )
            bar.update()


def _finished(
    dataset: str, made: Plan, songs: Sequence[Song], left_out: Sequence[LeftOut], began: float
) -> Prepared:
    """The manifests, where they are not there, and the lists of songs left out and doubtful."""
    splits = {split.settings.split: split for split in made.splits if split.names}
    # None where a song waits in no split: so that it is named by each run.
    listing = "" if made.left_out else f"{made.listing} in {', '.join(splits)}"
    manifests = {
        name: split_manifest(split.folder, split.names, split.settings, split.changes, listing)
        for name, split in splits.items()
    }
    for name, split in splits.items():
        remove_strays(split.folder, manifests[name])
    packed = (one for name, split in splits.items() for one in split.left_out(manifests[name]))
    everything = (*left_out, *made.left_out, *packed)
    prepared = Prepared(made.root, manifests, everything, time.perf_counter() - began, made.counts)
    write_left_out(prepared.folder, left_out_table(everything))
    write_doubtful(prepared.folder, doubtful(songs, everything))
    if not made.counts and not any(
        shard.intervals for m in manifests.values() for shard in m.shards
    ):
        for split in made.splits:
            clear(split.folder)
        raise PrepareError(f"{dataset}: no song could be packed; left out: {by_reason(everything)}")
    return prepared
