"""One data set from its songs to verified shards of all splits."""

import csv
import io
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from config import Config
from pipeline.manifest import Manifest, PackSettings, read_record, write_whole
from pipeline.shardset import split_folder
from shards.executor import run_tasks, worker_count
from shards.pack import PackTask, deal, pack_shard, songs_digest
from shards.song import LeftOut, Song, by_reason
from shards.split import split_of
from shards.splitfolder import (
    clear,
    is_done,
    refuse_other_settings,
    write_split_manifest,
)

SPLITS = ("train", "valid", "test")
LEFT_OUT_NAME = "left_out.tsv"


class PrepareError(ValueError):
    """A data set that cannot become shards."""


@dataclass(frozen=True)
class SplitPlan:
    """What is to be packed in one split."""

    folder: Path
    settings: PackSettings
    tasks: tuple[PackTask, ...]


@dataclass(frozen=True)
class Prepared:
    """What was packed of a data set."""

    folder: Path
    manifests: dict[str, Manifest]  # by split; a split without songs is absent
    left_out: tuple[LeftOut, ...]
    seconds: float  # that packing took


def prepare(
    dataset: str, songs: Sequence[Song], left_out: Sequence[LeftOut], format: str, config: Config,
    overwrite: bool = False,
) -> Prepared:  # fmt: skip
    """Pack the songs of `dataset` as 'audio' or 'png'; what is already packed stays.

    Raises PrepareError where no song is left, ManifestError where other shards are in the way.
    """
    if not songs:
        raise PrepareError(
            f"{dataset}: no song has a usable label; left out: {by_reason(left_out)}"
        )
    began = time.perf_counter()
    plans = _plans(dataset, songs, format, config)
    for split in plans:
        if overwrite:
            clear(split.folder)
        refuse_other_settings(split.folder, split.settings)
    _pack_missing(dataset, plans, worker_count(config.prepare.workers))
    manifests = {plan.settings.split: _finished(plan) for plan in plans if plan.tasks}
    everything = (*left_out, *(one for plan in plans for one in _left_out_in_packing(plan)))
    prepared = Prepared(plans[0].folder.parent, manifests, everything, time.perf_counter() - began)
    _write_left_out(prepared)
    if not any(shard.intervals for m in manifests.values() for shard in m.shards):
        for split in plans:
            clear(split.folder)
        raise PrepareError(f"{dataset}: no song could be packed; left out: {by_reason(everything)}")
    return prepared


def _plans(dataset: str, songs: Sequence[Song], format: str, config: Config) -> list[SplitPlan]:
    """What is to be packed in each split, also in those that get no song."""
    rule, plans = config.split, []
    by_split: dict[str, list[Song]] = {split: [] for split in SPLITS}
    for song in songs:
        by_split[split_of(song, rule.valid_fraction, rule.test_fraction, rule.seed)].append(song)
    for split, its_songs in by_split.items():
        folder = split_folder(config.prepare.shards_dir, format, dataset, split)
        settings = _settings(dataset, split, format, its_songs, config)
        plans.append(SplitPlan(folder, settings, tuple(deal(folder, its_songs, settings))))
    return plans


def _finished(plan: SplitPlan) -> Manifest:
    return write_split_manifest(plan.folder, [task.name for task in plan.tasks], plan.settings)


def _settings(
    dataset: str, split: str, format: str, songs: Sequence[Song], config: Config
) -> PackSettings:
    return PackSettings(
        dataset=dataset, split=split, format=format, sample_rate=config.audio.sample_rate,
        interval_seconds=config.prepare.interval_seconds,
        cqt=config.cqt.model_dump() if format == "png" else None,
        songs_per_shard=config.prepare.songs_per_shard,
        max_shard_bytes=config.prepare.max_shard_bytes,
        seed=config.prepare.seed, songs=songs_digest(songs),
    )  # fmt: skip


def _pack_missing(dataset: str, plans: Sequence[SplitPlan], workers: int) -> None:
    """Run the tasks that have no record yet, with a progress bar on a terminal."""
    tasks = [task for plan in plans for task in plan.tasks if not is_done(task.folder, task.name)]
    for task in tasks:
        task.folder.mkdir(parents=True, exist_ok=True)
    songs = sum(len(task.songs) for task in tasks)
    intervals = left_out = 0
    began = time.perf_counter()
    with tqdm(total=songs, desc=f"packing {dataset}", unit="song", disable=None) as bar:
        for packed in run_tasks(pack_shard, tasks, workers):
            intervals += packed.intervals
            left_out += packed.left_out
            audio_seconds = intervals * tasks[0].settings.interval_seconds
            bar.set_postfix_str(
                f"{intervals} intervals, {audio_seconds / (time.perf_counter() - began):.0f} s of "
                f"audio a second, {left_out} songs left out"
            )
            bar.update(packed.songs + packed.left_out)


def _left_out_in_packing(plan: SplitPlan) -> list[LeftOut]:
    first_tars = (f"{task.name}.tar" for task in plan.tasks)
    return [LeftOut(*one) for tar in first_tars for one in read_record(plan.folder, tar).left_out]


def _write_left_out(prepared: Prepared) -> None:
    table = io.StringIO()
    rows = csv.writer(table, delimiter="\t", lineterminator="\n")
    rows.writerow(["song_id", "reason"])
    rows.writerows((one.song_id, one.reason) for one in prepared.left_out)
    write_whole(prepared.folder / LEFT_OUT_NAME, table.getvalue().encode())
