"""Laws of reading audio: rates, channels, blocks, memory, and the 16-bit FLAC round trip."""

import io
import os
import tracemalloc

import av
import numpy as np
import pytest
import soundfile

from pipeline.flac import decode_flac, flac_bytes
from songkey.audio import AudioError, printable, to_int16, waveform_blocks

RATE = 44_100


def sine(seconds: float, sample_rate: int, hz: float = 440.0) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * hz * np.arange(round(seconds * sample_rate)) / sample_rate)


def waveform_of(path, sample_rate=RATE, block_seconds=10.0) -> np.ndarray:
    return np.concatenate(list(waveform_blocks(path, sample_rate, block_seconds)))


def write_with_ffmpeg(path, codec, waveform, sample_rate):
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=sample_rate, layout="mono")
        stream.codec_context.bit_rate = 128_000
        frame = av.AudioFrame.from_ndarray(to_int16(waveform)[None], format="s16", layout="mono")
        frame.sample_rate = sample_rate
        wanted = av.AudioResampler(stream.codec_context.format, "mono", sample_rate)
        for piece in [*wanted.resample(frame), None]:
            container.mux(stream.encode(piece))


def loudest_hz(waveform: np.ndarray, sample_rate: int) -> float:
    spectrum = np.abs(np.fft.rfft(waveform * np.hanning(len(waveform))))
    return float(np.argmax(spectrum)) * sample_rate / len(waveform)


@pytest.mark.parametrize("sample_rate", [8_000, 22_050, 44_100, 48_000, 96_000, 192_000])
def test_a_sine_keeps_its_pitch_level_and_length_at_any_rate(tmp_path, sample_rate):
    soundfile.write(tmp_path / "a.wav", sine(3.0, sample_rate), sample_rate)
    waveform = waveform_of(tmp_path / "a.wav")
    assert waveform.dtype == np.float32
    assert abs(len(waveform) - 3.0 * RATE) <= 1
    assert loudest_hz(waveform, RATE) == pytest.approx(440.0, abs=0.5)
    middle = waveform[RATE : 2 * RATE]
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(0.5 / np.sqrt(2), rel=1e-3)


def test_a_tone_above_half_the_new_rate_vanishes(tmp_path):
    soundfile.write(tmp_path / "a.wav", sine(2.0, 96_000, 30_000.0), 96_000, "FLOAT")
    inner = waveform_of(tmp_path / "a.wav")[4_000:-4_000]  # the tone's own ends are broadband
    assert 20 * np.log10(np.abs(inner).max()) < -110


def test_channels_are_averaged_even_six_at_192_khz(tmp_path):
    channels = np.random.default_rng(0).uniform(-1, 1, (19_200, 6)).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", channels, 192_000, "FLOAT")
    mono = waveform_of(tmp_path / "a.wav", 192_000)
    np.testing.assert_allclose(mono, channels.mean(axis=1), atol=1e-6)


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.mp3", "a.opus", "a.m4a", "a.mka"])
def test_the_samples_do_not_depend_on_the_size_of_the_blocks(tmp_path, name):
    codec = {"opus": "libopus", "m4a": "aac", "mka": "aac"}.get(name.partition(".")[2])
    waveform = np.random.default_rng(0).normal(0, 0.1, 3 * 48_000)
    if codec:
        write_with_ffmpeg(tmp_path / name, codec, waveform, 48_000)
    else:
        soundfile.write(tmp_path / name, waveform, 48_000)
    whole = waveform_of(tmp_path / name, block_seconds=1000.0)
    assert len(whole) == pytest.approx(3 * RATE, rel=0.03)
    for block_seconds in (0.01, 0.7):
        assert np.array_equal(waveform_of(tmp_path / name, RATE, block_seconds), whole)


def test_memory_does_not_grow_with_the_length(tmp_path):
    def peak(seconds: int) -> int:
        soundfile.write(tmp_path / "a.wav", np.full(8_000 * seconds, 1_000, np.int16), 8_000)
        tracemalloc.start()
        for block in waveform_blocks(tmp_path / "a.wav", RATE):
            del block
        peak_bytes = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak_bytes

    assert peak(600) < 1.1 * peak(60)


@pytest.mark.parametrize("name", ["two words.wav", "Чайковский – 白鳥の湖.flac", "a:b?#%20.ogg"])
def test_any_file_name_works(tmp_path, name):
    soundfile.write(tmp_path / name, sine(1.0, RATE), RATE)
    assert len(waveform_of(tmp_path / name)) == RATE
    assert len(waveform_of(str(tmp_path / name))) == RATE


def test_a_name_that_is_not_utf_8_is_read_and_shown_with_escapes(tmp_path):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.mka")
    write_with_ffmpeg(tmp_path / "a.mka", "aac", sine(1.0, RATE), RATE)
    try:
        os.rename(tmp_path / "a.mka", path)
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    assert len(waveform_of(path)) == pytest.approx(RATE, rel=0.1)
    assert printable(path).endswith(r"/caf\xe9.mka")


def test_bytes_in_memory_give_what_their_file_gives(tmp_path):
    soundfile.write(tmp_path / "a.mp3", sine(1.0, RATE), RATE)
    in_memory = io.BytesIO((tmp_path / "a.mp3").read_bytes())
    assert np.array_equal(waveform_of(in_memory), waveform_of(tmp_path / "a.mp3"))


def test_an_mp3_without_a_length_in_its_header_is_read_to_the_end(tmp_path):
    loud = np.random.default_rng(0).uniform(-0.5, 0.5, 5 * RATE)
    waveform = np.concatenate([loud, np.zeros(10 * RATE)])
    soundfile.write(tmp_path / "a.mp3", waveform, RATE, bitrate_mode="VARIABLE")
    data = (tmp_path / "a.mp3").read_bytes()
    second_frame = data.index(b"\xff\xfb", data.index(b"Xing"))
    (tmp_path / "a.mp3").write_bytes(data[second_frame:])
    assert len(waveform_of(tmp_path / "a.mp3")) == pytest.approx(15 * RATE, rel=0.01)


def test_16_bit_samples_come_back_unchanged(tmp_path):
    samples = np.random.default_rng(0).integers(-32768, 32768, RATE).astype(np.int16)
    soundfile.write(tmp_path / "a.wav", samples, RATE)
    assert np.array_equal(to_int16(waveform_of(tmp_path / "a.wav")), samples)


def test_what_exceeds_full_scale_is_clipped():
    waveform = np.array([-2.0, -1.0, 0.0, 0.6 / 32768, 1.0, 1e30], np.float32)
    assert to_int16(waveform).tolist() == [-32768, -32768, 0, 1, 32767, 32767]


@pytest.mark.parametrize("samples", [1, 4_096, 100_001])
def test_flac_bytes_round_trip_exactly_and_are_reproducible(samples):
    waveform = np.random.default_rng(0).integers(-32768, 32768, samples).astype(np.int16)
    data = flac_bytes(waveform, RATE)
    assert np.array_equal(decode_flac(data, samples), waveform)
    assert flac_bytes(waveform, RATE) == data


@pytest.mark.parametrize("amplitude", [0, 1, 3_000, 32_767])
def test_flac_is_decoded_as_libsndfile_does(amplitude):
    noise = np.random.default_rng(0).normal(0, amplitude / 100, 30_000)
    waveform = (amplitude * sine(30_000 / RATE, RATE) + noise).astype(np.int16)
    data = flac_bytes(waveform, RATE)
    assert np.array_equal(
        decode_flac(data, 30_000), soundfile.read(io.BytesIO(data), dtype="int16")[0]
    )


def test_a_local_file_is_decoded_and_flac_encoded_without_calling_back(tmp_path, monkeypatch):
    soundfile.write(tmp_path / "a.flac", sine(1.0, RATE), RATE)
    # An exception of a signal would be lost in a method that libsndfile calls.
    monkeypatch.setattr(soundfile.SoundFile, "_init_virtual_io", lambda *_: pytest.fail("called"))
    monkeypatch.setattr(av, "open", lambda *_: pytest.fail("not opened by libsndfile"))
    waveform = waveform_of(tmp_path / "a.flac")
    assert len(waveform) == RATE
    assert len(decode_flac(flac_bytes(to_int16(waveform), RATE), RATE)) == RATE


def test_bytes_that_are_not_flac_are_refused():
    with pytest.raises(AudioError, match="8 bytes are no readable FLAC"):
        decode_flac(b"no music", 1)
    rateless = bytearray(flac_bytes(np.zeros(100, np.int16), RATE))
    rateless[18:20], rateless[20] = b"\0\0", rateless[20] & 0x0F
    with pytest.raises(AudioError, match="no readable FLAC"):
        decode_flac(bytes(rateless), 100)


def test_flac_of_another_length_or_in_stereo_is_refused():
    with pytest.raises(AudioError, match="4096 samples of 1 channels, expected 4097 of one"):
        decode_flac(flac_bytes(np.zeros(4_096, np.int16), RATE), 4_097)
    with pytest.raises(AudioError, match="100 samples of 2 channels"):
        decode_flac(flac_bytes(np.zeros((100, 2), np.int16), RATE), 100)


@pytest.mark.parametrize("samples", [0, 1 << 33])
def test_flac_that_says_it_is_absurdly_long_or_of_no_length_is_refused_before_it_is_decoded(
    samples,
):
    """Of no length, these few bytes would become 6.5 GB: frames of silence, one after the other."""
    data = flac_bytes(np.zeros(65_535, np.int16), RATE)
    head, frames = bytearray(data[:42]), data[data.index(b"\xff\xf8") :]
    head[21:26] = (int.from_bytes(head[21:26]) >> 36 << 36 | samples).to_bytes(5)
    with pytest.raises(AudioError, match=f"{samples} samples of 1 channels, expected 100 of one"):
        decode_flac(bytes(head) + frames * 50_000, 100)


def test_a_changed_byte_of_flac_never_passes_for_other_sound():
    waveform = (10_000 * sine(1.0, RATE)).astype(np.int16)
    data = flac_bytes(waveform, RATE)
    refused = 0
    for position in range(0, len(data), 37):
        broken = data[:position] + bytes([data[position] ^ 0x55]) + data[position + 1 :]
        try:
            assert np.array_equal(decode_flac(broken, len(waveform)), waveform)
        except AudioError:
            refused += 1
    assert refused > 100
