"""Bad audio ends in one AudioError that says what is wrong; what is merely odd is read."""

import pickle

import av
import numpy as np
import pytest
import soundfile

from songkey.audio import waveform_blocks
from songkey.decode import AudioError

RATE = 44_100
SECONDS = 8


def decode(path) -> int:
    return sum(len(block) for block in waveform_blocks(path, RATE))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The same 8 s as wav, flac, mp3, ogg and m4a."""
    folder = tmp_path_factory.mktemp("audio")
    waveform = np.random.default_rng(0).normal(0, 0.1, SECONDS * RATE).astype(np.float32)
    for ending in ("wav", "aiff", "flac", "mp3", "ogg"):
        soundfile.write(folder / f"a.{ending}", waveform, RATE)
    with av.open(str(folder / "a.m4a"), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("aac", rate=RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(waveform[None], format="fltp", layout="mono")
        frame.sample_rate = RATE
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return folder


@pytest.mark.parametrize("ending", ["wav", "aiff", "flac", "mp3", "ogg", "m4a"])
@pytest.mark.parametrize("share", [0.3, 0.8])
def test_a_truncated_file_is_refused(files, tmp_path, capfd, ending, share):
    data = (files / f"a.{ending}").read_bytes()
    path = tmp_path / f"cut.{ending}"
    path.write_bytes(data[: round(share * len(data))])
    with pytest.raises(AudioError, match=rf"cut.{ending}: truncated: ") as refusal:
        decode(path)
    assert refusal.value.reason.startswith("truncated: ")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("ending", ["wav", "aiff", "flac", "mp3", "ogg", "m4a"])
def test_a_whole_file_is_whole(files, ending):
    assert decode(files / f"a.{ending}") == pytest.approx(SECONDS * RATE, abs=3_000)


def test_an_ogg_whose_last_packet_goes_on_in_a_page_that_is_not_there_is_refused(files, tmp_path):
    data = (files / "a.ogg").read_bytes()
    at = data.rindex(b"OggS")
    page = bytearray(data[at:])
    page[5] &= ~4
    page[26 + page[26]] = 255
    (tmp_path / "a.ogg").write_bytes(data[:at] + page.ljust(len(page) + 255, b"\0"))
    with pytest.raises(AudioError, match="truncated: its Ogg stream has no end"):
        decode(tmp_path / "a.ogg")


def test_a_wav_recorded_through_a_pipe_announces_no_length_and_is_read(files, tmp_path):
    data = bytearray((files / "a.wav").read_bytes())
    at = data.index(b"data") + 4
    data[4:8] = data[at : at + 4] = b"\xff\xff\xff\xff"
    (tmp_path / "a.wav").write_bytes(data)
    assert decode(tmp_path / "a.wav") == SECONDS * RATE


def test_a_flac_of_unknown_length_is_read(files, tmp_path):
    data = bytearray((files / "a.flac").read_bytes())
    data[21] &= 0xF0  # the 36 bits of the number of samples in STREAMINFO
    data[22:26] = bytes(4)
    (tmp_path / "a.flac").write_bytes(data)
    assert decode(tmp_path / "a.flac") == SECONDS * RATE


def test_a_small_damage_in_an_mp3_is_passed_over(files, tmp_path, capfd):
    data = bytearray((files / "a.mp3").read_bytes())
    data[30_000:31_000] = b"\x07" * 1_000
    (tmp_path / "a.mp3").write_bytes(data)
    assert decode(tmp_path / "a.mp3") == pytest.approx(SECONDS * RATE, rel=0.05)
    assert capfd.readouterr() == ("", "")


def test_tags_that_are_not_utf_8_do_no_harm(files, tmp_path):
    tag = b"TAG" + "Motörhead".encode("latin-1").ljust(124, b"\0") + b"\x11"
    (tmp_path / "a.mp3").write_bytes((files / "a.mp3").read_bytes() + tag)
    assert decode(tmp_path / "a.mp3") == decode(files / "a.mp3")


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("cut tag.mp3", b"ID3\4\0\0\0\0\x7f\x7f" + b"\xff\xfb\x90\0" * 100, "truncated"),
        ("noise.mp3", np.random.default_rng(0).bytes(50_000), "not audio"),
        ("raw.ub", b"decoders take any bytes under this name\0" * 100, "not audio"),
        ("no.raw", b"decoders take any bytes under this name\0" * 100, "not audio"),
        ("four.mp3", b"\xff\xfb\x90\0", "not audio"),
        ("tag.mp3", b"ID3\4", "not audio"),
        ("xing.mp3", b"\xff\xfb\x90\0".ljust(36, b"\0") + b"Xing", "not audio"),
        ("short.ogg", b"OggS", "truncated"),
        ("tiny.wav", b"x", "not audio"),
        ("empty.wav", b"", "empty file"),
    ],
)
def test_what_is_not_audio_is_refused(tmp_path, capfd, name, data, reason):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(AudioError, match=f"{name}: {reason}: "):
        decode(tmp_path / name)
    assert capfd.readouterr() == ("", "")


def test_a_playlist_under_an_audio_files_name_opens_no_other_file(files, tmp_path):
    (tmp_path / "a.mp3").write_text(f"ffconcat version 1.0\nfile '{files}/a.m4a'\n")
    with pytest.raises(AudioError, match="not audio"):
        decode(tmp_path / "a.mp3")


def test_a_video_without_sound_is_refused(tmp_path):
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 64
        frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(AudioError, match="no audio stream"):
        decode(tmp_path / "a.mp4")


@pytest.mark.parametrize("ending", ["wav", "aiff"])
def test_zero_seconds_are_refused(tmp_path, ending):
    soundfile.write(tmp_path / f"a.{ending}", np.zeros(0, np.int16), RATE)
    with pytest.raises(AudioError, match="no sound: it lasts zero seconds"):
        decode(tmp_path / f"a.{ending}")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers_are_refused_with_their_place(tmp_path, value):
    waveform = np.zeros(15 * RATE, np.float32)
    waveform[12 * RATE] = value
    soundfile.write(tmp_path / "a.wav", waveform, RATE, "FLOAT")
    with pytest.raises(AudioError, match="not finite: NaN or infinite samples after 12.0 s"):
        decode(tmp_path / "a.wav")


def test_a_path_that_leads_nowhere_is_refused(tmp_path):
    with pytest.raises(AudioError, match=r"gone\.wav: file not found"):
        decode(tmp_path / "gone.wav")
    with pytest.raises(AudioError, match="not a file: it is a folder"):
        decode(tmp_path)


def test_an_audio_error_crosses_processes_unchanged():
    error = pickle.loads(pickle.dumps(AudioError("a.wav", "silent: all of it")))
    assert (str(error), error.reason) == ("a.wav: silent: all of it", "silent: all of it")
