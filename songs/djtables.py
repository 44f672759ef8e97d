"""The collections of DJ programs, which know keys that are in no tag.

Those that lie in the folder of music itself are found: a rekordbox XML, Traktor's collection.nml,
Serato's `_Serato_/database V2` and Mixxx's mixxxdb.sqlite; others are named by a setting. They list
other music too, and where it lay on another machine: a file and a track are one where they have
more of their path's end in common, at least the file's name, than with any other.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from songkey.errors import AudioKeyError, one_line, printable
from songs import mixxx, rekordbox, serato, traktor
from songs.labels import Row
from songs.track import Track
from storage.places import Place
from storage.staging import local_copy

SERATO = "database V2"
READERS: dict[str, Callable[[Path], list[Track]]] = {  # by a file's ending, Serato's by its name
    ".xml": rekordbox.read_collection,
    ".nml": traktor.read_collection,
    ".sqlite": mixxx.read_library,
    SERATO: serato.read_library,
}
USUAL_NAMES = ("rekordbox.xml", "collection.nml", "mixxxdb.sqlite", f"_Serato_/{SERATO}")
HEAD_BYTES = 4096

Parts = tuple[str, ...]  # of a path, the last one first


def table_rows(
    root: Place, song_ids: Iterable[str], named: Iterable[Place] = ()
) -> dict[str, list[Row]]:
    """The rows that mean each song, of the tables in `root` and of `named` ones.

    Raises AudioKeyError where a table is damaged, or a named one not there.
    """
    tables = [*_tables_in(root), *named]
    paths = {song_id: _parts(f"{_absolute(root)}/{song_id}") for song_id in song_ids if tables}
    rows_of: dict[str, list[Row]] = defaultdict(list)
    for table in tables:
        for song_id, rows in _meant(read_rows(table), paths).items():
            rows_of[song_id] += rows
    return rows_of


def read_rows(table: Place) -> list[Row]:
    """The tracks of a table that have a key and a path."""
    tracks = read_tracks(table)
    source = f"Serato {SERATO}" if table.name == SERATO else table.name
    return [
        Row(source, one_line(printable(track.path)), one_line(printable(track.key)))
        for track in tracks
        if track.path
    ]


def read_tracks(table: Place) -> list[Track]:
    """The tracks of a table that have a key; its name tells whose it is."""
    read = reader_of(table.name)
    if read is None:
        raise AudioKeyError(
            f"{printable(table)}: no table of a DJ program's by its name; it ends on "
            f"{', '.join(ending for ending in READERS if ending != SERATO)} or is '{SERATO}'"
        )
    try:
        with local_copy(table) as path:
            return _read(read, path, table)
    except FileNotFoundError:
        raise AudioKeyError(f"{printable(table)} is not there; check the path") from None
    except OSError as error:
        raise AudioKeyError(f"{printable(table)}: not readable: {error.strerror}") from error


def _read(read: Callable[[Path], list[Track]], path: Path, table: Place) -> list[Track]:
    """What is read of a local copy; an error names the table itself."""
    try:
        return read(path)
    except AudioKeyError as error:
        raise AudioKeyError(str(error).replace(printable(path), printable(table))) from error


def reader_of(name: str) -> Callable[[Path], list[Track]] | None:
    """What reads a table of that name; None for any other file."""
    return READERS.get(name) or READERS.get(Path(name).suffix.lower())


def _tables_in(root: Place) -> Iterator[Place]:
    if not isinstance(root, Path):
        yield from (root / name for name in USUAL_NAMES if (root / name).exists())
        return
    serato_library = root / "_Serato_" / SERATO
    try:
        beside = sorted(path for path in root.iterdir() if reader_of(path.name))
    except PermissionError:  # of the whole folder, which is named where its files are listed
        return
    yield from (path for path in [*beside, serato_library] if path.is_file() and _is_table(path))


def _is_table(path: Path) -> bool:
    """Whether it is what its ending says: other programs write XML and SQLite too."""
    if path.suffix.lower() == ".sqlite":
        return path.name in USUAL_NAMES
    if path.suffix.lower() != ".xml":
        return True
    try:
        with open(path, "rb") as stream:
            return f"<{rekordbox.ROOT}".encode() in stream.read(HEAD_BYTES)
    except OSError as error:
        raise AudioKeyError(f"{printable(path)}: not readable: {error.strerror}") from error


def _meant(rows: Iterable[Row], paths: Mapping[str, Parts]) -> dict[str, list[Row]]:
    """The rows that mean each song; where one could mean several, or several one, none does."""
    rows_at: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        rows_at[row.path].append(row)
    names = {parts[0] for parts in paths.values()}
    listed = {path: parts for path in rows_at if (parts := _parts(path))[0] in names}
    unmatched = dict(paths)
    found = {}
    for length in range(max(map(len, paths.values()), default=0), 0, -1):
        listed_by, songs_by = _by_end(listed, length), _by_end(unmatched, length)
        for end in listed_by.keys() & songs_by.keys():
            if len(listed_by[end]) == len(songs_by[end]) == 1:
                meant = rows_at[listed_by[end][0]]
                found[songs_by[end][0]] = meant if length > 1 else list(map(_doubtful, meant))
            for path in listed_by[end]:
                del listed[path]
            for song_id in songs_by[end]:
                del unmatched[song_id]
    return found


def _doubtful(row: Row) -> Row:
    """A row that has but the name with a file in common: "01 Intro.mp3" is many a file's."""
    return replace(row, doubt=f"listed in another folder: {printable(row.path)}")


def _by_end(paths: Mapping[str, Parts], length: int) -> dict[Parts, list[str]]:
    """Which of the paths, that are no shorter, have which last parts, so many of them."""
    found: dict[Parts, list[str]] = defaultdict(list)
    for name, parts in paths.items():
        if len(parts) >= length:
            found[parts[:length]].append(name)
    return found


def _parts(path: str) -> Parts:
    """As file systems compare them that know no case: composed, in lower case."""
    text = unicodedata.normalize("NFC", path).casefold()
    return tuple(part for part in reversed(text.split("/")) if part) or ("",)


def _absolute(root: Place) -> str:
    return one_line(printable(root.absolute() if isinstance(root, Path) else root))
