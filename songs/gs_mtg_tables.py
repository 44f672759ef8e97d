"""The tables of GiantSteps MTG Key: labels, comments, and the songs' names.

annotations.txt and beatport_metadata.txt are tab separated with a header, and quote nothing.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from songkey.audio import printable
from songkey.errors import AudioKeyError
from songs.giantsteps import changed, key_files
from songs.song import LeftOut
from songs.titles import song_name


@dataclass(frozen=True)
class Row:
    """A line of annotations.txt, without blanks around its cells."""

    song_id: str
    key: str
    confidence: str


def annotation_rows(root: Path) -> tuple[dict[str, Row], list[LeftOut]]:
    """The rows of annotations/annotations.txt by id, and what it lists badly."""
    rows_of, left_out = defaultdict(list), []
    lines = _lines(root / "annotations" / "annotations.txt", ("ID", "MANUAL KEY", "C"))
    for number, cells in enumerate(lines, start=2):
        row = Row(*cells)
        if row.song_id.isascii() and row.song_id.isdigit():
            rows_of[row.song_id].append(row)
        elif any(cells):
            text = printable(" ".join(cells))
            left_out.append(LeftOut(f"line {number}", f"line without an id: {text}"))
    for song_id, rows in rows_of.items():
        if len(set(rows)) > 1:
            labels = ", ".join(f"{printable(row.key)!r} ({row.confidence})" for row in rows)
            left_out.append(LeftOut(song_id, f"conflicting labels: {labels}"))
    return {song_id: rows[0] for song_id, rows in rows_of.items() if len(set(rows)) == 1}, left_out


def comments(root: Path) -> dict[str, str]:
    """The comment in each annotations/key/<id>.LOFI.key: key, confidence, comment."""
    texts = key_files(root)
    return {
        song_id: text.partition("\t")[2].partition("\t")[2].strip()
        for song_id, text in texts.items()
    }


def names_and_genres(root: Path) -> dict[str, tuple[str, str]]:
    """What annotations/beatport_metadata.txt calls each song and its genre, "" if unknown."""
    file = root / "annotations" / "beatport_metadata.txt"
    lines = _lines(file, ("ID", "ARTIST", "SONG TITLE", "BP GENRE"))
    return {song_id: (song_name(artist, title), genre) for song_id, artist, title, genre in lines}


def _lines(file: Path, columns: Sequence[str]) -> list[list[str]]:
    """The cells of these columns in each line after the header; what a short line lacks is ""."""
    try:
        text = file.read_text("utf-8-sig", "replace")
    except FileNotFoundError:
        raise changed(file.parents[2], f"annotations/{file.name}") from None
    header, *lines = ([cell.strip() for cell in line.split("\t")] for line in text.split("\n"))
    if missing := [column for column in columns if column not in header]:
        raise AudioKeyError(
            f"{file}: no column '{missing[0]}'; its first line is {printable(' | '.join(header))}"
        )
    places = [header.index(column) for column in columns]
    width = max(places) + 1
    return [[(line + [""] * width)[place] for place in places] for line in lines]
