"""Which songs are one recording: those that agree in one of several properties, and chains."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence


def recording_ids(
    song_ids: Sequence[str], properties: Iterable[Mapping[str, str]]
) -> dict[str, str]:
    """Of each song its recording: the first of the songs it shares a value other than "" with.

    If A has B's md5 and B has C's artist and title, the three are one recording.
    """
    first_of = {song_id: song_id for song_id in song_ids}
    order = {song_id: place for place, song_id in enumerate(song_ids)}
    for values in properties:
        sharing = defaultdict(list)
        for song_id in song_ids:
            if value := values.get(song_id):
                sharing[value].append(song_id)
        for first, *others in sharing.values():
            for other in others:
                ends = sorted(
                    {_first(first_of, first), _first(first_of, other)}, key=order.__getitem__
                )
                first_of[ends[-1]] = ends[0]
    return {song_id: _first(first_of, song_id) for song_id in song_ids}


def _first(first_of: Mapping[str, str], song_id: str) -> str:
    while first_of[song_id] != song_id:
        song_id = first_of[song_id]
    return song_id
