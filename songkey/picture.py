"""A song as a picture: its CQT, time to the right and pitch upwards, and above it its keys."""

import colorsys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from songkey.errors import AudioKeyError
from songkey.keys import Key
from songkey.listening import Listening
from songkey.networkfile import NetworkInfo
from songkey.tuning import A4_HZ

WIDTH, BIN_HEIGHT = 1600, 4  # pixels: of the whole song, of a bin
LEFT, TOP, BOTTOM = 44, 40, 28  # margins with pitches, keys and times
FONT_SIZE = 14
# From silent to loud: as matplotlib's magma, dark to bright also for who sees no colours.
HEAT = np.array([(0, 0, 4), (81, 18, 124), (183, 55, 121), (252, 137, 97), (252, 253, 191)])
LEAST_TIMES = 90  # pixels between two times
ROUND_SECONDS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)


def write_picture(
    path: Path, heard: Listening, info: NetworkInfo, spell: Callable[[Key], str]
) -> None:
    """Write a PNG of a song that was listened to with its timeline and its CQT."""
    if heard.log_cqt is None:
        raise AudioKeyError("this network does not show what it hears; export it again")
    levels = heard.log_cqt[::-1]  # (F, T), the highest bin first
    seconds = info.seconds(levels.shape[1])
    height = BIN_HEIGHT * len(levels)
    image = Image.new("RGB", (LEFT + WIDTH, TOP + height + BOTTOM), "white")
    image.paste(Image.fromarray(_heat(levels)).resize((WIDTH, height)), (LEFT, TOP))
    draw = ImageDraw.Draw(image)
    draw.font = ImageFont.load_default(FONT_SIZE)
    for span in heard.spans or ():
        left, right = (
            LEFT + WIDTH * min(1.0, at / seconds) for at in (span.start_seconds, span.end_seconds)
        )
        colour = _colour(span.key) if span.is_clear else "lightgrey"
        draw.rectangle((left, 4, right - 1, TOP - 4), colour)
        name = spell(span.key) if span.is_clear else "?"
        if draw.textlength(name) < right - left:
            draw.text(((left + right) / 2, TOP / 2), name, "black", anchor="mm")
    _pitches(draw, info, height)
    _times(draw, seconds, TOP + height)
    image.save(path)


def _heat(levels: np.ndarray) -> np.ndarray:
    """Levels (F, T) of 0 to 255 as colours, uint8 (F, T, 3)."""
    at = np.linspace(0, 255, len(HEAT))
    table = np.stack([np.interp(np.arange(256), at, HEAT[:, part]) for part in range(3)], axis=1)
    return table.astype(np.uint8)[levels]


def _colour(key: Key) -> tuple[int, ...]:
    """Neighbours on the circle of fifths look alike; minor is darker than its relative major."""
    light = 0.65 if key.mode == "minor" else 0.8
    return tuple(
        round(255 * part) for part in colorsys.hls_to_rgb(key.fifths_above_c / 12, light, 0.6)
    )


def _pitches(draw: ImageDraw.ImageDraw, info: NetworkInfo, height: int) -> None:
    """The Cs at the left."""
    per_semitone = info.cqt["bins_per_octave"] / 12
    lowest = 69 + 12 * np.log2(info.cqt["fmin_hz"] / A4_HZ)  # in MIDI's numbers: C4 is 60
    highest = lowest + info.cqt["n_bins"] / per_semitone
    for pitch in range(12 * int(np.ceil(lowest / 12 - 1e-6)), int(highest), 12):
        y = TOP + height - BIN_HEIGHT * ((pitch - lowest) * per_semitone + 0.5)
        draw.text((LEFT - 6, y), f"C{pitch // 12 - 1}", "black", anchor="rm")


def _times(draw: ImageDraw.ImageDraw, seconds: float, y: int) -> None:
    """Round times below."""
    step = next(
        (one for one in ROUND_SECONDS if WIDTH * one / seconds >= LEAST_TIMES), ROUND_SECONDS[-1]
    )
    for at in range(0, int(seconds) + 1, step):
        x = LEFT + WIDTH * at / seconds
        draw.line((x, y, x, y + 4), "black")
        draw.text((x, y + 6), f"{at // 60}:{at % 60:02d}", "black", anchor="ma")
