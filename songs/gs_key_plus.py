"""GiantSteps+: revised labels for the songs of gs_key, a test set of its own; name it with scores.

Labels: https://zenodo.org/records/1095691, keys.zip, CC BY-SA 4.0. Audio: that of gs_key; the
audio.zip of the same record holds the same songs in other files.
Cite: Á. Faraldo: "Tonality estimation in electronic dance music: a computational and musically
informed examination", PhD thesis, Universitat Pompeu Fabra, 2017.
Label rule: "keys_gs+/<id> <artist> - <title>.txt" names a tonic, a mode and often its variant:
"F minor dorian" is F minor. Of 600 songs 33 have no mode ("Eb other"). Those and songs with several
keys ("E major | E minor") are left out. All songs test.
"""

import re
from pathlib import Path

from settings.datasets import Datasets, Download
from songkey.keys import Key
from songs import gs_key
from songs.download import Failure, Remote
from songs.giantsteps import (
    Labelled,
    changed,
    downloaded,
    fetch_archive,
    key_of,
    labelled_songs,
    md5_files,
    not_downloaded,
    one_line,
    repository,
    texts_of,
)
from songs.ranking import UnusableError
from songs.song import LeftOut

NAME = "gs_key_plus"


def download(datasets: Datasets, settings: Download) -> list[Failure]:
    """Fetch gs_key, then the other labels; gives what is missing."""
    folder = Path(settings.dir) / NAME
    setting = datasets.gs_key_plus
    keys = Remote(folder / "keys.zip", setting.keys, setting.keys_checksum)
    failures = gs_key.download(datasets, settings)
    return failures + fetch_archive(keys, folder / "keys", settings)


def songs(datasets: Datasets, downloads: Path) -> Labelled:
    """The songs that were downloaded, and what was left out."""
    target = downloads / NAME / "keys"
    if not target.is_dir():
        raise not_downloaded(NAME, f"there are no labels in {target.parent}")
    texts = texts_of(target, r"(\d+) .*\.txt")
    if not texts:
        raise changed(target, "files '<id> <artist> - <title>.txt'")
    audio_folder = downloads / gs_key.NAME
    known = md5_files(repository(audio_folder))
    strangers = [LeftOut(one, "not a song of gs_key") for one in texts.keys() - known.keys()]
    texts = {song_id: text for song_id, text in texts.items() if song_id in known}
    found, left_out = labelled_songs(NAME, texts, key_of_label, "keys_gs+", audio_folder)
    return downloaded(NAME, found, left_out + strangers)


def key_of_label(text: str) -> Key:
    """The key of a label such as "F minor dorian"; raises UnusableError with the reason if none."""
    words = re.sub(r"\(.*?\)", " ", text).split()
    plain = one_line(" ".join(words))
    if len(re.findall(r"\b(?:major|minor|other)\b", plain)) > 1 or re.search(r"[|/,;]", plain):
        raise UnusableError(f"several keys: {plain}")
    if words[1:2] == ["other"]:
        raise UnusableError(f"no mode: {plain}")
    return key_of(" ".join(words[:2]))
