"""What tells songs apart before they are packed: digests of all that packing takes from them."""

import hashlib
from collections.abc import Iterable, Sequence

from songs import synthetic
from songs.song import MADE, Song
from storage.places import RemotePath, place_of

NOT_THERE = "not there"


def songs_digest(songs: Sequence[Song]) -> str:
    """How many songs, and a digest of all that packing takes from them: '155 songs, 0b1c...'."""
    ordered = sorted(songs, key=lambda song: song.song_id)
    return digest_of(len(songs), map(song_line, ordered))


def digest_of(count: int, lines: Iterable[str]) -> str:
    """The same, of the lines of so many songs in their order."""
    return f"{count} songs, {short_digest(lines)}"


def layout_digest(count: int, tasks: Iterable[tuple[str, str]], changes_sha256: str) -> str:
    """The same of a split: its songs, in which tasks they lie, and what is changed in those."""
    lines = [f"{name} {songs}" for name, songs in tasks]
    return digest_of(count, [*lines, changes_sha256])


def short_digest(lines: Iterable[str]) -> str:
    """16 hexadecimal digits of lines."""
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()[:16]


def song_line(song: Song) -> str:
    """All that packing takes from a song."""
    labels = [song.song_id, song.recording_id, str(song.key), song.label_source]
    known = {
        "": song.genre, "name ": song.name, "identity ": song.identity, "content ": song.content
    }  # fmt: skip
    more = [f"{field}{value}" for field, value in known.items() if value]
    return "\t".join([*labels, str(song.confidence), _source(song), *more])


def source_of(song: Song) -> str:
    """The same of its sound alone: short, and empty where nothing is known."""
    source = _source(song)
    if song.audio_path.startswith(MADE):
        return short_digest([source])
    return "" if source in (NOT_THERE, str(None)) else source


def _source(song: Song) -> str:
    """What tells a song's sound from another's without decoding it."""
    if song.audio_path.startswith(MADE):
        return f"{song.audio_path} {synthetic.VERSION}"
    path = place_of(song.audio_path)
    if isinstance(path, RemotePath):
        return str(song.audio_bytes)
    return str(path.stat().st_size) if path.is_file() else NOT_THERE
