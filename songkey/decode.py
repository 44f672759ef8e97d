"""Any audio file -> mono blocks at its own rate: by libsndfile, else by FFmpeg."""

import errno
import os
from collections.abc import Iterator

import numpy as np
import soundfile

from songkey import ogg
from songkey.channels import MAX_BLOCK_VALUES, mono
from songkey.container import (
    HEAD_BYTES,
    WHOLE_FRACTION,
    BinaryStream,
    announced_bytes,
    is_mpeg,
    is_short,
    tag_bytes,
    truncated,
)  # fmt: skip
from songkey.errors import AudioError
from songkey.ffmpeg import ffmpeg_blocks
from songkey.foreign import kind_of
from songkey.section import Section

SYSTEM_ERROR = 2  # libsndfile's code where read() fails
UNKNOWN_FRAMES = 2**62  # libsndfile's count for a stream of unknown length is above


def mono_blocks(
    file: BinaryStream, where: str, block_seconds: float, descriptor: int | None = None
) -> Iterator[tuple[int, np.ndarray]]:
    """Pairs of the sample rate, which may change, and float32 (S,), the mean of the channels.

    `descriptor` is that of an unbuffered local file: libsndfile then reads it by itself. While it
    calls back a stream's methods, the exception of a signal, such as Ctrl-C, is lost.
    """
    size = file.seek(0, os.SEEK_END)
    if not size:
        raise AudioError(where, "empty file: it has 0 bytes; copy or download it again")
    start = tag_bytes(file)
    file.seek(start)
    head = file.read(HEAD_BYTES)
    is_ogg = head.startswith(ogg.PAGE)
    if lack := _lack_of_ogg(file) if is_ogg else _lack(head, start, size):
        raise AudioError(where, f"truncated: {lack}; copy or download it again")
    if kind := kind_of(head):
        raise AudioError(where, f"not audio: it is {kind}; give a music file")
    parts = ogg.chain(file, start, size) if is_ogg else [(start, size)]
    whole = parts == [(0, size)]
    if whole and (sound := _opened_by_libsndfile(Section(file, 0, size), head, descriptor)):
        with sound:
            yield from _libsndfile_blocks(sound, where, block_seconds)
        return
    seconds = 0.0
    for part in parts:
        for rate, block in ffmpeg_blocks(Section(file, *part), where, block_seconds, seconds):
            seconds += len(block) / rate
            yield rate, block


def _lack_of_ogg(file: BinaryStream) -> str:
    return "" if ogg.ends_whole(file) else "its Ogg stream has no end"


def _lack(head: bytes, start: int, size: int) -> str:
    """What a file lacks, in words, of which `head` begins at `start`; "" if it does not say."""
    whole = start + announced_bytes(head)
    return f"{size:,} of {whole:,} bytes are there" if size < WHOLE_FRACTION * whole else ""


def _opened_by_libsndfile(
    file: Section, head: bytes, descriptor: int | None
) -> soundfile.SoundFile | None:
    """The open file, or None where FFmpeg has to read it.

    Not MP3: without a Xing header libsndfile guesses the length from the first frame and stops
    there (656,571 of 2,646,000 samples, measured), gives up at a damaged frame, and prints to
    stderr. Not Opus: soundfile seeks after each read, and the samples then depend on the block.
    Not Vorbis: FFmpeg takes half as long, and a copy in Matroska has the same samples; but of a
    sound that lies in one page of Ogg it loses 256, or gives 1,000 too many (measured).
    """
    is_vorbis = b"\1vorbis" in head[:64] and ogg.has_pages_of_sound(file, 2)
    if is_mpeg(head) or b"OpusHead" in head[:64] or is_vorbis:
        return None
    try:
        file.seek(0)
        sound = soundfile.SoundFile(file if descriptor is None else descriptor, closefd=False)
    except soundfile.LibsndfileError:
        return None
    if 0 < sound.frames < UNKNOWN_FRAMES:
        return sound
    sound.close()
    return None


def _libsndfile_blocks(
    sound: soundfile.SoundFile, where: str, block_seconds: float
) -> Iterator[tuple[int, np.ndarray]]:
    rate, samples = sound.samplerate, 0
    size = max(1, min(round(block_seconds * rate), MAX_BLOCK_VALUES // sound.channels))
    try:
        while len(block := sound.read(size, dtype="float32", always_2d=True)):  # (S, C)
            samples += len(block)
            yield rate, mono(block)
    except soundfile.LibsndfileError as error:
        if error.code == SYSTEM_ERROR:  # the disk's, not the file's
            raise OSError(errno.EIO, os.strerror(errno.EIO)) from error
        raise truncated(where, sound.tell() / rate, sound.frames / rate) from error
    if is_short(samples / rate, sound.frames / rate):
        raise truncated(where, samples / rate, sound.frames / rate)
