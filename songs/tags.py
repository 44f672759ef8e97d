"""Keys in the tags that DJ programs and shops write into music files."""

from pathlib import Path
from typing import BinaryIO

from songkey.filetags import Part, Tags, all_tags, unless_damaged
from songkey.keynames import names_no_key
from songkey.tagging import plain_name, texts
from songs.matroska import matroska_tags
from storage.places import Place

# ID3: TKEY or TXXX:initialkey; Vorbis comments, APEv2, Matroska: INITIALKEY; MP4:
# ----:com.apple.iTunes:initialkey; WMA: WM/InitialKey. 'KEY' is second choice: some programs keep
# other data there.
TAG_NAMES = (("tkey", "initialkey"), ("key",))


def key_tags(place: Place) -> list[str]:
    """The texts of a file's key tags, as parse_label reads them; "" stands for 'off key'.

    Those of all tags that it has: where two say different keys nobody knows which is right. Raises
    as `tags_of`.
    """
    return _keys(tags_of(place))


def tags_of(place: Place) -> list[Tags]:
    """All tags of a file; a damaged one is none.

    Raises OSError, at an address StorageError, where the file cannot be read.
    """

    def read(stream: BinaryIO) -> list[Tags]:
        matroska = unless_damaged(matroska_tags, Part(stream, 0))
        return [matroska] if matroska else all_tags(stream, place.name)

    if isinstance(place, Path):
        with open(place, "rb") as stream:
            return read(stream)
    return place.reading(read)


def _keys(tags: list[Tags]) -> list[str]:
    """The first of TAG_NAMES that any tag has counts, each text once."""
    for accepted in TAG_NAMES:
        found = [
            text for one in tags for name, value in one.items() if plain_name(name) in accepted
            for text in texts(value) if text
        ]  # fmt: skip
        if found:
            return list(dict.fromkeys(map(spelled, found)))
    return []


def spelled(text: str) -> str:
    """ID3v2.4 (TKEY): 'o' is off key; so is what people write there."""
    return "" if text.lower() == "o" or names_no_key(text) else text
