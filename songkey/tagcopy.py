"""Files are changed in a copy, which takes their place when it is whole.

A run that is killed, or a full disk, leaves the file as it was. ID3v1 tags at the end are kept.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ID3V1_BYTES = 128  # at a file's end


@contextmanager
def id3v1_kept(path: Path) -> Iterator[None]:
    """What mutagen changes in it, or loses with it, is as before at the end of the block."""
    end = _id3v1(path)
    yield
    if end:
        with open(path, "r+b") as stream:
            stream.seek(-ID3V1_BYTES if _id3v1(path) else 0, os.SEEK_END)
            stream.write(end)


def _id3v1(path: Path) -> bytes:
    """The ID3v1 tag at a file's end, b"" without one."""
    if path.stat().st_size < ID3V1_BYTES:
        return b""
    with open(path, "rb") as stream:
        stream.seek(-ID3V1_BYTES, os.SEEK_END)
        end = stream.read()
    return end if end.startswith(b"TAG") else b""


@contextmanager
def copy_in_its_place(path: Path) -> Iterator[Path]:
    """A copy to change; it becomes the file when the block ends well, and is removed otherwise.

    Its name is hidden, and always the same: what a killed run left is overwritten by the next.
    """
    name = hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]
    copy = path.with_name(f".songkey-{name}{path.suffix}")
    try:
        shutil.copyfile(path, copy)
        yield copy
        shutil.copystat(path, copy)
        if hasattr(os, "chown"):  # not on Windows
            with suppress(OSError):  # it stays the writer's own where that may not be given away
                os.chown(copy, path.stat().st_uid, path.stat().st_gid)
        os.utime(copy)
        with open(copy, "rb+") as stream:
            os.fsync(stream.fileno())
        os.replace(copy, path)
    finally:
        copy.unlink(missing_ok=True)
