"""The members of our tars, found by their headers: plain files only, one header block each.

Python's tarfile would follow what a stranger's tar may hold: links, sparse files of a petabyte,
headers of a gigabyte, a compressed tar inside the name of a plain one.
"""

import os
import tarfile
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from pipeline.record import TAR_BLOCK_BYTES


class Member(NamedTuple):
    """One file of a tar: where its bytes lie, and what it is called."""

    name: str
    offset: int
    size: int


def members(file: BinaryIO) -> Iterator[Member]:
    """The members in their order; TarError at what is none."""
    size, start = os.fstat(file.fileno()).st_size, 0
    while any(os.pread(file.fileno(), TAR_BLOCK_BYTES, start)):
        member = member_at(file, start + TAR_BLOCK_BYTES)
        if member.offset + member.size > size:
            raise tarfile.ReadError(f"{member.name} of {member.size} bytes is longer than the tar")
        yield member
        start = member.offset + -(-member.size // TAR_BLOCK_BYTES) * TAR_BLOCK_BYTES


def member_at(file: BinaryIO, offset: int) -> Member:
    """The member whose bytes begin at `offset`; TarError where the block before is no header."""
    header = os.pread(file.fileno(), TAR_BLOCK_BYTES, offset - TAR_BLOCK_BYTES)
    info = tarfile.TarInfo.frombuf(header, "ascii", "backslashreplace")
    if info.type != tarfile.REGTYPE or info.size < 0:
        raise tarfile.ReadError(f"{info.name} is not a plain file")
    return Member(info.name, offset, info.size)
