"""A user's own music: the audio files under a folder, with keys as ranking.py finds them.

Files in a folder named train, valid, validation or test keep that split. Files of one sound, or of
one artist and title, are one recording (see recordings.py). What has no usable label is left out
with a reason.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

from songkey.errors import FILE_NOT_FOUND, AudioError
from songkey.files import require_file
from songkey.passing import PassingAudioError, patiently, read_failure
from songs.djtables import table_rows
from songs.ears import Ears, heard
from songs.knownfiles import KnownFiles
from songs.labels import listed_rows
from songs.musicfolder import AudioFile, found_in
from songs.ranking import UnusableError, one_key, said
from songs.recordings import united
from songs.rows import Row, first_of
from songs.song import LeftOut, Song
from songs.tags import key_tags
from storage.places import Place, place_of
from storage.staging import local_copy

SPLITS = {"train": "train", "valid": "valid", "validation": "valid", "test": "test"}
AT_ONCE = 8  # files of an address that are asked for their tags at the same time

T = TypeVar("T")


def songs(
    folder: str | Path,
    dataset: str,
    tables: Iterable[str] = (),
    ears: Ears | None = None,
) -> tuple[list[Song], list[LeftOut]]:
    """The labelled songs under `folder` and what was left out, each in order of the paths.

    The folder may be an address, and so may the `tables` of DJ programs beside those in it. With
    `ears` copies of a recording are known by their sound, else by their tags alone. Raises
    AudioKeyError where there is no such folder, or no audio file in it, PassingAudioError for a
    file that again and again could not be read.
    """
    root = place_of(folder)
    files, unreadable = found_in(root)
    listed, unmatched = listed_rows(root, files)
    in_tables, ambiguous = table_rows(root, files, map(place_of, tables))
    rows_of, not_settled = first_of(listed, in_tables)
    left_out = unreadable + unmatched + ambiguous + not_settled
    found: list[Song] = []
    with ears.known(dataset) if ears else KnownFiles() as known:
        make = partial(patiently, _song, dataset, rows_of, partial(_tags, known))
        with ThreadPoolExecutor(AT_ONCE) as threads:
            in_turn = map if isinstance(root, Path) else threads.map
            for outcome in in_turn(make, files, files.values()):
                if isinstance(outcome, Song):
                    found.append(outcome)
                else:
                    left_out.append(outcome)
        found, in_conflict = united(heard(found, known, ears))
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
    try:
        if isinstance(file.place, Path):
            require_file(file.place)
        # At an address tags are a request for each file.
        compared = isinstance(file.place, Path)
        label = said(song_id, rows_of.get(song_id, []), partial(tags, file.place), compared)
        recording = _one(label.rows, "recording", str, "")
        content = _content(file, bool(recording))
        return Song(
            song_id=song_id,
            dataset=dataset,
            audio_path=str(file.place),
            key=one_key(label.texts, sources=label.sources),
            recording_id=recording or content,
            label_source=label.source,
            confidence=_one(label.rows, "confidence", _confidence, 1.0),
            split=_one(label.rows, "split", _split, "") or _split_above(song_id),
            audio_bytes=file.bytes,
            genre=_one(label.rows, "genre", str, ""),
            content=content,
            doubt=label.doubt,
        )
    except UnusableError as error:
        return LeftOut(song_id, str(error))
    except PassingAudioError:
        raise
    except AudioError as error:
        return LeftOut(song_id, error.reason)
    except FileNotFoundError:
        return LeftOut(song_id, FILE_NOT_FOUND)
    except OSError as error:
        if isinstance(failed := read_failure(file.place, error), PassingAudioError):
            raise failed from error
        return LeftOut(song_id, failed.reason)


def _one(rows: Sequence[Row], column: str, read: Callable[[str], T], default: T) -> T:
    """What the rows of a song that say something in a column all say."""
    told = {read(text): text for row in rows if (text := getattr(row, column))}
    if len(told) > 1:
        raise UnusableError(f"conflicting {column}: {', '.join(sorted(map(repr, told.values())))}")
    return next(iter(told), default)


def _confidence(text: str) -> float:
    """A share as spreadsheets write it: 0.9, 0,9 or 90%."""
    try:
        number = float(text.removesuffix("%").replace(",", "."))
    except ValueError:
        number = -1.0
    confidence = number / 100 if text.endswith("%") else number
    if not 0 <= confidence <= 1:
        raise UnusableError(f"confidence is not a number from 0 to 1: {text}")
    return confidence


def _split(text: str) -> str:
    if text.lower() not in SPLITS:
        raise UnusableError(f"split is none of {', '.join(SPLITS)}: {text}")
    return SPLITS[text.lower()]


def _split_above(song_id: str) -> str:
    """The split that the outermost folder of such a name says; "" if none."""
    names = map(str.lower, song_id.split("/")[:-1])
    return next((SPLITS[name] for name in names if name in SPLITS), "")


def _content(file: AudioFile, is_named: bool) -> str:
    """The MD5 of a file at an address, which most stores tell unasked; "" here, where it is heard.

    Where the store does not, the file is read for it, unless its recording `is_named`.
    """
    if file.md5 or isinstance(file.place, Path) or is_named:
        return file.md5
    with local_copy(file.place) as path, open(path, "rb") as opened:
        digest = hashlib.file_digest(opened, lambda: hashlib.md5(usedforsecurity=False))
    return digest.hexdigest()
