"""The key in a file's own tags: read, and written into the field that players and DJ programs read.

| kind | field |
|---|---|
| mp3, wav, aiff, tta, dsf: ID3 | TKEY |
| flac, ogg, opus, spx: Vorbis comment | INITIALKEY |
| m4a, mp4: MP4 | ----:com.apple.iTunes:initialkey |
| wma: ASF | WM/InitialKey |
| ape, mpc, wv, tak: APEv2 | INITIALKEY |

A key in another tag, before or behind these, goes: the file names one. The sound's bytes stay as
they are, and so does the file until a copy with the tag is whole (see tagcopy.py).
"""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

import mutagen
from mutagen._vorbis import VCommentDict
from mutagen.apev2 import APEv2
from mutagen.asf import ASFTags
from mutagen.id3 import ID3, TKEY, Encoding, Frame
from mutagen.mp4 import AtomDataType, MP4FreeForm, MP4Tags

from songkey.errors import AudioError, printable
from songkey.filetags import DAMAGED, Tags, all_tags
from songkey.inflating import bounded
from songkey.tagcopy import copy_in_its_place, id3v1_kept

KEY_FIELDS = ("tkey", "initialkey")  # by `plain_name`; TXXX:INITIALKEY in ID3 is among them


class State(StrEnum):
    """What became of a file's tag."""

    WRITTEN = "written"
    SAME = "was there"
    KEPT = "kept"
    PLANNED = "to be written"


class Tag(NamedTuple):
    """The text of a file's key tag, and what became of it."""

    text: str
    state: State


def write_key(path: Path, text: str, keep_existing: bool = False, dry_run: bool = False) -> Tag:
    """Make `text` the one key that the file's tags name; with `keep_existing` only if none does.

    The file keeps its name, mode and owner; its time of change is now, so that backups see it.
    Raises AudioError, and leaves the file as it was, where that cannot be.
    """
    where = printable(path)
    try:
        return _written(Path(os.path.realpath(path)), where, text, keep_existing, dry_run)
    except AudioError:
        raise
    except DAMAGED as error:
        raise AudioError(where, f"its tags cannot be written: {error or 'damaged'}") from error
    except OSError as error:
        raise AudioError(where, f"its tag is not written: {error.strerror or error}") from error


def plain_name(field: str) -> str:
    """'----:com.apple.iTunes:Initial Key' -> 'initialkey'."""
    return re.sub(r"[\s_]", "", re.split("[:/]", field)[-1]).lower()


def texts(value: object) -> Iterator[str]:
    """The texts of a tag: an ID3 frame's, or those of a list of strings, bytes or attributes."""
    if isinstance(value, Frame):
        value = getattr(value, "text", [])
    for item in value if isinstance(value, list) else [value]:
        item = getattr(item, "value", item)
        yield (item.decode("utf-8", "replace") if isinstance(item, bytes) else str(item)).strip()


def _written(path: Path, where: str, text: str, keep_existing: bool, dry_run: bool) -> Tag:
    file = _opened(path, where)
    existing = _all_keys(path)
    if existing == [text] and text in _keys(file.tags):
        return Tag(text, State.SAME)
    if keep_existing and existing:
        return Tag(existing[0], State.KEPT)
    if dry_run:
        return Tag(text, State.PLANNED)
    if not os.access(path, os.W_OK):
        raise AudioError(where, "its tag is not written: the file is read-only")
    with copy_in_its_place(path) as copy:
        _save(_opened(copy, where), copy, text)
        after = _opened(copy, where)
        if _all_keys(copy) != [text] or after.info.length != file.info.length:
            raise AudioError(where, "its tag does not read back as written; the file is as it was")
    return Tag(text, State.WRITTEN)


@bounded(whole=True)
def _opened(path: Path, where: str) -> Any:  # mutagen's own types take its tags for None
    """The file with tags, empty ones where it has none."""
    file = mutagen.File(path)
    if file is not None and file.tags is None:
        with suppress(NotImplementedError, *DAMAGED):
            file.add_tags()
    if file is None or not isinstance(file.tags, ID3 | MP4Tags | ASFTags | APEv2 | VCommentDict):
        raise AudioError(where, "no tag for a key in this kind of file; convert it, or leave it be")
    return file


def _all_keys(path: Path) -> list[str]:
    """The keys that any of the file's tags name, each once."""
    with open(path, "rb") as stream:
        return list(
            dict.fromkeys(key for tags in all_tags(stream, path.name) for key in _keys(tags))
        )


def _keys(tags: Tags) -> list[str]:
    """The keys that tags name, in whichever field."""
    return [text for field in _key_fields(tags) for text in texts(tags[field]) if text]


def _key_fields(tags: Tags) -> list[str]:
    return [field for field, _ in tags.items() if plain_name(field) in KEY_FIELDS]


@bounded(whole=True)
def _save(file: Any, path: Path, text: str) -> None:
    _save_own(file, path, text)
    for kind in {ID3, APEv2} - set(type(file.tags).__mro__):
        with suppress(*DAMAGED):  # MutagenError where there are none
            _drop_keys(kind(path), path)


def _save_own(file: Any, path: Path, text: str) -> None:
    """Into the tags of the format's own kind."""
    for field in _key_fields(file.tags):
        del file.tags[field]
    match file.tags:
        case ID3():
            _save_id3(file, path, text)
            return
        case MP4Tags():
            value = MP4FreeForm(text.encode(), AtomDataType.UTF8)
            file.tags["----:com.apple.iTunes:initialkey"] = [value]
        case ASFTags():
            file.tags["WM/InitialKey"] = [text]
        case APEv2():
            file.tags["INITIALKEY"] = text
        case VCommentDict():
            file.tags["INITIALKEY"] = [text]
    file.save(path)


def _save_id3(file: Any, path: Path, text: str) -> None:
    """In the version that the file has, 2.3 or 2.4; else in 2.3, which every player reads.

    Frames are not translated from one version to the other and back. An ID3v1 tag, which has no
    field for a key, stays as it is: mutagen would fill it from the frames.
    """
    version = file.tags.version[:2] if len(file.tags) or file.tags.unknown_frames else (0, 0)
    if version in ((2, 3), (2, 4)):
        tags = type(file.tags)(path, translate=False)
        for field in _key_fields(tags):
            del tags[field]
    else:
        tags = file.tags
        tags.update_to_v23()
    tags.add(TKEY(encoding=Encoding.LATIN1 if text.isascii() else Encoding.UTF16, text=[text]))
    with id3v1_kept(path):
        tags.save(path, v2_version=4 if version == (2, 4) else 3, v23_sep=None)


def _drop_keys(tags: Any, path: Path) -> None:
    """Out of tags that programs put before or behind the format's own."""
    fields = _key_fields(tags)
    for field in fields:
        del tags[field]
    if fields:
        with id3v1_kept(path):
            tags.save(path)
