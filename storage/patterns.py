"""Texts that name many files: a folder, "*" as in a shell, and "{000..146}" for numbers."""

import glob
import os
from fnmatch import fnmatch
from pathlib import Path

from braceexpand import braceexpand

from songkey.errors import AudioKeyError
from storage.places import Place, RemotePath, place_of


def expanded(text: str, ending: str) -> list[Place]:
    """The files that a path or address names, in order; of a folder those of that `ending`.

    A single address is taken as it is, unless it ends in "/": then it is a folder. Of anything but
    a single address AudioKeyError where nothing is there.
    """
    path = Path(text).expanduser()
    if "://" not in text and path.exists():
        return (
            _globbed(f"{glob.escape(str(path))}/*{ending}") if path.is_dir() else [path.absolute()]
        )
    folder = f"*{ending}" if "://" in text and text.endswith("/") else ""
    return [place for one in braces_expanded(text) for place in _named(f"{one}{folder}")]


def braces_expanded(text: str) -> list[str]:
    """The texts that one with braces stands for; AudioKeyError where they do not match."""
    try:
        return list(braceexpand(text))
    except ValueError:
        raise AudioKeyError(f"{text}: its braces do not match; write {{000..146}}") from None


def _named(text: str) -> list[Place]:
    place = place_of(text)
    if isinstance(place, RemotePath):
        return _found_at(place) if "*" in place.url else [place]
    return _globbed(os.path.expanduser(place))


def _globbed(pattern: str) -> list[Place]:
    found: list[Place] = sorted(Path(path).absolute() for path in glob.glob(pattern))
    if not found:
        raise AudioKeyError(f"{pattern}: not there; check the path")
    return found


def _found_at(place: RemotePath) -> list[Place]:
    """The files at an address whose names fit a pattern with stars in its last part."""
    folder = place.parent
    names = sorted(name for name in folder.files() if fnmatch(name, place.name))
    if not names:
        raise AudioKeyError(
            f"{place}: nothing of that name is listed there; check the address, or name the files "
            "one by one, with {000..146} for many"
        )
    return [folder / name for name in names]
