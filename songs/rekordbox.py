"""rekordbox's collection as XML (File > Export Collection in xml format): each track's Tonality.

Pioneer's 'rekordbox XML format list': a TRACK of the COLLECTION has Name, Artist, Location (a
file:// address) and Tonality; the TRACKs of playlists only refer to those by number.
"""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import parse

from songkey.audio import printable
from songkey.errors import AudioKeyError
from songs.tags import spelled


@dataclass(frozen=True)
class Track:
    """A track of the collection; `file` is its file's name, `key` as parse_key reads it."""

    number: str
    artist: str
    title: str
    file: str
    key: str


def read_collection(path: Path) -> list[Track]:
    """The tracks that have a key and a name.

    Raises AudioKeyError for what is no rekordbox XML, or holds a document type or entities: with
    these a file can make its reader open other files, or grow without end.
    """
    try:
        root = parse(path, forbid_dtd=True).getroot()
    except DefusedXmlException:
        raise AudioKeyError(
            f"{printable(path)}: declares a document type or entities, which rekordbox never "
            "writes; not read. Export the collection anew"
        ) from None
    except (ParseError, ValueError, LookupError) as error:  # the latter two: of its encoding
        raise AudioKeyError(f"{printable(path)}: damaged or not XML: {error}") from error
    if root.tag != "DJ_PLAYLISTS":
        raise AudioKeyError(f"{printable(path)}: no rekordbox collection: its root is <{root.tag}>")
    tracks = map(_track, root.iter("TRACK"))
    return [one for one in tracks if one.key and (one.title or one.file)]


def _track(element: Element) -> Track:
    return Track(
        number=element.get("TrackID", "?"),
        artist=element.get("Artist", ""),
        title=element.get("Name", ""),
        file=unquote(element.get("Location", "").rpartition("/")[2]),
        key=spelled(element.get("Tonality", "").strip()),
    )
