"""Traktor's collection.nml, an XML file in its root folder: each track's key.

An ENTRY of the COLLECTION has TITLE, ARTIST, a LOCATION (VOLUME="C:" DIR="/:Music/:" FILE="a.mp3"),
and its key twice: MUSICAL_KEY, which Traktor mixes by and its user may correct, and the text of the
file's tag in INFO KEY, which counts where there is no other.
"""

from pathlib import Path
from xml.etree.ElementTree import Element

from songkey.keys import KEYS
from songs.collectionxml import read_root
from songs.tags import spelled
from songs.track import Track

ROOT = "NML"
NUMBERS = {str(key.id): str(key) for key in KEYS}  # 0 to 11 are C to B major, 12 to 23 minor


def read_collection(path: Path) -> list[Track]:
    """The tracks that have a key; AudioKeyError for what is no collection of Traktor's."""
    entries = read_root(path, "Traktor", ROOT).iterfind("COLLECTION/ENTRY")
    tracks = (_track(number, entry) for number, entry in enumerate(entries, start=1))
    return [one for one in tracks if one.key]


def _track(number: int, entry: Element) -> Track:
    location = _field(entry, "LOCATION")
    folder = location.get("DIR", "").replace("/:", "/")
    return Track(
        number=str(number),
        artist=entry.get("ARTIST", ""),
        title=entry.get("TITLE", ""),
        path=f"{location.get('VOLUME', '')}{folder}{location.get('FILE', '')}",
        key=NUMBERS.get(_field(entry, "MUSICAL_KEY").get("VALUE", ""))
        or spelled(_field(entry, "INFO").get("KEY", "").strip()),
    )


def _field(entry: Element, name: str) -> Element:
    found = entry.find(name)
    return Element(name) if found is None else found
