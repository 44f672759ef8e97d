"""Files of sound in every container that can be made here."""

from pathlib import Path

import av
import numpy as np
import soundfile

RATE = 44_100
CODECS = {  # by FFmpeg: the codec, and the samples' format that it takes
    ".aac": ("aac", "fltp"), ".ac3": ("ac3", "fltp"), ".avi": ("libmp3lame", "s16p"),
    ".eac3": ("eac3", "fltp"), ".flv": ("aac", "fltp"), ".m4a": ("aac", "fltp"),
    ".mka": ("aac", "fltp"), ".mov": ("alac", "s16p"), ".mp2": ("mp2", "s16"),
    ".mp4": ("aac", "fltp"), ".opus": ("libopus", "s16"), ".sbc": ("sbc", "s16"),
    ".ts": ("aac", "fltp"), ".tta": ("tta", "s16"), ".webm": ("libopus", "s16"),
    ".wma": ("wmav2", "fltp"), ".wv": ("wavpack", "fltp"),
}  # fmt: skip
BLOCK = 8192  # samples: libsndfile's Vorbis encoder crashes on much more at once


def encode(path: Path, waveform: np.ndarray, rate: int = RATE) -> Path:
    """Write float samples (S,) as stereo, in the container that the path's ending names."""
    stereo = np.stack([waveform, waveform], axis=1).astype(np.float32)  # (S, 2)
    if path.suffix in CODECS:
        _by_ffmpeg(path, stereo, rate)
        return path
    with soundfile.SoundFile(path, "w", rate, 2) as file:
        for start in range(0, len(stereo), BLOCK):
            file.write(stereo[start : start + BLOCK])
    return path


def _by_ffmpeg(path: Path, stereo: np.ndarray, rate: int) -> None:
    codec, sample_format = CODECS[path.suffix]
    rate = 48_000 if codec == "libopus" else rate
    values = stereo.T if sample_format.endswith("p") else stereo.reshape(1, -1)
    if sample_format.startswith("s16"):
        values = np.rint(32767 * values).astype(np.int16)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, layout="stereo")
        stream.codec_context.format = sample_format
        if codec in ("aac", "wmav2"):
            stream.codec_context.bit_rate = 128_000
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(values), format=sample_format, layout="stereo"
        )
        frame.sample_rate = rate
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def remuxed(path: Path, other: Path) -> Path:
    """The same encoded sound in the container that the other path's ending names."""
    with av.open(str(path)) as container, av.open(str(other), "w") as into:
        stream = into.add_stream_from_template(container.streams.audio[0])
        for packet in container.demux(container.streams.audio[0]):
            if packet.dts is not None:
                packet.stream = stream
                into.mux(packet)
    return other


def packets(path: Path) -> list[bytes]:
    """The encoded sound as the container holds it, packet by packet."""
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(container.streams.audio[0])]


def fields(path: Path) -> dict[str, str]:
    """The tags that FFmpeg reads, names in lower case."""
    with av.open(str(path)) as container:
        both = {**container.metadata, **container.streams.audio[0].metadata}
    return {name.lower(): value for name, value in both.items()}
