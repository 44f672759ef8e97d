"""Files that give songs their keys, whoever wrote them: read, and their ids made comparable."""

import unicodedata
from collections.abc import Callable
from itertools import pairwise
from os.path import commonprefix
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from evaluation.keycolumns import (
    ESTIMATE_NAMES,
    ID_NAMES,
    PATH_NAMES,
    SONG_NAMES,
    TRUTH_NAMES,
    mode_place,
    place,
    song_place,
)
from songkey.cells import NoTableError, lines_of, text_of, told
from songkey.errors import AudioKeyError
from songkey.files import AUDIO_ENDINGS
from songkey.keymode import key_text
from songkey.keynames import key_or_none, names_no_key

ENDINGS = (".key", *AUDIO_ENDINGS)

Row = tuple[str, str]  # a song's id and its key as written
Line = tuple[int, list[str]]  # a line's number in its file, and its cells


class PredictionsError(AudioKeyError):
    """Files of keys that cannot be read or matched."""


class Named(NamedTuple):
    """The keys of a file as written, by song."""

    texts: dict[str, str]
    ids: dict[str, str]  # as written too
    repeated: tuple[str, ...]  # songs given more than once, always with the same key


def read_keys(path: Path, key_names: tuple[str, ...]) -> list[Row]:
    """The rows of a TSV or CSV file or a folder of .key files, whose first column is the key."""
    if path.is_dir():
        files = sorted(path.glob("*.key"))
        rows = [(file.name, _text(file).partition("\t")[0].strip()) for file in files]
    elif path.is_file():
        rows = _read_table(path, key_names)
    else:
        raise PredictionsError(f"{path}: no such file or folder")
    if not rows:
        raise PredictionsError(
            f"{path}: no keys in it; give a TSV or CSV of id and key, or a folder of .key files"
        )
    return rows


def read_judged(path: Path) -> tuple[list[Row], list[Row]]:
    """The answers and the true keys of a table that holds both, as eval.py writes it.

    Where it has a column `dataset`, ids begin with it: several data sets may share song ids.
    """
    (_, header), *rows = _lines(path) or [(0, [])]
    answer_names = tuple(name for name in ESTIMATE_NAMES if name not in TRUTH_NAMES)
    song = song_place(header, _cells_of(rows))
    answer, truth = (place(header, names) for names in (answer_names, TRUTH_NAMES))
    if song is None or answer is None or truth is None:
        raise PredictionsError(
            f"{path}: needs columns of ids, answers and true keys, such as song_id, estimate and "
            "key; or give the true keys by --annotations"
        )
    if not rows:
        raise PredictionsError(f"{path}: no keys in it, only a header")
    songs = _ids(path, rows, song)
    if (dataset := place(header, ("dataset",))) is not None:
        datasets = _column(path, rows, dataset)
        songs = [f"{name}/{id}" for name, id in zip(datasets, songs, strict=True)]
    answers, truths = (_texts(path, header, rows, at) for at in (answer, truth))
    return list(zip(songs, answers, strict=True)), list(zip(songs, truths, strict=True))


def lost_intervals(path: Path) -> int:
    """How many intervals the songs of a table lack, where it says so as eval.py's does."""
    header, *rows = (path.is_file() and _lines(path)) or [(0, [])]
    lost = place(header[1], ("lost_intervals",))
    if lost is None:
        return 0
    cells = [line[lost] for _, line in rows if len(line) > lost]
    return sum(int(cell) for cell in cells if cell.isdecimal())


def _read_table(path: Path, key_names: tuple[str, ...]) -> list[Row]:
    """The id and key columns: by their header or, without one, the first two."""
    numbered = _lines(path)
    columns = _columns(path, numbered, key_names) if numbered else None
    song, key = columns or (0, 1)
    header, rows = (numbered[0][1], numbered[1:]) if columns else ([], numbered)
    return list(zip(_ids(path, rows, song), _texts(path, header, rows, key), strict=True))


def _lines(path: Path) -> list[Line]:
    """The lines of a TSV or CSV file that are not blank."""
    try:
        lines = lines_of(_text(path), strict=True)
    except NoTableError as error:
        raise PredictionsError(f"{path}: not a table of id and key: {error}") from error
    return [
        (at, list(map(told, line))) for at, line in enumerate(lines, 1) if any(map(str.strip, line))
    ]


def _cells_of(rows: list[Line]) -> list[list[str]]:
    return [line for _, line in rows]


def _column(path: Path, rows: list[Line], at: int) -> list[str]:
    """A column of a table; PredictionsError for a row without it."""
    for number, line in rows:
        if len(line) <= at:
            raise PredictionsError(f"{path}: row {number} has {len(line)} columns: {line}")
    return [line[at].strip() for line in _cells_of(rows)]


def _ids(path: Path, rows: list[Line], at: int) -> list[str]:
    """The column of ids; PredictionsError for a row without one."""
    ids = _column(path, rows, at)
    for (number, line), id in zip(rows, ids, strict=True):
        if not id:
            raise PredictionsError(f"{path}: row {number} has no id: {line}; name its song")
    return ids


def _texts(path: Path, header: list[str], rows: list[Line], at: int) -> list[str]:
    """The column of keys, with their modes where these have a column of their own."""
    texts, mode = _column(path, rows, at), mode_place(header, at)
    return texts if mode is None else list(map(key_text, texts, _column(path, rows, mode)))


def _columns(path: Path, lines: list[Line], key_names: tuple[str, ...]) -> tuple[int, int] | None:
    """Where id and key are, if the first line is a header; of two columns it may name one only."""
    (_, header), *rows = lines
    match song_place(header, _cells_of(rows)), place(header, key_names):
        case None, None:
            return None
        case int(song), int(key):
            return song, key
        case None, int(key) if len(header) == 2:
            return 1 - key, key
        case int(song), None if len(header) == 2:
            return song, 1 - song
        case None, _:
            raise _unnamed(path, header, "ids", (*ID_NAMES, *PATH_NAMES, *SONG_NAMES))
        case _:
            raise _unnamed(path, header, "keys", key_names)


def _unnamed(path: Path, header: list[str], what: str, names: tuple[str, ...]) -> PredictionsError:
    return PredictionsError(
        f"{path}: which column of {', '.join(header)} holds the {what}? "
        f"Name it one of {', '.join(names)}"
    )


def _text(path: Path) -> str:
    try:
        return text_of(path.read_bytes())
    except OSError as error:
        raise PredictionsError(f"{path}: cannot be read ({error.strerror}); name a table") from None
    except NoTableError as error:
        raise PredictionsError(f"{path}: not a text: {error}; save it as UTF-8") from None


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
