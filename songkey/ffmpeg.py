"""What FFmpeg decodes of a file -> mono blocks, by PyAV."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import av
import numpy as np
from av.stream import Disposition

from songkey.channels import MAX_BLOCK_VALUES, mono
from songkey.container import HEAD_BYTES, WHOLE_FRACTION, is_container, is_short, truncated
from songkey.errors import AudioError, printable
from songkey.passing import read_failure
from songkey.section import Section

EXACT_DURATIONS = ("flac", "matroska,webm", "mov,mp4,m4a,3gp,3g2,mj2")  # elsewhere FFmpeg estimates
EXACT_IN_OGG = ("vorbis", "opus")
MAX_BAD_FRACTION = 1 - WHOLE_FRACTION  # of the packets: players pass over a few bad ones too
PLAIN_FORMATS = ("u8", "s16", "s32", "flt", "dbl")  # that PyAV gives as arrays; or planar, with "p"
MOST_PLANES = 7  # PyAV looks for an empty place behind them in a table of eight, or crashes


def ffmpeg_blocks(
    file: Section, where: str, block_seconds: float, earlier_seconds: float
) -> Iterator[tuple[int, np.ndarray]]:
    """The blocks of a file, or of a part of it before which so much was heard."""
    seconds = earlier_seconds
    with _opened(file, where) as container:
        stream = _audio_stream(container, where)
        frames = _frames(container, stream, where, earlier_seconds)
        for rate, block in _joined(frames, where, block_seconds):
            seconds += len(block) / rate
            yield rate, block
        announced = _announced_seconds(container, stream)
    if is_short(seconds - earlier_seconds, announced):
        raise truncated(where, seconds, announced)


def header_seconds(path: str | Path) -> float:
    """How long a file's sound lasts, as its header says, else as its size lets guess; 0 if neither.

    Nothing is decoded: the sound may break off before. Raises AudioError where it cannot be opened.
    """
    where = printable(path)
    try:
        with open(path, "rb", buffering=0) as file:
            size = file.seek(0, os.SEEK_END)
            # FFmpeg would look through 5 MB of a WAV file: 18 ms.
            with _opened(Section(file, 0, size), where, probesize="65536") as container:
                stream = _audio_stream(container, where)
                if stream.duration is not None and stream.time_base is not None:
                    return float(stream.duration * stream.time_base)
                return (container.duration or 0) / av.time_base
    except OSError as error:
        raise read_failure(path, error) from error


def _opened(file: Section, where: str, **options: str) -> av.container.InputContainer:
    # No protocols: a playlist under an audio file's name would open other files and addresses.
    options["protocol_whitelist"] = "none"
    head = file.read(HEAD_BYTES)
    file.seek(0)
    try:
        return av.open(file, "r", options=options, metadata_errors="replace")
    except av.FFmpegError as error:
        raise AudioError(where, _unreadable(head)) from error


def _unreadable(head: bytes) -> str:
    """Why nothing opens a file that begins so."""
    kind = "damaged" if is_container(head) else "not audio"
    return f"{kind}: neither libsndfile nor FFmpeg can open it; give a whole music file"


def _audio_stream(container: av.container.InputContainer, where: str) -> av.AudioStream:
    """The first stream of sound that is marked as the default, else the first.

    Of several languages or programs that is what a player begins with. Those that FFmpeg has no
    decoder for do not count.
    """
    streams = [one for one in container.streams.audio if one.codec_context is not None]
    defaults = [one for one in streams if one.disposition & Disposition.default]
    if streams:
        return (defaults or streams)[0]
    if container.streams.audio:
        reason = "unknown codec: FFmpeg has no decoder for it, or it is encrypted; convert it"
        raise AudioError(where, reason)
    raise AudioError(where, "no audio stream: it holds only pictures, video or text")


def _frames(
    container: av.container.InputContainer, stream: av.AudioStream, where: str, seconds: float
) -> Iterator[av.AudioFrame]:
    """The stream's decoded frames; a few packets that cannot be decoded are passed over."""
    packets = bad_packets = 0
    try:
        for packet in _packets(container, stream):
            packets += 1
            try:
                frames = stream.decode(packet)
            except av.FFmpegError:
                bad_packets += 1
                continue
            for frame in frames:
                seconds += frame.samples / max(1, frame.rate)
                yield frame
    except av.FFmpegError as error:
        reason = f"damaged: its sound breaks off after {seconds:.1f} s; get it again"
        raise AudioError(where, reason) from error
    if bad_packets > MAX_BAD_FRACTION * packets:
        reason = f"damaged: {bad_packets} of {packets} packets cannot be decoded; get it again"
        raise AudioError(where, reason)


def _packets(container: av.container.InputContainer, stream: av.AudioStream) -> Iterator[av.Packet]:
    """The stream's packets, and one that flushes its decoder.

    In broadcasts streams may appear on the way. PyAV then looks beyond a table of those that it
    knew at first: it may give packets of another, and raises IndexError after the last packet.
    """
    with suppress(IndexError):
        for packet in container.demux(stream):
            if packet.stream.index == stream.index:
                yield packet


def _joined(
    frames: Iterator[av.AudioFrame], where: str, block_seconds: float
) -> Iterator[tuple[int, np.ndarray]]:
    """FFmpeg's frames, mostly some 20 ms long, joined to blocks of one rate, in mono."""
    rate, samples = 0, 0
    waiting: list[np.ndarray] = []  # each (C, S)
    for frame in frames:
        values = _values(frame, where)  # (C, S)
        changes = waiting and (frame.rate, len(values)) != (rate, len(waiting[0]))
        if changes or samples >= min(block_seconds * rate, MAX_BLOCK_VALUES // len(values)):
            if waiting:
                yield rate, mono(np.concatenate(waiting, axis=1).T)
            waiting, samples = [], 0
        rate = frame.rate
        waiting.append(values)
        samples += frame.samples
    if waiting:
        yield rate, mono(np.concatenate(waiting, axis=1).T)


def _values(frame: av.AudioFrame, where: str) -> np.ndarray:
    """A frame's samples as float32 (C, S), full scale 1."""
    channels = frame.layout.nb_channels
    plain = frame.format.name.removesuffix("p") in PLAIN_FORMATS
    if not plain or (frame.format.is_planar and channels > MOST_PLANES):
        frame = _converted(frame, where)
    values: np.ndarray = frame.to_ndarray()  # (C, S) if planar, else (1, S * C)
    if not frame.format.is_planar:
        values = values.reshape(-1, channels).T
    if values.dtype.kind == "f":
        return values.astype(np.float32, copy=False)
    if values.dtype == np.uint8:
        return (values.astype(np.float32) - 128) / 128
    return values.astype(np.float32) / -float(np.iinfo(values.dtype).min)


def _converted(frame: av.AudioFrame, where: str) -> av.AudioFrame:
    """A frame of a kind that PyAV cannot give as an array, in floats."""
    try:
        (converted,) = av.AudioResampler("flt").resample(frame)
    except (av.FFmpegError, ValueError) as error:
        reason = f"samples of an unusual kind: {frame.format.name}; convert it to 16 or 24 bits"
        raise AudioError(where, reason) from error
    return converted


def _announced_seconds(container: av.container.InputContainer, stream: av.AudioStream) -> float:
    """The sound's length by the container's header, or 0 where it does not say for sure."""
    codec = stream.codec_context.codec.canonical_name if container.format.name == "ogg" else ""
    if container.format.name not in EXACT_DURATIONS and codec not in EXACT_IN_OGG:
        return 0.0
    if stream.duration is not None and stream.time_base is not None:
        # That of Opus is counted from zero, though a broadcast may begin anywhere (measured).
        before = (stream.start_time or 0) if codec == "opus" else 0
        return float((stream.duration - before) * stream.time_base)
    if container.duration is None or container.streams.video:  # video may be longer than its sound
        return 0.0
    return container.duration / av.time_base
