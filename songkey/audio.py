"""Any audio file -> a mono waveform at one rate, in blocks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import numpy as np
import soxr

from songkey.container import BinaryStream
from songkey.decode import mono_blocks
from songkey.errors import FILE_NOT_FOUND, AudioError, printable
from songkey.files import require_file
from songkey.passing import read_failure

LOWEST_RATE, HIGHEST_RATE = 1_000, 3_000_000  # Hz; FFmpeg gives DSD 512 at 2.8 MHz


def waveform_blocks(
    source: str | Path | BinaryStream, sample_rate: int, block_seconds: float = 10.0,
    hear: Callable[[int, np.ndarray], None] | None = None,
) -> Iterator[np.ndarray]:  # fmt: skip
    """The sound of a file or binary stream in consecutive blocks: float32 (S,), full scale 1.

    Channels are averaged, other rates resampled; before that, `hear` is given each block and its
    rate. Memory is that of a block, however long the file.
    Raises AudioError, at the latest after the last block, for anything that is not whole and sound.
    """
    decoded = decoded_blocks(source, block_seconds)
    samples = 0
    for block in resampled(_heard(decoded, hear) if hear else decoded, sample_rate):
        samples += len(block)
        yield block
    if not samples:
        raise AudioError(_named(source), "no sound: it lasts zero seconds")


def decoded_blocks(
    source: str | Path | BinaryStream, block_seconds: float = 10.0
) -> Iterator[tuple[int, np.ndarray]]:
    """The same at the file's own rate, which may change: pairs of it and a block.

    A file that lasts zero seconds has none.
    """
    where = _named(source)
    try:
        with _opened(source) as (file, descriptor):
            yield from sound(mono_blocks(file, where, block_seconds, descriptor), where)
    except FileNotFoundError as error:
        raise AudioError(where, f"{FILE_NOT_FOUND}: check the path") from error
    except OSError as error:
        raise read_failure(where, error) from error


def to_int16(waveform: np.ndarray) -> np.ndarray:
    """Full scale 1 -> 16 bit, (S,), rounded and clipped; a 16-bit file's own samples come back.

    What is in 16 bits already stays as it is.
    """
    if waveform.dtype == np.int16:
        return waveform
    scaled = np.multiply(waveform, 32768, dtype=np.float32)
    np.rint(scaled, out=scaled)
    return np.clip(scaled, -32768, 32767, out=scaled).astype(np.int16)


def _named(source: str | Path | BinaryStream) -> str:
    return printable(source) if isinstance(source, str | Path) else "audio in memory"


def _heard(
    blocks: Iterator[tuple[int, np.ndarray]], hear: Callable[[int, np.ndarray], None]
) -> Iterator[tuple[int, np.ndarray]]:
    for rate, block in blocks:
        hear(rate, block)
        yield rate, block


@contextmanager
def _opened(source: str | Path | BinaryStream) -> Iterator[tuple[BinaryStream, int | None]]:
    """The open file and its descriptor; a stream has none."""
    if isinstance(source, str | Path):
        require_file(source)
        with open(source, "rb", buffering=0) as file:
            yield file, file.fileno()
    else:
        yield source, None


def sound(blocks: Iterator[tuple[int, np.ndarray]], where: str) -> Iterator[tuple[int, np.ndarray]]:
    """The same blocks. Raises AudioError where they are no sound."""
    seconds = 0.0
    for rate, block in blocks:
        if not LOWEST_RATE <= rate <= HIGHEST_RATE:
            reason = f"impossible sample rate: {rate:,} Hz, not {LOWEST_RATE:,} to {HIGHEST_RATE:,}"
            raise AudioError(where, f"{reason}; get it again")
        finite = np.isfinite(block)
        if not finite.all():
            seconds += int(finite.argmin()) / rate
            raise AudioError(where, f"not finite: NaN or infinite samples after {seconds:.1f} s")
        seconds += len(block) / rate
        yield rate, block


def resampled(blocks: Iterator[tuple[int, np.ndarray]], sample_rate: int) -> Iterator[np.ndarray]:
    """All blocks at `sample_rate`; the same samples however they are cut into blocks."""
    for rate, same in groupby(blocks, key=itemgetter(0)):
        at_rate = (block for _, block in same)
        yield from at_rate if rate == sample_rate else _converted(at_rate, rate, sample_rate)


def _converted(blocks: Iterator[np.ndarray], rate: int, sample_rate: int) -> Iterator[np.ndarray]:
    resampler = soxr.ResampleStream(rate, sample_rate, 1, quality="HQ")
    for block in blocks:
        if len(converted := resampler.resample_chunk(block)):
            yield converted
    if len(rest := resampler.resample_chunk(np.zeros(0, np.float32), last=True)):
        yield rest
