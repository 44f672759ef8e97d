"""What is to be packed of a data set: its songs by split, and each split's tasks."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.manifest import MANIFEST_NAME, PackSettings, read_manifest, read_record
from pipeline.shardset import split_folder
from settings import Config
from shards.pack import PackTask, deal, songs_digest
from shards.song import LeftOut, Song
from shards.split import split_of
from shards.splitfolder import is_done, is_whole

SPLITS = ("train", "valid", "test")
VANISHED = "file not found"  # the reason of a song whose file was listed, and gone when packed


@dataclass(frozen=True)
class SplitPlan:
    """What is to be packed in one split."""

    folder: Path
    settings: PackSettings
    tasks: tuple[PackTask, ...]

    def missing(self) -> list[PackTask]:
        """The tasks that are not done, or that lack a song whose file is back."""
        if not self.tasks:
            return []
        whole = is_whole(self.folder, self.settings)
        if whole and VANISHED not in read_manifest(self.folder).left_out_by_reason:
            return []
        return [task for task in self.tasks if not _is_settled(task)]

    def left_out(self) -> list[LeftOut]:
        """The songs that packing left out, once all tasks are done."""
        if not self.tasks or not read_manifest(self.folder).left_out_by_reason:
            return []
        return [one for task in self.tasks for one in _left_out_of(task)]


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


def begin(folder: Path) -> None:
    """Make a split's folder; a manifest counts until one of its shards is packed again."""
    folder.mkdir(parents=True, exist_ok=True)
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
    )  # fmt: skip


def _is_settled(task: PackTask) -> bool:
    if not is_done(task.folder, task.name):
        return False
    vanished = {one.song_id for one in _left_out_of(task) if one.kind == VANISHED}
    return not any(
        song.song_id in vanished and Path(song.audio_path).exists() for song in task.songs
    )


def _left_out_of(task: PackTask) -> list[LeftOut]:
    return [LeftOut(*one) for one in read_record(task.folder, f"{task.name}.tar").left_out]
