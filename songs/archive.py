"""Archives from the web into a folder: whole or not at all, and never a byte outside of it.

Zip and tar, plain or compressed by gzip, bzip2 or xz. An archive is refused if a member has an
absolute name or `..` in it, is a link or a device, comes twice, or if all expand to too much.
"""

import errno
import gzip
import lzma
import os
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, cast

from songkey.audio import printable
from songkey.errors import AudioKeyError

Opening = Callable[[], IO[bytes]]
MOST_MEMBERS = 1_000_000
BROKEN = (
    zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error, lzma.LZMAError,
    NotImplementedError,  # a compression that zipfile does not know
    UnicodeDecodeError,  # a name in a zip
)  # fmt: skip


class ArchiveError(AudioKeyError):
    """An archive that is broken, unsafe or too large."""


@dataclass(frozen=True)
class Member:
    """A file or folder in an archive, with the size it claims to have."""

    name: str  # as it stands there, safe or not
    is_folder: bool
    size_bytes: int
    open: Opening


def extract(archive: Path, folder: Path, most_bytes: int) -> None:
    """Make `folder` of the archive's members; a folder that exists is whole and left alone.

    Raises ArchiveError, and OSError when the folder cannot be written.
    """
    if folder.is_dir():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        _refuse_unsafe(archive, folder.parent, most_bytes)
        _write(archive, folder, most_bytes)
    except BROKEN as error:
        raise ArchiveError(
            f"{printable(archive)}: broken ({error or type(error).__name__}); "
            "delete it and download it again"
        ) from None
    except OSError as error:
        raise OSError(
            f"{printable(archive)}: cannot be extracted to {printable(folder)} "
            f"({error.strerror or error}); free some space or set download.dir to another folder"
        ) from None


def _refuse_unsafe(archive: Path, place: Path, most_bytes: int) -> None:
    """Look at every member before a byte is written."""
    files, folders, claimed_bytes = set(), set(), 0
    with _members(archive) as members:
        for number, member in enumerate(members):
            path = _safe_path(archive, member.name)
            folders |= {path, *path.parents} if member.is_folder else set(path.parents)
            if path in files:
                raise _refused(archive, member.name, "comes twice")
            if not member.is_folder:
                files.add(path)
            claimed_bytes += member.size_bytes
            _refuse_large(archive, claimed_bytes, most_bytes)
            if number == MOST_MEMBERS:
                raise ArchiveError(f"{printable(archive)}: more than {number} members; not used")
    if not files:
        raise ArchiveError(f"{printable(archive)}: there is no file in it")
    for path in files & folders:
        raise _refused(archive, str(path), "is a file and a folder")
    free_bytes = shutil.disk_usage(place).free
    if claimed_bytes > free_bytes:
        lack = f"it expands to {_mega(claimed_bytes)}, {_mega(free_bytes)} are free"
        raise OSError(errno.ENOSPC, lack)


def _write(archive: Path, folder: Path, most_bytes: int) -> None:
    """Expand into `<folder>.part`, count what really comes, rename."""
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)  # of a run that was killed
    part.mkdir()
    written_bytes = 0
    try:
        with _members(archive) as members:
            for member in members:
                path = part / _safe_path(archive, member.name)
                (path if member.is_folder else path.parent).mkdir(parents=True, exist_ok=True)
                if member.is_folder:
                    continue
                with member.open() as source, open(path, "xb") as target:
                    while block := source.read(1 << 20):
                        written_bytes += len(block)
                        _refuse_large(archive, written_bytes, most_bytes)
                        target.write(block)
        os.replace(part, folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _safe_path(archive: Path, name: str) -> PurePosixPath:
    """A member's name as a path that stays below the folder it is put in."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise _refused(archive, name, "would lie outside of the folder")
    if "\\" in name or "\0" in name:
        raise _refused(archive, name, "has a name that is no path")
    return path


def _refuse_large(archive: Path, size_bytes: int, most_bytes: int) -> None:
    if size_bytes > most_bytes:
        raise ArchiveError(
            f"{printable(archive)}: expands to more than {_mega(most_bytes)}; if that is right, "
            "raise download.most_archive_bytes"
        )


def _refused(archive: Path, name: str, problem: str) -> ArchiveError:
    return ArchiveError(
        f"{printable(archive)}: its member '{printable(name)}' {problem}; not extracted"
    )


def _mega(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:,.1f} MB"


@contextmanager
def _members(archive: Path) -> Iterator[Iterator[Member]]:
    """The members in their order, by what the archive is and not by how it is called."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            yield _zip_members(archive, opened)
    else:
        with _opened_tar(archive) as opened:
            yield _tar_members(archive, opened)


def _opened_tar(archive: Path) -> tarfile.TarFile:
    try:
        return tarfile.open(archive)
    except tarfile.ReadError:  # with the complaints of four formats, on as many lines
        raise tarfile.ReadError("neither a zip nor a tar file") from None


def _zip_members(archive: Path, opened: zipfile.ZipFile) -> Iterator[Member]:
    for info in opened.infolist():
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise _refused(archive, info.filename, "is a link or a device")
        if info.flag_bits & 1:
            raise _refused(archive, info.filename, "is encrypted")
        yield Member(info.orig_filename, info.is_dir(), info.file_size, partial(opened.open, info))


def _tar_members(archive: Path, opened: tarfile.TarFile) -> Iterator[Member]:
    for info in opened:
        if not (info.isfile() or info.isdir()):
            raise _refused(archive, info.name, "is a link or a device")
        opening = cast(Opening, partial(opened.extractfile, info))  # None only for folders
        yield Member(info.name, info.isdir(), info.size, opening)
    # tarfile takes a cut at a member's end, or a damaged header, for the archive's end.
    opened.fileobj.seek(opened.offset)
    if opened.fileobj.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise tarfile.ReadError("it ends too early")
    while opened.fileobj.read(1 << 20):  # to the end, where gzip and xz have their checksums
        pass
