"""NoCopyrightSounds (NCS): electronic music, about 1,500 releases; trains, and tests apart.

Listing: https://ncs.io/music?page=N; audio: the mp3 that each release names in its data-url.
Licence: free to use in videos under NCS's policy (https://ncs.io/usage-policy), but every track
stays under copyright: never redistribute the audio, or shards made of it.
Labels: ncs.io has no keys. They come from the first of these sources that knows a song:
1. what datasets.ncs.labels names: a label file or DJ's collection (see ncs_labels.py);
2. key tags in the downloaded files, as a DJ program writes them (see tags.py).
Or datasets.ncs.labels is a folder: the old archives (train|validation/Ab-maj/*.mp3), or your own
copies with key tags. Then that is the data set (see folder.py), and nothing is downloaded.
Keys from Beatport, as the old archives have them, agree with experts on 74% of songs: good enough
to train on, weak as a test set. Report NCS by itself.
"""

import logging
from pathlib import Path

from settings.datasets import Datasets, Download, Ncs
from songkey.errors import AudioKeyError
from songs import folder as music_folder
from songs.download import Failure, Remote, fetch_all
from songs.ncs_labels import WHAT_WOULD_DO, Label, read_labels
from songs.ncs_listing import Release, fetch_listing, read_listing, write_listing
from songs.ncs_match import match_labels
from songs.ranking import UnusableError, one_key
from songs.song import LeftOut, Song
from songs.tags import key_tags
from songs.titles import song_name

NAME = "ncs"
LISTING, AUDIO = "listing.jsonl", "audio"  # in the download folder

log = logging.getLogger(__name__)


def download(datasets: Datasets, settings: Download) -> list[Failure]:
    """Fetch the listing, unless it is there, and the audio; gives what is missing.

    A wrong label file is refused before anything is fetched.
    """
    setting, folder = datasets.ncs, Path(settings.dir) / NAME
    if _is_folder(setting.labels):
        log.info("ncs: the songs are those in %s; nothing to download", setting.labels)
        return []
    if setting.labels:
        read_labels(Path(setting.labels))
    else:
        log.warning("ncs: packing will need keys: %s", WHAT_WOULD_DO)
    releases = _listing(folder / LISTING, setting, settings)
    remotes = [
        Remote(folder / AUDIO / release.file, (release.url,), "")
        for release in releases
        if not release.lack
    ]
    if lacking := len(releases) - len(remotes):
        log.warning("ncs: %d releases cannot be fetched: no data-tid or data-url", lacking)
    return fetch_all(remotes, settings)


def songs(datasets: Datasets, downloads: Path) -> tuple[list[Song], list[LeftOut]]:
    """The labelled songs that are downloaded, and what was left out.

    Raises AudioKeyError where there is no source of keys, and where nothing is downloaded.
    """
    labels, folder = datasets.ncs.labels, downloads / NAME
    if _is_folder(labels):
        return music_folder.songs(labels, NAME)
    stated = read_labels(Path(labels)) if labels else []
    releases = _downloaded(folder, labels)
    usable = {release.tid: release for release in releases if not release.lack}
    labels_of, left_out = match_labels(stated, usable.values())
    found = []
    for release in releases:
        try:
            found.append(_song(release, folder / AUDIO, labels_of.get(release.tid, [])))
        except UnusableError as error:
            left_out.append(LeftOut(release.tid or release.title or "?", str(error)))
    if not found and not labels:
        raise AudioKeyError(
            f"ncs: no key is known, the downloaded files have no tags: {WHAT_WOULD_DO}"
        )
    return found, left_out


def _is_folder(labels: str) -> bool:
    return bool(labels) and Path(labels).is_dir()


def _listing(path: Path, setting: Ncs, settings: Download) -> list[Release]:
    if path.exists():
        log.info("ncs: the listing is %s; remove it to ask for new releases", path)
        return read_listing(path)
    releases = fetch_listing(
        setting.listing_url, setting.pause_seconds, setting.expected_releases, settings
    )
    write_listing(path, releases)
    return releases


def _downloaded(folder: Path, labels: str) -> list[Release]:
    """The listing; AudioKeyError if there is none, or not one of its songs."""
    path = folder / LISTING
    releases = read_listing(path) if path.exists() else []
    whole = (release for release in releases if not release.lack)
    if any((folder / AUDIO / release.file).is_file() for release in whole):
        return releases
    keys = "" if labels else f". It will need keys, too: {WHAT_WOULD_DO}"
    raise AudioKeyError(
        f"ncs: nothing is downloaded in {folder}; run python -m shards download ncs first{keys}"
    )


def _song(release: Release, audio: Path, labels: list[Label]) -> Song:
    path = audio / release.file
    if release.lack:
        raise UnusableError(release.lack)
    if not path.is_file():
        raise UnusableError("not downloaded")
    texts = [label.key for label in labels] or key_tags(path)
    if not texts:
        raise UnusableError("no label")
    name = song_name(release.artist, release.title)
    return Song(
        song_id=release.tid,
        dataset=NAME,
        audio_path=str(path),
        key=one_key(texts),
        recording_id=name or release.tid,
        label_source=labels[0].source if labels else "tag",
        confidence=1.0,
        genre=release.genre,
        name=name,
    )
