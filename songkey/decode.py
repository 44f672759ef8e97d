"""Any audio file -> mono blocks at its own rate: by libsndfile, else by FFmpeg."""

import os
from collections.abc import Iterator

import av
import numpy as np
import soundfile

from songkey.container import WHOLE_FRACTION, BinaryStream, is_mpeg, missing
from songkey.errors import AudioError

MAX_BLOCK_VALUES = 2**24  # of one block, over all channels: 64 MB
UNKNOWN_FRAMES = 2**62  # libsndfile's count for a stream of unknown length is above
EXACT_DURATIONS = ("flac", "matroska,webm", "mov,mp4,m4a,3gp,3g2,mj2")  # elsewhere FFmpeg estimates
MAX_BAD_FRACTION = 1 - WHOLE_FRACTION  # of the packets: players pass over a few bad ones too


def mono_blocks(
    file: BinaryStream, where: str, block_seconds: float, descriptor: int | None = None
) -> Iterator[tuple[int, np.ndarray]]:
    """Pairs of the file's sample rate and float32 (S,), the mean of the channels.

    `descriptor` is that of an unbuffered local file: libsndfile then reads it by itself. While it
    calls back a stream's methods, the exception of a signal, such as Ctrl-C, is lost.
    """
    if not file.seek(0, os.SEEK_END):
        raise AudioError(where, "empty file: it has 0 bytes; copy or download it again")
    if lack := missing(file):
        raise AudioError(where, f"truncated: {lack}; copy or download it again")
    sound = _opened_by_libsndfile(file, descriptor)
    if sound is None:
        file.seek(0)
        yield from _ffmpeg_blocks(file, where, block_seconds)
    else:
        with sound:
            yield from _libsndfile_blocks(sound, where, block_seconds)


def _opened_by_libsndfile(file: BinaryStream, descriptor: int | None) -> soundfile.SoundFile | None:
    """The open file, or None where FFmpeg has to read it.

    Not MP3: without a Xing header libsndfile guesses the length from the first frame and stops
    there (656,571 of 2,646,000 samples, measured), gives up at a damaged frame, and prints to
    stderr. Not Opus: soundfile seeks after each read, and the samples then depend on the block.
    """
    head = file.read(64)
    file.seek(0)
    if is_mpeg(head) or b"OpusHead" in head:
        return None
    try:
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
        raise _truncated(where, sound.tell() / rate, sound.frames / rate) from error
    if _is_short(samples / rate, sound.frames / rate):
        raise _truncated(where, samples / rate, sound.frames / rate)


def _ffmpeg_blocks(
    file: BinaryStream, where: str, block_seconds: float
) -> Iterator[tuple[int, np.ndarray]]:
    seconds = 0.0
    try:
        # No protocols: a playlist under an audio file's name would open other files and addresses.
        options = {"protocol_whitelist": "none"}
        with av.open(file, "r", options=options, metadata_errors="replace") as container:
            stream = container.streams.best("audio")
            if not isinstance(stream, av.AudioStream):
                raise AudioError(where, "no audio stream: it holds only pictures, video or text")
            for rate, block in _joined(_frames(container, stream, where), where, block_seconds):
                seconds += len(block) / rate
                yield rate, block
            announced = _announced_seconds(container, stream)
    except av.FFmpegError as error:
        if not seconds:
            reason = "not audio: neither libsndfile nor FFmpeg can open it; give a whole music file"
            raise AudioError(where, reason) from error
        raise AudioError(where, f"truncated: decoding stopped after {seconds:.1f} s") from error
    if _is_short(seconds, announced):
        raise _truncated(where, seconds, announced)


def _frames(
    container: av.container.InputContainer, stream: av.AudioStream, where: str
) -> Iterator[av.AudioFrame]:
    """The stream's decoded frames; a few packets that cannot be decoded are passed over."""
    packets = bad_packets = 0
    for packet in container.demux(stream):
        packets += 1
        try:
            frames = packet.decode()
        except av.FFmpegError:
            bad_packets += 1
            continue
        yield from frames
    if bad_packets > MAX_BAD_FRACTION * packets:
        reason = f"damaged: {bad_packets} of {packets} packets cannot be decoded; get it again"
        raise AudioError(where, reason)


def _joined(
    frames: Iterator[av.AudioFrame], where: str, block_seconds: float
) -> Iterator[tuple[int, np.ndarray]]:
    """FFmpeg's frames, mostly some 20 ms long, in mono and joined to blocks."""
    rate, waiting, samples = 0, [], 0
    for frame in frames:
        if rate and frame.rate != rate:
            reason = f"sample rate changes: from {rate} to {frame.rate} Hz; convert it to one rate"
            raise AudioError(where, reason)
        rate = frame.rate
        waiting.append(mono(_values(frame, where)))
        samples += frame.samples
        if samples >= block_seconds * rate:
            yield rate, np.concatenate(waiting)
            waiting, samples = [], 0
    if waiting:
        yield rate, np.concatenate(waiting)


def _values(frame: av.AudioFrame, where: str) -> np.ndarray:
    """A frame's samples as float32 (S, C), full scale 1."""
    try:
        values: np.ndarray = frame.to_ndarray()  # (C, S) if planar, else (1, S * C)
    except ValueError as error:
        reason = f"samples of an unusual kind: {frame.format.name}; convert it to 16 or 24 bits"
        raise AudioError(where, reason) from error
    values = values.T if frame.format.is_planar else values.reshape(-1, frame.layout.nb_channels)
    if values.dtype.kind == "f":
        return values.astype(np.float32, copy=False)
    if values.dtype == np.uint8:
        return (values.astype(np.float32) - 128) / 128
    return values.astype(np.float32) / -float(np.iinfo(values.dtype).min)


def mono(block: np.ndarray) -> np.ndarray:
    """The mean of the channels, (S, C) -> (S,)."""
    waveform = block[:, 0].copy()  # channel by channel: ten times faster than block.mean(axis=1)
    for channel in range(1, block.shape[1]):
        waveform += block[:, channel]
    waveform /= block.shape[1]
    return waveform


def _announced_seconds(container: av.container.InputContainer, stream: av.AudioStream) -> float:
    """The sound's length by the container's header, or 0 where it does not say for sure."""
    if container.format.name not in EXACT_DURATIONS:
        return 0.0
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    if container.duration is None or container.streams.video:  # video may be longer than its sound
        return 0.0
    return container.duration / av.time_base


def _is_short(seconds: float, announced_seconds: float) -> bool:
    return seconds < WHOLE_FRACTION * announced_seconds and seconds < announced_seconds - 1


def _truncated(where: str, seconds: float, announced_seconds: float) -> AudioError:
    reason = f"truncated: {seconds:.1f} of {announced_seconds:.1f} s could be decoded; get it again"
    return AudioError(where, reason)
