"""Where the keys of NoCopyrightSounds come from: a label file that the user names.

- A table (.csv, .tsv) with a header, or JSON: a list of objects, or one object {song: key}
  where a song is a tid, an address or a file's name.
  Columns, in any case: `key`, and what says which song: `tid`, `url`, `artist` and `title`, `file`.
- The collection of a DJ program (see djtables.py), matched by artist and title or by file name.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from songkey.audio import printable
from songkey.cells import told
from songkey.columns import KEY_NAMES
from songkey.errors import AudioKeyError
from songs.djtables import read_tracks
from songs.labels import cell, columns_of, read_table, shown

COLUMNS = {  # the first name that the header has counts
    "key": (*KEY_NAMES, "label"),
    "tid": ("tid", "datatid", "trackid", "id"),
    "url": ("url", "dataurl", "audiourl"),
    "artist": ("artist", "artists", "artistraw"),
    "title": ("title", "track", "name", "song"),
    "file": ("file", "filename", "path"),
}
COLLECTIONS = {
    ".xml": "rekordbox XML", ".nml": "Traktor collection", ".sqlite": "Mixxx library"
}  # fmt: skip
KINDS = {".csv": "CSV", ".tsv": "TSV", ".json": "JSON", **COLLECTIONS}
WHAT_WOULD_DO = (
    "set datasets.ncs.labels to one of: a CSV, TSV or JSON file with a key and a tid, url, or "
    "artist and title for each song; a collection of rekordbox (.xml), Traktor (.nml) or Mixxx "
    "(.sqlite); a folder of the old archives (train|validation/Ab-maj/*.mp3) or of your own files "
    "with key tags. Or write key tags (TKEY, INITIALKEY) into the downloaded files"
)


@dataclass(frozen=True)
class Label:
    """What a source calls one song's key; `place` is where it says so."""

    place: str
    source: str  # one of KINDS
    key: str
    tid: str = ""
    url: str = ""
    artist: str = ""
    title: str = ""
    file: str = ""

    @property
    def is_of_collection(self) -> bool:
        """Whether it is a DJ's, which holds much else."""
        return self.source in COLLECTIONS.values()

    def __str__(self) -> str:
        name = self.tid or self.url or f"{self.artist} - {self.title}".strip(" -") or self.file
        return f"{self.place} ({name}: '{self.key}')"


def read_labels(path: Path) -> list[Label]:
    """The labels of a file, by its ending; raises AudioKeyError with what is wrong in it."""
    kind = KINDS.get(path.suffix.lower())
    if not path.exists():
        raise AudioKeyError(f"datasets.ncs.labels: {printable(path)} is not there; check the path")
    if kind is None:
        raise AudioKeyError(f"{printable(path)}: not a kind of label file; {WHAT_WOULD_DO}")
    if kind in COLLECTIONS.values():
        return [
            Label(f"{path.name} track {track.number}", kind, track.key, artist=track.artist,
                  title=track.title, file=track.file)
            for track in read_tracks(path)
        ]  # fmt: skip
    if kind == "JSON":
        objects = _json(path)
        _refuse_useless(path, list(dict.fromkeys(name for one in objects for name in one)))
        lines = [(list(one), list(one.values())) for one in objects]
        return list(_labels(kind, f"{path.name} entry", enumerate(lines, start=1)))
    header, *rows = read_table(path) or [[]]
    _refuse_useless(path, header)
    lines = [(header, row) for row in rows]
    return list(_labels(kind, f"{path.name} row", enumerate(lines, start=2)))


def _labels(
    kind: str, place: str, lines: Iterable[tuple[int, tuple[list[str], list[str]]]]
) -> Iterator[Label]:
    """The labels of numbered lines, each with its header; blank ones are passed over."""
    for number, (header, line) in lines:
        columns = columns_of(header, COLUMNS)
        cells = {name: told(cell(line, at)) for name, at in columns.items()}
        if any(cells.values()):
            yield Label(f"{place} {number}", kind, **cells)


def _refuse_useless(path: Path, header: list[str]) -> None:
    """Refuse a file whose columns do not say which song is in which key."""
    has = {name for name, at in columns_of(header, COLUMNS).items() if at is not None}
    if "key" not in has or not (has & {"tid", "url", "file"} or has >= {"artist", "title"}):
        raise AudioKeyError(
            f"{printable(path)}: needs 'key' and one of 'tid', 'url', 'file', or 'artist' and "
            f"'title'; it has {shown(header)}"
        )


def _json(path: Path) -> list[dict[str, str]]:
    """The objects of a JSON file, of texts only."""
    try:
        content = json.loads(path.read_bytes(), object_pairs_hook=_without_twice)
    except (ValueError, RecursionError) as error:
        raise AudioKeyError(f"{printable(path)}: {error}") from error
    if isinstance(content, dict):
        content = [_named(name, value) for name, value in content.items()]
    if not isinstance(content, list) or not all(isinstance(one, dict) for one in content):
        raise AudioKeyError(f"{printable(path)}: neither a list of objects nor one {{song: key}}")
    return [{_text(name): _text(value) for name, value in one.items()} for one in content]


def _named(name: str, value: object) -> dict:
    """An entry {song: key}, or {song: {...}}, as an object; a song may be named in any way."""
    fields = value if isinstance(value, dict) else {"key": value}
    return {**({"url": name} if "://" in name else {"tid": name, "file": name}), **fields}


def _text(value: object) -> str:
    """A value as text; half a character, which JSON can hold, as a question mark."""
    return "" if value is None else str(value).encode("utf-8", "replace").decode()


def _without_twice(pairs: list[tuple[str, object]]) -> dict:
    """An object, refused where it has a name twice: json would keep the last in silence."""
    found: dict[str, object] = {}
    for name, value in pairs:
        if name in found:
            raise AudioKeyError(f"'{name}' is in it twice: {found[name]!r} and {value!r}; keep one")
        found[name] = value
    return found
