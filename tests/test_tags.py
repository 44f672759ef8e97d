"""Laws of key tags: each format's own way to write a key is read, and nothing else is."""

import av
import mutagen
import numpy as np
import pytest
import soundfile
from mutagen.apev2 import APEv2
from mutagen.asf import ASF
from mutagen.id3 import ID3, TKEY, TXXX
from mutagen.mp4 import MP4, MP4FreeForm

from songs.tags import key_tags

ENCODERS = {".m4a": "aac", ".wma": "wmav2", ".wv": "wavpack"}  # soundfile writes the others


def silence(path):
    """A tenth of a second in the format of the path's ending."""
    if path.suffix not in ENCODERS:
        soundfile.write(path, np.zeros(800), 8_000)
        return path
    with av.open(str(path), "w") as container:
        stream = container.add_stream(ENCODERS[path.suffix], rate=44_100, layout="stereo")
        stream.codec_context.bit_rate = 128_000
        zeros = np.zeros((2, 4_096), np.float32)
        frame = av.AudioFrame.from_ndarray(zeros, format="fltp", layout="stereo")
        frame.sample_rate = 44_100
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def tag_id3(path, text):
    file = mutagen.File(path)
    file.add_tags()
    file.tags.add(TKEY(text=text))
    file.save()


def tag_id3_text(path, text):
    tags = ID3()
    tags.add(TXXX(desc="INITIALKEY", text=text))
    tags.save(path)


def tag_mp4(path, text):
    file = MP4(path)
    file["----:com.apple.iTunes:initialkey"] = [MP4FreeForm(text.encode())]
    file.save()


def tag_vorbis(path, text):
    file = mutagen.File(path)
    file["KEY"] = ["eyJub3QiOiAiYSBrZXkifQ=="]  # as some programs write beside it
    file["InitialKey"] = [text]
    file.save()


def tag_ape(path, text):
    tags = APEv2()
    tags["Key"] = text
    tags.save(path)


def tag_asf(path, text):
    file = ASF(path)
    file["WM/InitialKey"] = text
    file.save()


@pytest.mark.parametrize(
    ("text", "read"), [("Abm", "Abm"), ("8A", "8A"), ("Eb", "Eb major"), ("o", ""), ("sad", "sad")]
)
@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("a.mp3", tag_id3),
        ("a.wav", tag_id3),
        ("a.aiff", tag_id3),
        ("a.mp3", tag_id3_text),
        ("a.flac", tag_vorbis),
        ("a.ogg", tag_vorbis),
        ("a.m4a", tag_mp4),
        ("a.wma", tag_asf),
        ("a.wv", tag_ape),
    ],
)
def test_keys_are_read_from_every_formats_own_tag(tmp_path, name, tag, text, read):
    tag(silence(tmp_path / name), text)
    assert key_tags(tmp_path / name) == [read]


@pytest.mark.parametrize("ending", ["mp3", "wav", "aiff", "flac", "ogg", "m4a", "wma", "wv"])
def test_a_file_without_a_key_tag_has_none(tmp_path, ending):
    assert key_tags(silence(tmp_path / f"a.{ending}")) == []


def test_all_values_of_a_tag_are_given(tmp_path):
    tag_id3(silence(tmp_path / "a.mp3"), ["Am", "8A"])
    assert key_tags(tmp_path / "a.mp3") == ["Am", "8A"]


@pytest.mark.parametrize("name", ["a.mp3", "a.flac", "a.ogg", "a.m4a", "a.wma", "a.wav"])
def test_what_is_no_audio_has_no_tags(tmp_path, name):
    (tmp_path / name).write_bytes(b"no tags to read")
    assert key_tags(tmp_path / name) == []
    assert key_tags(tmp_path / "gone" / name) == []


@pytest.mark.parametrize("name", ["a.mp3", "a.flac", "a.ogg", "a.m4a", "a.wma", "a.wv", "a.wav"])
def test_a_damaged_tag_is_no_tag_and_stops_nothing(tmp_path, name):
    """Of the first: sizes of less than nothing, as FFmpeg's WMA has where zeros follow."""
    data = silence(tmp_path / name).read_bytes()
    damages = [data[:500] + bytes(1_500), data + b"APETAGEX".ljust(32, b"\0")]
    damages += [data[:at] + b"\0\0\0\0" + data[at + 4 :] for at in range(4, 120, 2)]
    damages += [data[:at] + b"\xff\xff" + data[at + 2 :] for at in range(4, 120, 2)]
    for damaged in damages:
        (tmp_path / name).write_bytes(damaged)
        assert key_tags(tmp_path / name) == []
