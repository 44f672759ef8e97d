"""rekordbox's collection as XML (File > Export Collection in xml format): each track's Tonality.

Pioneer's 'rekordbox XML format list': a TRACK of the COLLECTION has Name, Artist, Location (a
file:// address) and Tonality; the TRACKs of playlists only refer to those by number.
"""

from pathlib import Path
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from songs.collectionxml import read_root
from songs.tags import spelled
from songs.track import Track

ROOT = "DJ_PLAYLISTS"


def read_collection(path: Path) -> list[Track]:
    """The tracks that have a key and a name; AudioKeyError for what is no rekordbox XML."""
    tracks = map(_track, read_root(path, "rekordbox", ROOT).iter("TRACK"))
    return [one for one in tracks if one.key and (one.title or one.file)]


def _track(element: Element) -> Track:
    return Track(
        number=element.get("TrackID", "?"),
        artist=element.get("Artist", ""),
        title=element.get("Name", ""),
        path=unquote(element.get("Location", "")).removeprefix("file://localhost"),
        key=spelled(element.get("Tonality", "").strip()),
    )
