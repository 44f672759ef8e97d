"""Which songs are scored together: all, a data set's, or those of a label source or genre in it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from evaluation.answers import SongAnswer, score_of
from model.metrics import MirexScore

Sets = Mapping[str, Sequence[SongAnswer]]
ALL = "all sets"  # with a space, as no data set is named


def by_dataset(songs: Sequence[SongAnswer]) -> Sets:
    """The songs of each data set and, where there are several, all together."""
    sets = defaultdict(list)
    for song in songs:
        sets[song.dataset].append(song)
    return sets if len(sets) == 1 else {**sets, ALL: songs}


def by_label_source(songs: Sequence[SongAnswer]) -> Sets:
    """The songs of each label source of a data set, the most first; none where it has but one."""
    return _within_datasets(songs, "label_source")


def by_genre(songs: Sequence[SongAnswer]) -> Sets:
    """The songs of each genre of a data set, the most first; none where it names no two."""
    return _within_datasets(songs, "genre")


def song_scores(sets: Sets, split: str) -> dict[str, MirexScore]:
    """The score of each set's songs, named with their split."""
    return {f"{name} {split}": score_of(songs) for name, songs in sets.items()}


def interval_scores(sets: Sets, split: str) -> dict[str, MirexScore]:
    """The score of all intervals of each set's songs, one by one."""
    return {
        f"{name} {split}": sum((song.intervals for song in songs), MirexScore())
        for name, songs in sets.items()
    }


def _within_datasets(songs: Sequence[SongAnswer], field: str) -> Sets:
    values: defaultdict[str, defaultdict[str, list[SongAnswer]]]
    values = defaultdict(lambda: defaultdict(list))
    for song in songs:
        values[song.dataset][getattr(song, field) or "unknown"].append(song)
    return {
        f"{dataset}, {value}": members
        for dataset, strata in values.items()
        if len(strata) > 1
        for value, members in sorted(strata.items(), key=lambda item: -len(item[1]))
    }
