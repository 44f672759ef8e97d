"""The tags of Matroska and WebM files, of which mutagen knows nothing (RFC 9559, section 5.1.8).

The title of the whole file may be a field of its segment instead (section 5.1.2.12), as FFmpeg has.
"""

import warnings
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from itertools import islice
from typing import Any

from ebmlite import loadSchema
from ebmlite.core import MasterElement

from songkey.filetags import Part

MAGIC = b"\x1aE\xdf\xa3"
MOST_ELEMENTS = 10_000  # side by side: a file has some ten, and some ten tags
MOST_TEXT_BYTES = 10_000  # of a tag: what is longer is no key

TITLE = "title of the segment"  # which counts where no tag says another

Element = Any  # ebmlite makes its classes as it runs


def matroska_tags(file: Part) -> dict[str, list[str]]:
    """The texts of a file's tags by their names, those before the first damage.

    Raises one of DAMAGED for some of its kinds.
    """
    found: dict[str, list[str]] = {}
    if file.read(len(MAGIC)) != MAGIC:
        return found
    file.seek(0)
    # Of damaged text. Each time: who leaves a `catch_warnings`, in any thread, undoes it.
    warnings.filterwarnings("ignore", category=UnicodeWarning, module="ebmlite")
    with suppress(OSError):  # so ebmlite calls damage; a file that cannot be read remembers it
        for segment in (one for one in _in(_schema().load(file)) if one.name == "Segment"):
            for told in _told(segment):
                for name, text in _fields(told) if told.name == "Info" else _tags(told):
                    found.setdefault(name, []).append(text)
    title = found.pop(TITLE, [])
    return found if not title or "title" in map(str.lower, found) else {**found, "TITLE": title}


def _fields(info: Element) -> Iterator[tuple[str, str]]:
    for one in _in(info):
        if one.name == "Title" and one.size <= MOST_TEXT_BYTES:
            yield TITLE, str(one.value)


def _tags(tags: Element) -> Iterator[tuple[str, str]]:
    for tag in (one for one in _in(tags) if one.name == "Tag"):
        for simple in (one for one in _in(tag) if one.name == "SimpleTag"):
            texts = {one.name: one for one in _in(simple) if one.size <= MOST_TEXT_BYTES}
            if "TagName" in texts and "TagString" in texts:
                yield str(texts["TagName"].value), str(texts["TagString"].value)


def _told(segment: Element) -> Iterator[Element]:
    """Info and Tags before the sound, and the Tags behind it that the SeekHead tells of."""
    places = []
    for one in _in(segment):
        if one.name in ("Info", "Tags"):
            yield one
        elif one.name == "SeekHead":
            places += [place for seek in _in(one) for place in _place_of_tags(seek)]
        elif one.name == "Cluster":
            behind = [at for at in places if segment.payloadOffset + at > one.offset]
            for at in behind:
                segment.stream.seek(segment.payloadOffset + at)
                yield segment.parseElement(segment.stream)[0]
            return


def _place_of_tags(seek: Element) -> Iterator[int]:
    """Where Tags lie in the segment, if it is they that an entry of a SeekHead is about."""
    fields = {one.name: one.value for one in _in(seek) if one.size <= 8}
    if fields.get("SeekID") == _schema()["Tags"].id.to_bytes(4):
        yield fields["SeekPosition"]


def _in(element: Element) -> Iterator[Element]:
    return islice(element, MOST_ELEMENTS) if isinstance(element, MasterElement) else iter(())


@cache
def _schema() -> Any:
    return loadSchema("matroska.xml")
