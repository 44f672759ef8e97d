"""PNG shards from the audio shards that exist: no second download, no second decode of the songs.

One task reads the tars of one task of packing and writes those that packing the same songs as PNG
would have written, byte for byte: `pack --format png` then finds nothing left to do.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from isal.isal_zlib import crc32
from threadpoolctl import threadpool_limits

from pipeline.bounded import ManifestError, MissingError
from pipeline.changes import changes_bytes, read_changes
from pipeline.manifest import MANIFEST_NAME, Manifest, read_manifest
from pipeline.pack_settings import PackSettings
from pipeline.stream import decode_audio
from settings.sections import Config
from shards.disk_error import writing_to
from shards.doubtful import copy_doubtful
from shards.leftout import copy_left_out
from shards.lock import sole_writer
from shards.pack import Packed, encoder_of
from shards.prepare import Prepared, make_shards
from shards.processes import ShardTask
from shards.shardfile import ShardError, TaskTars, read_samples
from shards.splitfolder import (
    SPLITS,
    done_tasks,
    first_records,
    make_folder,
    make_way,
    records_of,
    refuse_foreign,
    remove_strays,
    task_names,
    whole_manifest,
)
from shards.tables import split_manifest
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
    with sole_writer(audio):
        manifests = {split: _manifest(audio / split, config) for split in there}
        with sole_writer(png):
            made = _made(audio, manifests, png, config, overwrite, scheduler)
            with writing_to(png):
                left_out = copy_left_out(audio, png)
                copy_doubtful(audio, png)
    return Prepared(png, made, left_out, time.perf_counter() - began)


def _made(
    audio: Place, manifests: Mapping[str, Manifest], png: Place, config: Config, overwrite: bool,
    scheduler: str,
) -> dict[str, Manifest]:  # fmt: skip
    """The manifests of the spectrograms, once all are made."""
    settings = {split: _as_png(m.settings, config.cqt.shape) for split, m in manifests.items()}
    make_way(png, settings, audio, overwrite)
    missing = []
    for split, manifest in manifests.items():
        if tasks := _missing(audio / split, manifest, png / split, config):
            with writing_to(png / split):
                _make_room(png / split, tasks)
            missing += tasks
    make_shards(f"spectrograms of {audio.name}", make_shard, missing, config, scheduler)
    with writing_to(png):
        return {
            split: _finished(audio / split, manifest, png / split, settings[split])
            for split, manifest in manifests.items()
        }


def _manifest(source: Place, config: Config) -> Manifest:
    """That of the audio shards; refuses audio of other settings than today's."""
    manifest = read_manifest(source)
    refuse_foreign(source, manifest)
    rate, seconds = config.audio.sample_rate, config.prepare.interval_seconds
    if changed := manifest.settings.changed({"sample_rate": rate, "interval_seconds": seconds}):
        raise ManifestError(
            f"{source}: packed with other settings ({changed}); "
            "set them back, or pack the audio again with --overwrite"
        )
    return manifest


def _make_room(folder: Place, tasks: Sequence[SpectrogramTask]) -> None:
    """Make the folder; its manifest goes where it names a shard that is made again."""
    make_folder(folder)
    with suppress(MissingError):
        if {task.name for task in tasks} & set(task_names(read_manifest(folder))):
            (folder / MANIFEST_NAME).unlink()


def _finished(source: Place, manifest: Manifest, folder: Place, settings: PackSettings) -> Manifest:
    """The manifest of the spectrograms, with the changes that the audio's has."""
    changes = changes_bytes(read_changes(source, manifest))
    made = split_manifest(folder, task_names(manifest), settings, changes, manifest.listing)
    remove_strays(folder, made)
    return made


def _as_png(audio: PackSettings, cqt: dict[str, Any] | None) -> PackSettings:
    """Those of the spectrograms that are made of these audio shards."""
    return audio.model_copy(update={"format": "png", "cqt": cqt, "audio_file": "flac"})


def _missing(
    source: Place, manifest: Manifest, folder: Place, config: Config
) -> list[SpectrogramTask]:
    """The tasks that are not done, or whose audio has been packed again with other songs."""
    cqt, names = config.cqt.shape, task_names(manifest)
    if made := whole_manifest(folder):
        there = (made.settings, task_names(made), made.left_out_by_reason)
        if there == (_as_png(manifest.settings, cqt), names, manifest.left_out_by_reason):
            return []
    done = {
        name: (records[0].settings, records[0].left_out)
        for name, records in done_tasks(folder, names, sizes(folder))
    }
    tasks = []
    for name, record in zip(names, first_records(source, names), strict=True):
        if record.settings.changed_for_more(manifest.settings):
            raise _of_another_packing(source, name)
        settings = _as_png(record.settings, cqt)
        if done.get(name) != (settings, record.left_out):
            tasks.append(SpectrogramTask(folder, name, source, settings))
    return tasks


@threadpool_limits.wrap(limits=1)
def make_shard(task: SpectrogramTask) -> Packed:
    """Decode, transform, encode and write the samples of one task, then the record."""
    settings = task.settings
    encode = encoder_of(settings)
    records = list(records_of(task.source, [task.name]))
    if any(_as_png(record.settings, settings.cqt) != settings for record in records):
        raise _of_another_packing(task.source, task.name)
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
        first = records[0]
        intervals = tars.commit(settings, first.left_out, first.left_out_sources)
    return Packed(len(songs), intervals, len(records[0].left_out))


def _of_another_packing(source: Place, name: str) -> ShardError:
    return ShardError(
        f"{source}/{name}.json: of another packing than the manifest; "
        "pack the audio again with --overwrite"
    )
