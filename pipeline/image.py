"""A log CQT as an 8-bit grey picture: decibels <-> levels <-> PNG bytes.

One level is a fixed number of decibels, range_db / 255: level 0 is -range_db, level 255 is 0 dB.
In the picture low pitch is at the bottom and time runs to the right, as a person expects; in arrays
and tensors row 0 is the lowest bin.
"""

import io

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from pipeline import png
from songkey.errors import AudioKeyError


class ImageError(AudioKeyError):
    """Bytes that are not the PNG of a log CQT."""


def to_levels(decibels: Tensor, range_db: float) -> Tensor:
    """Levels, uint8, of a log CQT (..., F, T) of -range_db to 0 decibels."""
    return ((decibels / range_db + 1) * 255).round().clamp(0, 255).to(torch.uint8)


def to_decibels(levels: Tensor, range_db: float) -> Tensor:
    """The log CQT, float32, that levels (..., F, T) stand for, within half a level."""
    return (levels.float() / 255 - 1) * range_db


def png_bytes(levels: np.ndarray) -> bytes:
    """The PNG file of uint8 levels (F, T); the same levels always give the same bytes."""
    return png.encode(levels[::-1])  # highest bin first


def decode_png(data: bytes, shape: tuple[int, ...], out: np.ndarray | None = None) -> np.ndarray:
    """The uint8 levels (F, T) of any PNG file; ImageError unless 8-bit grey and of `shape`.

    They are put into `out` where that is given.
    """
    levels = np.empty(shape, np.uint8) if out is None else out  # (F, T)
    picture = levels[::-1]  # highest bin first
    try:
        if png.decode(data, shape, picture) is None:
            picture[:] = _decoded_by_pillow(data, shape)
    except png.PngError as error:
        raise _unreadable(data) from error
    return levels


def _decoded_by_pillow(data: bytes, shape: tuple[int, ...]) -> np.ndarray:
    try:
        image = Image.open(io.BytesIO(data), formats=["PNG"])  # of which it reads the head
        if image.mode == "L" and image.size == (shape[1], shape[0]):
            return np.asarray(image)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise _unreadable(data) from error  # Pillow raises any of these for a broken file
    if image.mode != "L":
        raise ImageError(f"PNG of mode {image.mode}, expected 8-bit grey (L); pack the shard again")
    raise ImageError(
        f"PNG of {image.height} bins x {image.width} frames, expected {shape[0]} bins x {shape[1]} "
        "frames: the shard was packed with other [cqt] or prepare.interval_seconds settings; pack "
        "it again or use those"
    )


def _unreadable(data: bytes) -> ImageError:
    return ImageError(f"{len(data)} bytes are no readable PNG; pack the shard again")
