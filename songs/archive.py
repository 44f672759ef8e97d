"""Archives from the web into a folder: whole or not at all, and never a byte outside of it.

Zip and tar, plain or compressed by gzip, bzip2 or xz, by the standard library, which keeps every
member below the folder. Added here: no links, a limit to what all expand to, an end that is seen.
"""

import gzip
import lzma
import os
import shutil
import tarfile
import zipfile
import zlib
from pathlib import Path

from songkey.audio import printable
from songkey.errors import AudioKeyError

MEMBER_BYTES = 4096  # counted for each member, a disk's block: many empty ones are a bomb, too
BROKEN = (
    zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error, lzma.LZMAError,
    UnicodeDecodeError,  # a name in a zip
    RuntimeError,  # zipfile's for what is encrypted, or compressed in a way that it does not know
)  # fmt: skip


class ArchiveError(AudioKeyError):
    """An archive that is broken, unsafe or too large."""


def extract(archive: Path, folder: Path, most_bytes: int) -> None:
    """Make `folder` of the archive's members; a folder that exists is whole and left alone.

    Raises ArchiveError, and OSError when the folder cannot be written.
    """
    if folder.is_dir():
        return
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)  # of a run that was killed
    try:
        part.mkdir(parents=True)
        if zipfile.is_zipfile(archive):
            _extract_zip(archive, part, most_bytes)
        else:
            _extract_tar(archive, part, most_bytes)
        if not any(path.is_file() for path in part.rglob("*")):
            raise ArchiveError(f"{printable(archive)}: there is no file in it")
        os.replace(part, folder)
    except BROKEN as error:
        raise ArchiveError(
            f"{printable(archive)}: broken or unsafe ({error or type(error).__name__}); "
            "delete it and download it again"
        ) from None
    except OSError as error:
        raise OSError(
            f"{printable(archive)}: cannot be extracted to {printable(folder)} "
            f"({error.strerror or error}); free some space or set download.dir to another folder"
        ) from None
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _extract_zip(archive: Path, folder: Path, most_bytes: int) -> None:
    with zipfile.ZipFile(archive) as opened:
        claimed_bytes = sum(info.file_size + MEMBER_BYTES for info in opened.infolist())
        _refuse_large(archive, claimed_bytes, most_bytes)
        opened.extractall(folder)  # of a member no more bytes than it claims


def _extract_tar(archive: Path, folder: Path, most_bytes: int) -> None:
    claimed_bytes = 0

    def plain(info: tarfile.TarInfo, path: str) -> tarfile.TarInfo:
        nonlocal claimed_bytes
        claimed_bytes += info.size + MEMBER_BYTES
        _refuse_large(archive, claimed_bytes, most_bytes)
        if not (info.isfile() or info.isdir()):
            raise tarfile.TarError(f"{printable(info.name)} is a link or a device")
        return tarfile.data_filter(info, path)

    if not tarfile.is_tarfile(archive):  # whose opening complains of four formats, on four lines
        raise tarfile.ReadError("neither a zip nor a tar file")
    with tarfile.open(archive) as opened:
        for info in opened:
            opened.extract(info, folder, filter=plain)
        # tarfile takes a cut at a member's end, or a damaged header, for the archive's end.
        opened.fileobj.seek(opened.offset)
        if opened.fileobj.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise tarfile.ReadError("it ends too early")
        while opened.fileobj.read(1 << 20):  # to the end, where gzip and xz have their checksums
            pass


def _refuse_large(archive: Path, size_bytes: int, most_bytes: int) -> None:
    if size_bytes > most_bytes:
        raise ArchiveError(
            f"{printable(archive)}: expands to more than {most_bytes / 1e6:,.1f} MB; if that is "
            "right, raise download.most_archive_bytes"
        )
