"""Which songs are one recording: those that agree in one of several properties, and chains."""

from collections.abc import Iterable, Mapping, Sequence


def recording_ids(
    song_ids: Sequence[str], properties: Iterable[Mapping[str, str]]
) -> dict[str, str]:
    """Of each song its recording: the first of the songs it shares a value other than "" with.

    If A has B's md5 and B has C's artist and title, the three are one recording.
    """
    order = {song_id: place for place, song_id in enumerate(song_ids)}
    recording_of = {song_id: [song_id] for song_id in song_ids}  # one list for all its songs
    for values in properties:
        first_with: dict[str, str] = {}
        for song_id in song_ids:
            if value := values.get(song_id):
                whole = recording_of[first_with.setdefault(value, song_id)]
                if (joined := recording_of[song_id]) is not whole:
                    whole += joined
                    recording_of |= dict.fromkeys(joined, whole)
    return {song_id: min(recording_of[song_id], key=order.__getitem__) for song_id in song_ids}
