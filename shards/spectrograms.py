"""PNG shards from the audio shards that exist: no second download, no second decode of the songs.

One task reads the tars of one task of packing and writes those that packing the same songs as PNG
would have written, byte for byte: `pack --format png` then finds nothing left to do.
"""

import csv
import io
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from isal.isal_zlib import crc32
from threadpoolctl import threadpool_limits

from pipeline.bounded import ManifestError
from pipeline.manifest import read_manifest
from pipeline.pack_settings import PackSettings
from pipeline.stream import decode_audio
from settings.sections import Config
from shards.disk_error import writing_to
from shards.pack import Packed, encoder_of
from shards.prepare import LEFT_OUT_NAME, Prepared, make_shards, write_left_out
from shards.processes import ShardTask
from shards.shardfile import ShardError, TaskTars, read_samples
from shards.splitfolder import (
    SPLITS,
    done_tasks,
    first_records,
    is_whole,
    make_way,
    records_of,
    refuse_foreign,
    split_manifest,
    task_names,
)
from songs.song import LeftOut
from storage.places import Place, place_of, sizes
from storage.staging import staged


@dataclass(frozen=True)
class SpectrogramTask(ShardTask):
    """The PNG tars to be made of one task's audio tars."""

    source: Place  # the folder of the audio shards
    settings: PackSettings  # of the PNG shards


def create_spectrograms(
    dataset: str, config: Config, overwrite: bool = False, scheduler: str = ""
) -> Prepared:
    """Make the PNG shards of a data set's audio shards; what is already made stays.

    With a `scheduler` the tasks run on its Dask cluster. Raises ManifestError where audio shards
    are missing or of other settings than today's, or other PNG shards are in the way, ShardError
    where an audio shard is damaged, TargetError where shards cannot be written.
    """
    began = time.perf_counter()
    audio, png = (place_of(config.prepare.shards_dir) / f / dataset for f in ("audio", "png"))
    there = [split for split in SPLITS if sizes(audio / split)]  # begun ones are refused below
    if not there:
        raise ManifestError(
            f"{audio}: no audio shards; pack them first "
            f"(python -m shards pack {dataset}), or pack with --format png"
        )
    tasks_of_split = {split: _tasks(audio / split, png / split, config) for split in there}
    settings = {split: tasks[0].settings for split, tasks in tasks_of_split.items() if tasks}
    make_way(png, settings, audio, overwrite)
    missing = [task for tasks in tasks_of_split.values() for task in _missing(tasks)]
    make_shards(f"spectrograms of {dataset}", make_shard, missing, config, scheduler)
    with writing_to(png):
        manifests = {
            split: split_manifest(
                png / split, [task.name for task in tasks_of_split[split]], settings[split]
            )
            for split in settings
        }
        left_out = _copy_left_out(audio, png)
    return Prepared(png, manifests, left_out, time.perf_counter() - began)


def _tasks(source: Place, folder: Place, config: Config) -> list[SpectrogramTask]:
    """One task for each of the audio shards' own; refuses audio of other settings than today's."""
    manifest = read_manifest(source)
    refuse_foreign(source, manifest)
    rate, seconds = config.audio.sample_rate, config.prepare.interval_seconds
    if changed := manifest.settings.changed({"sample_rate": rate, "interval_seconds": seconds}):
        raise ManifestError(
            f"{source}: packed with other settings ({changed}); "
            "set them back, or pack the audio again with --overwrite"
        )
    cqt = config.cqt.shape
    settings = _as_png(manifest.settings, cqt)
    return [SpectrogramTask(folder, name, source, settings) for name in task_names(manifest)]


def _as_png(audio: PackSettings, cqt: dict[str, Any] | None) -> PackSettings:
    """Those of the spectrograms that are made of these audio shards."""
    return audio.model_copy(update={"format": "png", "cqt": cqt, "audio_file": "flac"})


def _missing(tasks: Sequence[SpectrogramTask]) -> list[SpectrogramTask]:
    """The tasks that are not done, or whose audio has been packed again with other songs."""
    if not tasks:
        return []
    source, folder, settings = tasks[0].source, tasks[0].folder, tasks[0].settings
    there = sizes(folder)
    if is_whole(folder, settings, there):
        left_out = read_manifest(folder).left_out_by_reason
        if left_out == read_manifest(source).left_out_by_reason:
            return []
    made = {
        name: record.left_out
        for name, record in done_tasks(folder, [task.name for task in tasks], there)
    }
    audio = first_records(source, list(made))
    current = {
        name
        for (name, left_out), record in zip(made.items(), audio, strict=True)
        if left_out == record.left_out
    }
    return [task for task in tasks if task.name not in current]


@threadpool_limits.wrap(limits=1)
def make_shard(task: SpectrogramTask) -> Packed:
    """Decode, transform, encode and write the samples of one task, then the record."""
    settings = task.settings
    encode = encoder_of(settings)
    records = list(records_of(task.source, [task.name]))
    if any(_as_png(record.settings, settings.cqt) != settings for record in records):
        raise ShardError(
            f"{task.source}/{task.name}.json: of another packing than the manifest; "
            "pack the audio again with --overwrite"
        )
    songs = set()
    with (
        staged(task.folder) as folder,
        TaskTars(folder, task.name, settings.max_shard_bytes) as tars,
    ):
        for record in records:
            for sample in read_samples(task.source, record):
                waveform = np.array(decode_audio(sample.media, settings.interval_samples))
                png = encode(waveform)
                info = sample.info.model_copy(update={"media_crc32": crc32(png)})
                song = sample.song.model_copy(update={"intervals": 0})  # counted anew
                tars.add(song, sample.sample_id, settings.extension, png, info)
                songs.add(song.song_id)
        intervals = tars.commit(settings, records[0].left_out)
    return Packed(len(songs), intervals, len(records[0].left_out))


def _copy_left_out(source: Place, folder: Place) -> tuple[LeftOut, ...]:
    """What packing the audio left out is left out here too: its list, copied."""
    if not (source / LEFT_OUT_NAME).exists():
        return ()
    data = (source / LEFT_OUT_NAME).read_bytes()
    write_left_out(folder, data)
    _, *rows = csv.reader(io.StringIO(data.decode(), newline=""), delimiter="\t")
    return tuple(LeftOut(song_id, reason) for song_id, reason in rows)
