"""An interval's waveform in 16 bit <-> the bytes of a FLAC file, as audio shards hold them."""

import os
from tempfile import TemporaryFile
from typing import BinaryIO

import miniaudio
import numpy as np
import soundfile

from songkey.decode import AudioError

WHERE = "audio in memory"


def flac_bytes(waveform: np.ndarray, sample_rate: int) -> bytes:
    """A FLAC file of an int16 waveform (S,); the same samples always give the same bytes."""
    # libsndfile's default level: its fastest saves 13% of the time and costs 28% more bytes.
    with _nameless_file() as file:
        descriptor = file.fileno()  # not the file: see mono_blocks
        soundfile.write(descriptor, waveform, sample_rate, "PCM_16", format="FLAC", closefd=False)
        file.seek(0)
        return file.read()


def _nameless_file() -> BinaryIO:
    """In memory where the system can do that."""
    if hasattr(os, "memfd_create"):
        return open(os.memfd_create("flac"), "w+b", buffering=0)
    return TemporaryFile(buffering=0)


def decode_flac(data: bytes, samples: int) -> np.ndarray:
    """The waveform of a mono FLAC file's bytes, int16 (S,); AudioError unless it has S `samples`.

    By miniaudio, which takes 0.6 of libsndfile's time. It leaves out what is damaged, which the
    number of samples shows; that frames are in their order, only a checksum of the file does.
    """
    if (said := _said(data)) != (samples, 1):
        raise _refused(*said, samples)
    try:
        sound = miniaudio.flac_read_s16(data)
    except (miniaudio.DecodeError, ZeroDivisionError) as error:  # the second: at 0 samples a second
        raise _unreadable(data) from error
    if (sound.num_frames, sound.nchannels) != (samples, 1):
        raise _refused(sound.num_frames, sound.nchannels, samples)
    return np.frombuffer(sound.samples, np.int16)


def _said(data: bytes) -> tuple[int, int]:
    """The number of samples and of channels that the head says: what decoding makes room for.

    Of a file that says 0, a megabyte may be decoded to gigabytes. https://www.rfc-editor.org/rfc/rfc9639
    """
    is_last = b"\x80" if data[4:5] == b"\x80" else b"\0"  # of the blocks before the sound
    if len(data) < 26 or data[:8] != b"fLaC" + is_last + b"\0\0\x22":
        raise _unreadable(data)
    channels = (data[20] >> 1 & 7) + 1
    return int.from_bytes(data[21:26]) % (1 << 36), channels


def _unreadable(data: bytes) -> AudioError:
    return AudioError(WHERE, f"{len(data)} bytes are no readable FLAC; pack the shard again")


def _refused(samples: int, channels: int, expected: int) -> AudioError:
    found = f"{samples} samples of {channels} channels"
    return AudioError(WHERE, f"{found}, expected {expected} of one; pack the shard again")
