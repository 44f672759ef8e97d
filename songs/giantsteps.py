"""What the GiantSteps data sets share: their repositories, md5 files, and songs from mirrors.

A repository holds annotations/key/<id>.LOFI.key and md5/<id>.LOFI.md5, the md5 of <id>.LOFI.mp3.
GitHub's archive of it, whose bytes may change, puts all this below one folder. A mirror may answer
200 with an HTML page: only the md5 tells, so a song without a readable one is left out.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from settings.sections import Download
from songkey.audio import printable
from songkey.errors import AudioKeyError
from songkey.keys import Key
from songs.archive import ArchiveError, extract
from songs.download import Failure, Remote, fetch_all
from songs.folder import UnusableError, one_key
from songs.song import LeftOut, Song


class NotDownloadedError(AudioKeyError):
    """A data set that is to be packed before it was downloaded."""


def fetch_repository(folder: Path, urls: Sequence[str], settings: Download) -> list[Failure]:
    """Fetch a repository's archive into a data set's folder, where `repository` finds it."""
    archive = Remote(folder / "annotations.zip", tuple(urls), checksum="")
    return fetch_archive(archive, folder / "annotations", settings)


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
    """The root of the repository that `fetch_repository` extracted: it holds annotations and md5.

    Raises NotDownloadedError where there is none, AudioKeyError where it is not what it was.
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


def not_downloaded(dataset: str, reason: str) -> NotDownloadedError:
    """The error that says what is missing and how to get it."""
    return NotDownloadedError(f"{dataset}: {reason}; run python -m shards download {dataset} first")


def fetch_songs(
    songs: Sequence[Song], md5_of: Mapping[str, str], urls: Sequence[str], settings: Download
) -> list[Failure]:
    """Fetch the songs' audio; each `{id}` in `urls` stands for the song's id.

    Raises AudioKeyError where there is no song: then the repository is not what it was.
    """
    if not songs:
        raise AudioKeyError("the annotations list no song with a usable label and an md5")
    remotes = [
        Remote(
            Path(song.audio_path),
            tuple(url.replace("{id}", song.song_id) for url in urls),
            f"md5:{md5_of[song.song_id]}",
        )
        for song in songs
    ]
    return fetch_all(remotes, settings)


def test_songs(
    dataset: str,
    texts: Mapping[str, str],
    key_of_text: Callable[[str], Key],
    label_source: str,
    folder: Path,
) -> tuple[list[Song], list[LeftOut]]:
    """The songs of a test set, by id in `texts`, whose text gives one key; and the others.

    Each is a recording of its own; its audio is meant to lie in the data set's `folder`.
    """
    found, left_out = [], []
    for song_id, text in sorted(texts.items()):
        try:
            key = key_of_text(text)
        except UnusableError as error:
            left_out.append(LeftOut(song_id, str(error)))
            continue
        path = audio_path(folder, song_id)
        found.append(Song(song_id, dataset, path, key, song_id, label_source, 1.0, "test"))
    return found, left_out


def audio_path(folder: Path, song_id: str) -> str:
    """Where a song's audio lies in its data set's folder."""
    return str(folder / "audio" / f"{song_id}.LOFI.mp3")


def downloaded(
    dataset: str, songs: Sequence[Song], left_out: Sequence[LeftOut]
) -> tuple[list[Song], list[LeftOut]]:
    """The songs whose audio is there; the others join `left_out`."""
    there = {song.song_id for song in songs if Path(song.audio_path).is_file()}
    if songs and not there:
        raise not_downloaded(dataset, f"none of its {len(songs)} songs is there")
    missing = [LeftOut(s.song_id, "not downloaded") for s in songs if s.song_id not in there]
    kept = [song for song in songs if song.song_id in there]
    return kept, sorted([*left_out, *missing], key=lambda one: one.song_id)


def key_of(label: str) -> Key:
    """The key that a label names; raises UnusableError where it is none of the 24."""
    return one_key([one_line(label)])


def one_line(text: str) -> str:
    """A text from a file as a reason can show it."""
    return printable(" ".join(text.split()))


def key_files(root: Path) -> dict[str, str]:
    """What the files annotations/key/<id>.LOFI.key say, by id; other files are passed over."""
    return _texts(root / "annotations" / "key", "key")


def md5_files(root: Path) -> dict[str, str]:
    """The md5 of each song's audio by id, "" where its file holds none."""
    words = {song_id: text.split()[:1] for song_id, text in _texts(root / "md5", "md5").items()}
    return {
        song_id: word[0].lower() if word and re.fullmatch("[0-9a-fA-F]{32}", word[0]) else ""
        for song_id, word in words.items()
    }


def with_md5(
    songs: Sequence[Song], listed: Iterable[str], md5_of: Mapping[str, str]
) -> tuple[list[Song], list[LeftOut]]:
    """The songs whose md5 is known; left out are the others, and md5 files of no `listed` song."""
    left_out = [
        LeftOut(song_id, "md5 file without a song") for song_id in md5_of.keys() - set(listed)
    ]
    for song in songs:
        if not md5_of.get(song.song_id):
            unreadable = song.song_id in md5_of
            reason = "md5 file holds no md5" if unreadable else "no md5 file"
            left_out.append(LeftOut(song.song_id, reason))
    return [song for song in songs if md5_of.get(song.song_id)], left_out


def _texts(folder: Path, ending: str) -> dict[str, str]:
    """The texts of the files <id>.LOFI.<ending>, by id; what is not UTF-8 becomes U+FFFD."""
    name = re.compile(rf"(\d+)\.LOFI\.{ending}", re.ASCII)
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    found = [(match[1], path) for path in paths if (match := name.fullmatch(path.name))]
    return {song_id: path.read_text("utf-8", "replace") for song_id, path in found}
