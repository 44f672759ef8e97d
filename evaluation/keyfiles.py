"""Files that give songs their keys, whoever wrote them: read, and their ids made comparable."""

import unicodedata
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from songkey.cells import NoTableError, lines_of, text_of, told
from songkey.errors import AudioKeyError
from songkey.files import AUDIO_ENDINGS
from songkey.keynames import key_or_none

ID_NAMES = ("song_id", "id", "path", "file", "filename", "track", "song", "name")
TRUTH_NAMES = ("key", "tonality", "annotation", "label", "true_key")
ESTIMATE_NAMES = (
    "estimate", "estimated", "estimated_key", "prediction", "predicted", "predicted_key",
    "detected_key", "key", "tonality",
)  # fmt: skip
ENDINGS = (".key", *AUDIO_ENDINGS)

Row = tuple[str, str]  # a song's id and its key as written
Line = tuple[int, list[str]]  # a line's number in its file, and its cells


class PredictionsError(AudioKeyError):
    """Files of keys that cannot be read or matched."""


class Named(NamedTuple):
    """The keys of a file as written, by song."""

    texts: dict[str, str]
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
    numbered = _lines(path)
    header = _names(numbered[0][1]) if numbered else []
    answer_names = tuple(name for name in ESTIMATE_NAMES if name not in TRUTH_NAMES)
    song, answer, truth = (_place(header, names) for names in (ID_NAMES, answer_names, TRUTH_NAMES))
    if song is None or answer is None or truth is None:
        raise PredictionsError(
            f"{path}: needs columns of ids, answers and true keys, such as song_id, estimate and "
            "key; or give the true keys by --annotations"
        )
    rows = numbered[1:]
    if not rows:
        raise PredictionsError(f"{path}: no keys in it, only a header")
    dataset = _place(header, ("dataset",))
    places = (song, answer, truth) if dataset is None else (song, answer, truth, dataset)
    songs, answers, truths, *datasets = _cells(path, rows, *places)
    if datasets:
        songs = [f"{name}/{id}" for name, id in zip(*datasets, songs, strict=True)]
    return list(zip(songs, answers, strict=True)), list(zip(songs, truths, strict=True))


def lost_intervals(path: Path) -> int:
    """How many intervals the songs of a table lack, where it says so as eval.py's does."""
    header, *rows = (path.is_file() and _lines(path)) or [(0, [])]
    place = _place(_names(header[1]), ("lost_intervals",))
    if place is None:
        return 0
    cells = [line[place] for _, line in rows if len(line) > place]
    return sum(int(cell) for cell in cells if cell.isdecimal())


def _read_table(path: Path, key_names: tuple[str, ...]) -> list[Row]:
    """The id and key columns: by their header or, without one, the first two."""
    numbered = _lines(path)
    columns = _columns(path, numbered[0][1], key_names) if numbered else None
    song, key = columns or (0, 1)
    return list(zip(*_cells(path, numbered[bool(columns) :], song, key), strict=True))


def _lines(path: Path) -> list[Line]:
    """The lines of a TSV or CSV file that are not blank."""
    try:
        lines = lines_of(_text(path), strict=True)
    except NoTableError as error:
        raise PredictionsError(f"{path}: not a table of id and key: {error}") from error
    return [
        (at, list(map(told, line))) for at, line in enumerate(lines, 1) if any(map(str.strip, line))
    ]


def _cells(path: Path, rows: list[Line], song: int, *others: int) -> list[list[str]]:
    """The column of ids and others; PredictionsError for a row without them or without an id."""
    for number, line in rows:
        if len(line) <= max(song, *others):
            raise PredictionsError(f"{path}: row {number} has {len(line)} columns: {line}")
        if not line[song].strip():
            raise PredictionsError(f"{path}: row {number} has no id: {line}; name its song")
    return [[line[place].strip() for _, line in rows] for place in (song, *others)]


def _columns(path: Path, first: list[str], key_names: tuple[str, ...]) -> tuple[int, int] | None:
    """Where id and key are, if the first line is a header; of two columns it may name one only."""
    header = _names(first)
    match _place(header, ID_NAMES), _place(header, key_names):
        case None, None:
            return None
        case int(song), int(key):
            return song, key
        case None, int(key) if len(header) == 2:
            return 1 - key, key
        case int(song), None if len(header) == 2:
            return song, 1 - song
        case None, _:
            raise _unnamed(path, first, "ids", ID_NAMES)
        case _:
            raise _unnamed(path, first, "keys", key_names)


def _unnamed(path: Path, header: list[str], what: str, names: tuple[str, ...]) -> PredictionsError:
    return PredictionsError(
        f"{path}: which column of {', '.join(header)} holds the {what}? "
        f"Name it one of {', '.join(names)}"
    )


def _names(header: list[str]) -> list[str]:
    return [cell.strip().lower().replace(" ", "_") for cell in header]


def _place(header: list[str], names: tuple[str, ...]) -> int | None:
    """Where the first of `names` stands that is there."""
    return next((header.index(name) for name in names if name in header), None)


def _text(path: Path) -> str:
    try:
        return text_of(path.read_bytes())
    except OSError as error:
        raise PredictionsError(f"{path}: cannot be read ({error.strerror}); name a table") from None
    except NoTableError as error:
        raise PredictionsError(f"{path}: not a text: {error}; save it as UTF-8") from None


def naming(*tables: list[Row]) -> Callable[[str], str]:
    """How ids are compared: without folders, unless that makes two songs of a table one."""
    paths = [{_without_ending(song) for song, _ in rows} for rows in tables]
    repeats = any(len(set(map(_without_folder, names))) < len(names) for names in paths)
    return _without_ending if repeats else _without_folder


def by_name(path: Path, rows: list[Row], name_of: Callable[[str], str]) -> Named:
    """Each song's text, and the songs given again with the same key, which count once.

    Raises PredictionsError where the same song has two keys.
    """
    texts: dict[str, str] = {}
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
    return Named(texts, tuple(dict.fromkeys(repeated)))


def _same(text: str, other: str) -> bool:
    key = key_or_none(text)
    return key == key_or_none(other) and (key is not None or text == other)


def _without_folder(song: str) -> str:
    return PurePosixPath(_without_ending(song)).name


def _without_ending(song: str) -> str:
    """A path with slashes, composed accents, and no ending of an audio or key file."""
    path = unicodedata.normalize("NFC", song.replace("\\", "/"))
    ending = PurePosixPath(path).suffix
    return path[: -len(ending)] if ending.lower() in ENDINGS else path
