"""A user's own music: the audio files under a folder, with keys from the first of three sources.

1. A label file, labels.tsv or labels.csv, in the folder itself (see labels.py). It has the last
   word on the files it lists; an empty key there says that a file has none.
2. The nearest parent folder that is named by a key: `Ab-maj`, `C minor`.
3. The file's own tags (see tags.py).
Files in a folder named train, valid, validation or test keep that split. Files of one sound, or of
one artist and title, are one recording (see recordings.py). What has no usable label is left out
with a reason.
"""

import hashlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path

from songkey.errors import AudioError, AudioKeyError
from songkey.files import require_file
from songkey.keys import Key, KeyParseError, parse_key
from songs.ears import Listening, heard
from songs.knownfiles import KnownFiles
from songs.labels import Row, match, read_rows
from songs.musicfolder import AudioFile, found_in
from songs.recordings import united
from songs.song import LeftOut, Song
from songs.tags import key_tags
from storage.places import Place, place_of
from storage.staging import local_copy

SPLITS = {"train": "train", "valid": "valid", "validation": "valid", "test": "test"}
AT_ONCE = 8  # files of an address that are asked for their tags at the same time


class UnusableError(AudioKeyError):
    """Why a file gives no song: a phrase that can be counted, details after ": "."""


def songs(
    folder: str | Path, dataset: str, listening: Listening | None = None
) -> tuple[list[Song], list[LeftOut]]:
    """The labelled songs under `folder` and what was left out, each in order of the paths.

    With `listening` copies of a recording are known by their sound, else by their tags alone.
    The folder may be an address. Raises AudioKeyError where there is no such folder, or no audio
    file in it.
    """
    root = place_of(folder)
    files, unreadable = found_in(root)
    rows_of, unmatched = match(read_rows(root), files)
    left_out = unreadable + unmatched
    found: list[Song] = []
    with listening.known(dataset) if listening else KnownFiles() as known:
        make = partial(_song, dataset, rows_of, partial(_tags, known))
        with ThreadPoolExecutor(AT_ONCE) as threads:
            in_turn = map if isinstance(root, Path) else threads.map
            for outcome in in_turn(make, files, files.values()):
                if isinstance(outcome, Song):
                    found.append(outcome)
                else:
                    left_out.append(outcome)
        found, in_conflict = united(heard(found, known, listening))
    return found, sorted(left_out + in_conflict, key=lambda one: (one.song_id, one.reason))


def _tags(known: KnownFiles, place: Place) -> list[str]:
    """As `key_tags`, of a file here read once."""
    if not isinstance(place, Path):
        return key_tags(place)
    file = known.of(place)
    if file.keys is None:
        file.keys = key_tags(place)
    return file.keys


def _song(
    dataset: str, rows_of: Mapping[str, list[Row]], tags: Callable[[Place], list[str]],
    song_id: str, file: AudioFile,
) -> Song | LeftOut:  # fmt: skip
    rows = rows_of.get(song_id, [])
    row = rows[0] if rows else Row()
    try:
        if isinstance(file.place, Path):
            require_file(file.place)
        texts, label_source = _labels(song_id, file.place, rows, tags)
        return Song(
            song_id=song_id,
            dataset=dataset,
            audio_path=str(file.place),
            key=one_key(texts),
            recording_id=row.recording or _content_id(file),
            label_source=label_source,
            confidence=_confidence(row.confidence),
            split=_split(row.split, song_id),
            audio_bytes=file.bytes,
            genre=row.genre,
        )
    except UnusableError as error:
        return LeftOut(song_id, str(error))
    except AudioError as error:
        return LeftOut(song_id, error.reason)
    except FileNotFoundError:
        return LeftOut(song_id, "file not found")
    except OSError as error:
        return LeftOut(song_id, f"not readable: {error.strerror}")


def _labels(
    song_id: str, place: Place, rows: list[Row], tags: Callable[[Place], list[str]]
) -> tuple[list[str], str]:
    """What the first source that knows the file calls its key, and that source."""
    if rows:
        return [row.key for row in rows], rows[0].source
    for name in reversed(song_id.split("/")[:-1]):
        with suppress(KeyParseError):
            parse_key(name)
            return [name], "folder name"
    if texts := tags(place):
        return texts, "tag"
    raise UnusableError("no label")


def one_key(texts: list[str]) -> Key:
    """The one key that all the texts name; UnusableError if there is none or several."""
    keys: dict[Key | None, str] = {}
    for text in texts:
        try:
            keys[parse_key(text) if text else None] = text
        except KeyParseError as error:
            raise UnusableError(f"label does not parse: {text}") from error
    if len(keys) > 1:
        raise UnusableError(f"conflicting labels: {', '.join(map(repr, keys.values()))}")
    key = next(iter(keys))
    if key is None:
        raise UnusableError("no key")
    return key


def _confidence(text: str) -> float:
    try:
        confidence = float(text or 1)
    except ValueError:
        confidence = -1.0
    if not 0 <= confidence <= 1:
        raise UnusableError(f"confidence is not a number from 0 to 1: {text}")
    return confidence


def _split(text: str, song_id: str) -> str:
    """The split that the label file, else the outermost folder of such a name, says; "" if none."""
    if text and text.lower() not in SPLITS:
        raise UnusableError(f"split is none of {', '.join(SPLITS)}: {text}")
    names = [text, *song_id.split("/")[:-1]]
    return next((SPLITS[name.lower()] for name in names if name.lower() in SPLITS), "")


def _content_id(file: AudioFile) -> str:
    """The MD5 of a file at an address, which stores tell unasked; "" here, where it is heard."""
    if isinstance(file.place, Path):
        return ""
    if file.md5:
        return file.md5
    with local_copy(file.place) as path, open(path, "rb") as opened:
        digest = hashlib.file_digest(opened, lambda: hashlib.md5(usedforsecurity=False))
    return digest.hexdigest()
