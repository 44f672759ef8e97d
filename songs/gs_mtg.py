"""GiantSteps MTG Key: 1486 two-minute previews of electronic dance music, a training set.

Labels: https://github.com/GiantSteps/giantsteps-mtg-key-dataset, whose README names no licence; a
revision of them, not used here, is https://zenodo.org/records/1101082, CC BY-SA 4.0.
Audio: https://www.cp.jku.at/datasets/giantsteps/mtg_key_backup/<id>.LOFI.mp3, copyright of its
owners; it is for research only, never to be passed on.
Cite: Á. Faraldo: "Tonality estimation in electronic dance music: a computational and musically
informed examination", PhD thesis, Universitat Pompeu Fabra, 2017.
Label rule: annotations/annotations.txt names one tonic and one mode, with a confidence C of at
least the set one: of 1486 songs 73 have no key and 64 several; with C = 2 remain 1159. Where only
songs without a remark are wanted, the third column of annotations/key/<id>.LOFI.key is empty: 1077.
Files of one sound, or of one artist and title, are one recording, so that none is in two splits.
"""

import re
from pathlib import Path

from settings.sections import Datasets, Download, GsMtg
from songkey.keys import Key
from songs.download import Failure
from songs.folder import UnusableError
from songs.giantsteps import (
    audio_path,
    downloaded,
    fetch_repository,
    fetch_songs,
    key_of,
    md5_files,
    one_line,
    repository,
    with_md5,
)
from songs.gs_mtg_tables import Row, annotation_rows, comments, genres, song_names
from songs.recordings import recording_ids
from songs.song import LeftOut, Song

NAME = "gs_mtg"
HIGHEST_CONFIDENCE = 2


def download(datasets: Datasets, settings: Download) -> list[Failure]:
    """Fetch the annotations, then the audio of the songs with a usable label."""
    folder = Path(settings.dir) / NAME
    setting = datasets.gs_mtg
    if failures := fetch_repository(folder, setting.annotations, settings):
        return failures
    root = repository(folder)
    found, _ = labelled(root, folder, setting)
    return fetch_songs(found, md5_files(root), setting.audio, settings)


def songs(datasets: Datasets, downloads: Path) -> tuple[list[Song], list[LeftOut]]:
    """The songs that were downloaded, and what was left out."""
    folder = downloads / NAME
    return downloaded(NAME, *labelled(repository(folder), folder, datasets.gs_mtg))


def labelled(root: Path, folder: Path, setting: GsMtg) -> tuple[list[Song], list[LeftOut]]:
    """What the repository at `root` lists, whether its audio is in `folder` or not."""
    rows, left_out = annotation_rows(root)
    md5_of = md5_files(root)
    comment_of = comments(root)
    # Over all songs, so that a recording keeps its name, and with it its split, whatever is wanted.
    recording_of = recording_ids(sorted({*rows, *md5_of}), [md5_of, song_names(root)])
    genre_of = genres(root)
    found = []
    for song_id, row in rows.items():
        try:
            key = usable_key(row, comment_of.get(song_id), setting)
        except UnusableError as error:
            left_out.append(LeftOut(song_id, str(error)))
        else:
            found.append(_song(row, key, recording_of[song_id], genre_of.get(song_id, ""), folder))
    listed = [*rows, *(one.song_id for one in left_out)]
    found, unverified = with_md5(found, listed, md5_of)
    return found, left_out + unverified


def usable_key(row: Row, comment: str | None, setting: GsMtg) -> Key:
    """The row's key; raises UnusableError where the label rule leaves the song out."""
    key = _key_of(row.key)
    if row.confidence not in ("0", "1", "2"):
        raise UnusableError(f"confidence is not 0, 1 or 2: {one_line(row.confidence)}")
    if int(row.confidence) < setting.minimum_confidence:
        raise UnusableError(f"low confidence: {row.confidence}")
    if setting.require_empty_comment and comment is None:
        raise UnusableError("no key file, so whether there is a comment is unknown")
    if setting.require_empty_comment and comment:
        raise UnusableError(f"comment: {one_line(comment)}")
    return key


def _key_of(text: str) -> Key:
    """As `key_of`; "-" is no key, and "A-A# minor", "A# major / minor" are several."""
    if text == "-":
        raise UnusableError("no key")
    try:
        return key_of(text)
    except UnusableError:
        if re.search("[/-]", text):
            raise UnusableError(f"several keys: {one_line(text)}") from None
        raise


def _song(row: Row, key: Key, recording_id: str, genre: str, folder: Path) -> Song:
    return Song(
        song_id=row.song_id,
        dataset=NAME,
        audio_path=audio_path(folder, row.song_id),
        key=key,
        recording_id=recording_id,
        label_source="annotations.txt",
        confidence=int(row.confidence) / HIGHEST_CONFIDENCE,
        genre=genre,
    )
