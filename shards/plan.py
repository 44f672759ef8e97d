"""What is to be packed of a data set: its songs by split, and each split's tasks."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.manifest import MANIFEST_NAME, read_manifest
from pipeline.opened import split_folder
from pipeline.pack_settings import PackSettings
from pipeline.record import ShardRecord
from settings.sections import Config
from shards.pack import PackTask, deal, songs_digest
from shards.splitfolder import SPLITS, done_tasks, first_records, is_whole
from songs.song import LeftOut, Song
from songs.split import split_of
from storage.places import Place, place_of, sizes
from storage.staging import refuse_unwritable

VANISHED = "file not found"  # the reason of a song whose file was listed, and gone when packed


@dataclass(frozen=True)
class SplitPlan:
    """What is to be packed in one split."""

    folder: Place
    settings: PackSettings
    tasks: tuple[PackTask, ...]

    def missing(self) -> list[PackTask]:
        """The tasks that are not done, or that lack a song whose file is back."""
        if not self.tasks:
            return []
        there = sizes(self.folder)
        whole = is_whole(self.folder, self.settings, there)
        if whole and VANISHED not in read_manifest(self.folder).left_out_by_reason:
            return []
        task_of = {task.name: task for task in self.tasks}
        for name, record in done_tasks(self.folder, list(task_of), there):
            if not _is_back(task_of[name], record):
                del task_of[name]
        return list(task_of.values())

    def left_out(self) -> list[LeftOut]:
        """The songs that packing left out, once all tasks are done."""
        if not self.tasks or not read_manifest(self.folder).left_out_by_reason:
            return []
        names = [task.name for task in self.tasks]
        records = first_records(self.folder, names)
        return [LeftOut(*one) for record in records for one in record.left_out]


def plans(dataset: str, songs: Sequence[Song], format: str, config: Config) -> list[SplitPlan]:
    """What is to be packed in each split, also in those that get no song."""
    rule, made = config.split, []
    by_split: dict[str, list[Song]] = {split: [] for split in SPLITS}
    for song in songs:
        by_split[split_of(song, rule.valid_fraction, rule.test_fraction, rule.seed)].append(song)
    for split, its_songs in by_split.items():
        folder = split_folder(config.prepare.shards_dir, format, dataset, split)
        settings = _settings(dataset, split, format, its_songs, config)
        made.append(SplitPlan(folder, settings, tuple(deal(folder, its_songs, settings))))
    return made


def begin(folder: Place) -> None:
    """Make a split's folder; a manifest counts until one of its shards is packed again."""
    if isinstance(folder, Path):
        folder.mkdir(parents=True, exist_ok=True)
    else:
        refuse_unwritable(folder)
    (folder / MANIFEST_NAME).unlink(missing_ok=True)


def _settings(
    dataset: str, split: str, format: str, songs: Sequence[Song], config: Config
) -> PackSettings:
    return PackSettings(
        dataset=dataset, split=split, format=format, sample_rate=config.audio.sample_rate,
        interval_seconds=config.prepare.interval_seconds,
        cqt=config.cqt.shape if format == "png" else None,
        songs_per_shard=config.prepare.songs_per_shard,
        max_shard_bytes=config.prepare.max_shard_bytes,
        seed=config.prepare.seed, songs=songs_digest(songs),
        audio_file=config.prepare.audio_file if format == "audio" else "flac",
    )  # fmt: skip


def _is_back(task: PackTask, record: ShardRecord) -> bool:
    """Whether a song that was not there when the task was packed is there today."""
    left_out = [LeftOut(*one) for one in record.left_out]
    vanished = {one.song_id for one in left_out if one.kind == VANISHED}
    return any(
        song.song_id in vanished and place_of(song.audio_path).exists() for song in task.songs
    )
