"""All tags of a file: its format's own, and what programs put before and behind any format.

| where | what | written by |
|---|---|---|
| in the format's own place | see tagging.py | nearly all |
| at the beginning, one behind the other | ID3v2 | taggers, before FLAC, AAC, WAV and others too |
| at the end, maybe before an ID3v1 tag | APEv2 | mp3gain, foobar2000, Mp3tag |
"""

import errno
import os
import struct
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import BinaryIO, TypeVar

import mutagen
from mutagen.apev2 import APEv2
from mutagen.id3 import ID3

from songkey.container import tag_ends
from songkey.inflating import bounded

# What mutagen says of a damaged tag; all but the first are its own slips.
DAMAGED = (
    mutagen.MutagenError, LookupError, ValueError, ArithmeticError, struct.error, TypeError,
    AttributeError, AssertionError, EOFError, RecursionError,
)  # fmt: skip

Tags = Mapping[str, object]
T = TypeVar("T")


@bounded()
def all_tags(stream: BinaryIO, name: str) -> list[Tags]:
    """The tags of a file in each place that has any; what is damaged counts as none.

    The name may tell the kind of file. OSError where reading fails, which is no damage.
    """
    ends = [0, *tag_ends(stream)]
    sound = Part(stream, ends[-1])
    file = unless_damaged(lambda part: mutagen.File(filename=name, fileobj=part), sound)
    own = file.tags if file is not None else None
    found = [own]
    for start in ends[:-1]:
        found.append(unless_damaged(lambda part: ID3(fileobj=part), Part(stream, start)))
    if not isinstance(own, APEv2):
        found.append(unless_damaged(lambda part: APEv2(fileobj=part), sound))
    return [tags for tags in found if tags]


class Part:
    """A stream from `start` on, as mutagen needs it, which takes any OSError for a short file.

    So a seek out of it is an OSError here, and a read that fails is remembered. Sizes beyond its
    end, as damage writes them, take no memory, and those below nothing give nothing.
    """

    def __init__(self, stream: BinaryIO, start: int):
        self.stream, self.start = stream, start
        self.end = stream.seek(0, os.SEEK_END)
        self.failure: OSError | None = None
        self.seek(0)

    def read(self, size: int = -1) -> bytes:
        left = max(0, self.end - self.stream.tell())
        size = left if size == -1 else min(size, left)
        try:
            return self.stream.read(size) if size > 0 else b""
        except OSError as error:
            self.failure = error
            raise

    def tell(self) -> int:
        return self.stream.tell() - self.start

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        origins = {os.SEEK_SET: self.start, os.SEEK_CUR: self.stream.tell(), os.SEEK_END: self.end}
        target = origins[whence] + offset
        if not self.start <= target < 1 << 63:
            raise OSError(errno.EINVAL, f"seek to {target - self.start}")
        return self.stream.seek(target) - self.start


def unless_damaged(read: Callable[[Part], T], part: Part) -> T | None:
    """What is read of a part; None where that is damaged. OSError where it cannot be read."""
    found = None
    with suppress(*DAMAGED):
        part.seek(0)
        found = read(part)
    if part.failure:
        raise part.failure
    return found
