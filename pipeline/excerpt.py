"""Sound in any format, of any length -> the intervals that training hears of it.

Shards of our own hold each interval as a file; in those of others a file may hold a whole song, in
stereo, at another rate. Which of its intervals is meant is a number.
"""

import io
from typing import NamedTuple

import av
import numpy as np
import soundfile

from pipeline.flac import decode_flac
from songkey.audio import to_int16, waveform_blocks
from songkey.container import HEAD_BYTES, is_mpeg, tag_bytes
from songkey.errors import AudioError
from songkey.foreign import kind_of
from songkey.guard import Guard

WHERE = "audio in memory"


class Excerpt(NamedTuple):
    """Which interval of a file of sound is meant, and at which rate it is heard."""

    number: int  # from 0
    sample_rate: int  # Hz


def excerpt_count(seconds: float, interval_seconds: float) -> int:
    """Intervals in so much sound: a last one counts if half of it is there, or it is the only."""
    return max(1, int(seconds / interval_seconds + 0.5))


def decode_excerpt(media: bytes, excerpt: Excerpt, samples: int) -> np.ndarray:
    """That interval of a file of sound, mono, int16 (S,) of `samples`; zeros fill it up.

    Everything before it is decoded too. Raises AudioError where it cannot be, or the sound ends
    before it.
    """
    number, sample_rate = excerpt
    if number == 0 and _is_ours(media, samples, sample_rate):
        return decode_flac(media, samples)
    start, filled = number * samples, 0
    waveform = np.zeros(samples, np.int16)
    at = 0  # samples of the blocks so far
    for block in waveform_blocks(io.BytesIO(media), sample_rate):
        part = to_int16(block[max(0, start - at) :][: samples - filled])
        waveform[filled : filled + len(part)] = part
        filled += len(part)
        at += len(block)
        if filled == samples:
            return waveform
    if not filled:
        reason = f"too short: it lasts {at / sample_rate:.1f} s, and has no interval {number}"
        raise AudioError(WHERE, f"{reason}; index the shards again")
    return waveform


def _is_ours(media: bytes, samples: int, sample_rate: int) -> bool:
    """Whether it is what our own shards hold, by a FLAC file's header: three times as fast."""
    stream = int.from_bytes(media[18:26], "big")  # 20, 3, 5 and 36 bits, RFC 9639, 8.2
    found = (stream >> 44, stream >> 41 & 7, stream >> 36 & 31, stream & (1 << 36) - 1)
    return media.startswith(b"fLaC\0") and found == (sample_rate, 1 - 1, 16 - 1, samples)


def seconds_of(media: bytes) -> float:
    """How long the sound of a file lasts, by its header or its packets: nothing is decoded.

    Raises AudioError where that cannot be told.
    """
    file = io.BytesIO(media)
    start = tag_bytes(file)
    head = media[start : start + HEAD_BYTES]
    if kind := kind_of(head):
        raise AudioError(WHERE, f"not audio: it is {kind}")
    # As songkey/decode.py: libsndfile only guesses the length of an MP3.
    if not is_mpeg(head) and b"OpusHead" not in head[:64]:
        try:
            return _some(soundfile.info(io.BytesIO(media)).duration)
        except soundfile.LibsndfileError:
            pass
    return _some(_seconds_of_packets(file))


class GuardedLengths(Guard):
    """The same in another process, which a damaged file may crash."""

    def __init__(self) -> None:
        super().__init__(_Lengths)

    def seconds_of(self, media: bytes) -> float:
        """As the function of that name has it; AudioError too where it is not survived."""
        return self.call("seconds", WHERE, media=media)


class _Lengths:
    """In the other process."""

    def __init__(self, on_block: object):
        """There are no blocks of sound."""

    def seconds(self, path: str, media: bytes) -> float:
        return seconds_of(media)


def _seconds_of_packets(file: io.BytesIO) -> float:
    file.seek(0)
    try:
        with av.open(file, "r", options={"protocol_whitelist": "none"}) as container:
            (stream, *_) = container.streams.audio
            packets = sum(packet.duration or 0 for packet in container.demux(stream))
            return float(packets * (stream.time_base or 0))
    except (av.FFmpegError, ValueError, IndexError) as error:  # the second: no stream of sound
        raise AudioError(WHERE, "not audio: neither libsndfile nor FFmpeg can open it") from error


def _some(seconds: float) -> float:
    if not seconds > 0:
        raise AudioError(WHERE, "no sound: it lasts zero seconds")
    return seconds
