"""The sound of files, whatever they do to their decoders: for whoever wants no answer.

with GuardedBlocks() as decoder:
    for block in decoder.blocks("song.mp3", 44_100):  # int16 (S,)
        ...
"""

import faulthandler
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from songkey.errors import AudioKeyError
from songkey.guard import MEMORY_MB, QUIET_SECONDS, Guard, failure
from songkey.guarded import OUT_OF_MEMORY
from songkey.passing import lacks_memory, read_failure

if TYPE_CHECKING:
    import numpy as np

    from songkey.identity import Identity


class GuardedBlocks(Guard):
    """`waveform_blocks` in another process; one file at a time."""

    def __init__(self, seconds: float = QUIET_SECONDS, megabytes: int = MEMORY_MB):
        """The limits as a Guard has them."""
        super().__init__(_Decoder, seconds=seconds, megabytes=megabytes)

    def blocks(
        self, path: str | Path, sample_rate: int, identity: "Identity | None" = None
    ) -> "Iterator[np.ndarray]":
        """The sound of a file, and errors, as `waveform_blocks` gives them, but in 16 bits.

        While a block is used the next one is decoded. After the last the `identity` is told what
        was heard.
        """
        block_at = partial(self.call, "block", path, sample_rate=sample_rate)
        with ThreadPoolExecutor(1) as thread:
            following = thread.submit(block_at, number=0)
            for number in count(1):
                block = following.result()
                if isinstance(block, tuple):
                    if identity:
                        identity.told(*block)
                    return
                following = thread.submit(block_at, number=number)
                yield block


def watched_blocks(
    path: str | Path, sample_rate: int, identity: "Identity | None" = None
) -> "Iterator[np.ndarray]":
    """`waveform_blocks`, for a process that is replaced: it ends where its decoder hangs.

    The `identity` hears what is decoded.
    """
    from songkey.audio import waveform_blocks

    blocks = waveform_blocks(path, sample_rate, hear=identity.hear if identity else None)
    while True:
        with watched(path):
            block = next(blocks, None)
        if block is None:
            return
        yield block


@contextmanager
def watched(path: str | Path) -> Iterator[None]:
    """Ends this process, which is to be replaced, where what is done with a file hangs.

    So does a lack of memory. Any other error that is none of ours costs the file alone.
    """
    with open(os.devnull, "w") as nowhere:
        faulthandler.dump_traceback_later(QUIET_SECONDS, exit=True, file=nowhere)
        try:
            yield
        except Exception as error:  # of any kind: other files are sound
            if lacks_memory(error):  # behind a guard it shows whether the file takes too much
                os._exit(OUT_OF_MEMORY)
            if isinstance(error, AudioKeyError):
                raise
            if isinstance(error, OSError):
                raise read_failure(path, error) from error
            raise failure(path, error) from error
        finally:
            faulthandler.cancel_dump_traceback_later()


class _Decoder:
    """In the other process: the file that is being decoded."""

    def __init__(self, on_block: "Callable[[np.ndarray], None]"):
        from songkey.audio import to_int16, waveform_blocks
        from songkey.identity import Identity

        self.waveform_blocks, self.to_int16, self.on_block = waveform_blocks, to_int16, on_block
        self.new_identity, self.identity = Identity, Identity()
        self.next: tuple[str, int, int] | None = None  # a path, a rate, and the number of a block
        self.coming: Iterator[np.ndarray] = iter(())

    def block(self, path: str, sample_rate: int, number: int) -> "np.ndarray | tuple[str, float]":
        """The block of that number; behind the last one, text and seconds of the identity."""
        if self.next != (path, sample_rate, number):  # another file, or another process was lost
            self.identity = self.new_identity()
            self.coming = self.waveform_blocks(path, sample_rate, hear=self.identity.hear)
            for _ in range(number):
                self.on_block(next(self.coming))
        self.next = path, sample_rate, number + 1
        block = next(self.coming, None)
        if block is None:
            return self.identity.text, self.identity.seconds
        return self.to_int16(block)  # half as much to carry
