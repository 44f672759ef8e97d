"""What a file lacks of what its container announces: a broken-off download is no whole song."""

import os
from typing import Protocol, runtime_checkable

MAX_OGG_PAGE_BYTES = 65_307  # 27 of header, 255 of segment table, 255 segments of 255 (RFC 3533)
ASF_FILE_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
UNKNOWN_RIFF_BYTES = 0x7FFF0000  # recorders that write to a pipe announce a size from here up
WHOLE_FRACTION = 0.95  # of the announced length: below it a file counts as truncated


@runtime_checkable
class BinaryStream(Protocol):
    """What readers of audio need of an open file."""

    def read(self, size: int = -1, /) -> bytes: ...
    def readinto(self, buffer: bytearray, /) -> int: ...
    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int: ...
    def tell(self) -> int: ...


def missing(file: BinaryStream) -> str:
    """What `file` lacks of what its header announces, in words; "" if it is whole or does not say.

    The file is left at its beginning.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = file.read(4096)
    if head.startswith(b"OggS"):
        lack = "" if _ogg_ends(file, size) else "its Ogg stream has no end"
    else:
        announced = _announced_bytes(file, head)
        short = size < WHOLE_FRACTION * announced
        lack = f"{size:,} of {announced:,} bytes are there" if short else ""
    file.seek(0)
    return lack


def is_mpeg(head: bytes) -> bool:
    """Whether a file that begins with `head` is an MPEG audio stream (or bears its ID3 tag)."""
    return head.startswith(b"ID3") or (head[:1] == b"\xff" and head[1:2] >= b"\xe0")


def _announced_bytes(file: BinaryStream, head: bytes) -> int:
    """The length of the whole file that its header announces, or 0."""
    if head.startswith((b"RIFF", b"FORM")):
        size = int.from_bytes(head[4:8], "little" if head.startswith(b"RIFF") else "big")
        return 8 + size if size < UNKNOWN_RIFF_BYTES else 0
    if (at := head.find(ASF_FILE_PROPERTIES)) >= 0:
        return int.from_bytes(head[at + 40 : at + 48], "little")
    return _announced_mpeg_bytes(file, head) if is_mpeg(head) else 0


def _announced_mpeg_bytes(file: BinaryStream, head: bytes) -> int:
    """From the Xing or Info header in an MP3's first frame, behind the ID3 tag; 0 without."""
    start = 0
    if head.startswith(b"ID3"):
        start = 10 + sum(
            byte << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True)
        )
    file.seek(start)
    frame = file.read(200)
    at = max(frame.find(b"Xing"), frame.find(b"Info"))
    if at < 0 or not frame[at + 7] & 2:
        return 0
    at += 12 if frame[at + 7] & 1 else 8  # a count of frames may come first
    return start + int.from_bytes(frame[at : at + 4], "big")


def _ogg_ends(file: BinaryStream, size: int) -> bool:
    """Whether the last page is complete and bears the end-of-stream flag."""
    file.seek(max(0, size - 2 * MAX_OGG_PAGE_BYTES))
    tail = file.read(2 * MAX_OGG_PAGE_BYTES)
    page = tail[tail.rfind(b"OggS") :] if b"OggS" in tail else b""
    if len(page) < 27:
        return False
    length = 27 + page[26] + sum(page[27 : 27 + page[26]])
    return len(page) >= length and bool(page[5] & 4)
