"""Compressed frames of ID3 tags, inflated only so far: some kB can hold gigabytes.

mutagen inflates each frame whole. While `bounded` reads, what comes out of all frames together has
a bound, and the frame that exceeds it is of a kind that mutagen does not know. Whatever else the
process reads by mutagen has no bound.
"""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import mutagen.id3._frames

MOST_MB = 64  # of a file's frames together: pictures and lyrics, however far they grow


class _Budget:
    """How many bytes may still come out; below 0 where more would have."""

    def __init__(self) -> None:
        self.left = MOST_MB * 1_000_000

    def inflated(self, data: bytes) -> bytes:
        inflating = zlib.decompressobj()
        found = inflating.decompress(data, max(self.left, 0) + 1)
        self.left -= len(found)
        if self.left < 0:
            raise NotImplementedError
        if not inflating.eof:
            raise zlib.error("cut")
        return found


_budget: ContextVar[_Budget | None] = ContextVar("budget", default=None)


class _Zlib:
    """What mutagen asks of zlib."""

    error = zlib.error

    @staticmethod
    def decompress(data: bytes) -> bytes:
        budget = _budget.get()
        return budget.inflated(data) if budget else zlib.decompress(data)


@contextmanager
def bounded(whole: bool = False) -> Iterator[None]:
    """Around what reads tags; with `whole`, MutagenError at its end if a frame was too big."""
    vars(mutagen.id3._frames)["zlib"] = _Zlib
    budget = _Budget()
    token = _budget.set(budget)
    try:
        yield
    finally:
        _budget.reset(token)
    if whole and budget.left < 0:
        raise mutagen.MutagenError(
            f"its compressed frames hold more than {MOST_MB} MB; remove them"
        )
