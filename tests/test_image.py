"""The picture of a log CQT: exact on levels, within half a level on decibels."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from pipeline import png
from pipeline.cqt import LogCQT, unit_scale
from pipeline.image import ImageError, decode_png, png_bytes, to_decibels, to_levels

SHAPE = (144, 108)


@pytest.fixture
def levels():
    return np.random.default_rng(0).integers(0, 256, SHAPE, dtype=np.uint8)


def png_of(image, format="PNG"):
    file = io.BytesIO()
    image.save(file, format)
    return file.getvalue()


def test_levels_come_back_from_a_png_unchanged(levels):
    decoded = decode_png(png_bytes(levels), SHAPE)
    assert decoded.dtype == np.uint8
    assert np.array_equal(decoded, levels)


def test_pillow_reads_what_we_write(levels):
    picture = Image.open(io.BytesIO(png_bytes(levels)))
    assert (picture.mode, picture.format) == ("L", "PNG")
    assert np.array_equal(np.asarray(picture)[::-1], levels)


@pytest.mark.parametrize("compress_level", [0, 1, 9])
def test_what_pillow_writes_is_read(levels, compress_level):
    file = io.BytesIO()
    Image.fromarray(levels[::-1].copy()).save(file, "PNG", compress_level=compress_level)
    assert png.decode(file.getvalue(), SHAPE) is None  # not of our own form
    assert np.array_equal(decode_png(file.getvalue(), SHAPE), levels)


def test_our_own_form_is_read_without_pillow(levels):
    assert np.array_equal(png.decode(png.encode(levels), SHAPE), levels)
    assert png.decode(png.encode(levels), (SHAPE[1], SHAPE[0])) is None


def test_decoded_levels_can_become_a_tensor(levels):
    assert torch.from_numpy(decode_png(png_bytes(levels), SHAPE)).is_contiguous()


def test_the_same_levels_give_the_same_bytes(levels):
    assert png_bytes(levels) == png_bytes(levels.copy(order="F"))


def test_every_level_stands_for_its_own_decibels():
    levels = torch.arange(256, dtype=torch.uint8)
    decibels = to_decibels(levels, 80.0)
    assert (decibels[0], decibels[255]) == (-80, 0)
    assert torch.equal(to_levels(decibels, 80.0), levels)


@pytest.mark.parametrize("range_db", [60.0, 80.0])
def test_decibels_come_back_within_half_a_level(range_db):
    decibels = torch.linspace(-range_db, 0, 10_001)
    error = to_decibels(to_levels(decibels, range_db), range_db) - decibels
    assert error.abs().max() <= 0.5001 * range_db / 255


def test_the_network_sees_the_same_from_png_and_audio_within_half_a_level():
    waveform = torch.randn(1, 88200, generator=torch.Generator().manual_seed(0))
    decibels = LogCQT(44100, 65.4, 120, 24, 6, 8192, 80.0)(waveform)[0]
    picture = png_bytes(to_levels(decibels, 80.0).numpy())
    from_png = to_decibels(torch.from_numpy(decode_png(picture, decibels.shape)), 80.0)
    difference = unit_scale(from_png, 80.0) - unit_scale(decibels, 80.0)
    assert difference.abs().max() <= 0.5001 / 255


def test_the_lowest_bin_is_the_bottom_row_of_the_picture():
    levels = np.zeros(SHAPE, dtype=np.uint8)
    levels[0] = 255
    picture = np.asarray(Image.open(io.BytesIO(png_bytes(levels))))
    assert (picture[-1] == 255).all()
    assert not picture[:-1].any()


@pytest.mark.parametrize("mode", ["RGB", "1", "I;16", "P"])
def test_a_png_that_is_not_8_bit_grey_is_refused(mode):
    with pytest.raises(ImageError, match=f"PNG of mode {mode}, expected 8-bit grey"):
        decode_png(png_of(Image.new(mode, (108, 144))), SHAPE)


def test_a_png_of_other_settings_is_refused(levels):
    with pytest.raises(ImageError, match="100 bins x 108 frames, expected 144 bins x 108 frames"):
        decode_png(png_bytes(levels[:100]), SHAPE)


def test_bytes_that_are_no_png_are_refused(levels):
    good = png_bytes(levels)
    jpeg = png_of(Image.fromarray(levels), "JPEG")
    for data in (b"", b"<html>", good[:20], good[: len(good) // 2], good[:-30], jpeg):
        with pytest.raises(ImageError, match=f"{len(data)} bytes are no readable PNG"):
            decode_png(data, SHAPE)


def in_other_form(levels):
    return png_of(Image.fromarray(levels[::-1].copy()))


@pytest.mark.parametrize("written", [png_bytes, in_other_form])
def test_a_changed_byte_never_passes_for_other_levels(written):
    rows, columns = np.mgrid[:20, :31]
    levels = (128 + 60 * np.sin(rows / 3) + 60 * np.cos(columns / 5)).astype(np.uint8)
    good = written(levels)
    for position in range(len(good)):
        for change in range(1, 256, 6):
            broken = good[:position] + bytes([good[position] ^ change]) + good[position + 1 :]
            try:
                assert np.array_equal(decode_png(broken, levels.shape), levels)
            except ImageError:
                continue
