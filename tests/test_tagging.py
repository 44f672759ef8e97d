"""Laws of written key tags: read back by others, and every byte of the sound as it was."""

import os
import stat
import sys

import mutagen
import numpy as np
import pytest
from encoded import encode, fields, packets
from mutagen.apev2 import APEv2
from mutagen.id3 import COMM, ID3, TIT2, TXXX, TYER
from mutagen.mp4 import MP4FreeForm

from songkey import tagging
from songkey.decode import AudioError
from songkey.tagging import State, Tag, write_key
from songs.tags import key_tags

TONE = 0.3 * np.sin(np.arange(30_000) / 20)
FIELDS = {  # as FFmpeg names them
    "mp3": "tkey", "wav": "tkey", "aiff": "tkey", "flac": "initialkey", "ogg": "initialkey",
    "opus": "initialkey", "m4a": "initialkey", "mp4": "initialkey", "wma": "wm/initialkey",
    "wv": "initialkey",
}  # fmt: skip
KINDS = [*FIELDS, "tta"]  # whose tags FFmpeg does not read


@pytest.fixture
def sound(tmp_path):
    """Makes a file of a kind."""
    return lambda kind: encode(tmp_path / f"Ä b.{kind}", TONE)


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_is_read_back_by_mutagen_and_ffmpeg_and_the_sound_is_the_same(sound, kind):
    path = sound(kind)
    before, other_fields = packets(path), fields(path)
    assert write_key(path, "F#m") == Tag("F#m", State.WRITTEN)
    assert packets(path) == before
    assert key_tags(path) == ["F#m"]
    if kind in FIELDS:
        assert fields(path) == other_fields | {FIELDS[kind]: "F#m"}
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("kind", KINDS)
def test_another_key_takes_the_place_of_the_first_unless_that_is_to_be_kept(sound, kind):
    path = sound(kind)
    write_key(path, "F#m")
    assert write_key(path, "8A", keep_existing=True) == Tag("F#m", State.KEPT)
    assert key_tags(path) == ["F#m"]
    assert write_key(path, "8A") == Tag("8A", State.WRITTEN)
    assert key_tags(path) == ["8A"]
    bytes_now, changed = path.read_bytes(), path.stat().st_mtime_ns
    assert write_key(path, "8A") == Tag("8A", State.SAME)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == (bytes_now, changed)


@pytest.mark.parametrize("kind", KINDS)
def test_a_dry_run_says_what_it_would_do_and_does_nothing(sound, kind):
    path = sound(kind)
    before = path.read_bytes()
    assert write_key(path, "F♯m", dry_run=True) == Tag("F♯m", State.PLANNED)
    assert path.read_bytes() == before
    write_key(path, "F♯m")
    assert key_tags(path) == ["F♯m"]


def id3v1(path):
    """Puts one at the end, as old players want it."""
    path.write_bytes(path.read_bytes() + b"TAGA title".ljust(128, b"\0"))


def test_a_key_in_a_second_tag_goes_so_that_the_file_names_one(sound):
    path = sound("mp3")
    tags = APEv2()
    tags["INITIALKEY"], tags["Title"] = "9A", "A title"
    tags.save(path)
    id3v1(path)
    before = packets(path)
    assert write_key(path, "Am", keep_existing=True) == Tag("9A", State.KEPT)
    assert write_key(path, "9A") == Tag("9A", State.WRITTEN)  # where players look, too
    assert write_key(path, "9A") == Tag("9A", State.SAME)
    assert write_key(path, "Am") == Tag("Am", State.WRITTEN)
    assert key_tags(path) == ["Am"] and dict(APEv2(path)) == {"Title": "A title"}
    assert packets(path) == before and path.read_bytes()[-128:].startswith(b"TAGA title\0")


def test_a_key_in_front_of_another_format_goes_too(sound):
    path = sound("flac")
    tags = ID3()
    tags.add(TXXX(desc="INITIALKEY", text="9A"))
    tags.add(TIT2(text="A title"))
    tags.save(path)
    before = packets(path)
    assert write_key(path, "Am") == Tag("Am", State.WRITTEN)
    assert key_tags(path) == ["Am"] and list(ID3(path)) == ["TIT2"]
    assert packets(path) == before


@pytest.mark.parametrize("version", [3, 4])
def test_an_id3_tag_keeps_its_version_its_frames_and_the_old_tag_at_the_end(sound, version):
    path = sound("mp3")
    tags = ID3()
    year = TYER(text="1999") if version == 3 else TXXX(desc="year", text="1999")
    for frame in (TIT2(text="AC/DC"), COMM(text="x"), year, TXXX(desc="InitialKey", text="old")):
        tags.add(frame)
    tags.save(path, v2_version=version, v1=2)
    path.write_bytes(path.read_bytes()[:-128] + b"TAG" + b"mine".ljust(125, b"\0"))
    write_key(path, "Am")
    after = ID3(path, translate=False)
    assert after.version[:2] == (2, version) and path.read_bytes()[-125:-121] == b"mine"
    assert (after["TIT2"].text, after["TKEY"].text) == (["AC/DC"], ["Am"])
    assert after.getall("COMM")[0].text == ["x"] and "TXXX:InitialKey" not in after
    assert ("TYER" if version == 3 else "TXXX:year") in after


def test_what_an_old_id3_tag_says_is_in_the_new_one(sound):
    path = sound("mp3")
    path.write_bytes(path.read_bytes() + b"TAG" + b"A title".ljust(125, b"\0"))
    write_key(path, "Am")
    after = ID3(path)
    assert (after.version, after["TIT2"].text, after["TKEY"].text) == (
        (2, 3, 0),
        ["A title"],
        ["Am"],
    )


def test_a_key_in_a_field_of_another_spelling_is_replaced_and_others_stay(sound):
    path = sound("m4a")
    file = mutagen.File(path)
    file["----:com.apple.iTunes:INITIAL KEY"] = [MP4FreeForm(b"old")]
    file["\xa9nam"] = ["A title"]
    file.save()
    write_key(path, "Am")
    after = mutagen.File(path)
    assert key_tags(path) == ["Am"] and after["\xa9nam"] == ["A title"]
    path = sound("wv")
    tags = APEv2()
    tags["Title"] = "A title"
    tags.save(path)
    write_key(path, "Am")
    assert APEv2(path)["Title"] == "A title" and APEv2(path)["INITIALKEY"] == "Am"


def test_the_files_mode_and_a_link_to_it_stay_and_its_time_of_change_moves_on(sound, tmp_path):
    path, link = sound("flac"), tmp_path / "link.flac"
    os.chmod(path, 0o640)
    os.utime(path, (1e9, 1e9))
    link.symlink_to(path)
    write_key(link, "Am")
    assert link.is_symlink() and key_tags(path) == ["Am"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o640 and path.stat().st_mtime > 1.5e9


class Full(OSError):
    """The disk, before the file is whole."""


@pytest.mark.parametrize("kind", KINDS)
def test_a_write_that_fails_leaves_the_file_as_it_was(sound, kind, monkeypatch):
    path = sound(kind)
    before = path.read_bytes()

    def no_space(_: int) -> None:
        raise Full(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(AudioError, match="its tag is not written: No space left on device"):
        write_key(path, "Am")
    assert path.read_bytes() == before and list(path.parent.iterdir()) == [path]


def test_a_run_that_is_killed_leaves_the_file_as_it_was_and_the_next_tidies_up(sound, monkeypatch):
    path = sound("flac")
    before = path.read_bytes()
    pid = os.fork() if sys.platform != "win32" else pytest.skip("no fork")
    if not pid:
        tagging.os.replace = lambda *_: os._exit(9)
        write_key(path, "Am")
    os.waitpid(pid, 0)
    assert path.read_bytes() == before and len(list(path.parent.iterdir())) == 2
    write_key(path, "Am")
    assert key_tags(path) == ["Am"] and list(path.parent.iterdir()) == [path]


def test_what_has_no_tag_for_a_key_is_named(sound, tmp_path):
    with pytest.raises(AudioError, match="b.au: no tag for a key in this kind of file"):
        write_key(sound("au"), "Am")
    page = tmp_path / "page.mp3"
    page.write_bytes(b"<html>404</html>")
    with pytest.raises(AudioError, match="page.mp3: its tags cannot be written"):
        write_key(page, "Am")
    with pytest.raises(AudioError, match="gone.mp3: its tag"):
        write_key(tmp_path / "gone.mp3", "Am")
    assert page.read_bytes() == b"<html>404</html>"


def test_a_read_only_file_is_left_alone(sound, monkeypatch):
    path = sound("mp3")
    before = path.read_bytes()
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere
    with pytest.raises(AudioError, match="its tag is not written: the file is read-only"):
        write_key(path, "Am")
    assert path.read_bytes() == before


def test_a_tag_that_mutagen_did_not_write_is_seen(sound, monkeypatch):
    path = sound("mp3")
    before = path.read_bytes()
    monkeypatch.setattr(ID3, "add", lambda self, frame: None)
    with pytest.raises(AudioError, match="does not read back as written; the file is as it was"):
        write_key(path, "Am")
    assert path.read_bytes() == before
