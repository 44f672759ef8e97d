"""Label files: the rows of a labels.tsv or labels.csv, matched to the audio files they mean.

The header names the columns in any case: `path` (or file, filename, track ...), `key` (or tonality,
initialkey ...), maybe with its `mode` beside it (see keymode.py), and if wanted `recording`,
`split`, `confidence` and `genre`; others are ignored. Which file a path means, listednames.py says.
Tables are in UTF-8, UTF-16 or Windows-1252; a TSV has no quotes but around whole cells.
"""

import logging
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from songkey.audio import printable
from songkey.cells import NoTableError, is_utf_8, lines_of, text_of, told
from songkey.errors import AudioKeyError
from songkey.files import AUDIO_ENDINGS
from songkey.keymode import MODE_NAMES, key_text
from songkey.keynames import is_ambiguous, key_or_none, names_no_key
from songs.listednames import ListedNames
from songs.song import LeftOut
from storage.places import Place

LABEL_FILES = ("labels.tsv", "labels.csv")
COLUMNS = {  # the first name that the header has counts, of paths that holds more than numbers
    "path": ("path", "filepath", "file", "filename", "location", "audio", "track", "id"),
    "key": (
        "key", "musicalkey", "initialkey", "tonality", "keyresult", "camelotkey", "camelot",
        "label",
    ),
    "mode": MODE_NAMES,
    "recording": ("recording", "recordingid"),
    "split": ("split",),
    "confidence": ("confidence",),
    "genre": ("genre",),
}  # fmt: skip
RECORD_LABEL = "label"  # may hold the name of who published a song
NUMBER = re.compile(r"(?:\d+(?:\s*/\s*\d+)?)?")  # of a track, and of how many
NOT_FOUND = "listed but not found"
AMBIGUOUS = "listed name is ambiguous"
ELSEWHERE = "listed in another folder"
NAMED = 5  # of the songs that a name could mean
NOT_UTF_8 = "label not in UTF-8: read as Windows-1252"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Row:
    """One line of a label file; `source` is the file's name, an absent column is "".

    `windows_path` is a path that is not UTF-8, read as Windows-1252; `doubt` says why the row may
    not mean what it is taken for. `elsewhere` is a path in other folders than the song's, which a
    song of the same name may have had.
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
    elsewhere: str = ""


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


def match(
    rows: Iterable[Row], song_ids: Iterable[str], root: Place | str = "/"
) -> tuple[dict[str, list[Row]], list[LeftOut]]:
    """The rows that count for each song below `root`, and those that mean none or not one alone."""
    found, left_out = meant(rows, song_ids, root)
    rows_of, not_settled = settled(found)
    return rows_of, left_out + not_settled


def meant(
    rows: Iterable[Row], song_ids: Iterable[str], root: Place | str = "/"
) -> tuple[dict[str, list[Row]], list[LeftOut]]:
    """All rows that could mean one song below `root`, and those that could mean none or several."""
    names = ListedNames(song_ids, root)
    rows_at: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row.windows_path and not names.knows(row.path):
            rows_at[row.windows_path].append(replace(row, doubt=row.doubt or NOT_UTF_8))
        else:
            rows_at[row.path].append(row)
    rows_of: dict[str, list[Row]] = defaultdict(list)
    left_out = []
    for one in names.meant(rows_at):
        found = rows_at.pop(one.name)
        if len(one.songs) > 1:
            left_out += [LeftOut(row.path, _ambiguous(one.songs)) for row in found]
            continue
        for row in found:
            doubt = f"{ELSEWHERE}: {one.name}" if one.elsewhere else row.doubt
            rows_of[one.songs[0]].append(replace(row, doubt=doubt, elsewhere=one.elsewhere))
    left_out += [LeftOut(row.path, NOT_FOUND) for found in rows_at.values() for row in found]
    return rows_of, left_out


def settled(rows_of: Mapping[str, list[Row]]) -> tuple[dict[str, list[Row]], list[LeftOut]]:
    """Of each song the rows that surely mean it; without one, that of one path elsewhere.

    The others are left out: they mean another song, or one of several may mean this.
    """
    found, left_out = {}, []
    for song_id, rows in rows_of.items():
        sure = [row for row in rows if not row.elsewhere]
        paths = {row.elsewhere for row in rows}
        if sure or len(paths) == 1:
            found[song_id] = sure or rows
        reason = NOT_FOUND if sure else f"{AMBIGUOUS}: {song_id} may be any of {len(paths)}"
        counted = found.get(song_id, ())
        left_out += [LeftOut(row.path, reason) for row in rows if row not in counted]
    return found, left_out


def first_of(
    listed: Mapping[str, list[Row]], in_tables: Mapping[str, list[Row]]
) -> tuple[dict[str, list[Row]], list[LeftOut]]:
    """The rows of the label file, and of the other tables where none of it surely means a song."""
    together = {
        song_id: rows + (in_tables.get(song_id, []) if rows[0].elsewhere else [])
        for song_id, rows in listed.items()
    }
    return settled({**in_tables, **together})


def is_row(one: LeftOut) -> bool:
    """Whether a row of a table was left out, by the path in it, and no song."""
    return one.kind in (NOT_FOUND, AMBIGUOUS)


def _ambiguous(songs: list[str]) -> str:
    more = f" and {len(songs) - NAMED} more" if len(songs) > NAMED else ""
    return f"{AMBIGUOUS}: {', '.join(songs[:NAMED])}{more}"


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
    place = places(header, COLUMNS)
    if place["key"] == places(header, {"key": (RECORD_LABEL,)})["key"]:
        place["key"] = _unless_others(place["key"], lines)
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
        if _is_cut(line, place):
            raise AudioKeyError(
                f"{printable(file)}: row {number} has '{printable(cell(line, place['key']))}' for "
                "its key; put a path that holds a comma in quotes"
            )
    rows = (_row(file.name, {name: cell(line, at) for name, at in place.items()}) for line in lines)
    return [row for row in rows if row.path]


def _unless_others(place: int | None, lines: list[list[str]]) -> int | None:
    """The place of a column, unless most of its cells hold anything but keys."""
    texts = [text for line in lines if not names_no_key(text := told(cell(line, place)))]
    keys = sum(bool(key_or_none(text)) or is_ambiguous(text) for text in texts)
    return place if 2 * keys >= len(texts) else None


def _is_cut(line: list[str], place: Mapping[str, int | None]) -> bool:
    """Whether the end of a path is in the column of keys, which stands behind that of paths."""
    path, key = (cell(line, place[name]).lower() for name in ("path", "key"))
    return key.endswith(AUDIO_ENDINGS) and not path.endswith(AUDIO_ENDINGS)


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
