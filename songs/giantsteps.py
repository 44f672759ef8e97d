"""What the GiantSteps data sets share: their repositories, md5 files, and songs from mirrors.

A repository holds annotations/key/<id>.LOFI.key and md5/<id>.LOFI.md5, the md5 of <id>.LOFI.mp3.
GitHub's archive of it, whose bytes may change, puts all this below one folder. A mirror may answer
200 with an HTML page: only the md5 tells, so a song without a readable one is left out.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from settings.datasets import Download, GsKey, GsMtg
from songkey.audio import printable
from songkey.errors import AudioKeyError
from songkey.keys import Key, parse_key
from songs.archive import ArchiveError, extract
from songs.download import Failure, Remote, fetch_all
from songs.ranking import UnusableError, one_key
from songs.song import LeftOut, Song

Label = TypeVar("Label")
Labelled = tuple[list[Song], list[LeftOut]]


def fetch_songs(
    folder: Path,
    setting: GsKey | GsMtg,
    labelled: Callable[[Path, Path], Labelled],
    settings: Download,
) -> list[Failure]:
    """Fetch a repository's archive, then the audio of its `labelled` songs; gives what is missing.

    Raises AudioKeyError where there is no song: then the repository is not what it was.
    """
    archive = Remote(folder / "annotations.zip", tuple(setting.annotations), checksum="")
    if failures := fetch_archive(archive, folder / "annotations", settings):
        return failures
    root = repository(folder)
    md5_of = md5_files(root)
    remotes = [
        Remote(
            Path(song.audio_path),
            tuple(url.replace("{id}", song.song_id) for url in setting.audio),
            f"md5:{md5_of[song.song_id]}",
        )
        for song in labelled(root, folder)[0]
    ]
    if not remotes:
        raise AudioKeyError("the annotations list no song with a usable label and an md5")
    return fetch_all(remotes, settings)


def fetch_archive(archive: Remote, target: Path, settings: Download) -> list[Failure]:
    """Fetch an archive and extract it to `target`, from the first mirror whose archive is one."""
    if target.is_dir():
        return []
    reasons = []
    for url in archive.urls:
        if failures := fetch_all([replace(archive, urls=(url,))], settings):
            reasons += [failure.reason for failure in failures]
            continue
        try:
            extract(archive.path, target, settings.most_archive_bytes)
            return []
        except ArchiveError as error:
            archive.path.unlink()
            reasons.append(f"{url}: {error}")
    return [Failure(archive.path, "; ".join(reasons))]


def repository(folder: Path) -> Path:
    """The root of the repository that `fetch_songs` extracted: it holds annotations and md5.

    Raises AudioKeyError where there is none, or where it is not what it was.
    """
    target = folder / "annotations"
    if not target.is_dir():
        raise not_downloaded(folder.name, f"there are no annotations in {folder}")
    found = sorted(target.glob("*/annotations/key"))
    if not found:
        raise changed(target, "a folder annotations/key")
    return found[0].parent.parent


def changed(target: Path, lack: str) -> AudioKeyError:
    """The error for an extracted archive that is whole but not what it was."""
    return AudioKeyError(
        f"{target}: it lacks {lack}; the archive has changed: delete it and {target.name}.zip, and "
        "name another mirror in the settings"
    )


def not_downloaded(dataset: str, reason: str) -> AudioKeyError:
    """The error that says what is missing and how to get it."""
    return AudioKeyError(f"{dataset}: {reason}; run python -m shards download {dataset} first")


def labelled_songs(
    dataset: str,
    labels: Mapping[str, Label],
    key_of_label: Callable[[Label], Key],
    label_source: str,
    folder: Path,
) -> Labelled:
    """The songs, by id in `labels`, whose label gives one key; and the others.

    Each is a test song and a recording of its own; its audio is meant to lie in `folder`.
    """
    found, left_out = [], []
    for song_id, label in labels.items():
        try:
            key = key_of_label(label)
        except UnusableError as error:
            left_out.append(LeftOut(song_id, str(error)))
            continue
        path = str(folder / "audio" / f"{song_id}.LOFI.mp3")
        found.append(Song(song_id, dataset, path, key, song_id, label_source, 1.0, "test"))
    return found, left_out


def downloaded(dataset: str, songs: Sequence[Song], left_out: Sequence[LeftOut]) -> Labelled:
    """The songs whose audio is there; the others join `left_out`."""
    there = {song.song_id for song in songs if Path(song.audio_path).is_file()}
    if songs and not there:
        raise not_downloaded(dataset, f"none of its {len(songs)} songs is there")
    missing = [LeftOut(s.song_id, "not downloaded") for s in songs if s.song_id not in there]
    kept = [song for song in songs if song.song_id in there]
    return kept, sorted([*left_out, *missing], key=lambda one: one.song_id)


def key_of(label: str) -> Key:
    """The key that a label names; raises UnusableError where it is none of the 24.

    A tonic alone is none: its annotator left the mode open.
    """
    return one_key([one_line(label)], parse_key)


def one_line(text: str) -> str:
    """A text from a file as a reason can show it."""
    return printable(" ".join(text.split()))


def key_files(root: Path) -> dict[str, str]:
    """What the files annotations/key/<id>.LOFI.key say, by id; other files are passed over."""
    return texts_of(root / "annotations" / "key", r"(\d+)\.LOFI\.key")


def md5_files(root: Path) -> dict[str, str]:
    """The md5 of each song's audio by id, "" where its file holds none."""
    texts = texts_of(root / "md5", r"(\d+)\.LOFI\.md5")
    found = {one: re.match(r"\s*([0-9a-fA-F]{32})(?!\S)", text) for one, text in texts.items()}
    return {song_id: match[1].lower() if match else "" for song_id, match in found.items()}


def with_md5(songs: Sequence[Song], listed: Iterable[str], md5_of: Mapping[str, str]) -> Labelled:
    """The songs whose md5 is known; left out are the others, and md5 files of no `listed` song."""
    strangers = md5_of.keys() - set(listed)
    unreadable = [song.song_id for song in songs if md5_of.get(song.song_id) == ""]
    without = [song.song_id for song in songs if song.song_id not in md5_of]
    return [song for song in songs if md5_of.get(song.song_id)], [
        *(LeftOut(song_id, "md5 file without a song") for song_id in strangers),
        *(LeftOut(song_id, "md5 file holds no md5") for song_id in unreadable),
        *(LeftOut(song_id, "no md5 file") for song_id in without),
    ]


def texts_of(folder: Path, name: str) -> dict[str, str]:
    """The texts of the files below `folder` whose names match, by the id that the match gives.

    What is not UTF-8 becomes U+FFFD.
    """
    matches = [(re.fullmatch(name, path.name, re.ASCII), path) for path in folder.rglob("*")]
    found = sorted((match[1], path) for match, path in matches if match)
    return {song_id: path.read_text("utf-8", "replace") for song_id, path in found}
