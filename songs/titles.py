"""Artist and title as a text on which two catalogues of the same song agree.

'Lost Sky' 'Fearless pt.II (feat. Chris Linton)' is 'LOST SKY & Chris Linton' 'Fearless Pt. II'.
"""

import re

from songs.nameless import is_nameless_artist, is_nameless_title
from songs.plainwords import plain, words

SEPARATOR = re.compile(
    r"[,;/&+]|\b(?:and|vs|feat|ft|featuring)\b"
    r"|(?<=\w)\s+x\s+(?=\w)(?!(?:and|vs|feat|ft|featuring|x)\b)"  # between names: X is a band
)
FEATURED = re.compile(r"[(\[]?\b(?:feat|ft|featuring)\b\.?\s*([^()\[\]]*)[)\]]?")
NOISE = re.compile(r"\b(?:original mix|ncs\d* release)\b")


def song_name(artist: str, title: str) -> str:
    """The artists in alphabetical order, featured ones too, and the title; "" if either is blank.

    Case, accents, punctuation, and how artists are joined do not count; a remix is another song.
    """
    if not artist.strip():
        return ""
    title = plain(title)
    featured = ",".join(match[1] for match in FEATURED.finditer(title))
    bare = FEATURED.sub(" ", title)
    names = SEPARATOR.split(f"{plain(artist)},{featured}")
    artists = {words(name) for name in names if name.strip(" .")}
    song = words(NOISE.sub(" ", bare)) or words(title)
    return f"{', '.join(sorted(artists))} - {song}" if artists and song else ""


def telling_name(artist: str, title: str) -> str:
    """The same, "" where it may be that of several recordings: 'Track 01', 'Allegro in C'."""
    name = song_name(artist, title)
    artists, _, song = name.partition(" - ")
    nobody = is_nameless_artist(artists.replace(",", ""))
    return "" if nobody or is_nameless_title(song) else name


def file_song_name(stem: str) -> str:
    """The song of a file named 'Artist - Title', "" if it is not named so."""
    artist, _, title = stem.partition(" - ")
    return song_name(artist, title)
