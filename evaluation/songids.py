"""Which rows of files that give songs their keys are of one song, by what the files call it."""

import unicodedata
from collections.abc import Callable
from itertools import pairwise
from os.path import commonprefix
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from evaluation.keyfiles import PredictionsError, Row
from songkey.files import AUDIO_ENDINGS
from songkey.keynames import key_or_none, names_no_key

ENDINGS = (".key", *AUDIO_ENDINGS)


class Named(NamedTuple):
    """The keys of a file as written, by song."""

    texts: dict[str, str]
    ids: dict[str, str]  # as written too
    repeated: tuple[str, ...]  # songs given more than once, always with the same key


def naming(*tables: list[Row]) -> Callable[[str], str]:
    """How ids are compared: by the file's name and as many folders as tell a table's songs apart.

    How many that are may differ from one file's name to another's.
    """
    lengths: dict[str, int] = {}
    for rows in tables:
        ends = sorted({_parts(song) for song, _ in rows})
        for one, next_one in pairwise(ends):
            if one[0] == next_one[0]:
                common = len(commonprefix([one, next_one]))
                lengths[one[0]] = max(lengths.get(one[0], 1), common + 1)

    def name_of(song: str) -> str:
        parts = _parts(song)
        return "/".join(reversed(parts[: lengths.get(parts[0], 1)]))

    return name_of


def by_name(path: Path, rows: list[Row], name_of: Callable[[str], str]) -> Named:
    """Each song's text, and the songs given again with the same key, which count once.

    Raises PredictionsError where the same song has two keys.
    """
    texts: dict[str, str] = {}
    ids: dict[str, str] = {}
    repeated = []
    for song, text in rows:
        name = name_of(song)
        if name in texts:
            if not _same(texts[name], text):
                raise PredictionsError(
                    f"{path}: {name} is in it more than once, with different keys "
                    f"({texts[name]}, {text}); keep one row of it"
                )
            repeated.append(name)
        texts.setdefault(name, text)
        ids.setdefault(name, song)
    return Named(texts, ids, tuple(dict.fromkeys(repeated)))


def contradict(song: str, other: str) -> bool:
    """Whether both ids give a folder, and not the same."""
    folders = {*_parts(song)[1:2], *_parts(other)[1:2]}
    return len(_parts(song)) > 1 < len(_parts(other)) and len(folders) > 1


def _same(text: str, other: str) -> bool:
    if names_no_key(text) or names_no_key(other):
        return names_no_key(text) and names_no_key(other)
    key = key_or_none(text)
    return key == key_or_none(other) and (key is not None or text == other)


def _parts(song: str) -> tuple[str, ...]:
    """The parts of a path, the last one first, without the ending of an audio or key file."""
    path = PurePosixPath(unicodedata.normalize("NFC", song.replace("\\", "/")))
    name = path.stem if path.suffix.lower() in ENDINGS else path.name
    return name, *(part for part in reversed(path.parts[:-1]) if part.strip("/"))
