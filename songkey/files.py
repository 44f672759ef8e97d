"""The audio files below a folder."""

import os
from pathlib import Path

from songkey.errors import AudioKeyError, printable

AUDIO_ENDINGS = (
    ".aac", ".aif", ".aifc", ".aiff", ".ape", ".au", ".caf", ".flac", ".m4a", ".m4b", ".mka",
    ".mkv", ".mov", ".mp2", ".mp3", ".mp4", ".mpc", ".oga", ".ogg", ".opus", ".tta", ".w64",
    ".wav", ".wave", ".webm", ".wma", ".wv",
)  # fmt: skip


def audio_files(root: Path) -> dict[str, Path]:
    """All audio files below `root` by their path from it, in order; hidden ones are passed over.

    Raises AudioKeyError when there is no such folder or no audio file in it.
    """
    if not root.is_dir():
        raise AudioKeyError(
            f"{printable(root)}: no such folder; give the folder that holds the music"
        )
    files, seen = {}, set()
    for place, folders, names in os.walk(root, onerror=_refuse, followlinks=True):
        if (real := os.path.realpath(place)) in seen:  # a link that leads back
            folders.clear()
            continue
        seen.add(real)
        folders[:] = [name for name in folders if not name.startswith(".")]
        for path in (Path(place, name) for name in names if not name.startswith(".")):
            if path.suffix.lower() in AUDIO_ENDINGS:
                files[printable(path.relative_to(root).as_posix())] = path
    if not files:
        endings = " ".join(AUDIO_ENDINGS)
        raise AudioKeyError(
            f"{printable(root)}: no audio file in it or below; looked for {endings}"
        )
    return dict(sorted(files.items()))


def _refuse(error: OSError) -> None:
    """A folder that cannot be read is no empty folder."""
    raise error
