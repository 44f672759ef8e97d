"""Label files: the rows of a labels.tsv or labels.csv, matched to the audio files they mean.

The header names the columns in any case: `path` (or file, filename, track ...), `key` (or tonality,
initialkey ...), and if wanted `recording`, `split`, `confidence` and `genre`; others are ignored.
Paths are relative to the label file or absolute, with either slash; the ending, or the folders, may
be left out where only one file can be meant.
"""

import csv
import io
import posixpath
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from songkey.audio import printable
from songkey.errors import AudioKeyError
from songs.song import LeftOut
from storage.places import Place

LABEL_FILES = ("labels.tsv", "labels.csv")
COLUMNS = {  # the first name that the header has counts
    "path": ("path", "filepath", "file", "filename", "audio", "track", "id"),
    "key": ("key", "musicalkey", "initialkey", "tonality", "label"),
    "recording": ("recording", "recordingid"),
    "split": ("split",),
    "confidence": ("confidence",),
    "genre": ("genre",),
}


@dataclass(frozen=True)
class Row:
    """One line of a label file; `source` is the file's name, an absent column is ""."""

    source: str = ""
    path: str = ""
    key: str = ""
    recording: str = ""
    split: str = ""
    confidence: str = ""
    genre: str = ""


def read_rows(root: Place) -> list[Row]:
    """The rows of the label file in `root`, none if there is no such file."""
    files = [root / name for name in LABEL_FILES if (root / name).exists()]
    if len(files) > 1:
        raise AudioKeyError(
            f"{printable(root)}: both {' and '.join(LABEL_FILES)}; keep one of them"
        )
    return _read(files[0]) if files else []


def match(
    rows: Iterable[Row], song_ids: Iterable[str]
) -> tuple[dict[str, list[Row]], list[LeftOut]]:
    """The rows that mean each song, and those that mean none or could mean several."""
    known = _aliases(song_ids)
    rows_of, left_out = defaultdict(list), []
    for row in rows:
        path = _comparable(row.path)
        meant = next((names[path] for names in known if path in names), [])
        if len(meant) == 1:
            rows_of[meant[0]].append(row)
        elif meant:
            left_out.append(LeftOut(row.path, f"listed name is ambiguous: {', '.join(meant)}"))
        else:
            left_out.append(LeftOut(row.path, "listed but not found"))
    return rows_of, left_out


def read_table(file: Place) -> list[list[str]]:
    """The lines of a CSV (comma, semicolon or tab) or TSV file, each as its cells."""
    # Bytes that are not UTF-8 are kept, so that they match a file name with the same bytes.
    text = file.read_bytes().decode("utf-8-sig", "surrogateescape")
    first = text.partition("\n")[0]
    delimiter = "\t" if file.name.endswith(".tsv") else max(",;\t", key=first.count)
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
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
                f"{printable(file)}: no column '{column}'; its first line is {shown(header)}"
            )
    root = file.parent.absolute() if isinstance(file, Path) else file.parent
    rows = []
    for line in lines:
        cells = {name: cell(line, at) for name, at in place.items()}
        cells["path"] = cells["path"].replace("\\", "/").removeprefix(f"{root}/")
        if cells["path"]:
            rows.append(Row(file.name, **{name: printable(text) for name, text in cells.items()}))
    return rows


def _aliases(song_ids: Iterable[str]) -> list[dict[str, list[str]]]:
    """For four ways to name a file, the strictest first: the songs that each name may mean."""
    known: list[dict[str, list[str]]] = [defaultdict(list) for _ in range(4)]
    for song_id in song_ids:
        path = _comparable(song_id)
        stem = posixpath.splitext(path)[0]
        names = (path, stem, posixpath.basename(path), posixpath.basename(stem))
        for songs_of, name in zip(known, names, strict=True):
            songs_of[name].append(song_id)
    return known


def _comparable(path: str) -> str:
    """A path without './' and with composed accents."""
    return unicodedata.normalize("NFC", posixpath.normpath(path))
