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
None is drawn for test, whatever split.test_fraction says.
"""

import re
from dataclasses import replace
from functools import partial
from pathlib import Path

from settings.datasets import Datasets, Download, GsMtg
from songkey.keys import Key
from songs.download import Failure
from songs.giantsteps import (
    Labelled,
    downloaded,
    fetch_songs,
    key_of,
    labelled_songs,
    md5_files,
    one_line,
    repository,
    with_md5,
)
from songs.gs_mtg_tables import Row, annotation_rows, comments, names_and_genres
from songs.ranking import UnusableError
from songs.recordings import recording_ids

NAME = "gs_mtg"
HIGHEST_CONFIDENCE = 2


def download(datasets: Datasets, settings: Download) -> list[Failure]:
    """Fetch the annotations, then the audio of the songs with a usable label."""
    setting = datasets.gs_mtg
    of_setting = partial(labelled, setting=setting)
    return fetch_songs(Path(settings.dir) / NAME, setting, of_setting, settings)


def songs(datasets: Datasets, downloads: Path) -> Labelled:
    """The songs that were downloaded, and what was left out."""
    folder = downloads / NAME
    return downloaded(NAME, *labelled(repository(folder), folder, datasets.gs_mtg))


def labelled(root: Path, folder: Path, setting: GsMtg) -> Labelled:
    """What the repository at `root` lists, whether its audio is in `folder` or not."""
    rows, badly_listed = annotation_rows(root)
    md5_of, comment_of, known = md5_files(root), comments(root), names_and_genres(root)
    name_of = {song_id: name for song_id, (name, _) in known.items()}
    # Over all songs, so that a recording keeps its name, and with it its split, whatever is wanted.
    recording_of = recording_ids(sorted({*rows, *md5_of}), [md5_of, name_of])

    def key_of_row(row: Row) -> Key:
        return usable_key(row, comment_of.get(row.song_id), setting)

    found, left_out = labelled_songs(NAME, rows, key_of_row, "annotations.txt", folder)
    found, unverified = with_md5(found, [*rows, *(one.song_id for one in badly_listed)], md5_of)
    trained_on = [
        replace(
            song,
            split="",
            testable=False,
            recording_id=recording_of[song.song_id],
            confidence=int(rows[song.song_id].confidence) / HIGHEST_CONFIDENCE,
            genre=known.get(song.song_id, ("", ""))[1],
            name=name_of.get(song.song_id, ""),
        )
        for song in found
    ]
    return trained_on, badly_listed + left_out + unverified


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
