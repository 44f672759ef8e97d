"""The tags of Matroska and WebM files, of which mutagen knows nothing (RFC 9559, section 5.1.8)."""

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
        for simple in _simple_tags(file):
            texts = {one.name: one for one in _in(simple) if one.size <= MOST_TEXT_BYTES}
            if "TagName" in texts and "TagString" in texts:
                name = str(texts["TagName"].value)
                found.setdefault(name, []).append(str(texts["TagString"].value))
    return found


def _simple_tags(file: Part) -> Iterator[Element]:
    for segment in _in(_schema().load(file)):
        if segment.name == "Segment":
            for tags in _tags_of(segment):
                for tag in (one for one in _in(tags) if one.name == "Tag"):
                    yield from (one for one in _in(tag) if one.name == "SimpleTag")


def _tags_of(segment: Element) -> Iterator[Element]:
    """The Tags before the sound, and those behind it that the SeekHead tells of."""
    places = []
    for one in _in(segment):
        if one.name == "Tags":
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
