"""Any audio file -> a mono waveform at one rate, in blocks."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import soxr

from songkey.container import BinaryStream
from songkey.decode import mono_blocks
from songkey.errors import AudioError, printable


def waveform_blocks(
    source: str | Path | BinaryStream, sample_rate: int, block_seconds: float = 10.0
) -> Iterator[np.ndarray]:
    """The sound of a file or binary stream in consecutive blocks: float32 (S,), full scale 1.

    Channels are averaged, other rates resampled. Memory is that of a block, however long the file.
    Raises AudioError, at the latest after the last block, for anything that is not whole and sound.
    """
    where = printable(source) if isinstance(source, str | Path) else "audio in memory"
    samples = 0
    try:
        with _opened(source) as file:
            blocks = mono_blocks(file, where, block_seconds, file.descriptor)
            for block in resampled(finite(blocks, where), sample_rate):
                samples += len(block)
                yield block
    except FileNotFoundError as error:
        raise AudioError(where, "file not found: check the path") from error
    except OSError as error:
        raise AudioError(where, f"not readable: {error.strerror or error}") from error
    if not samples:
        raise AudioError(where, "no sound: it lasts zero seconds")


def to_int16(waveform: np.ndarray) -> np.ndarray:
    """Full scale 1 -> 16 bit, (S,), rounded and clipped; a 16-bit file's own samples come back."""
    scaled = np.multiply(waveform, 32768, dtype=np.float32)
    np.rint(scaled, out=scaled)
    return np.clip(scaled, -32768, 32767, out=scaled).astype(np.int16)


class _Nameless:
    """A binary stream as decoders get it, with two traps removed.

    It has no name, by whose ending they would judge it; and to a seek out of its bounds it answers
    -1 where a file raises, which PyAV would print with a traceback. `descriptor` is that of an
    unbuffered file.
    """

    def __init__(self, file: BinaryStream, descriptor: int | None = None):
        self.file, self.descriptor = file, descriptor
        self.read, self.readinto, self.tell = file.read, file.readinto, file.tell

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        try:
            return self.file.seek(offset, whence)
        except (OSError, ValueError):
            return -1


@contextmanager
def _opened(source: str | Path | BinaryStream) -> Iterator[_Nameless]:
    if isinstance(source, str | Path):
        with open(source, "rb", buffering=0) as file:
            yield _Nameless(file, file.fileno())
    else:
        yield _Nameless(source)


def finite(
    blocks: Iterator[tuple[int, np.ndarray]], where: str
) -> Iterator[tuple[int, np.ndarray]]:
    seconds = 0.0
    for rate, block in blocks:
        finite = np.isfinite(block)
        if not finite.all():
            seconds += int(finite.argmin()) / rate
            raise AudioError(where, f"not finite: NaN or infinite samples after {seconds:.1f} s")
        seconds += len(block) / rate
        yield rate, block


def resampled(blocks: Iterator[tuple[int, np.ndarray]], sample_rate: int) -> Iterator[np.ndarray]:
    """All blocks at `sample_rate`; the same samples however they are cut into blocks."""
    resampler = None
    for rate, block in blocks:
        if rate != sample_rate:
            resampler = resampler or soxr.ResampleStream(rate, sample_rate, 1, quality="HQ")
            block = resampler.resample_chunk(block)
        if len(block):
            yield block
    if resampler and len(rest := resampler.resample_chunk(np.zeros(0, np.float32), last=True)):
        yield rest
