"""Files that give songs their keys, whoever wrote them."""

from pathlib import Path

from evaluation.keycolumns import (
    ESTIMATE_NAMES,
    ID_NAMES,
    SONG_NAMES,
    TRUTH_NAMES,
    mode_place,
    song_place,
)
from songkey.cells import NoTableError, lines_of, text_of, told
from songkey.columns import PATH_NAMES, place
from songkey.errors import AudioKeyError
from songkey.keymode import key_text

Row = tuple[str, str]  # a song's id and its key as written
Line = tuple[int, list[str]]  # a line's number in its file, and its cells


class PredictionsError(AudioKeyError):
    """Files of keys that cannot be read or matched."""


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
    for number, line in rows if header else []:
        if any(map(str.strip, line[len(header) :])):
            raise PredictionsError(
                f"{path}: row {number} has {len(line)} cells, the header {len(header)}; put an id "
                "that holds a comma in quotes"
            )
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
