"""The collections that rekordbox and Traktor write as XML."""

from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import parse

from songkey.errors import AudioKeyError, printable


def read_root(path: Path, program: str, tag: str) -> Element:
    """The root of a program's collection, which has to be a `tag`.

    Raises AudioKeyError for any other XML, or what holds a document type or entities: with these a
    file can make its reader open other files, or grow without end.
    """
    try:
        root: Element = parse(path, forbid_dtd=True).getroot()
    except DefusedXmlException:
        raise AudioKeyError(
            f"{printable(path)}: declares a document type or entities, which {program} never "
            "writes; not read. Export the collection anew"
        ) from None
    except (ParseError, ValueError, LookupError) as error:  # the latter two: of its encoding
        raise AudioKeyError(
            f"{printable(path)}: damaged or not XML: {error}; export it anew"
        ) from error
    if root.tag != tag:
        raise AudioKeyError(f"{printable(path)}: no {program} collection: its root is <{root.tag}>")
    return root
