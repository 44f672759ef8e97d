"""The collections of DJ programs, which know keys that are in no tag.

Those that lie in the folder of music itself are found: a rekordbox XML, Traktor's collection.nml,
Serato's `_Serato_/database V2` and Mixxx's mixxxdb.sqlite; others are named by a setting. They list
other music too, and where it lay on another machine: which file is meant, listednames.py says.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path

from songkey.errors import AudioKeyError, one_line, printable
from songs import mixxx, rekordbox, serato, traktor
from songs.rows import NOT_FOUND, Row, meant, settled
from songs.song import LeftOut
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
NOTHING_USABLE = "no track in it has a key and a path; let the program analyse keys, and save anew"

logger = logging.getLogger(__name__)


def table_rows(
    root: Place, song_ids: Collection[str], named: Iterable[Place] = ()
) -> tuple[dict[str, list[Row]], list[LeftOut]]:
    """The rows that mean each song, of the tables in `root` and of `named` ones.

    And those that could mean several. Raises AudioKeyError where a table is damaged, or a named
    one not there.
    """
    rows_of: dict[str, list[Row]] = defaultdict(list)
    left_out: list[LeftOut] = []
    for table in (*_tables_in(root), *named):
        rows = read_rows(table)
        found, unmatched = meant(rows, song_ids, root)
        if all(one.kind == NOT_FOUND for one in unmatched) and not found:
            what = (
                f"no track in it is a file here ({len(rows)} looked at)" if rows else NOTHING_USABLE
            )
            logger.warning("%s: %s", printable(table), what)
        for song_id, its_rows in found.items():
            rows_of[song_id] += its_rows
        left_out += unmatched
    counted, not_settled = settled(rows_of)
    # They list other music too.
    return counted, [one for one in left_out + not_settled if one.kind != NOT_FOUND]


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
