"""Rows of tables that name files and their keys, and which songs they mean.

A row is matched by its path alone, as listednames.py says; where several could mean a song, those
count that surely do.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from songs.listednames import ListedNames
from songs.song import LeftOut
from storage.places import Place

NOT_FOUND = "listed but not found"
AMBIGUOUS = "listed name is ambiguous"
ELSEWHERE = "listed in another folder"
NAMED = 5  # of the songs that a name could mean
NOT_UTF_8 = "label not in UTF-8: read as Windows-1252"


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
        others = [row for row in rows if row.elsewhere] if sure else rows * (len(paths) > 1)
        left_out += [LeftOut(row.path, reason) for row in others]
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
