"""How keys are written: in one of the notations in use, or by a table of the user's."""

import csv
import tomllib
from collections.abc import Callable
from pathlib import Path

from songkey.errors import AudioKeyError, printable
from songkey.keynames import parse_label
from songkey.keys import KEYS, Key, KeyParseError

FLATS = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
SHARPS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")

Spelling = Callable[[Key], str]


def _short(key: Key) -> str:
    """As ID3 (TKEY) has it: 'F#m', 'Eb'."""
    tonic, mode = str(key).split()
    return tonic + "m" * (mode == "minor")


NOTATIONS: dict[str, Spelling] = {
    "standard": str,
    "flats": lambda key: f"{FLATS[key.tonic]} {key.mode}",
    "sharps": lambda key: f"{SHARPS[key.tonic]} {key.mode}",
    "short": _short,
    "camelot": lambda key: key.camelot,
    "openkey": lambda key: key.open_key,
}
CHOICES = ", ".join(NOTATIONS)


def spelling(notation: str) -> Spelling:
    """How `notation`, one of NOTATIONS or the path of a table, writes a key.

    A table gives each of the 24 keys a name of its own: a TOML file ("C major" = "do"), or one of
    lines "C major<TAB>do". Raises AudioKeyError for any other.
    """
    if notation in NOTATIONS:
        return NOTATIONS[notation]
    path = Path(notation).expanduser()
    if not path.is_file():
        raise AudioKeyError(
            f"notation {printable(notation)}: give {CHOICES}, or the path of a table of your own"
        )
    names = _named(path)
    return lambda key: names[key.id]


def _named(path: Path) -> list[str]:
    """The names of the 24 keys, in id order, that a table gives."""
    where = printable(path)
    found: dict[Key, str] = {}
    for text, name in _rows(path, where):
        try:
            key = parse_label(text)
        except KeyParseError as error:
            raise AudioKeyError(f"{where}: {error}") from error
        if key in found:
            raise AudioKeyError(f"{where}: {key} stands in it twice; give each key one name")
        found[key] = name.strip()
    if lacking := [str(key) for key in KEYS if not found.get(key)]:
        raise AudioKeyError(f"{where}: no name for {', '.join(lacking)}; give all 24 keys one")
    names = [found[key] for key in KEYS]
    if twice := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
        raise AudioKeyError(f"{where}: {', '.join(twice)} is the name of two keys; tell them apart")
    return names


def _rows(path: Path, where: str) -> list[tuple[str, str]]:
    """A table's pairs of a key and its name."""
    try:
        text = path.read_text("utf-8-sig")
        if path.suffix.lower() == ".toml":
            return [(key, str(name)) for key, name in tomllib.loads(text).items()]
    except UnicodeDecodeError as error:
        raise AudioKeyError(f"{where}: not in UTF-8; save it anew as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise AudioKeyError(f"{where}: not TOML: {error}") from error
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    rows = [tuple(row) for row in csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)]
    if wrong := [row for row in rows if len(row) != 2]:
        raise AudioKeyError(
            f"{where}: {' '.join(wrong[0])!r} is no key and its name, a tab between them"
        )
    return [(key, name) for key, name in rows]
