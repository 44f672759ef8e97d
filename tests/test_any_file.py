"""Odd files: what is sound is heard, however it lies in its file; what is none is named."""

import io
import json
import os
import re
import struct
import sys
from itertools import pairwise

import av
import mutagen
import numpy as np
import pytest
import soundfile
from closed import close_folder
from encoded import encode

from songkey.audio import waveform_blocks
from songkey.channels import mono
from songkey.errors import AudioError, AudioKeyError
from songkey.files import AUDIO_ENDINGS, audio_files
from songkey.intervals import intervals
from songkey.screen import Screen

RATE = 44_100
TAG = b"ID3\4\0\0\0\0\2\0" + b"\0" * 256


def sine(seconds: float, rate: int = RATE, hz: float = 440.0) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)


def heard(source) -> np.ndarray:
    return np.concatenate(list(waveform_blocks(source, RATE)))


def hertz(waveform: np.ndarray) -> int:
    spectrum = np.abs(np.fft.rfft(waveform * np.hanning(len(waveform))))
    return round(float(np.argmax(spectrum)) * RATE / len(waveform))


def encoded(kind: str, waveform: np.ndarray, rate: int = RATE, subtype: str | None = None) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, waveform, rate, format=kind, subtype=subtype)
    return file.getvalue()


def without_end_flag(data: bytes) -> bytes:
    """An Ogg file as programs save it that record a broadcast."""
    at = data.rindex(b"OggS")
    page = bytearray(data[at:])
    page[5] &= ~4
    return data[:at] + with_checksum(page)


def with_checksum(page: bytearray) -> bytearray:
    """An Ogg page with the checksum that it should have."""
    page[22:26] = bytes(4)
    checksum = 0
    for byte in page:
        checksum ^= byte << 24
        for _ in range(8):
            checksum = checksum << 1 ^ (0x104C11DB7 if checksum >> 31 else 0)
    page[22:26] = checksum.to_bytes(4, "little")
    return page


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_an_ogg_without_a_flag_at_its_end_is_whole(subtype):
    data = encoded("OGG", sine(3.0, 48_000), 48_000, subtype)
    assert len(heard(io.BytesIO(without_end_flag(data)))) == pytest.approx(3 * RATE, abs=1_000)


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_an_ogg_that_lost_pages_in_its_middle_is_truncated(subtype):
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 20 * 48_000)
    data = encoded("OGG", noise, 48_000, subtype)
    pages = [b"OggS" + page for page in data.split(b"OggS")[1:]]
    kept = pages[: len(pages) // 2] + pages[len(pages) * 3 // 4 :]
    assert len(heard(io.BytesIO(data))) == pytest.approx(20 * RATE, abs=500)
    with pytest.raises(AudioError, match=r"truncated: 1\d\.\d of (19|20)\.\d s"):
        heard(io.BytesIO(b"".join(kept)))


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_an_ogg_of_a_broadcast_need_not_begin_at_zero(subtype):
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 8 * 48_000)
    data = bytearray(encoded("OGG", noise, 48_000, subtype))
    starts = [match.start() for match in re.finditer(b"OggS", data)]
    for start in starts:
        if position := int.from_bytes(data[start + 6 : start + 14], "little"):
            later = position + 100 * 48_000
            data[start + 6 : start + 14] = later.to_bytes(8, "little")
    places = pairwise([*starts, len(data)])
    whole = b"".join(with_checksum(data[start:end]) for start, end in places)
    assert len(heard(io.BytesIO(whole))) == pytest.approx(8 * RATE, abs=1_000)


@pytest.mark.parametrize("seconds", [0.1, 1.0, 1.5])
@pytest.mark.parametrize("art_bytes", [0, 150_000])
def test_a_short_vorbis_has_all_its_samples_whatever_its_tags(tmp_path, seconds, art_bytes):
    path = tmp_path / "a.ogg"
    path.write_bytes(encoded("OGG", sine(seconds, RATE), RATE, "VORBIS"))
    file = mutagen.File(path)
    file["metadata_block_picture"] = "A" * art_bytes
    file.save()
    assert len(heard(path)) == round(seconds * RATE)


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
@pytest.mark.parametrize(("rate", "channels"), [(48_000, 1), (24_000, 1), (48_000, 2), (24_000, 2)])
def test_all_songs_of_a_chained_ogg_are_heard_whatever_their_rates_and_channels(
    subtype, rate, channels
):
    first = encoded("OGG", sine(2.0, 48_000, 440.0), 48_000, subtype)
    second = np.tile(sine(2.0, rate, 550.0)[:, None], channels)
    waveform = heard(io.BytesIO(first + encoded("OGG", second, rate, subtype)))
    assert len(waveform) == pytest.approx(4 * RATE, abs=1_000)
    assert (hertz(waveform[: 2 * RATE]), hertz(waveform[2 * RATE :])) == (440, 550)


def test_an_mp3_whose_rate_changes_is_heard_to_its_end():
    parts = encoded("MP3", sine(2.0)), encoded("MP3", sine(2.0, 32_000, 550.0), 32_000)
    frames = [part[part.index(b"\xff\xfb", 40) :] for part in parts]  # behind the Xing header
    waveform = heard(io.BytesIO(b"".join(frames)))
    assert len(waveform) == pytest.approx(4 * RATE, rel=0.05)
    assert hertz(waveform[:RATE]) == 440 and hertz(waveform[-RATE:]) == 550


@pytest.mark.parametrize("kind", ["WAV", "AIFF", "FLAC", "OGG", "MP3"])
@pytest.mark.parametrize("tags", [1, 2])
def test_a_file_of_any_format_behind_id3_tags_is_the_same_sound(kind, tags):
    data = encoded(kind, sine(2.0))
    waveform = heard(io.BytesIO(tags * TAG + data))
    assert len(waveform) == pytest.approx(2 * RATE, abs=2_500) and hertz(waveform) == 440
    if kind != "OGG":  # whose first samples libsndfile alone gives
        assert np.allclose(waveform, heard(io.BytesIO(data)), atol=1e-4)


def test_a_file_cut_behind_its_id3_tag_is_truncated():
    data = encoded("WAV", sine(2.0))
    with pytest.raises(AudioError, match=r"truncated: 88,\d+ of 176,\d+ bytes are there"):
        heard(io.BytesIO(TAG + data[: len(data) // 2]))


@pytest.mark.parametrize("word", [b"Xing", b"Info", b"OpusHead", b"OggS", b"RIFF", b"fLaC"])
def test_a_title_that_is_a_format_s_name_is_a_title(word):
    title = b"\0" + word + b"\0\0\0\x0f" + b"\1" * 8 + word
    frame = b"TIT2" + struct.pack(">I", len(title)) + b"\0\0" + title
    tag = b"ID3\3\0\0\0\0\0" + bytes([len(frame)]) + frame
    data = encoded("MP3", sine(2.0))
    assert np.array_equal(heard(io.BytesIO(tag + data)), heard(io.BytesIO(data)))
    chunk = b"LIST" + struct.pack("<I", 12 + len(word)) + b"INFOINAM" + struct.pack("<I", len(word))
    wav = encoded("WAV", sine(2.0))
    titled = wav[:12] + chunk + word + wav[12:]
    assert np.array_equal(heard(io.BytesIO(titled)), heard(io.BytesIO(wav)))


def test_integers_of_64_bits_are_heard():
    samples = np.round(sine(2.0) * 2.0**62).astype(np.int64).tobytes()
    form = struct.pack("<HHIIHH", 1, 1, RATE, 8 * RATE, 8, 64)
    chunks = b"WAVEfmt " + struct.pack("<I", len(form)) + form
    chunks += b"data" + struct.pack("<I", len(samples)) + samples
    waveform = heard(io.BytesIO(b"RIFF" + struct.pack("<I", len(chunks)) + chunks))
    assert np.allclose(waveform, sine(2.0) / 2, atol=1e-6)


@pytest.mark.parametrize("channels", [6, 7, 8, 9, 24])
def test_more_channels_than_a_frame_has_room_for_are_heard(tmp_path, channels):
    """PyAV looks for the end of its table of eight, and crashes where all are taken."""
    path, values = tmp_path / "a.wv", np.tile(sine(2.0).astype(np.float32), (channels, 1))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("wavpack", rate=RATE, layout=f"{channels}C")
        packed = np.ascontiguousarray(values.T).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=f"{channels}C")
        frame.sample_rate = RATE
        for planar in [*av.AudioResampler("fltp").resample(frame), None]:
            container.mux(stream.encode(planar))
    assert np.allclose(heard(path), sine(2.0), atol=0.01)


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG", "MP3"])
def test_channels_that_cancel_each_other_are_heard(kind):
    waveform = sine(2.0)
    cancelling = encoded(kind, np.stack([0.7 * waveform, -0.7 * waveform], axis=1))
    rest = heard(io.BytesIO(cancelling))[RATE // 2 :]
    assert np.sqrt(np.mean(rest**2)) == pytest.approx(0.7 * 0.5 / np.sqrt(2), rel=0.02)


def test_channels_that_differ_are_averaged_even_where_little_is_left():
    one, other = np.random.default_rng(0).normal(0, 0.1, (2, RATE)).astype(np.float32)
    assert np.allclose(mono(np.stack([one, other], axis=1)), (one + other) / 2)
    nearly = np.stack([one, 0.1 * other - one], axis=1)
    assert np.allclose(mono(nearly), 0.05 * other, atol=1e-6)


@pytest.fixture
def two_streams(tmp_path):
    """Writes a container of two sounds, 440 and 550 Hz; the second may be the default."""

    def write(name: str, default: int | None):
        path, codec = tmp_path / name, "pcm_s16le" if name.endswith("mka") else "mp2"
        # Or else Matroska takes the first for the default where none is.
        options = {"default_mode": "passthrough"} if name.endswith("mka") else {}
        with av.open(str(path), "w", options=options) as container:
            streams = [container.add_stream(codec, rate=RATE, layout="mono") for _ in range(2)]
            if default is not None:
                streams[default].disposition = av.stream.Disposition.default
            for stream, hz in zip(streams, (440.0, 550.0), strict=True):
                values = np.round(20_000 * sine(3.0, hz=hz)).astype(np.int16)
                frame = av.AudioFrame.from_ndarray(values[None], format="s16", layout="mono")
                frame.sample_rate = RATE
                container.mux(stream.encode(frame))
                container.mux(stream.encode(None))
        return path

    return write


@pytest.mark.parametrize(("default", "hz"), [(None, 440), (0, 440), (1, 550)])
def test_of_several_streams_the_default_one_is_heard_else_the_first(two_streams, default, hz):
    assert hertz(heard(two_streams("a.mka", default))) == hz


def test_of_several_streams_in_a_broadcast_the_first_is_heard(two_streams):
    assert hertz(heard(two_streams("a.ts", None))) == 440


@pytest.mark.parametrize("rate", [RATE, 11_025])
@pytest.mark.parametrize("silence_seconds", [20.0, 95.0, 200.0])
@pytest.mark.parametrize("seconds", [4.0, 9.0, 15.0])
def test_music_after_silence_is_heard(rate, silence_seconds, seconds):
    music = np.random.default_rng(0).normal(0, 0.1, round(seconds * rate))
    data = encoded("FLAC", np.concatenate([np.zeros(round(silence_seconds * rate)), music]), rate)
    found = list(intervals(waveform_blocks(io.BytesIO(data), RATE), 20 * RATE, "a song"))
    sounding = sum(np.count_nonzero(abs(piece.waveform) > 100) for piece in found)
    assert sounding > 0.5 * seconds * RATE
    assert all(np.count_nonzero(piece.waveform) > RATE for piece in found)


def test_a_single_click_is_no_interval_but_is_not_called_silent():
    click = np.zeros(60_000, np.float32)
    click[25_000:25_100] = 0.5
    (only,) = intervals([click], 20_000, "a click")
    assert only.number == 1
    music = intervals([np.concatenate([click, sine(1.0)])], 40_000, "a song")
    assert [piece.number for piece in music] == [1, 2]
    with pytest.raises(AudioError, match="silent: "):
        list(intervals([0 * click], 20_000, "nothing"))


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        ("Ein Text, länger als ein Ton.".encode(), "text"),
        ("Ein Text, länger als ein Ton.".encode("utf-8-sig"), "text"),
        ("Ein Text, länger als ein Ton.".encode("utf-16"), "text in UTF-16"),
        ("Ein Text, länger als ein Ton.".encode("utf-16-le"), "text in UTF-16"),
        ("Ein Text, länger als ein Ton.".encode("utf-32"), "text in UTF-32"),
        ("Ein Text, länger als ein Ton.".encode("latin-1"), "text in an older encoding"),
        ("音楽ではなく、ただの文章です。".encode("shift-jis"), "text in an older encoding"),
        (("Ä" * 5_000).encode("utf-8"), "text"),
        (b"\n <!DOCTYPE HTML><title>404</title>", "an HTML page"),
        ("<html><title>404</title>".encode("utf-16"), "an HTML page in UTF-16"),
        (b'<?xml version="1.0"?><Error>', "XML or HTML"),
        (b'{"error": "not found"}', "JSON"),
        (b"#EXTM3U\nsong.mp3\n", "a playlist, which names songs and holds none"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "a PNG picture"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF" + bytes(100), "a JPEG picture"),
        (b"%PDF-1.7\n%\xe2\xe3" + bytes(100), "a PDF document"),
        (b"PK\3\4" + bytes(100), "a ZIP archive"),
        (b"MThd\0\0\0\6\0\1" + bytes(100), "MIDI, which has notes and no sound"),
    ],
)
def test_what_is_given_as_music_and_is_none_is_named(tmp_path, data, kind):
    (tmp_path / "song.mp3").write_bytes(data)
    with pytest.raises(AudioError) as refusal:
        heard(tmp_path / "song.mp3")
    assert refusal.value.reason == f"not audio: it is {kind}; give a music file"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_or_device_is_named_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.wav")
    with pytest.raises(AudioError, match=r"pipe\.wav: not a file: it is a pipe; give a file"):
        heard(tmp_path / "pipe.wav")
    with pytest.raises(AudioError, match="/dev/null: not a file: it is a device"):
        heard(os.devnull)


def test_a_stream_that_cannot_be_sought_in_is_named():
    read, write = os.pipe()
    os.close(write)
    with (
        open(read, "rb") as pipe,
        pytest.raises(AudioError, match="audio in memory: not readable: .*seek"),
    ):
        heard(pipe)


@pytest.mark.parametrize("rate", [1, 999, 2**31 - 1])
def test_a_rate_that_no_music_has_is_refused(rate):
    data = bytearray(encoded("WAV", sine(1.0)))
    data[24:28] = struct.pack("<I", rate)
    with pytest.raises(AudioError, match=f"impossible sample rate: {rate:,} Hz, not 1,000 to 3"):
        heard(io.BytesIO(data))


@pytest.mark.parametrize(
    "ending", [".ac3", ".mpga", ".m4r", ".spx", ".oga", ".asf", ".mp1", ".TTA"]
)
def test_files_of_rarer_endings_are_found_in_folders(tmp_path, ending):
    (tmp_path / f"a{ending}").touch()
    files, unreadable = audio_files(tmp_path)
    assert (list(files), unreadable) == ([f"a{ending}"], [])
    assert list(AUDIO_ENDINGS) == sorted(set(AUDIO_ENDINGS))


@pytest.fixture
def closed_folder(tmp_path, monkeypatch):
    """A folder with music beside one that may not be read, which not even root may do here."""
    for name in ("a", "closed"):
        (tmp_path / name).mkdir()
    encode(tmp_path / "a" / "song.wav", sine(1.0))
    close_folder(monkeypatch, "closed")
    return tmp_path


def test_a_folder_that_may_not_be_read_is_named_and_the_rest_answered(songkey, closed_folder):
    done = songkey("--json", closed_folder)
    assert done.returncode == 1 and "song.wav" in done.stdout
    assert done.stderr.splitlines() == [
        f"no key: {closed_folder}/closed: folder not readable: Permission denied; what is in it is "
        "left out",
        "error: 1 file could not be used, see above",
    ]


def test_a_folder_of_which_nothing_may_be_read_is_named(closed_folder):
    files, (error,) = audio_files(closed_folder / "closed")
    assert not files and "closed: folder not readable: Permission denied" in str(error)
    with pytest.raises(AudioKeyError, match="no such folder"):
        audio_files(closed_folder / "gone")


NASTY = "a\x1b[31m\nb\x9b2J\u202egpj.wav"
SHOWN = r"a\x1b[31m\nb\x9b2J\u202egpj.wav"


@pytest.fixture
def nasty(tmp_path):
    """A file whose name would colour a terminal, wipe it, and turn its letters around."""
    try:
        return encode(tmp_path / NASTY, sine(1.0))
    except OSError:
        pytest.skip("this file system takes no such names")


def test_a_name_that_moves_the_cursor_is_shown_and_not_obeyed(songkey, nasty):
    done = songkey(nasty)
    assert done.stdout.splitlines()[1].endswith(f"/{SHOWN}")
    nasty.write_bytes(b"RIFF")
    done = songkey(nasty.parent)
    assert done.stderr.splitlines()[0].startswith(f"no key: {nasty.parent}/{SHOWN}: truncated: ")
    assert len(done.stderr.splitlines()) == 2


def test_programs_get_such_a_name_as_it_is(songkey, nasty):
    assert json.loads(songkey("--json", nasty).stdout)[0]["path"] == str(nasty)
    assert next(iter(audio_files(nasty.parent)[0])) == SHOWN


def test_a_terminal_gets_no_such_name_in_any_form(nasty, monkeypatch, capsys):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    with Screen(files=1) as screen:
        screen.line(f'[\n  "{NASTY.splitlines()[0]}"\n]')
    assert capsys.readouterr().out == '[\n  "a\\x1b[31m"\n]\n'
