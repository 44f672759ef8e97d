"""What is to be packed of a data set: its songs by split, and each split's tasks.

The manifests say what is packed, and count until new ones are written, last of all. Songs that
they do not know are dealt to tasks numbered above theirs: a pure function of the manifests, today's
songs and the settings, so that an interrupted run, or parts on several machines, make the same.
"""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress

from pipeline.bounded import MissingError
from pipeline.changes import changes_bytes
from pipeline.manifest import Manifest, read_manifest
from pipeline.opened import split_folder
from pipeline.pack_settings import PackSettings
from settings.sections import Config
from shards.digests import digest_of, layout_digest, song_line
from shards.pack import PackTask, deal
from shards.packed import FIRST_RECORD, PackedSplit, PackedTask, packed_split
from shards.settled import Counts, Settled, settled
from shards.splitfolder import SPLITS, is_whole, task_names
from shards.splitplan import Plan, SplitPlan
from songkey.errors import FILE_NOT_FOUND, AudioKeyError
from songs.song import Song
from storage.places import Place, place_of, sizes

MOST_NAMES = 10  # of shards, in a message


class ChangedSongsError(AudioKeyError):
    """Shards that wait to be merged, and are of other songs than today's."""


def all_settings(dataset: str, format: str, config: Config) -> dict[str, PackSettings]:
    """The settings of each split, whatever songs it has."""
    return {split: split_settings(dataset, split, format, config) for split in SPLITS}


def plan(
    dataset: str, songs: Sequence[Song], format: str, config: Config, in_parts: bool = False
) -> Plan:
    """What is to be packed in each split, also in those that get no song.

    Of shards beyond a manifest, those that were made of other songs than today's are taken over;
    ChangedSongsError `in_parts`, where several machines have to plan the same.
    """
    settings = all_settings(dataset, format, config)
    folders = {
        split: split_folder(config.prepare.shards_dir, format, dataset, split) for split in SPLITS
    }
    listing = _listing(songs, config)
    if manifests := _up_to_date(folders, listing):
        packed_songs = sum(sum(one.songs_by_key.values()) for one in manifests.values())
        return Plan(
            tuple(
                _nothing_to_do(folders[split], manifests.get(split), settings[split])
                for split in SPLITS
            ),
            listing,
            counts=Counts(0, 0, 0, packed_songs),
        )
    packed = {split: packed_split(folder, split) for split, folder in folders.items()}
    made, tasks = _arranged(songs, packed, settings, config)
    strays = {split: _unmatched(packed[split], tasks[split]) for split in SPLITS}
    if any(strays.values()):
        if in_parts:
            raise ChangedSongsError(_words_of(folders, strays))
        packed = {split: _adopting(packed[split], made, settings[split]) for split in SPLITS}
        made, tasks = _arranged(songs, packed, settings, config)
    before = any(one.manifest or one.is_damaged for one in packed.values())
    return Plan(
        tuple(_split_plan(packed[split], tasks[split], made, settings[split]) for split in SPLITS),
        listing, made.left_out, made.counts if before else None,
    )  # fmt: skip


def split_settings(dataset: str, split: str, format: str, config: Config) -> PackSettings:
    rule = config.split
    return PackSettings(
        dataset=dataset, split=split, format=format, sample_rate=config.audio.sample_rate,
        interval_seconds=config.prepare.interval_seconds,
        cqt=config.cqt.shape if format == "png" else None,
        songs_per_shard=config.prepare.songs_per_shard,
        max_shard_bytes=config.prepare.max_shard_bytes, seed=config.prepare.seed, songs="",
        audio_file=config.prepare.audio_file if format == "audio" else "flac",
        split_rule=f"valid {rule.valid_fraction}, test {rule.test_fraction}, seed {rule.seed}",
    )  # fmt: skip


def _listing(songs: Sequence[Song], config: Config) -> str:
    """A digest of all songs, and of what says in which split they are."""
    rule = config.split.model_dump_json()
    ordered = sorted(songs, key=lambda song: song.song_id)
    lines = (f"{song_line(song)}\t{song.split}\t{song.testable}\t{rule}" for song in ordered)
    return digest_of(len(songs), lines)


def _up_to_date(folders: Mapping[str, Place], listing: str) -> dict[str, Manifest]:
    """The manifests where they are whole and of this listing; none where anything is to be done."""
    manifests = {}
    for split, folder in folders.items():
        there = sizes(folder)
        with suppress(MissingError):
            manifests[split] = read_manifest(folder)
        if split in manifests:
            named = task_names(manifests[split])
            left_out = manifests[split].left_out_by_reason
            if FILE_NOT_FOUND in left_out or not is_whole(manifests[split], there):
                return {}
        else:
            named = []
        if any(m and m[1] not in named for m in map(FIRST_RECORD.fullmatch, there)):
            return {}
    told = {manifest.listing for manifest in manifests.values()}
    return manifests if told == {f"{listing} in {', '.join(manifests)}"} else {}


def _nothing_to_do(folder: Place, manifest: Manifest | None, settings: PackSettings) -> SplitPlan:
    if manifest is None:
        return SplitPlan(folder, settings, (), (), (), b"")
    kept = tuple(task_names(manifest))
    return SplitPlan(folder, manifest.settings, kept, (), (), b"")  # whose tables stay


def _arranged(
    songs: Sequence[Song], packed: Mapping[str, PackedSplit],
    settings: Mapping[str, PackSettings], config: Config,
) -> tuple[Settled, dict[str, list[PackTask]]]:  # fmt: skip
    """Where each song is or goes, and the tasks of the new ones of each split."""
    held = [one for split in packed.values() for one in split.held]
    lost = [one for split in packed.values() for one in split.at_risk]
    made = settled(songs, held, lost, config.split)
    tasks = {
        split: deal(one.folder, made.new.get(split, ()), settings[split], one.first_free)
        for split, one in packed.items()
    }
    return made, tasks


def _unmatched(packed: PackedSplit, tasks: Sequence[PackTask]) -> tuple[str, ...]:
    """The finished tasks beyond the manifest that are none of these."""
    settings = {task.name: task.settings for task in tasks}
    return tuple(
        name for name, task in packed.beyond.items() if settings.get(name) != task.settings
    )


def _adopting(packed: PackedSplit, made: Settled, settings: PackSettings) -> PackedSplit:
    """With the finished tasks beyond the manifest whose songs are in no other shard."""
    return packed.adopting(
        name
        for name, task in packed.beyond.items()
        if int(name) >= packed.first_free  # else left by a compacting that was killed
        and not task.settings.changed_for_more(settings)
        and not any(not held.is_gone and held.song_id in made.staying for held in task.held)
    )


def _split_plan(
    packed: PackedSplit, tasks: Sequence[PackTask], made: Settled, settings: PackSettings
) -> SplitPlan:
    strays = _unmatched(packed, tasks)
    done = {name: task for name, task in packed.beyond.items() if name not in strays}
    missing = [task for task in tasks if task.name not in done or _is_back(task, done[task.name])]
    kept, changes = tuple(packed.tasks), changes_bytes(made.changes_of(packed.held))
    changed = hashlib.sha256(changes).hexdigest() if changes else ""
    there = packed.manifest
    if there and not tasks and (tuple(task_names(there)), there.changes_sha256) == (kept, changed):
        settings = there.settings  # of which checkpoints hold the fingerprint
    else:
        layout = [(name, task.settings.songs) for name, task in packed.tasks.items()]
        layout += [(task.name, task.settings.songs) for task in tasks]
        count = sum(map(made.stays, packed.held)) + sum(len(task.songs) for task in tasks)
        songs = layout_digest(count, layout, changed)
        settings = settings.model_copy(update={"songs": songs})
    return SplitPlan(
        packed.folder, settings, kept, tuple(tasks), tuple(missing), changes, strays,
        packed.is_damaged,
    )  # fmt: skip


def _is_back(task: PackTask, done: PackedTask) -> bool:
    """Whether a song that was not there when the task was packed is there today."""
    vanished = {held.song_id for held in done.held if held.left_out.kind == FILE_NOT_FOUND}
    return any(
        song.song_id in vanished and place_of(song.audio_path).exists() for song in task.songs
    )


def _words_of(folders: Mapping[str, Place], strays: Mapping[str, Sequence[str]]) -> str:
    names = [f"{split}/{name}" for split in SPLITS for name in strays[split]]
    more = ", ..." if len(names) > MOST_NAMES else ""
    return (
        f"{folders[SPLITS[0]].parent}: {len(names)} shards that wait to be merged are of other "
        f"songs than today's ({', '.join(names[:MOST_NAMES])}{more}); set the songs back and "
        "merge, or pack once without --part, which takes these shards over"
    )
