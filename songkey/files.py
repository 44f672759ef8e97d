"""The audio files below a folder."""

import os
import stat
from pathlib import Path

from songkey.errors import AudioError, AudioKeyError, one_line, printable

AUDIO_ENDINGS = (  # of what libsndfile or FFmpeg read; which it is its bytes alone say
    ".3g2", ".3gp", ".8svx", ".aa3", ".aac", ".ac3", ".adts", ".aif", ".aifc", ".aiff", ".amr",
    ".ape", ".asf", ".ast", ".au", ".avi", ".awb", ".bwf", ".caf", ".dff", ".dsf", ".dts",
    ".dtshd", ".eac3", ".ec3", ".f4a", ".f4b", ".f4v", ".flac", ".flv", ".m2a", ".m2ts", ".m4a",
    ".m4b", ".m4p", ".m4r", ".m4v", ".mka", ".mkv", ".mlp", ".mov", ".mp+", ".mp1", ".mp2", ".mp3",
    ".mp4", ".mpa", ".mpc", ".mpeg", ".mpg", ".mpga", ".mpp", ".mts", ".nist", ".oga", ".ogg",
    ".ogm", ".ogv", ".ogx", ".oma", ".opus", ".qcp", ".qoa", ".ra", ".rf64", ".rm", ".rmvb",
    ".shn", ".snd", ".sph", ".spx", ".tak", ".thd", ".truehd", ".tta", ".vob", ".voc", ".vqf",
    ".w64", ".wav", ".wave", ".weba", ".webm", ".wma", ".wmv", ".wv", ".xwma",
)  # fmt: skip
NO_FILES = (
    (stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"), (stat.S_ISBLK, "a device"),
)  # fmt: skip


def audio_files(root: Path) -> tuple[dict[str, Path], list[AudioError]]:
    """All audio files below `root` by their path from it, in order, and folders not readable.

    Hidden ones are passed over. Raises AudioKeyError where there is no such folder, or nothing in
    it of either kind.
    """
    if not root.is_dir():
        raise AudioKeyError(
            f"{printable(root)}: no such folder; give the folder that holds the music"
        )
    files: dict[str, Path] = {}
    unreadable: list[AudioError] = []
    seen = set()

    def pass_over(error: OSError) -> None:
        where, why = printable(error.filename), error.strerror
        unreadable.append(
            AudioError(where, f"folder not readable: {why}; what is in it is left out")
        )

    for place, folders, names in os.walk(root, onerror=pass_over, followlinks=True):
        if (real := os.path.realpath(place)) in seen:  # a link that leads back
            folders.clear()
            continue
        seen.add(real)
        folders[:] = [name for name in folders if not name.startswith(".")]
        for path in (Path(place, name) for name in names if not name.startswith(".")):
            if path.suffix.lower() in AUDIO_ENDINGS:
                files[one_line(printable(path.relative_to(root).as_posix()))] = path
    if not files and not unreadable:
        endings = " ".join(AUDIO_ENDINGS)
        raise AudioKeyError(
            f"{printable(root)}: no audio file in it or below; looked for {endings}"
        )
    return dict(sorted(files.items())), unreadable


def require_file(path: str | Path) -> None:
    """Raises AudioError for what is there and no file: reading a pipe may wait for ever."""
    mode = os.stat(path).st_mode
    if not stat.S_ISREG(mode):
        kind = next((kind for is_kind, kind in NO_FILES if is_kind(mode)), "no file")
        raise AudioError(printable(path), f"not a file: it is {kind}; give a file of music")
