"""What tables of keys call their columns: in any case, `File Name` as `filename`."""

import re
from collections.abc import Iterable

PATH_NAMES = ("path", "filepath", "file", "filename", "location", "audio")
KEY_NAMES = (
    "key", "musicalkey", "initialkey", "tonality", "keyresult", "camelotkey", "camelot",
)  # fmt: skip
NUMBER = re.compile(r"(?:\d+(?:\s*/\s*\d+)?)?")  # of a row, or of a track and of how many


def places(header: Iterable[str], names: Iterable[str]) -> list[int]:
    """Where those of `names` stand that are there, in the order of `names`."""
    found = list(map(_plain, header))
    return [found.index(name) for name in map(_plain, names) if name in found]


def place(header: Iterable[str], names: Iterable[str]) -> int | None:
    """Where the first of `names` stands that is there."""
    return next(iter(places(header, names)), None)


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]", "", name).lower()
