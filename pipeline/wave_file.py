"""An interval's waveform in 16 bit <-> the bytes of a WAV file: larger than FLAC, read at once."""

import io
import wave

import numpy as np

from songkey.decode import AudioError


def wav_bytes(waveform: np.ndarray, sample_rate: int) -> bytes:
    """A WAV file of an int16 waveform (S,)."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(sample_rate)
        writer.writeframes(waveform.astype("<i2").tobytes())
    return file.getvalue()


def decode_wav(data: bytes, samples: int) -> np.ndarray:
    """The waveform of a mono WAV file's bytes, int16 (S,); AudioError unless it has S `samples`."""
    try:
        with wave.open(io.BytesIO(data)) as reader:
            found = reader.getnframes(), reader.getnchannels(), reader.getsampwidth()
            sound = reader.readframes(samples) if found == (samples, 1, 2) else b""
    except (wave.Error, EOFError, RuntimeError) as error:  # the last: a chunk longer than the file
        reason = f"{len(data)} bytes are no readable WAV; pack the shard again"
        raise AudioError("audio in memory", reason) from error
    if len(sound) != 2 * samples:
        reason = (
            f"{found[0]} samples of {found[1]} channels, {8 * found[2]} bits, expected {samples} "
            "of one, 16 bits; pack the shard again"
        )
        raise AudioError("audio in memory", reason)
    return np.frombuffer(sound, "<i2")
