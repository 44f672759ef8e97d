"""What a guard's two processes say to each other; arrays go through memory that both see.

Through the pipe each byte would be copied four more times, with a change of process every 64 kB.
"""

import mmap
import os
import pickle
from collections.abc import Sequence
from typing import Any

ROOM_BYTES = 16_000_000  # which takes memory where it was written to; what is larger takes the pipe

Parcel = tuple[bytes, Sequence[int]]  # a pickle, and the sizes of what lies in the memory for it


def shared_file() -> int | None:
    """The descriptor of such memory, None where the system has none without a name."""
    if not hasattr(os, "memfd_create"):
        return None
    descriptor = os.memfd_create("songkey")
    os.ftruncate(descriptor, ROOM_BYTES)
    return descriptor


class Carrier:
    """Packs and unpacks one message at a time: the memory holds that of the last alone."""

    def __init__(self, descriptor: int | None):
        """The caller may close it then."""
        self._memory = None if descriptor is None else mmap.mmap(descriptor, ROOM_BYTES)

    def packed(self, message: object) -> Parcel:
        """The message, for the other process's `unpacked`."""
        sizes: list[int] = []
        if not (memory := self._memory):
            return pickle.dumps(message), sizes

        def stays_in_pickle(buffer: pickle.PickleBuffer) -> bool:
            start, raw = sum(sizes), buffer.raw()
            if start + raw.nbytes > ROOM_BYTES:
                return True
            memory[start : start + raw.nbytes] = raw
            sizes.append(raw.nbytes)
            return False

        return pickle.dumps(message, protocol=5, buffer_callback=stays_in_pickle), sizes

    def unpacked(self, parcel: Parcel) -> Any:
        """The message, which does not change when the next one comes."""
        data, sizes = parcel
        buffers, start = [], 0
        for size in sizes:
            with memoryview(self._memory or b"") as memory:
                buffers.append(bytearray(memory[start : start + size]))
            start += size
        return pickle.loads(data, buffers=buffers)
