"""A split of shards that others made: they stay where they lie, and an index of them is made here.

Its folder holds records, the table of songs, the index and the manifest, as a split that was packed
here; the manifest says where each tar lies. Tars are walked in several processes, each once.
"""

import hashlib
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatch
from pathlib import PurePosixPath

from pipeline.bounded import ManifestError
from pipeline.changes import refuse_changed
from pipeline.members import Members, members_of
from pipeline.opened import split_folder
from pipeline.pack_settings import PackSettings
from pipeline.record import read_record
from settings.sections import Config
from shards.conflicts import leave_out_conflicting
from shards.disk_error import writing_to
from shards.foreign_shard import IndexTask, NoIndexError, index_shard
from shards.leftout import left_out_table, write_left_out
from shards.lock import sole_writer
from shards.prepare import Prepared, make_shards
from shards.splitfolder import (
    RECORDS,
    done_tasks,
    first_records,
    make_folder,
    remove_tables,
    whole_manifest,
)
from shards.tables import split_manifest
from songkey.counted import counted
from songkey.errors import AudioKeyError, printable
from songs.song import LeftOut, by_reason
from storage.patterns import expanded
from storage.places import Place, RemotePath, StorageError, sizes

AT_ONCE = 16  # addresses that are asked for their sizes at the same time


def index_shards(
    urls: Sequence[str], name: str, split: str, format: str, config: Config,
    overwrite: bool = False, scheduler: str = "",
) -> Prepared:  # fmt: skip
    """Make `split` of the data set `name` of the tars that `urls` name; walked ones stay so.

    Raises StorageError where one cannot be reached, NoIndexError where one cannot be read by
    offset, ManifestError where other shards are in the way.
    """
    began = time.perf_counter()
    places = [place for url in urls for place in _places(url)]
    if twice := [place for place, count in Counter(map(str, places)).items() if count > 1]:
        raise AudioKeyError(f"{twice[0]}: named twice; name each shard once")
    refuse_changed(places)
    folder = split_folder(config.prepare.shards_dir, format, name, split)
    with sole_writer(folder.parent):
        settings = _settings(places, name, split, format, config)
        _make_way(folder, settings, overwrite)
        tasks = _tasks(folder, places, settings, _members(config, format))
        names = [task.name for task in tasks]
        done = {name for name, _ in done_tasks(folder, names, sizes(folder))}
        missing = [task for task in tasks if task.name not in done]
        with writing_to(folder):
            make_folder(folder)
        make_shards(f"indexing {name}", index_shard, missing, config, scheduler)
        with writing_to(folder):
            if missing or not (whole := whole_manifest(folder)) or whole.settings != settings:
                leave_out_conflicting(folder, names)
            manifest = split_manifest(folder, names, settings)
            records = first_records(folder, names)
            left_out = tuple(LeftOut(*one) for record in records for one in record.left_out)
            write_left_out(folder, left_out_table(left_out))
        if not any(shard.intervals for shard in manifest.shards):
            remove_tables(folder)
            raise AudioKeyError(
                f"{name}: no sample of {counted(len(places), 'shard')} can be used: "
                f"{by_reason(left_out)}; which members hold what, the settings of [foreign] say"
            )
        return Prepared(folder, {split: manifest}, left_out, time.perf_counter() - began)


def _members(config: Config, format: str) -> Members:
    return members_of(format, **config.foreign.model_dump())


def _places(url: str) -> list[Place]:
    if url.startswith("pipe:"):
        raise NoIndexError(
            f"{url}: what a command prints cannot be read by offset; train on it with "
            'stream.reader = "webdataset" and name it in stream.urls'
        )
    return expanded(url, ".tar")


def _settings(
    places: Sequence[Place], name: str, split: str, format: str, config: Config
) -> PackSettings:
    return PackSettings(
        dataset=name, split=split, format=format, sample_rate=config.audio.sample_rate,
        interval_seconds=config.prepare.interval_seconds,
        cqt=config.cqt.shape if format == "png" else None,
        songs_per_shard=0, max_shard_bytes=0, seed=0,  # others dealt and cut
        songs=f"{len(places)} shards, {_digest(places, _members(config, format))}",
    )  # fmt: skip


def _digest(places: Sequence[Place], members: Members) -> str:
    """Of all that indexing takes from them: where they lie, how large they are, what is read."""
    with ThreadPoolExecutor(AT_ONCE) as threads:
        text = repr(
            [members, *zip(map(printable, places), threads.map(_size, places), strict=True)]
        )
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _size(place: Place) -> int | None:
    try:
        return place.size() if isinstance(place, RemotePath) else place.stat().st_size
    except FileNotFoundError:
        raise StorageError(f"{printable(place)}: not there; check the address") from None


def _make_way(folder: Place, settings: PackSettings, overwrite: bool) -> None:
    """Refuse to index over shards of other settings; `overwrite` removes what indexing made."""
    records = sorted(name for name in sizes(folder) if fnmatch(name, RECORDS))
    if not records:
        return
    first = read_record(folder, f"{records[0].removesuffix('.json')}.tar")
    if not first.place:
        raise ManifestError(
            f"{folder}: shards that were packed here; give those of others another --name"
        )
    if overwrite:
        remove_tables(folder)
    elif changed := first.settings.changed(settings.everything):
        raise ManifestError(
            f"{folder}: indexed with other settings or shards ({changed}); index anew with "
            "--overwrite, or give another --name"
        )


def _tasks(
    folder: Place, places: Sequence[Place], settings: PackSettings, members: Members
) -> list[IndexTask]:
    stems = [PurePosixPath(printable(place.name)).stem for place in places]
    apart = len(set(stems)) == len(stems)
    return [
        IndexTask(
            folder, f"{number:06d}", place, stems[number] if apart else f"{number:06d}", settings,
            members,
        )
        for number, place in enumerate(places)
    ]  # fmt: skip
