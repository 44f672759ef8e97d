"""What is true today of packed songs where their shards say otherwise: a table beside the manifest.

Shards are never changed. A song whose label changed has its line in the table, and so has one that
is gone, or was packed anew elsewhere: its intervals then leave the index.
"""

import hashlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from itertools import compress

from pipeline.bounded import MOST_PACKED_BYTES, ManifestError, packed, read, unpacked_lines
from pipeline.manifest import Manifest, read_manifest
from pipeline.record import SAMPLE_COLUMNS, ShardRecord, SongEntry, task_of
from pipeline.strict import Frozen, parse
from songkey.errors import AudioKeyError
from storage.places import Place

CHANGES_NAME = "changes.jsonl.zst"

# Of each task, by the names of its songs: the song as it is today, or None where it is gone.
Changes = Mapping[str, Mapping[str, SongEntry | None]]


class Change(Frozen):
    """One line of the table."""

    task: str
    song_id: str
    song: SongEntry | None  # its `intervals` stand in the records; None where it is gone


def changes_bytes(changes: Changes) -> bytes:
    """The file, empty where nothing is changed: the same changes give the same bytes."""
    lines = [
        Change(task=task, song_id=song_id, song=song).model_dump_json().encode() + b"\n"
        for task, songs in sorted(changes.items())
        for song_id, song in sorted(songs.items())
    ]
    return packed(lines) if lines else b""


def read_changes(folder: Place, manifest: Manifest) -> Changes:
    """The table that `manifest` names; ManifestError unless its bytes are what that says."""
    if not manifest.changes_sha256:
        return {}
    path = folder / manifest.table(CHANGES_NAME)
    if hashlib.sha256(read(path, MOST_PACKED_BYTES)).hexdigest() != manifest.changes_sha256:
        raise ManifestError(
            f"{path}: not what the manifest says (sha256); delete it, and pack again"
        )
    changes: dict[str, dict[str, SongEntry | None]] = {}
    for line in unpacked_lines(path):
        change = parse(Change, path, line)
        changes.setdefault(change.task, {})[change.song_id] = change.song
    return changes


def as_of_today(record: ShardRecord, changes: Changes) -> ShardRecord:
    """The record with today's labels, and without the songs and samples of those that are gone."""
    if not (of_task := changes.get(task_of(record.shard))):
        return record
    songs: list[SongEntry] = []
    new_place: dict[int, int] = {}
    for place, song in enumerate(record.songs):
        if (today := of_task.get(song.song_id, song)) is not None:
            new_place[place] = len(songs)
            songs.append(today.model_copy(update={"intervals": song.intervals}))
    live = [place for place, song in enumerate(record.song) if song in new_place]
    columns = {
        name: tuple(getattr(record, name)[place] for place in live) for name in SAMPLE_COLUMNS
    }
    columns["song"] = tuple(new_place[song] for song in columns["song"])
    stays = [of_task.get(song_id, record) is not None for song_id, _ in record.left_out]
    for name in ("left_out", "left_out_sources"):  # the second may be empty
        columns[name] = tuple(compress(getattr(record, name), stays))
    return record.model_copy(update={"songs": tuple(songs), **columns})


def refuse_changed(tars: Iterable[Place]) -> None:
    """Raise ManifestError where the labels in tars, or which songs count, are no longer true.

    What reads tars alone would not hear of it.
    """
    for folder in sorted({tar.parent for tar in tars}, key=str):
        with suppress(AudioKeyError):  # no manifest lies there: others made them
            if read_manifest(folder).changes_sha256:
                break
    else:
        return
    raise ManifestError(
        f"{folder}: labels or songs have changed since these shards were packed, which the tars "
        "alone do not say; compact them first (python -m shards compact)"
    )
