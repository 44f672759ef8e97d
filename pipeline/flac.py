"""An interval's waveform in 16 bit <-> the bytes of a FLAC file, as audio shards hold them."""

import os
from tempfile import TemporaryFile
from typing import BinaryIO

import miniaudio
import numpy as np
import soundfile

from songkey.decode import AudioError


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
    try:
        sound = miniaudio.flac_read_s16(data)
    except (miniaudio.DecodeError, ZeroDivisionError) as error:  # the second: at 0 samples a second
        reason = f"{len(data)} bytes are no readable FLAC; pack the shard again"
        raise AudioError("audio in memory", reason) from error
    if (sound.num_frames, sound.nchannels) != (samples, 1):
        found = f"{sound.num_frames} samples of {sound.nchannels} channels"
        reason = f"{found}, expected {samples} of one; pack the shard again"
        raise AudioError("audio in memory", reason)
    return np.frombuffer(sound.samples, np.int16)
