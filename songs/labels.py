"""Label files: the rows of a labels.tsv or labels.csv, matched to the audio files they mean.

The header names the columns in any case: `path` (or file, filename, track ...), `key` (or tonality,
initialkey ...), maybe with its `mode` beside it (see keymode.py), and if wanted `recording`,
`split`, `confidence` and `genre`; others are ignored. Which file a path means, listednames.py says.
Tables are in UTF-8, UTF-16 or Windows-1252; a TSV has no quotes but around whole cells.
"""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from songkey.audio import printable
from songkey.cells import NoTableError, is_utf_8, lines_of, text_of, told
from songkey.columns import KEY_NAMES, NUMBER, PATH_NAMES, place, places
from songkey.errors import AudioKeyError
from songkey.files import AUDIO_ENDINGS
from songkey.keymode import MODE_NAMES, key_text
from songkey.keynames import is_ambiguous, key_or_none, names_no_key
from songs.rows import NOT_FOUND, NOT_UTF_8, Row, match
from songs.song import LeftOut
from storage.places import Place

LABEL_FILES = ("labels.tsv", "labels.csv")
RECORD_LABEL = "label"  # may hold the name of who published a song
COLUMNS = {  # the first name that the header has counts, of paths that holds more than numbers
    "path": (*PATH_NAMES, "track", "id"),
    "key": (*KEY_NAMES, RECORD_LABEL),
    "mode": MODE_NAMES,
    "recording": ("recording", "recordingid"),
    "split": ("split",),
    "confidence": ("confidence",),
    "genre": ("genre",),
}  # fmt: skip

logger = logging.getLogger(__name__)


def read_rows(root: Place) -> list[Row]:
    """The rows of the label file in `root`, none if there is no such file."""
    files = _label_files(root)
    if len(files) > 1:
        names = " and ".join(file.name for file in files)
        raise AudioKeyError(f"{printable(root)}: both {names}; keep one of them")
    return _read(files[0]) if files else []


def listed_rows(
    root: Place, song_ids: Collection[str]
) -> tuple[dict[str, list[Row]], list[LeftOut]]:
    """What the label file in `root` says of the songs there, as `match` tells it."""
    rows = read_rows(root)
    rows_of, left_out = match(rows, song_ids, root)
    if rows and all(one.kind == NOT_FOUND for one in left_out) and not rows_of:
        guessed = any(row.windows_path for row in rows)
        logger.warning(
            "%s: no row names a file here (%d looked at, the first: '%s'); name the column of "
            "paths %s, and let it hold paths below this folder%s",
            printable(root / rows[0].source), len(rows), rows[0].path, _one_of(COLUMNS["path"]),
            "; it is not UTF-8, which may be the cause: save it as UTF-8" if guessed else "",
        )  # fmt: skip
    return rows_of, left_out


def read_table(file: Place) -> list[list[str]]:
    """The lines of a CSV (comma, semicolon or tab) or TSV file, each as its cells.

    Bytes that are neither UTF-8 nor UTF-16 are kept, so that they match a file name with the same
    bytes; songkey.cells.told reads them.
    """
    try:
        text = text_of(file.read_bytes())
        return lines_of(text, "\t" if file.name.lower().endswith(".tsv") else "")
    except NoTableError as error:
        raise AudioKeyError(f"{printable(file)}: not a table of text: {error}") from error


def columns_of(
    header: Sequence[str], columns: Mapping[str, tuple[str, ...]]
) -> dict[str, int | None]:
    """Where each of `columns` is, by the first of its names that the header has; None if absent."""
    return {column: place(header, names) for column, names in columns.items()}


def cell(line: list[str], place: int | None) -> str:
    """What a line has at a place, "" where it ends before or there is no such column."""
    return "" if place is None or place >= len(line) else line[place].strip()


def shown(header: Iterable[str]) -> str:
    """A header for a message."""
    return ", ".join(repr(printable(name)) for name in header) or "nothing"


def _label_files(root: Place) -> list[Place]:
    """The label files in a folder, here of any case, the TSV first."""
    if not isinstance(root, Path):
        return [root / name for name in LABEL_FILES if (root / name).exists()]
    try:
        files = [
            file for file in root.iterdir() if file.name.lower() in LABEL_FILES and file.is_file()
        ]
    except OSError:  # of the whole folder, which is named where its files are listed
        return []
    return sorted(files, key=lambda file: file.name, reverse=True)


def _read(file: Place) -> list[Row]:
    header, *lines = read_table(file) or [[]]
    columns = columns_of(header, COLUMNS)
    if columns["key"] == place(header, (RECORD_LABEL,)):
        columns["key"] = _unless_others(columns["key"], lines)
    for column in ("path", "key"):
        if columns[column] is None:
            raise AudioKeyError(
                f"{printable(file)}: no column '{column}'; its first line is {shown(header)}; "
                f"name one of its columns {_one_of(COLUMNS[column])}"
            )
    columns["path"] = _path_place(header, lines)
    for number, line in enumerate(lines, 2):
        if any(map(str.strip, line[len(header) :])):
            raise AudioKeyError(
                f"{printable(file)}: row {number} has {len(line)} cells, the header "
                f"{len(header)}; put a path that holds a comma in quotes"
            )
        if _is_cut(line, columns):
            key = printable(cell(line, columns["key"]))
            raise AudioKeyError(
                f"{printable(file)}: row {number} has '{key}' for its key; put a path that holds a "
                "comma in quotes"
            )
    cells = ({name: cell(line, at) for name, at in columns.items()} for line in lines)
    rows = (_row(file.name, one) for one in cells)
    return [row for row in rows if row.path]


def _unless_others(place: int | None, lines: list[list[str]]) -> int | None:
    """The place of a column, unless most of its cells hold anything but keys."""
    texts = [text for line in lines if not names_no_key(text := told(cell(line, place)))]
    keys = sum(bool(key_or_none(text)) or is_ambiguous(text) for text in texts)
    return place if 2 * keys >= len(texts) else None


def _is_cut(line: list[str], columns: Mapping[str, int | None]) -> bool:
    """Whether the end of a path is in the column of keys, which stands behind that of paths."""
    path, key = (cell(line, columns[name]).lower() for name in ("path", "key"))
    return key.endswith(AUDIO_ENDINGS) and not path.endswith(AUDIO_ENDINGS)


def _path_place(header: list[str], lines: list[list[str]]) -> int | None:
    """Where the paths are: in the first column named so that holds more than numbers of tracks."""
    named = places(header, COLUMNS["path"])
    telling = (at for at in named if not all(NUMBER.fullmatch(cell(line, at)) for line in lines))
    return next(telling, named[0])


def _one_of(names: Iterable[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}"


def _row(source: str, cells: dict[str, str]) -> Row:
    path, doubtless = cells.pop("path").replace("\\", "/"), all(map(is_utf_8, cells.values()))
    texts = {name: told(text) for name, text in cells.items()}
    texts["key"] = key_text(texts["key"], texts.pop("mode"))
    return Row(
        source,
        printable(path),
        **texts,
        windows_path="" if is_utf_8(path) else told(path),
        doubt="" if doubtless else NOT_UTF_8,
    )
