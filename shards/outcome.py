"""What preparing a data set did, in a few lines for a person."""

from collections import Counter
from collections.abc import Sequence

from shards.doubtful import DOUBTFUL_NAME, doubtful
from shards.leftout import LEFT_OUT_NAME
from shards.prepare import Prepared
from songkey.counted import counted
from songkey.keys import KEYS
from songs.rows import is_row
from songs.song import Song, by_reason


def summary(prepared: Prepared, songs: Sequence[Song] = ()) -> str:
    """Songs and intervals of each split, songs of each key, and what was left out and why.

    Of `songs`, what was to be packed, it says where their labels are from, and which are doubtful.
    """
    by_key: Counter[str] = Counter()
    for manifest in prepared.manifests.values():
        by_key.update(manifest.songs_by_key)
    shards = [shard for manifest in prepared.manifests.values() for shard in manifest.shards]
    intervals = sum(shard.intervals for shard in shards)
    megabytes = sum(shard.bytes for shard in shards) / 1e6
    lines = [
        f"{counted(by_key.total(), 'song')}, {counted(intervals, 'interval')} in "
        f"{counted(len(shards), 'shard')}, "
        f"{megabytes:.1f} MB, {prepared.seconds:.1f} s: {prepared.folder}",
        *(
            f"  {split:<6} {counted(sum(manifest.songs_by_key.values()), 'song'):>13} "
            f"{counted(sum(shard.intervals for shard in manifest.shards), 'interval'):>18}"
            for split, manifest in prepared.manifests.items()
        ),
        "  " + ", ".join(f"{key} {by_key[str(key)]}" for key in KEYS[:12]),
        "  " + ", ".join(f"{key} {by_key[str(key)]}" for key in KEYS[12:]),
    ]
    if prepared.counts:
        lines.append(f"  {prepared.counts}")
    lines += _labels(prepared, songs)
    if lost := [one for one in prepared.left_out if not is_row(one)]:
        total = by_key.total() + len(lost)
        lines.append(f"left out {len(lost)} of {total} songs: {by_reason(lost)}")
    if rows := list(filter(is_row, prepared.left_out)):
        lines.append(f"{counted(len(rows), 'row')} of tables without a song: {by_reason(rows)}")
    if prepared.left_out:
        lines.append(f"  all with details in {prepared.folder / LEFT_OUT_NAME}")
    return "\n".join(lines)


def _labels(prepared: Prepared, songs: Sequence[Song]) -> list[str]:
    """How many labels are from each source, and what speaks against some of them."""
    lost = {one.song_id for one in prepared.left_out if not is_row(one)}
    sources = Counter(song.label_source for song in songs if song.song_id not in lost)
    named = ", ".join(f"{source} {count}" for source, count in sources.most_common())
    lines = [f"  labels: {named}"] if named else []
    if found := doubtful(songs, prepared.left_out):
        lines.append(f"  doubtful labels of {counted(len(found), 'song')}: {by_reason(found)}")
        lines.append(f"    all with details in {prepared.folder / DOUBTFUL_NAME}")
    return lines
