"""Laws of key tags: each format's own way to write a key is read, and nothing else is."""

import errno
import io
import random
import tracemalloc
import zlib

import av
import mutagen
import numpy as np
import pytest
import soundfile
from mutagen.apev2 import APEv2
from mutagen.asf import ASF
from mutagen.id3 import ID3, TKEY, TXXX, BitPaddedInt
from mutagen.mp4 import MP4, MP4FreeForm
from mutated import mutated

from songkey.errors import AudioError
from songkey.tagging import write_key
from songs.tags import key_tags

ENCODERS = {  # soundfile writes the others
    ".m4a": "aac", ".wma": "wmav2", ".wv": "wavpack", ".aac": "aac", ".mka": "libmp3lame",
    ".webm": "libopus",
}  # fmt: skip


def silence(path, **metadata):
    """A tenth of a second in the format of the path's ending."""
    if path.suffix not in ENCODERS:
        soundfile.write(path, np.zeros(800), 8_000)
        return path
    with av.open(str(path), "w") as container:
        container.metadata.update(metadata)
        codec = ENCODERS[path.suffix]
        rate, form = (48_000, "flt") if codec == "libopus" else (44_100, "fltp")
        stream = container.add_stream(codec, rate=rate, layout="stereo")
        stream.codec_context.bit_rate = 128_000
        zeros = np.zeros((2, 4_096) if form == "fltp" else (1, 8_192), np.float32)
        frame = av.AudioFrame.from_ndarray(zeros, format=form, layout="stereo")
        frame.sample_rate = rate
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


def tag_matroska(path, text):
    """As FFmpeg has it, before the sound."""
    silence(path, INITIALKEY=text)


def element(name, *parts):
    return bytes.fromhex(name) + (1 << 28 | sum(map(len, parts))).to_bytes(4) + b"".join(parts)


def tag_matroska_behind(path, text):
    """As mkvmerge has it: a SeekHead says where the tags lie, behind the sound."""
    simple = element("67C8", element("45A3", b"INITIALKEY"), element("4487", text.encode()))
    tags, sound = element("1254C367", element("7373", simple)), element("1F43B675", bytes(10_000))
    place = element("53AC", (34 + len(sound)).to_bytes(4))
    head = element("114D9B74", element("4DBB", element("53AB", bytes.fromhex("1254C367")), place))
    assert len(head) == 34
    path.write_bytes(element("1A45DFA3") + element("18538067", head, sound, tags))


def tag_asf(path, text):
    file = ASF(path)
    file["WM/InitialKey"] = text
    file.save()


@pytest.mark.parametrize(
    ("text", "read"), [("Abm", "Abm"), ("8A", "8A"), ("Eb", "Eb"), ("o", ""), ("sad", "sad")]
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
        ("a.mp3", tag_ape),
        ("a.wav", tag_ape),
        ("a.aac", tag_id3_text),
        ("a.flac", tag_id3_text),
        ("a.ogg", tag_id3_text),
        ("a.mka", tag_matroska),
        ("a.webm", tag_matroska),
        ("a.mka", tag_matroska_behind),
    ],
)
def test_keys_are_read_from_every_formats_own_tag(tmp_path, name, tag, text, read):
    tag(silence(tmp_path / name), text)
    assert key_tags(tmp_path / name) == [read]


KINDS = ["mp3", "wav", "aiff", "flac", "ogg", "m4a", "wma", "wv", "aac", "mka", "webm"]


@pytest.mark.parametrize("ending", KINDS)
def test_a_file_without_a_key_tag_has_none(tmp_path, ending):
    assert key_tags(silence(tmp_path / f"a.{ending}")) == []


def test_all_values_of_a_tag_are_given(tmp_path):
    tag_id3(silence(tmp_path / "a.mp3"), ["Am", "8A"])
    assert key_tags(tmp_path / "a.mp3") == ["Am", "8A"]


def test_tags_of_several_kinds_are_all_given_so_that_a_conflict_shows(tmp_path):
    path = silence(tmp_path / "a.mp3")
    tag_id3(path, "Am")
    for text, read in (("9A", ["Am", "9A"]), ("Am", ["Am"])):
        tags = APEv2()
        tags["INITIALKEY"] = text
        tags.save(path)
        assert key_tags(path) == read
    tag_vorbis(silence(tmp_path / "a.flac"), "C")
    tag_id3_text(tmp_path / "a.flac", "Dm")
    assert key_tags(tmp_path / "a.flac") == ["C", "Dm"]


def test_tags_one_behind_the_other_are_all_read(tmp_path):
    tag_id3_text(tmp_path / "tag", "9A")
    path = silence(tmp_path / "a.mp3")
    tag_id3(path, "Am")
    path.write_bytes((tmp_path / "tag").read_bytes() + path.read_bytes())
    assert key_tags(path) == ["9A", "Am"]


@pytest.mark.parametrize("name", [f"a.{kind}" for kind in KINDS])
def test_what_is_no_audio_has_no_tags(tmp_path, name):
    (tmp_path / name).write_bytes(b"no tags to read")
    assert key_tags(tmp_path / name) == []
    with pytest.raises(FileNotFoundError):
        key_tags(tmp_path / "gone" / name)


@pytest.mark.parametrize("name", [f"a.{kind}" for kind in KINDS])
def test_a_damaged_tag_is_no_tag_and_stops_nothing(tmp_path, name, recwarn):
    """Of the first: sizes of less than nothing, as FFmpeg's WMA has where zeros follow."""
    data = silence(tmp_path / name).read_bytes()
    damages = [data[:500] + bytes(1_500), data + b"APETAGEX".ljust(32, b"\0")]
    damages += [data[:at] + b"\0\0\0\0" + data[at + 4 :] for at in range(4, 120, 2)]
    damages += [data[:at] + b"\xff\xff" + data[at + 2 :] for at in range(4, 120, 2)]
    for damaged in damages:
        (tmp_path / name).write_bytes(damaged)
        assert key_tags(tmp_path / name) == []
    assert not recwarn.list


TAGGED = [
    ("mp3", tag_id3), ("mp3", tag_ape), ("aac", tag_id3_text), ("flac", tag_vorbis),
    ("ogg", tag_vorbis), ("m4a", tag_mp4), ("wma", tag_asf), ("wv", tag_ape), ("aiff", tag_id3),
    ("mka", tag_matroska), ("mka", tag_matroska_behind),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "tag"), TAGGED)
def test_tags_damaged_in_any_way_end_nothing(tmp_path, kind, tag):
    path, chance = silence(tmp_path / f"a.{kind}"), random.Random(kind)
    tag(path, "Am")
    whole = path.read_bytes()
    for _ in range(150):
        path.write_bytes(mutated(whole, whole, chance))
        assert all(isinstance(text, str) for text in key_tags(path))


@pytest.mark.parametrize(
    "data",
    [
        b"".join((1 << 20).to_bytes(4) + b"moov" for _ in range(20_000)),
        bytes.fromhex("1A45DFA380") + bytes.fromhex("1853806701FFFFFFFFFFFFFF") * 5_000,
        b"fLaC\x84\xff\xff\xff" + b"\xff" * 8,
        b"APETAGEX" + (2_000).to_bytes(4, "little") + b"\xff\xff\xff\xff" * 2 + bytes(12),
    ],
)
@pytest.mark.parametrize("name", ["a.m4a", "a.mka", "a.flac", "a.wv"])
def test_absurd_depths_and_sizes_end_nothing(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    assert key_tags(tmp_path / name) == []


def compressed_frame(version, name, zeros, text):
    """An ID3 frame of text and then as many zeros, as its version compresses it."""
    packer = zlib.compressobj()
    data = packer.compress(b"\0" + text)
    data += b"".join(packer.compress(bytes(1_000_000)) for _ in range(zeros // 1_000_000))
    data = bytes(4) + data + packer.flush()
    sizes = {3: len(data).to_bytes(4), 4: BitPaddedInt.to_str(len(data), width=4)}
    return name + sizes[version] + {3: b"\0\x80", 4: b"\0\x09"}[version] + data


def with_id3(path, version, *frames):
    """An MP3 whose tag has these frames."""
    sound = silence(path.with_name("sound.mp3")).read_bytes()
    size = BitPaddedInt.to_str(sum(map(len, frames)), width=4)
    path.write_bytes(b"ID3" + bytes([version, 0, 0]) + size + b"".join(frames) + sound)
    return path


@pytest.mark.parametrize("version", [3, 4])
def test_a_compressed_frame_is_read_and_one_that_would_fill_the_memory_is_none(tmp_path, version):
    key = compressed_frame(version, b"TKEY", 0, b"Am")
    other = compressed_frame(version, b"TXXX", 0, b"initialkey\0008A")
    bomb = compressed_frame(version, b"TXXX", 200_000_000, b"initialkey\0008A")
    assert key_tags(with_id3(tmp_path / "a.mp3", version, key, other)) == ["Am", "8A"]
    path = with_id3(tmp_path / "a.mp3", version, key, bomb, bomb, bomb)
    tracemalloc.start()
    assert key_tags(path) == ["Am"]
    assert tracemalloc.get_traced_memory()[1] < 1_000 * 200_000
    tracemalloc.stop()
    before = path.read_bytes()
    with pytest.raises(AudioError, match="compressed frames hold more than 64 MB; remove them"):
        write_key(path, "Bm")
    assert path.read_bytes() == before and len(list(tmp_path.iterdir())) == 2
    cut = with_id3(tmp_path / "a.mp3", version, key, other[:-9] + bytes(9))
    assert key_tags(cut) == ["Am"]


@pytest.mark.parametrize("version", [3, 4])
def test_a_key_is_written_beside_frames_that_grow_far_and_these_are_as_before(tmp_path, version):
    picture = b"image/bmp\0\3\0BM"
    frames = [
        compressed_frame(version, b"APIC", 5_000_000, picture),
        compressed_frame(version, b"USLT", 0, b"eng\0" + b"la la la la la\n" * 800),
    ]
    path = with_id3(tmp_path / "a.mp3", version, *frames)
    before = ID3(path)
    assert len(before.getall("APIC")[0].data) == 5_000_002
    write_key(path, "Bm")
    after = ID3(path)
    assert key_tags(path) == after.pop("TKEY").text == ["Bm"]
    assert after == before


def test_what_others_read_in_the_same_process_has_no_bound(tmp_path):
    key_tags(silence(tmp_path / "a.mp3"))
    frame = compressed_frame(4, b"APIC", 70_000_000, b"image/bmp\0\3\0BM")
    picture = ID3(with_id3(tmp_path / "a.mp3", 4, frame)).getall("APIC")[0]
    assert len(picture.data) == 70_000_002


def test_a_file_that_cannot_be_read_is_not_taken_for_one_without_tags(tmp_path, monkeypatch):
    path = silence(tmp_path / "a.mp3")
    tag_id3(path, "Am")

    class Failing(io.BytesIO):
        def read(self, size=-1):
            if self.tell() >= 10:
                raise OSError(errno.EIO, "Input/output error")
            return super().read(size)

    monkeypatch.setattr("builtins.open", lambda *_: Failing(path.read_bytes()))
    with pytest.raises(OSError, match="Input/output"):
        key_tags(path)
