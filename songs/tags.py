"""Keys in the tags that DJ programs and shops write into music files."""

import errno
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO

import mutagen

from songkey.tagging import DAMAGED, plain_name, texts
from storage.places import Place

# ID3, WAV, AIFF: TKEY or TXXX:initialkey; Vorbis, APE: INITIALKEY; MP4: ----:com.apple.iTunes:
# initialkey; WMA: WM/InitialKey. 'KEY' is second choice: some programs keep other data there.
TAG_NAMES = (("tkey", "initialkey"), ("key",))


def key_tags(place: Place) -> list[str]:
    """The texts of a file's key tags, as parse_key reads them; "" stands for 'off key'."""
    file = (
        _read(str(place)) if isinstance(place, Path) else place.reading(partial(_read, place.name))
    )
    tags: Mapping[str, object] = file.tags if file is not None and file.tags is not None else {}
    for accepted in TAG_NAMES:
        values = [value for name, value in tags.items() if plain_name(name) in accepted]
        if found := [text for value in values for text in texts(value) if text]:
            return [spelled(text) for text in found]
    return []


class _Watched:
    """A stream from an address as mutagen needs it, which takes any OSError for a short file.

    So a seek out of the file's bounds is an OSError here, and a read that fails is remembered.
    """

    def __init__(self, stream: BinaryIO):
        self.stream = stream
        self.tell = stream.tell
        self.failure: Exception | None = None

    def read(self, size: int = -1) -> bytes:
        try:
            return self.stream.read(size) if size else b""
        except OSError as error:
            self.failure = error
            raise

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        try:
            return self.stream.seek(offset, whence)
        except ValueError as error:
            raise OSError(errno.EINVAL, str(error)) from None


def _read(name: str, stream: BinaryIO | None = None) -> mutagen.FileType | None:
    """The file as mutagen reads it; None where it is damaged or of no kind with tags.

    Of a stream the name may tell the kind; OSError where reading it fails.
    """
    watched, file = stream and _Watched(stream), None
    with suppress(*DAMAGED):
        file = mutagen.File(filename=name, fileobj=watched)
    if watched and watched.failure:
        raise watched.failure
    return file


def spelled(text: str) -> str:
    """ID3v2.4 (TKEY): a note alone is a major key, 'o' is off key."""
    if text.lower() == "o":
        return ""
    return f"{text} major" if re.fullmatch("[A-G][#b♯♭]?", text) else text
