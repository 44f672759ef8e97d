"""The columns of a table of keys: where its songs, their keys and the keys' modes are.

Headers name them in any case, with or without spaces: `File Name`, `initialkey`.
"""

import re
from collections.abc import Iterable, Sequence

from songkey.keymode import MODE_NAMES

ID_NAMES = ("song_id", "id")
PATH_NAMES = ("path", "file_path", "file", "file_name", "location", "audio")
SONG_NAMES = ("track", "song", "name", "title")
KEY_NAMES = (
    "key", "musical_key", "initial_key", "tonality", "key_result", "camelot_key", "camelot",
)  # fmt: skip
TRUTH_NAMES = (*KEY_NAMES, "annotation", "label", "true_key")
ESTIMATE_NAMES = (
    "estimate", "estimated", "estimated_key", "prediction", "predicted", "predicted_key",
    "detected_key", *KEY_NAMES,
)  # fmt: skip
NUMBER = re.compile(r"(?:\d+(?:\s*/\s*\d+)?)?")  # of a row, or of a track and of how many


def places(header: Iterable[str], names: Iterable[str]) -> list[int]:
    """Where those of `names` stand that are there, in the order of `names`."""
    found = list(map(_plain, header))
    return [found.index(name) for name in map(_plain, names) if name in found]


def place(header: Iterable[str], names: Iterable[str]) -> int | None:
    """Where the first of `names` stands that is there."""
    return next(iter(places(header, names)), None)


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


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]", "", name).lower()
