"""Which songs are one recording: those that agree in one of several properties, and chains.

A recording's songs share a split, whatever the songs are called. Its labels have to agree.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from songs.song import IN_TWO_SPLITS, SHARED, LeftOut, Song


def recording_ids(
    song_ids: Sequence[str], properties: Iterable[Mapping[str, str]]
) -> dict[str, str]:
    """Of each song its recording: the first of the songs it shares a value other than "" with.

    If A has B's md5 and B has C's artist and title, the three are one recording.
    """
    recording_of = {song_id: [song_id] for song_id in song_ids}  # one list for all its songs
    for values in properties:
        first_with: dict[str, str] = {}
        for song_id in song_ids:
            if value := values.get(song_id):
                whole = recording_of[first_with.setdefault(value, song_id)]
                if (joined := recording_of[song_id]) is not whole:
                    if len(joined) > len(whole):  # which takes the other's songs: fewer steps
                        whole, joined = joined, whole
                    whole += joined
                    recording_of |= dict.fromkeys(joined, whole)
    first_of: dict[int, str] = {}
    for song_id in song_ids:
        first_of.setdefault(id(recording_of[song_id]), song_id)
    return {song_id: first_of[id(recording_of[song_id])] for song_id in song_ids}


def united(
    songs: Sequence[Song], of_one_key: Iterable[str] = SHARED
) -> tuple[list[Song], list[LeftOut]]:
    """The songs by recording: those of one sound, of one artist and title, or said to be one.

    A recording has one id and one given split. Left out are those given to two splits, and those
    that share a property that is `of_one_key` and have several.
    """
    kept, left_out = _of_one_key(songs, of_one_key)
    found = []
    for recording in _groups(kept, ("recording_id", *SHARED)):
        splits = sorted({song.split for song in recording} - {""})
        if len(splits) > 1:
            reason = f"{IN_TWO_SPLITS}: {', '.join(splits)}"
            left_out += [LeftOut(song.song_id, reason) for song in recording]
        else:
            (_, recording_id), split = min(map(_own_id, recording)), "".join(splits)
            found += [replace(one, recording_id=recording_id, split=split) for one in recording]
    order = {song.song_id: place for place, song in enumerate(songs)}
    return sorted(found, key=lambda song: order[song.song_id]), left_out


def _groups(songs: Sequence[Song], properties: Iterable[str]) -> list[list[Song]]:
    values = [{song.song_id: getattr(song, name) for song in songs} for name in properties]
    recording_of = recording_ids([song.song_id for song in songs], values)
    groups = defaultdict(list)
    for song in songs:
        groups[recording_of[song.song_id]].append(song)
    return list(groups.values())


def _of_one_key(
    songs: Sequence[Song], properties: Iterable[str]
) -> tuple[list[Song], list[LeftOut]]:
    """The songs without those recordings that are labelled with several keys."""
    kept, left_out = [], []
    for recording in _groups(songs, properties):
        if len({song.key for song in recording}) == 1:
            kept += recording
            continue
        for song in recording:
            other = next(one for one in recording if one.key != song.key)
            reason = f"same recording as {other.song_id}, which is {other.key}, not {song.key}"
            left_out.append(LeftOut(song.song_id, f"conflicting labels: {reason}"))
    return kept, left_out


def _own_id(song: Song) -> tuple[int, str]:
    """What a song's recording would be called without others; the lowest rank names it for all.

    So a copy that says less than the songs before it does not change what they are called.
    """
    ranks = (song.recording_id, song.name, song.identity, song.song_id)
    return next((rank, text) for rank, text in enumerate(ranks) if text)
