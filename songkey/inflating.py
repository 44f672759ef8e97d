"""Compressed frames of ID3 tags, inflated only so far: some kB can hold gigabytes.

mutagen inflates a frame whole. One that grows more than text or a picture does is now to it of a
kind that it does not know: not read, and where tags are written kept as it is.
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
        """As zlib's; NotImplementedError where too much would come out."""
        inflating, most = zlib.decompressobj(), MOST_TIMES * len(data) + MOST_BYTES_MORE
        found = inflating.decompress(data, most)
        if len(found) == most:
            raise NotImplementedError("grows too much")
        if not inflating.eof:
            raise zlib.error("cut")
        return found


def bound_frames() -> None:
    """From now on, of all tags that this process reads."""
    vars(mutagen.id3._frames)["zlib"] = BoundedZlib
