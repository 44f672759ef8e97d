"""Songs of others' shards whose samples name two keys: left out, in whichever shards they lie."""

from array import array
from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from pipeline.changes import as_of_today
from pipeline.record import ShardRecord, task_of, write_record
from shards.splitfolder import first_records
from songkey.keys import parse_key
from songs.song import LeftOut
from storage.places import Place

CONFLICTING = "conflicting labels"


def leave_out_conflicting(folder: Place, names: Sequence[str]) -> None:
    """Write the records of these tasks again without the songs that have several keys.

    Each is named in the first record that had it, which is written first: where a run is killed in
    between, the next one knows from there what is to be left out of the others.
    """
    reasons = _conflicting(folder, names)
    if not reasons:
        return
    named = {song_id for record in first_records(folder, names) for song_id in _named(record)}
    for record in first_records(folder, names):
        found = {song.song_id for song in record.songs} & reasons.keys()
        if found:
            new = [(song_id, reasons[song_id]) for song_id in sorted(found - named)]
            gone = {task_of(record.shard): dict.fromkeys(found)}
            left_out = (*record.left_out, *new)
            kept = as_of_today(record, gone).model_copy(update={"left_out": left_out})
            write_record(folder, kept)
            named |= found


def _conflicting(folder: Place, names: Sequence[str]) -> dict[str, str]:
    """The songs that have several keys or were found to have had, with the reason to leave out."""
    hashes, key_ids = array("q"), array("B")  # of each song of each shard: there may be millions
    reasons: dict[str, str] = {}
    for record in first_records(folder, names):
        reasons |= _named(record)
        hashes.extend(hash(song.song_id) for song in record.songs)
        key_ids.extend(parse_key(song.key).id for song in record.songs)
    suspects = _of_several_keys(np.frombuffer(hashes, np.int64), np.frombuffer(key_ids, np.uint8))
    if not suspects:
        return reasons
    keys_of: dict[str, set[str]] = defaultdict(set)
    for record in first_records(folder, names):
        for song in record.songs:
            if hash(song.song_id) in suspects:
                keys_of[song.song_id].add(song.key)
    return reasons | {
        song_id: f"{CONFLICTING}: {', '.join(sorted(keys))}"
        for song_id, keys in keys_of.items()
        if len(keys) > 1 and song_id not in reasons
    }


def _of_several_keys(hashes: np.ndarray, key_ids: np.ndarray) -> set[int]:
    order = np.lexsort((key_ids, hashes))
    hashes, key_ids = hashes[order], key_ids[order]
    several = (hashes[1:] == hashes[:-1]) & (key_ids[1:] != key_ids[:-1])
    return set(hashes[1:][several].tolist())


def _named(record: ShardRecord) -> dict[str, str]:
    """The songs that a record says were left out for this reason, with it."""
    left_out = [LeftOut(*one) for one in record.left_out]
    return {one.song_id: one.reason for one in left_out if one.kind == CONFLICTING}
