"""One data set from its songs to verified shards of all splits, with a summary."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from config import Config
from pipeline.manifest import Manifest, PackSettings, read_record, write_whole
from pipeline.shardset import split_folder
from shards.executor import run_tasks, worker_count
from shards.pack import PackTask, pack_shard, plan, songs_digest
from shards.song import LeftOut, Song
from shards.split import split_of
from shards.splitfolder import (
    clear,
    countable,
    is_done,
    refuse_other_settings,
    write_split_manifest,
)

SPLITS = ("train", "valid", "test")
LEFT_OUT_NAME = "left_out.tsv"


class PrepareError(ValueError):
    """A data set that cannot become shards."""


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
    """Pack the songs of `dataset` as 'audio' or 'png'; what is already packed stays."""
    if not songs:
        raise PrepareError(f"{dataset}: no song with a usable label; {_by_reason(left_out)}")
    began = time.perf_counter()
    folders = {
        split: split_folder(config.prepare.shards_dir, format, dataset, split) for split in SPLITS
    }
    by_split = _by_split(songs, config)
    settings = {
        split: _settings(dataset, split, format, by_split[split], config) for split in SPLITS
    }
    for split in SPLITS:
        if overwrite:
            clear(folders[split])
        refuse_other_settings(folders[split], settings[split])
    tasks = {split: plan(folders[split], by_split[split], settings[split]) for split in SPLITS}
    _pack_missing(dataset, tasks, worker_count(config.prepare.workers))
    manifests = {
        split: write_split_manifest(
            folders[split], [task.name for task in tasks[split]], settings[split]
        )
        for split in SPLITS
        if tasks[split]
    }
    everything_left_out = (*left_out, *_left_out_in_packing(folders, manifests))
    prepared = Prepared(
        folders["train"].parent, manifests, everything_left_out, time.perf_counter() - began
    )
    _write_left_out(prepared)
    if not any(shard.intervals for m in manifests.values() for shard in m.shards):
        raise PrepareError(f"{dataset}: no song could be packed; {_by_reason(everything_left_out)}")
    return prepared


def summary(prepared: Prepared) -> str:
    """What was packed and what was left out, by key and by reason."""
    shards = [shard for manifest in prepared.manifests.values() for shard in manifest.shards]
    intervals = sum(shard.intervals for shard in shards)
    by_key = Counter()
    for manifest in prepared.manifests.values():
        by_key.update(manifest.songs_by_key)
    lines = [
        f"{by_key.total()} songs, {intervals} intervals, {len(shards)} shards, "
        f"{sum(shard.bytes for shard in shards) / 1e6:.1f} MB in {prepared.folder}"
        f" ({prepared.seconds:.1f} s)"
    ]
    for split, manifest in prepared.manifests.items():
        songs = sum(manifest.songs_by_key.values())
        lines.append(
            f"  {split:<6}{songs:>7} songs {sum(s.intervals for s in manifest.shards):>8} intervals"
        )
    lines.append("  " + ", ".join(f"{key} {count}" for key, count in sorted(by_key.items())))
    if prepared.left_out:
        lines.append(f"left out {_by_reason(prepared.left_out)}")
        lines.append(f"  each with its reason in {prepared.folder / LEFT_OUT_NAME}")
    return "\n".join(lines)


def _by_split(songs: Sequence[Song], config: Config) -> dict[str, list[Song]]:
    rule = config.split
    by_split: dict[str, list[Song]] = {split: [] for split in SPLITS}
    for song in songs:
        by_split[split_of(song, rule.valid_fraction, rule.test_fraction, rule.seed)].append(song)
    return by_split


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


def _pack_missing(dataset: str, tasks: dict[str, list[PackTask]], workers: int) -> None:
    """Run the tasks that have no record yet, with a progress bar on a terminal."""
    missing = [
        task for split in SPLITS for task in tasks[split] if not is_done(task.folder, task.name)
    ]
    seconds = missing[0].settings.interval_seconds if missing else 0.0
    for task in missing:
        task.folder.mkdir(parents=True, exist_ok=True)
    totals = Counter()
    songs = sum(len(task.songs) for task in missing)
    began = time.perf_counter()
    with tqdm(total=songs, desc=f"packing {dataset}", unit="song", disable=None) as bar:
        for packed in run_tasks(pack_shard, missing, workers):
            totals.update(intervals=packed.intervals, left_out=packed.left_out)
            rate = totals["intervals"] * seconds / (time.perf_counter() - began)
            bar.set_postfix_str(
                f"{totals['intervals']} intervals, {rate:.0f} s of audio a second, "
                f"{totals['left_out']} left out"
            )
            bar.update(packed.songs + packed.left_out)


def _left_out_in_packing(folders: dict[str, Path], manifests: dict[str, Manifest]) -> list[LeftOut]:
    return [
        LeftOut(song_id, reason)
        for split, manifest in manifests.items()
        for shard in manifest.shards
        for song_id, reason in read_record(folders[split], shard.name).left_out
    ]


def _by_reason(left_out: Sequence[LeftOut]) -> str:
    """'3 songs: 2 no key, 1 not audio (a/b.mp3)': counts, the first of each reason named."""
    counts = Counter(countable(one.reason) for one in left_out)
    first = {countable(one.reason): one.song_id for one in reversed(left_out)}
    reasons = ", ".join(f"{n} {reason} ({first[reason]})" for reason, n in counts.most_common())
    return f"{len(left_out)} songs: {reasons}" if left_out else "0 songs"


def _write_left_out(prepared: Prepared) -> None:
    lines = [f"{one.song_id}\t{one.reason}\n" for one in prepared.left_out]
    write_whole(prepared.folder / LEFT_OUT_NAME, "".join(["song_id\treason\n", *lines]).encode())
