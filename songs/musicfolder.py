"""The audio files of a user's folder, here or at an address."""

import base64
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from songkey.audio import printable
from songkey.errors import AudioKeyError, one_line
from songkey.files import AUDIO_ENDINGS, audio_files
from songs.song import LeftOut
from storage.places import Place

# S3's ETag, but of a file that was sent in parts ("<hex>-2"); other stores' ETags number versions.
MD5_ETAG = r'"?([0-9a-f]{32})"?'


@dataclass(frozen=True)
class AudioFile:
    """An audio file; what its store tells of it, where it lies at an address."""

    place: Place
    bytes: int | None = None
    md5: str = ""  # of its content, in hex; "" where it has to be read for one


def found_in(root: Place) -> tuple[dict[str, AudioFile], list[LeftOut]]:
    """All audio files below `root` by their path from it, in order, and folders not readable.

    Hidden ones are passed over. Raises AudioKeyError when there is no audio file in it.
    """
    if isinstance(root, Path):
        paths, unreadable = audio_files(root)
        left_out = [LeftOut(error.where, error.reason) for error in unreadable]
        return {path: AudioFile(file) for path, file in paths.items()}, left_out
    files = {
        one_line(printable(path)): AudioFile(root / path, info["size"], _md5(info))
        for path, info in root.find().items()
        if _is_audio(PurePosixPath(path))
    }
    if not files:
        endings = " ".join(AUDIO_ENDINGS)
        raise AudioKeyError(
            f"{root}: no such folder, or no audio file in it or below; looked for {endings}"
        )
    return dict(sorted(files.items())), []


def _is_audio(path: PurePosixPath) -> bool:
    hidden = any(part.startswith(".") for part in path.parts)
    return not hidden and path.suffix.lower() in AUDIO_ENDINGS


def _md5(info: dict[str, Any]) -> str:
    """The MD5 that the store tells of a file: S3's ETag, or Google's md5Hash; "" if none."""
    if match := re.fullmatch(MD5_ETAG, info.get("ETag") or ""):
        return match[1]
    return base64.b64decode(info.get("md5Hash") or "").hex()
