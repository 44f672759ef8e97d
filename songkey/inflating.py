"""Compressed frames of ID3 tags, inflated only so far: some kB can hold gigabytes.

mutagen inflates a frame whole. What grows more than text or a picture does is damage to it now.
"""

import zlib

import mutagen.id3._frames

MOST_TIMES = 20  # that a frame may grow
MOST_BYTES_MORE = 1_000


class BoundedZlib:
    """What mutagen asks of zlib."""

    error = zlib.error

    @staticmethod
    def decompress(data: bytes) -> bytes:
        """As zlib's; zlib.error also where too much would come out."""
        inflating = zlib.decompressobj()
        found = inflating.decompress(data, MOST_TIMES * len(data) + MOST_BYTES_MORE)
        if not inflating.eof:
            raise zlib.error("cut, or grows too much")
        return found


def bound_frames() -> None:
    """From now on, of all tags that this process reads."""
    vars(mutagen.id3._frames)["zlib"] = BoundedZlib
