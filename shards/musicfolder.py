"""The audio files of a user's folder, here or at an address."""

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from pipeline.audio import printable
from pipeline.files import AUDIO_ENDINGS, audio_files
from pipeline.storage import Place

# S3's ETag is an MD5, or one of the parts' MD5s where a file was sent in parts; other stores' ETags
# number versions.
CONTENT_ETAG = r'"?([0-9a-f]{32}(-[0-9]+)?)"?'


@dataclass(frozen=True)
class AudioFile:
    """An audio file; what its store tells of it, where it lies at an address."""

    place: Place
    bytes: int | None = None
    checksum: str = ""  # of its content; "" where it has to be read for one


def found_in(root: Place) -> dict[str, AudioFile]:
    """All audio files below `root` by their path from it, in order; hidden ones are passed over.

    Raises ValueError when there is no audio file in it.
    """
    if isinstance(root, Path):
        return {path: AudioFile(file) for path, file in audio_files(root).items()}
    files = {
        printable(path): AudioFile(root / path, info["size"], _checksum(info))
        for path, info in root.find().items()
        if _is_audio(PurePosixPath(path))
    }
    if not files:
        endings = " ".join(AUDIO_ENDINGS)
        raise ValueError(
            f"{root}: no such folder, or no audio file in it or below; looked for {endings}"
        )
    return dict(sorted(files.items()))


def _is_audio(path: PurePosixPath) -> bool:
    hidden = any(part.startswith(".") for part in path.parts)
    return not hidden and path.suffix.lower() in AUDIO_ENDINGS


def _checksum(info: dict[str, Any]) -> str:
    """What the store says of a file's content: S3's ETag, or Google's MD5."""
    if match := re.fullmatch(CONTENT_ETAG, info.get("ETag") or ""):
        return match[1]
    return info.get("md5Hash") or ""
