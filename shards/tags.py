"""Keys in the tags that DJ programs and shops write into music files."""

import re
from collections.abc import Iterator
from pathlib import Path

import mutagen
from mutagen.id3 import Frame

# ID3, WAV, AIFF: TKEY or TXXX:initialkey; Vorbis, APE: INITIALKEY; MP4: ----:com.apple.iTunes:
# initialkey; WMA: WM/InitialKey. 'KEY' is second choice: some programs keep other data there.
TAG_NAMES = (("tkey", "initialkey"), ("key",))


def key_tags(path: Path) -> list[str]:
    """The texts of a file's key tags, as parse_key reads them; "" stands for 'off key'."""
    try:
        file = mutagen.File(path)
    except (mutagen.MutagenError, LookupError):  # the latter is mutagen's own slip on damaged tags
        return []
    tags = file.tags if file is not None and file.tags is not None else {}
    for accepted in TAG_NAMES:
        values = [value for name, value in tags.items() if _plain(name) in accepted]
        if texts := [text for value in values for text in _texts(value) if text]:
            return [spelled(text) for text in texts]
    return []


def _plain(name: str) -> str:
    """'----:com.apple.iTunes:Initial Key' -> 'initialkey'."""
    return re.sub(r"[\s_]", "", re.split("[:/]", name)[-1]).lower()


def _texts(value: object) -> Iterator[str]:
    """The texts of a tag: an ID3 frame's, or those of a list of strings, bytes or attributes."""
    if isinstance(value, Frame):
        value = getattr(value, "text", [])
    for item in value if isinstance(value, list) else [value]:
        item = getattr(item, "value", item)
        yield (item.decode("utf-8", "replace") if isinstance(item, bytes) else str(item)).strip()


def spelled(text: str) -> str:
    """ID3v2.4 (TKEY): a note alone is a major key, 'o' is off key."""
    if text.lower() == "o":
        return ""
    return f"{text} major" if re.fullmatch("[A-G][#b♯♭]?", text) else text
