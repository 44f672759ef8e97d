"""Artist and title as a text on which two catalogues of the same song agree.

'Lost Sky' 'Fearless pt.II (feat. Chris Linton)' is 'LOST SKY & Chris Linton' 'Fearless Pt. II'.
"""

import re
import unicodedata

SEPARATOR = re.compile(r"[,;/&+]|\b(?:and|vs|x|feat|ft|featuring)\b")
FEATURED = re.compile(r"[(\[]?\b(?:feat|ft|featuring)\b\.?\s*([^()\[\]]*)[)\]]?")
NOISE = re.compile(r"\b(?:original mix|ncs\d* release)\b")
APOSTROPHE = re.compile("['`\u00b4\u2018\u2019\u02bc]")
# Words that many recordings are called by; an artist or title of nothing else names none of them.
NAMELESS = re.compile(
    r"\d+|[ivxl]+|[a-h]|unknown|unbekannte?r?|inconnue?|desconocid[oa]|sconosciut[oa]|various|varios"
    "|artists?|artistes?|interpret|titel|title|titre|titolo|untitled|ohne|tracks?|piste|traccia|pista"
    "|songs?|audio|file|new|recording|intro|outro|interlude|skit|demo|live|version|mix|remix|edit|va"
    "|part|pt|vol|volume|no|nr|number|disc|disk|cd|side|the|of|in|and|op|opus|major|minor|dur|moll"
    "|sharp|flat|allegro|allegretto|andante|andantino|adagio|largo|larghetto|lento|presto|vivace"
    "|prestissimo|moderato|grave|maestoso|con|moto|brio|ma|non|troppo|assai|molto|piu|poco"
    "|preludes?|preludio|fugues?|fuga|toccata|sonata|sonate|suite|etude|study|nocturne|waltz|valse"
    "|aria|menuett?|minuett?o?|scherzo|rondo|gigue|courante|sarabande|allemande|bourree|gavotte"
    "|overture|finale|concerto|symphony|sinfonia|themes?|variations?"
)
UNDECOMPOSED = str.maketrans(
    {"ø": "o", "đ": "d", "ð": "d", "ł": "l", "æ": "ae", "œ": "oe", "ı": "i", "þ": "th"}
)


def song_name(artist: str, title: str) -> str:
    """The artists in alphabetical order, featured ones too, and the title; "" if either is blank.

    Case, accents, punctuation, and how artists are joined do not count; a remix is another song.
    """
    if not artist.strip():
        return ""
    title = _plain(title)
    featured = ",".join(match[1] for match in FEATURED.finditer(title))
    bare = FEATURED.sub(" ", title)
    artists = {_words(name) for name in SEPARATOR.split(f"{_plain(artist)},{featured}")} - {""}
    song = _words(NOISE.sub(" ", bare)) or _words(title)
    return f"{', '.join(sorted(artists))} - {song}" if artists and song else ""


def telling_name(artist: str, title: str) -> str:
    """The same, "" where it may be that of several recordings: 'Track 01', 'Allegro in C'."""
    name = song_name(artist, title)
    artists, _, song = name.partition(" - ")
    return "" if _is_nameless(artists.replace(",", "")) or _is_nameless(song) else name


def file_song_name(stem: str) -> str:
    """The song of a file named 'Artist - Title', "" if it is not named so."""
    artist, _, title = stem.partition(" - ")
    return song_name(artist, title)


def _plain(text: str) -> str:
    """Without case and accents."""
    decomposed = unicodedata.normalize("NFKD", APOSTROPHE.sub("", text)).casefold()
    letters = (letter for letter in decomposed if not unicodedata.combining(letter))
    return "".join(letters).translate(UNDECOMPOSED)


def _is_nameless(words: str) -> bool:
    return all(map(NAMELESS.fullmatch, words.split()))


def _words(text: str) -> str:
    """The letters and digits, or, where there are none ('!!!'), what there is."""
    return " ".join(re.findall(r"[^\W_]+", text.replace("&", " and "))) or text.strip()
