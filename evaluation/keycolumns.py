"""The columns of a table of keys: where its songs, their keys and the keys' modes are."""

from collections.abc import Iterable, Sequence

from songkey.columns import KEY_NAMES, NUMBER, PATH_NAMES, place, places
from songkey.keymode import MODE_NAMES

ID_NAMES = ("songid", "id")
SONG_NAMES = ("track", "song", "name", "title")
TRUTH_NAMES = (*KEY_NAMES, "annotation", "label", "truekey")
ESTIMATE_NAMES = (
    "estimate", "estimated", "estimatedkey", "prediction", "predicted", "predictedkey",
    "detectedkey", *KEY_NAMES,
)  # fmt: skip


def song_place(header: Sequence[str], rows: Sequence[Sequence[str]]) -> int | None:
    """Where the songs' ids are: numbers only if there is no path, nor an id without numbers."""
    ids, songs = (
        [*_without_numbers(places(header, names), rows), *places(header, names)]
        for names in ((*ID_NAMES, *PATH_NAMES), SONG_NAMES)
    )
    return next(iter([*ids, *songs]), None)


def mode_place(header: Sequence[str], key: int) -> int | None:
    """Where the modes of a column of keys are; None without, or if they are of another's keys."""
    others = {*places(header, (*ESTIMATE_NAMES, *TRUTH_NAMES))} - {key}
    is_of_key = key in places(header, KEY_NAMES) or not others
    return place(header, MODE_NAMES) if is_of_key else None


def _without_numbers(columns: Iterable[int], rows: Sequence[Sequence[str]]) -> list[int]:
    """Those of `columns` that hold more than numbers."""
    return [
        at for at in columns if not all(NUMBER.fullmatch("".join(row[at : at + 1])) for row in rows)
    ]
