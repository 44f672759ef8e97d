"""What a command line names: files, folders, globs, and lists of paths on stdin."""

import codecs
import os
import sys
from collections.abc import Iterable, Iterator
from glob import glob, has_magic
from pathlib import Path

from songkey.errors import AudioError, AudioKeyError, printable
from songkey.files import audio_files

STDIN = "-"
MARKS = {  # that begin a list which Windows wrote
    codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"
}  # fmt: skip


def listed(words: Iterable[str]) -> Iterator[Path | AudioKeyError]:
    """The files that the words mean, in order, and an error in place of each that means none.

    "-" is a list of paths on stdin, one a line or NUL between them; "~" is the user's home; a
    folder means its audio files, a pattern such as "**/*.mp3" the files and folders it fits.
    """
    for word in words:
        for path in _stdin_lines() if word == STDIN else [word]:
            yield from [path] if isinstance(path, AudioKeyError) else _files(path)


def _stdin_lines() -> Iterator[str | AudioKeyError]:
    content = sys.stdin.buffer.read()
    for mark, encoding in MARKS.items():
        if content.startswith(mark):
            content = content.removeprefix(mark).decode(encoding, "replace").encode()
    for line in filter(None, content.split(b"\0") if b"\0" in content else content.splitlines()):
        try:
            yield os.fsdecode(line)
        except UnicodeDecodeError:  # on Windows alone
            where = line.decode("utf-8", "backslashreplace")
            reason = "not in UTF-8, as paths on stdin have to be: save the list anew"
            yield AudioError(where, reason)


def _files(word: str) -> Iterator[Path | AudioKeyError]:
    if os.path.exists(word):
        found = [word]
    elif has_magic(home := os.path.expanduser(word)):
        found = sorted(glob(home, recursive=True))
        if not found:
            yield AudioError(printable(word), "no file fits this pattern: check it")
    else:
        found = [home]
    for path in map(Path, found):
        if path.is_dir():
            yield from _in_folder(path)
        else:
            yield path


def _in_folder(folder: Path) -> Iterator[Path | AudioKeyError]:
    try:
        files, unreadable = audio_files(folder)
    except AudioKeyError as error:
        yield error
        return
    yield from files.values()
    yield from unreadable
