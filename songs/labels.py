"""Label files: the rows of a labels.tsv or labels.csv, matched to the audio files they mean.

The header names the columns in any case: `path` (or file, filename, track ...), `key` (or tonality,
initialkey ...), and if wanted `recording`, `split`, `confidence` and `genre`; others are ignored.
Which file a path means, listednames.py says. Tables are in UTF-8, UTF-16 or Windows-1252; a TSV has
no quotes but around whole cells.
"""

import logging
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from songkey.audio import printable
from songkey.cells import NoTableError, is_utf_8, lines_of, text_of, told
from songkey.errors import AudioKeyError
from songkey.keynames import key_or_none
from songs.listednames import ListedNames, Tie
from songs.song import LeftOut
from storage.places import Place

LABEL_FILES = ("labels.tsv", "labels.csv")
COLUMNS = {  # the first name that the header has counts, of paths that holds more than numbers
    "path": ("path", "filepath", "file", "filename", "location", "audio", "track", "id"),
    "key": ("key", "musicalkey", "initialkey", "tonality", "label"),
    "recording": ("recording", "recordingid"),
    "split": ("split",),
    "confidence": ("confidence",),
    "genre": ("genre",),
}
NUMBER = re.compile(r"(?:\d+(?:\s*/\s*\d+)?)?")  # of a track, and of how many
NOT_FOUND = "listed but not found"
AMBIGUOUS = "listed name is ambiguous"
NAMED = 5  # of the songs that a name could mean
NOT_UTF_8 = "label not in UTF-8: read as Windows-1252"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Row:
    """One line of a label file; `source` is the file's name, an absent column is "".

    `windows_path` is a path that is not UTF-8, read as Windows-1252; `doubt` says why the row may
    not mean what it is taken for.
    """

    source: str = ""
    path: str = ""
    key: str = ""
    recording: str = ""
    split: str = ""
    confidence: str = ""
    genre: str = ""
    windows_path: str = ""
    doubt: str = ""


def read_rows(root: Place) -> list[Row]:
    """The rows of the label file in `root`, none if there is no such file."""
    files = [root / name for name in LABEL_FILES if (root / name).exists()]
    if len(files) > 1:
        raise AudioKeyError(
            f"{printable(root)}: both {' and '.join(LABEL_FILES)}; keep one of them"
        )
    return _read(files[0]) if files else []


def listed_rows(
    root: Place, song_ids: Collection[str]
) -> tuple[dict[str, list[Row]], list[LeftOut]]:
    """What the label file in `root` says of the songs there, as `match` tells it."""
    rows = read_rows(root)
    rows_of, left_out = match(rows, song_ids, root)
    if rows and not rows_of:
        logger.warning(
            "%s: no row names a file here (%d looked at, the first: '%s'); name the column of "
            "paths %s, and let it hold paths below this folder",
            printable(root / rows[0].source), len(rows), rows[0].path, _one_of(COLUMNS["path"]),
        )  # fmt: skip
    return rows_of, left_out


def match(
    rows: Iterable[Row], song_ids: Iterable[str], root: Place | str = "/"
) -> tuple[dict[str, list[Row]], list[LeftOut]]:
    """The rows that mean each song below `root`, and those that mean none or could mean several."""
    names = ListedNames(song_ids, root)
    rows_at: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row.windows_path and not names.knows(row.path):
            rows_at[row.windows_path].append(replace(row, doubt=row.doubt or NOT_UTF_8))
        else:
            rows_at[row.path].append(row)
    rows_of, left_out = {}, []
    for tie in names.ties(rows_at):
        found = [row for name in tie.names for row in rows_at.pop(name)]
        if len(tie.songs) == 1 and (len(tie.names) == 1 or _agree(found)):
            doubt = f"listed in another folder: {tie.names[0]}" if tie.in_other_folders else ""
            rows_of[tie.songs[0]] = [replace(row, doubt=row.doubt or doubt) for row in found]
        else:
            left_out += [LeftOut(row.path, _ambiguous(tie)) for row in found]
    left_out += [LeftOut(row.path, NOT_FOUND) for found in rows_at.values() for row in found]
    return rows_of, left_out


def _agree(rows: Iterable[Row]) -> bool:
    """Whether rows of several paths say the same, so that it is all one which is meant."""
    said = {
        (key_or_none(row.key) or row.key, row.recording, row.split, row.confidence, row.genre)
        for row in rows
    }
    return len(said) == 1


def _ambiguous(tie: Tie) -> str:
    if len(tie.songs) > 1:
        more = f" and {len(tie.songs) - NAMED} more" if len(tie.songs) > NAMED else ""
        return f"{AMBIGUOUS}: {', '.join(tie.songs[:NAMED])}{more}"
    return f"{AMBIGUOUS}: {tie.songs[0]} may be any of {len(tie.names)}"


def read_table(file: Place) -> list[list[str]]:
    """The lines of a CSV (comma, semicolon or tab) or TSV file, each as its cells.

    Bytes that are neither UTF-8 nor UTF-16 are kept, so that they match a file name with the same
    bytes; songkey.cells.told reads them.
    """
    try:
        text = text_of(file.read_bytes())
        return lines_of(text, "\t" if file.name.endswith(".tsv") else "")
    except NoTableError as error:
        raise AudioKeyError(f"{printable(file)}: not a table of text: {error}") from error


def places(header: Iterable[str], columns: Mapping[str, tuple[str, ...]]) -> dict[str, int | None]:
    """Where each of `columns` is, by the first of its names that the header has; None if absent."""
    names = [re.sub(r"[\s_-]", "", name).lower() for name in header]
    return {
        column: next((names.index(name) for name in accepted if name in names), None)
        for column, accepted in columns.items()
    }


def cell(line: list[str], place: int | None) -> str:
    """What a line has at a place, "" where it ends before or there is no such column."""
    return "" if place is None or place >= len(line) else line[place].strip()


def shown(header: Iterable[str]) -> str:
    """A header for a message."""
    return ", ".join(repr(printable(name)) for name in header) or "nothing"


def _read(file: Place) -> list[Row]:
    header, *lines = read_table(file) or [[]]
    place = places(header, COLUMNS)
    for column in ("path", "key"):
        if place[column] is None:
            raise AudioKeyError(
                f"{printable(file)}: no column '{column}'; its first line is {shown(header)}; "
                f"name one of its columns {_one_of(COLUMNS[column])}"
            )
    place["path"] = _path_place(header, lines)
    for number, line in enumerate(lines, 2):
        if any(map(str.strip, line[len(header) :])):
            raise AudioKeyError(
                f"{printable(file)}: row {number} has {len(line)} cells, the header "
                f"{len(header)}; put a path that holds a comma in quotes"
            )
    rows = (_row(file.name, {name: cell(line, at) for name, at in place.items()}) for line in lines)
    return [row for row in rows if row.path]


def _path_place(header: list[str], lines: list[list[str]]) -> int | None:
    """Where the paths are: in the first column named so that holds more than numbers of tracks."""
    named = [
        place
        for name in COLUMNS["path"]
        if (place := places(header, {"": (name,)})[""]) is not None
    ]
    telling = (at for at in named if not all(NUMBER.fullmatch(cell(line, at)) for line in lines))
    return next(telling, named[0])


def _one_of(names: Iterable[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}"


def _row(source: str, cells: dict[str, str]) -> Row:
    path = cells.pop("path").replace("\\", "/")
    return Row(
        source,
        printable(path),
        **{name: told(text) for name, text in cells.items()},
        windows_path="" if is_utf_8(path) else told(path),
        doubt="" if all(map(is_utf_8, cells.values())) else NOT_UTF_8,
    )
