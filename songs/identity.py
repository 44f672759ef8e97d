"""What tells a recording from every other: a digest of its sound, whatever its tags and container.

Of the decoded samples at the rate of packing, so that copies which decode to the same samples have
it: retagged files, FLAC beside WAV. Another encoder makes other samples, and another identity.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from songkey.audio import to_int16, waveform_blocks
from songkey.ffmpeg import header_seconds
from songkey.guard import Guard

HEARD_SECONDS = 10
QUIET = 32  # of 32768: -60 dB; silence before a song, and its dither, do not count
DIGITS = 16  # of the digest that are kept, in hex
BLOCK_SECONDS = 2.0  # decoded at a time: not much more than is heard


class Identity:
    """The identity of a song, of whose sound all blocks pass by."""

    def __init__(self, sample_rate: int):
        self._sample_rate = sample_rate
        self._missing = HEARD_SECONDS * sample_rate  # samples
        self._digest = hashlib.sha256()
        self._began = False
        self._samples = 0

    @property
    def seconds(self) -> float:
        """How long all lasts that passed by, to a hundredth."""
        return round(self._samples / self._sample_rate, 2)

    @property
    def is_known(self) -> bool:
        """Whether enough was heard, and more would change nothing."""
        return not self._missing

    @property
    def text(self) -> str:
        """16 hex digits, of what was heard so far; "" of silence."""
        return self._digest.hexdigest()[:DIGITS] if self._began else ""

    def passing(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """The same blocks (S,), of int16 or of full scale 1, listened to."""
        for block in blocks:
            self._hear(block)
            self._samples += len(block)
            yield block

    def _hear(self, block: np.ndarray) -> None:
        if self.is_known:
            return
        waveform = to_int16(block)
        if not self._began:
            loud = np.flatnonzero((waveform > QUIET) | (waveform < -QUIET))
            if not len(loud):
                return
            waveform, self._began = waveform[loud[0] :], True
        heard = waveform[: self._missing]
        self._missing -= len(heard)
        self._digest.update(heard.astype("<i2", copy=False).tobytes())


class GuardedEar(Guard):
    """Hears files in another process, which a damaged one may crash."""

    def __init__(self) -> None:
        super().__init__(_Ear)

    def identity(self, path: str, sample_rate: int) -> str:
        """The identity of a file's sound; raises AudioError where it cannot be decoded."""
        return self.call("identity", path, sample_rate=sample_rate)

    def header_seconds(self, path: str) -> float:
        """How long its sound lasts by its header, 0 where that is unknown."""
        return self.call("header_seconds", path)


class _Ear:
    """In the other process."""

    def __init__(self, on_block: Callable[[np.ndarray], None]):
        self.on_block = on_block

    def identity(self, path: str, sample_rate: int) -> str:
        heard = Identity(sample_rate)
        for block in heard.passing(waveform_blocks(path, sample_rate, BLOCK_SECONDS)):
            self.on_block(block)
            if heard.is_known:
                break
        return heard.text

    def header_seconds(self, path: str) -> float:
        return header_seconds(path)
