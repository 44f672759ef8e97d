"""Songs with what tells their recordings: the sound of their files, and the names in their tags."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from queue import SimpleQueue

from tqdm import tqdm

from songkey.errors import AudioError
from songkey.passing import PassingAudioError, patiently, read_failure
from songkey.tagging import plain_name, texts
from songs.guardedear import GuardedEar
from songs.knownfiles import Known, KnownFiles
from songs.song import MADE, UNREAD, Song
from songs.tags import tags_of
from songs.titles import telling_name
from storage.places import place_of

ARTIST = ("artist", "tpe1", "©art", "author")  # Vorbis and APE, ID3, MP4, ASF
TITLE = ("title", "tit2", "©nam")


@dataclass(frozen=True)
class Ears:
    """How files are heard while songs are listed, and where what was heard is kept."""

    processes: int  # that decode
    folder: Path  # of the tables of known files
    afresh: bool = False  # those are not believed, and made anew

    def known(self, dataset: str) -> KnownFiles:
        """What was read of a data set's files before."""
        path = self.folder / f"files-{dataset}.jsonl"
        return KnownFiles(path, self.afresh)


def heard(songs: Sequence[Song], known: KnownFiles, ears: Ears | None) -> list[Song]:
    """The songs with the names of their files' tags and, with `ears`, their identities.

    Of files here; one at an address, or that cannot be read, gets none: packing says why. What the
    data set itself says of a song stays.
    """
    of_song = {song.song_id: _known_of(song, known) for song in songs}
    for song in songs:
        one = of_song[song.song_id]
        if one and one.name is None and not song.name:
            one.name = patiently(_name, Path(song.audio_path))
    if ears:
        waiting = [
            (Path(song.audio_path), one)
            for song in songs
            if (one := of_song[song.song_id]) and one.identity is None
        ]
        _hear(waiting, known, ears, songs[0].dataset if songs else "")
    return [
        replace(
            song, name=song.name or one.name or "", identity=one.identity or "", seconds=one.seconds
        )
        if (one := of_song[song.song_id])
        else song
        for song in songs
    ]


def _name(file: Path) -> str | None:
    """As `tagged_name`; None of what may be readable another time, PassingAudioError if soon."""
    try:
        return tagged_name(file)
    except OSError as error:
        if isinstance(failed := read_failure(file, error), PassingAudioError):
            raise failed from error
        return None


def tagged_name(file: Path) -> str:
    """Artist and title in the first of a file's tags that tell them, as `telling_name` has them."""
    for tags in tags_of(file):
        fields = {plain_name(name): value for name, value in tags.items()}
        if name := telling_name(_text(fields, ARTIST), _text(fields, TITLE)):
            return name
    return ""


def _text(fields: dict[str, object], names: Sequence[str]) -> str:
    """All values of the first field that is there: a song may have several artists."""
    value = next((fields[name] for name in names if name in fields), [])
    return ", ".join(texts(value))


def _known_of(song: Song, known: KnownFiles) -> Known | None:
    if song.audio_path.startswith(MADE):
        return None
    place = place_of(song.audio_path)
    with suppress(OSError):
        return known.of(place) if isinstance(place, Path) else None
    return None


def _hear(
    waiting: Sequence[tuple[Path, Known]], known: KnownFiles, ears: Ears, dataset: str
) -> None:
    """Fill in the identities and lengths of files that were not heard before."""
    if not waiting:
        return
    free: SimpleQueue[GuardedEar] = SimpleQueue()
    count = min(ears.processes, len(waiting))
    with ExitStack() as stack:
        threads = ThreadPoolExecutor(count)
        stack.callback(threads.shutdown)
        for _ in range(count):
            free.put(stack.enter_context(GuardedEar()))
        # An interruption begins no other file, then ends those that are being heard.
        stack.callback(threads.shutdown, wait=False, cancel_futures=True)
        hear = partial(_sound, free)
        results = threads.map(hear, [file for file, _ in waiting])
        title = f"listening to {dataset}"
        bar = tqdm(results, total=len(waiting), desc=title, unit="file", disable=None)
        for (_, one), (identity, seconds) in zip(waiting, bar, strict=True):
            one.identity, one.seconds = identity, seconds
            known.save_now_and_then()


def _sound(free: "SimpleQueue[GuardedEar]", file: Path) -> tuple[str | None, float]:
    """The identity of a file, and how long its header says that it lasts.

    "" of what cannot be decoded, None of what may be readable another time.
    Raises PassingAudioError where again and again it could not be read: nothing is concluded.
    """
    ear = free.get()
    try:
        identity = patiently(ear.identity, str(file))
        return identity, _length(ear, file)
    except PassingAudioError:
        raise
    except AudioError as error:
        return None if error.reason.startswith(UNREAD) else "", 0.0
    finally:
        free.put(ear)


def _length(ear: GuardedEar, file: Path) -> float:
    """0 where the header cannot be made out, though the sound was."""
    try:
        return patiently(ear.header_seconds, str(file))
    except AudioError as error:
        if isinstance(error, PassingAudioError) or error.reason.startswith(UNREAD):
            raise
        return 0.0
