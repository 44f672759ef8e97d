"""A part of an open file, as decoders get it."""

import os

from songkey.container import BinaryStream


class Section:
    """The bytes of a binary stream from `start` to before `end`, with two traps removed.

    It has no name, by whose ending decoders would judge it; and to a seek out of its bounds it
    answers -1 where a file raises, which PyAV would print with a traceback.
    """

    def __init__(self, file: BinaryStream, start: int, end: int):
        self.file, self.start, self.end = file, start, end
        self.seek(0)

    def read(self, size: int = -1) -> bytes:
        left = max(0, self.end - self.file.tell())
        return self.file.read(left if size < 0 else min(size, left))

    def readinto(self, buffer: bytearray) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def tell(self) -> int:
        return self.file.tell() - self.start

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        origins = {os.SEEK_SET: self.start, os.SEEK_CUR: self.file.tell(), os.SEEK_END: self.end}
        try:
            target = origins[whence] + offset
            return self.file.seek(target) - self.start if target >= self.start else -1
        except (OSError, ValueError):
            return -1
