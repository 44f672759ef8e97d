"""The identities of files, heard in another process, of no more of each than is needed."""

from collections.abc import Callable

import numpy as np

from songkey.audio import decoded_blocks
from songkey.ffmpeg import header_seconds
from songkey.guard import Guard
from songkey.identity import Identity

BLOCK_SECONDS = 2.0  # decoded at a time: not much more than is heard


class GuardedEar(Guard):
    """Hears files in another process, which a damaged one may crash."""

    def __init__(self) -> None:
        super().__init__(_Ear)

    def identity(self, path: str) -> str:
        """The identity of a file's sound; raises AudioError where it cannot be decoded."""
        return self.call("identity", path)

    def header_seconds(self, path: str) -> float:
        """How long its sound lasts by its header, 0 where that is unknown."""
        return self.call("header_seconds", path)


class _Ear:
    """In the other process."""

    def __init__(self, on_block: Callable[[np.ndarray], None]):
        self.on_block = on_block

    def identity(self, path: str) -> str:
        identity = Identity()
        for rate, block in decoded_blocks(path, BLOCK_SECONDS):
            identity.hear(rate, block)
            self.on_block(block)
            if identity.is_known:
                break
        return identity.text

    def header_seconds(self, path: str) -> float:
        return header_seconds(path)
