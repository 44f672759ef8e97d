"""What a file's header announces: a broken-off download is no whole song."""

import os
import re
from typing import BinaryIO, Protocol, runtime_checkable

from songkey.errors import AudioError

HEAD_BYTES = 4096  # at a file's beginning, where its kind is looked for
CONTAINER = re.compile(
    rb"RIFF|RF64|BW64|FORM|FRM8|riff|fLaC|OggS|caff|MAC |wvpk|TTA[12]|MPCK|MP\+|\.snd|\x1aE\xdf\xa3"
    rb"|....ftyp|\x30\x26\xb2\x75|DSD |FLV|\.RMF|tBaK|ajkg",
    re.DOTALL,
)
ASF_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
ASF_FILE_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
UNKNOWN_RIFF_BYTES = 0x7FFF0000  # recorders that write to a pipe announce a size from here up
WHOLE_FRACTION = 0.95  # of the announced length: below it a file counts as truncated
MOST_TAGS = 16  # at a file's beginning: each program may have put its own before the others
# Where an MP3's first frame has its Xing or Info header, by its version and whether it is mono.
XING_OFFSETS = {(True, False): 36, (True, True): 21, (False, False): 21, (False, True): 13}


@runtime_checkable
class BinaryStream(Protocol):
    """What readers of audio need of an open file."""

    def read(self, size: int = -1, /) -> bytes: ...
    def readinto(self, buffer: bytearray, /) -> int: ...
    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int: ...
    def tell(self) -> int: ...


def announced_bytes(head: bytes) -> int:
    """The length of a file that begins with `head`, as it is written there; 0 if it is not."""
    if head.startswith((b"RIFF", b"FORM")):
        size = int.from_bytes(head[4:8], "little" if head.startswith(b"RIFF") else "big")
        return 8 + size if size < UNKNOWN_RIFF_BYTES else 0
    if head.startswith(ASF_HEADER) and (at := head.find(ASF_FILE_PROPERTIES)) >= 0:
        return int.from_bytes(head[at + 40 : at + 48], "little")
    return _announced_mpeg_bytes(head) if is_mpeg(head) else 0


def is_container(head: bytes) -> bool:
    """Whether a file that begins with `head` is of a kind that holds sound."""
    return CONTAINER.match(head) is not None


def is_mpeg(head: bytes) -> bool:
    """Whether a file that begins with `head` may be an MPEG audio stream."""
    return head[:1] == b"\xff" and head[1:2] >= b"\xe0"


def tag_bytes(file: BinaryStream) -> int:
    """How much at a file's beginning are ID3v2 tags, which programs put before any format."""
    return [0, *tag_ends(file)][-1]


def tag_ends(file: BinaryStream | BinaryIO) -> list[int]:
    """Where each of those tags ends, one behind the other."""
    ends = [0]
    while len(ends) <= MOST_TAGS:
        file.seek(ends[-1])
        head = file.read(10)
        if len(head) < 10 or not head.startswith(b"ID3") or max(head[6:]) > 127:
            break
        size = sum(byte << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True))
        footer = 10 if head[5] & 16 else 0
        ends.append(ends[-1] + 10 + size + footer)
    return ends[1:]


def _announced_mpeg_bytes(head: bytes) -> int:
    """From the Xing or Info header in an MP3's first frame; 0 without."""
    if len(head) < 60:
        return 0
    at = XING_OFFSETS[bool(head[1] & 8), head[3] >> 6 == 3]
    if head[at : at + 4] not in (b"Xing", b"Info") or not head[at + 7] & 2:
        return 0
    at += 12 if head[at + 7] & 1 else 8  # a count of frames may come first
    return int.from_bytes(head[at : at + 4], "big")


def is_short(seconds: float, announced_seconds: float) -> bool:
    """Whether so much less could be decoded than was announced, that the file is not whole."""
    return seconds < WHOLE_FRACTION * announced_seconds and seconds < announced_seconds - 1


def truncated(where: str, seconds: float, announced_seconds: float) -> AudioError:
    """What is raised then."""
    reason = f"truncated: {seconds:.1f} of {announced_seconds:.1f} s could be decoded; get it again"
    return AudioError(where, reason)
