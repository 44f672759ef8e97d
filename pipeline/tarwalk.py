"""A WebDataset's tar, whoever made it, walked once from its beginning: its samples, and its damage.

Python's tarfile reads all kinds (PAX, GNU's long names, base-256 sizes), but ends in silence at a
damaged header, as if that were the end: samples behind it would be lost and nobody would know.
"""

import lzma
import re
import tarfile
import zlib
from collections.abc import Iterator
from typing import IO, Any, NamedTuple, Protocol, cast

import webdataset as wds
from webdataset.tariterators import group_by_keys

from songkey.errors import AudioKeyError

MOST_NAME_BYTES = 1 << 20
NAMING_TYPES = (b"L", b"K", b"x", b"g", b"X")  # members that say what the next one is called
MOST_MEMBER_BYTES = 256_000_000  # of a member that is read: 20 minutes of stereo at 16 bits
READ_BYTES = 1 << 18  # of the file at a time
META = re.compile(r"__[^/]*__($|/)")  # members that WebDataset keeps for itself
HEADER_ERRORS = (
    tarfile.InvalidHeaderError,  # type: ignore[attr-defined]  # not in typeshed, as the next two
    tarfile.TruncatedHeaderError,  # type: ignore[attr-defined]
    tarfile.EmptyHeaderError,  # type: ignore[attr-defined]
)

Sample = dict[str, Any]  # its members by their endings in lower case, and "__key__", its name


class Readable(Protocol):
    """What is needed of an open file."""

    def read(self, size: int, /) -> bytes: ...


class DamagedTar(AudioKeyError):
    """A tar of which no more can be read; what came before is whole."""


class Member(NamedTuple):
    """One file of a tar."""

    offset: int  # of its bytes in the tar
    size: int  # bytes
    data: bytes | None  # None where it is too large, or lies in the tar in pieces


def samples(file: Readable, compressed: bool = False) -> Iterator[Sample]:
    """The samples of a tar, each the members that follow one another and share a name.

    A second member of one ending counts as none. Raises DamagedTar
    behind the last sample that can be read. `compressed` tars (gzip, bzip2, xz) are read too, but
    then the offsets are of no use.
    """
    damage: list[DamagedTar] = []
    named = _members(file, "r|*" if compressed else "r|", damage)
    yield from group_by_keys(named, handler=wds.ignore_and_continue)
    if damage:
        raise damage[0]


def _members(file: Readable, mode: Any, damage: list[DamagedTar]) -> Iterator[dict[str, Any]]:
    """As webdataset hands them on, until the end or `damage`, to which it is added."""
    try:
        with tarfile.open(
            fileobj=cast(IO[bytes], file), mode=mode, tarinfo=_CheckedInfo, bufsize=READ_BYTES
        ) as tar:
            for info in tar:
                if info.isreg() and not META.match(info.name):
                    member = Member(info.offset_data, info.size, _bytes(tar, info))
                    yield {"fname": info.name, "data": member, "__url__": ""}
                tar.members = []  # type: ignore[attr-defined]  # it would keep them all
    except (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError) as error:
        damage.append(DamagedTar(f"damaged tar: {error}"))


def _bytes(tar: tarfile.TarFile, info: tarfile.TarInfo) -> bytes | None:
    if info.size > MOST_MEMBER_BYTES or info.issparse():
        return None
    content = tar.extractfile(info)
    return content.read() if content else None


class _CheckedInfo(tarfile.TarInfo):
    """A header that cannot be read is an error, also where tarfile takes it for the tar's end."""

    @classmethod
    def fromtarfile(cls, tar: tarfile.TarFile) -> "_CheckedInfo":
        where = tar.offset
        try:
            return super().fromtarfile(tar)
        except (*HEADER_ERRORS, ValueError) as error:  # the last: of GNU's fields of sparse files
            raise tarfile.ReadError(f"{error} at byte {where}") from error

    def _proc_member(self, tar: tarfile.TarFile) -> tarfile.TarInfo:
        if self.type in NAMING_TYPES and self.size > MOST_NAME_BYTES:
            raise tarfile.InvalidHeaderError(f"a name of {self.size} bytes")  # type: ignore[attr-defined]
        return super()._proc_member(tar)  # type: ignore[misc]
