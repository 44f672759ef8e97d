"""Laws of listening to songs: what was read once is not read again, until the file changes."""

import errno
import json
import os
from dataclasses import fields

import mutagen
import numpy as np
import pytest
import soundfile
from conftest import settings
from encoded import encode
from mutagen.apev2 import APEv2
from test_tags import element, silence

from pipeline.manifest import read_songs
from shards import __main__ as shards
from songkey import passing
from songkey.errors import AudioError
from songkey.keys import Key
from songkey.passing import PassingAudioError
from songs import ears, folder, knownfiles
from songs.ears import Ears, heard, tagged_name
from songs.guardedear import GuardedEar
from songs.song import Song

TAGS = {  # of an ending: the fields of artist and title
    ".mp3": ("TPE1", "TIT2"), ".wav": ("TPE1", "TIT2"), ".flac": ("ARTIST", "TITLE"),
    ".ogg": ("artist", "title"), ".m4a": ("\xa9ART", "\xa9nam"), ".wma": ("Author", "Title"),
    ".wv": ("Artist", "Title"),
}  # fmt: skip


def tagged(path, artist, title):
    file = mutagen.File(path)
    if file.tags is None:
        file.add_tags()
    for field, text in zip(TAGS[path.suffix], (artist, title), strict=True):
        if field.startswith("T") and field.isupper() and field[-1].isdigit():
            file.tags.add(getattr(mutagen.id3, field)(text=text))
        else:
            file.tags[field] = [text]
    file.save()


@pytest.fixture
def music(tmp_path):
    """Three songs, of which one cannot be decoded."""
    root = tmp_path / "music/C major"
    root.mkdir(parents=True)
    for number in (1, 2):
        noise = np.random.default_rng(number).uniform(-0.5, 0.5, 8_000)
        soundfile.write(root / f"{number}.flac", noise, 8_000)
    (root / "page.mp3").write_bytes(b"<html>404</html>")
    return root.parent


@pytest.fixture
def listening(tmp_path):
    return Ears(2, tmp_path / "cache")


@pytest.fixture
def calls(monkeypatch):
    """The files that are heard."""
    made = []
    identity = GuardedEar.identity

    def counted(self, path):
        made.append(os.path.basename(path))
        return identity(self, path)

    monkeypatch.setattr(GuardedEar, "identity", counted)
    return made


@pytest.mark.parametrize("ending", TAGS)
def test_artist_and_title_are_read_from_each_kind_of_tag(tmp_path, ending):
    path = silence(tmp_path / f"a{ending}")
    assert tagged_name(path) == ""
    tagged(path, "Janji", "Heroes (Original Mix)")
    assert tagged_name(path) == "janji - heroes"


@pytest.mark.parametrize("ending", [".mka", ".webm"])
def test_the_title_of_a_matroska_segment_counts_where_no_tag_says_another(tmp_path, ending):
    path = silence(tmp_path / f"a{ending}", artist="Janji", title="Heroes (Original Mix)")
    assert tagged_name(path) == "janji - heroes"
    title = element("1549A966", element("7BA9", b"Heroes"))
    tags = [
        element("67C8", element("45A3", name), element("4487", text))
        for name, text in ((b"ARTIST", b"Janji"), (b"TITLE", b"Horizon"))
    ]
    told = element("1254C367", element("7373", *tags))
    path.write_bytes(element("1A45DFA3") + element("18538067", title, told))
    assert tagged_name(path) == "janji - horizon"


def test_what_was_heard_is_not_heard_again_until_the_file_changes(music, listening, calls):
    first = folder.songs(music, "mine", ears=listening)
    assert sorted(calls) == ["1.flac", "2.flac", "page.mp3"]
    assert [bool(song.identity) for song in first[0]] == [True, True, False]
    assert folder.songs(music, "mine", ears=listening) == first and len(calls) == 3
    os.utime(music / "C major/1.flac")
    assert folder.songs(music, "mine", ears=listening) == first and calls[3:] == ["1.flac"]
    soundfile.write(music / "C major/2.flac", np.full(8_000, 0.5), 8_000)
    again = folder.songs(music, "mine", ears=listening)[0]
    assert again[1].identity != first[0][1].identity and calls[4:] == ["2.flac"]


@pytest.mark.parametrize("seed", range(4))
def test_a_copy_under_another_name_is_packed_into_the_split_of_the_first(called, tmp_path, seed):
    for number in range(6):
        noise = np.random.default_rng(number // 2).uniform(-0.5, 0.5, 40_000)
        path = tmp_path / f"music/A minor/{number}.flac"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, noise, 11_025)
        tagged(path, "artist", f"title {chr(65 + number)}")
    draw = ["split.valid_fraction=0.4", "split.test_fraction=0.4", f"split.seed={seed}"]
    place = settings(tmp_path, *draw)
    done = called(shards.main, "pack", "folder", tmp_path / "music", *place)
    assert done.returncode == 0, done.stderr
    split_of = {
        song.song_id: folder.name
        for folder in (tmp_path / "shards/audio/folder").iterdir()
        if folder.is_dir()
        for song in read_songs(folder)
    }
    names = [f"A minor/{number}.flac" for number in range(6)]
    assert split_of.keys() == set(names)
    assert all(split_of[names[at]] == split_of[names[at + 1]] for at in (0, 2, 4))
    assert called(shards.main, "check", tmp_path / "shards").returncode == 0


def test_another_version_or_a_damaged_table_has_all_heard_again(music, listening, calls):
    folder.songs(music, "mine", ears=listening)
    (table,) = listening.folder.iterdir()
    rows = table.read_bytes().split(b"\n", 1)[1]
    for damaged in (
        table.read_bytes()[:-9],
        b"\xff",
        b"[6]\n[]\n",
        b"3\n4\n",
        b"[5, 8000]\n" + rows,
    ):
        table.write_bytes(damaged)
        folder.songs(music, "mine", ears=listening)
    assert len(calls) == 18


def test_a_listing_that_is_broken_off_keeps_what_it_heard(music, listening, calls, monkeypatch):
    monkeypatch.setattr(ears, "tqdm", lambda results, **_: broken_off(results))
    with pytest.raises(KeyboardInterrupt):
        folder.songs(music, "mine", ears=Ears(1, listening.folder))
    monkeypatch.undo()
    with listening.known("mine") as known:
        names = ("1.flac", "2.flac")
        heard_of = [known.of(music / "C major" / name).identity for name in names]
    assert heard_of[0] and not heard_of[1]


def broken_off(results):
    yield next(results)
    raise KeyboardInterrupt


def test_a_file_that_cannot_be_read_now_is_heard_the_next_time(music, listening, calls):
    path = music / "C major/1.flac"
    song = Song("1", "mine", str(path), Key(0, "major"), "1", "tag", 1.0)
    with listening.known("mine") as known:
        known.of(path)
        data = path.read_bytes()
        path.unlink()
        assert heard([song], known, listening)[0].identity == ""
        path.write_bytes(data)
        assert heard([song], known, listening)[0].identity != ""


def refusing(monkeypatch, error, method="identity"):
    def refuse(self, path):
        raise error

    monkeypatch.setattr(GuardedEar, method, refuse)


@pytest.mark.parametrize("method", ["identity", "header_seconds"])
def test_what_may_be_readable_another_time_is_not_remembered(music, listening, monkeypatch, method):
    with monkeypatch.context() as failing:
        refusing(failing, AudioError("a", "not readable: gone"), method)
        songs, _ = folder.songs(music, "mine", ears=listening)
    assert [song.identity for song in songs] == ["", "", ""]
    assert all(song.identity for song in folder.songs(music, "mine", ears=listening)[0][:2])


def test_a_length_that_cannot_be_made_out_does_not_cost_the_sound(music, listening, monkeypatch):
    refusing(monkeypatch, AudioError("a", "decoder crashed: SIGSEGV"), "header_seconds")
    songs, _ = folder.songs(music, "mine", ears=listening)
    assert [bool(song.identity) for song in songs] == [True, True, False]
    assert [song.seconds for song in songs] == [0, 0, 0]


@pytest.mark.parametrize("what", ["identity", "header_seconds", "name"])
def test_nothing_is_concluded_from_what_may_pass(music, listening, monkeypatch, what):
    monkeypatch.setattr(passing, "WAITS_SECONDS", (0,))
    with monkeypatch.context() as failing:
        if what != "name":
            refusing(failing, PassingAudioError("a", "the decoder was killed"), what)
        else:
            busy = OSError(errno.EMFILE, "Too many open files")
            failing.setattr(ears, "tags_of", lambda file: (_ for _ in ()).throw(busy))
        with pytest.raises(PassingAudioError, match="decoder was killed|Too many open files"):
            folder.songs(music, "mine", ears=listening)
    songs, _ = folder.songs(music, "mine", ears=listening)
    assert all(song.identity for song in songs[:2])


def test_a_table_that_cannot_be_written_is_said_and_stops_nothing(music, tmp_path, caplog):
    (tmp_path / "cache").write_bytes(b"a file")
    songs, _ = folder.songs(music, "mine", ears=Ears(1, tmp_path / "cache"))
    assert len(songs) == 3
    assert "files-mine.jsonl: not written" in caplog.text


def test_artist_and_title_are_read_from_every_tag_that_keys_are_read_from(tmp_path):
    path = encode(tmp_path / "a.mp3", 0.1 * np.sin(np.arange(8_000)), 8_000)
    tags = APEv2()
    tags["Artist"], tags["Title"] = "Lost Sky", "Fearless"
    tags.save(path)
    assert tagged_name(path) == "lost sky - fearless"


def test_what_was_heard_outlasts_a_kill(music, listening, monkeypatch):
    monkeypatch.setattr(knownfiles, "SAVE_SECONDS", 0)
    written = []
    monkeypatch.setattr(
        knownfiles, "write_whole", lambda path, data: written.append(data.count(b"flac"))
    )
    folder.songs(music, "mine", ears=listening)
    assert len(written) >= 2  # while files were heard, not at the end alone


@pytest.mark.parametrize(
    "row", ['"keys": 3', '"name": ["a"]', '"identity": 7', '"keys": [1]', '"seconds": "1"']
)
def test_a_table_of_other_values_is_no_table(music, listening, row):
    first = folder.songs(music, "mine", ears=listening)
    (table,) = listening.folder.glob("files-*.jsonl")
    header, *lines = table.read_text().splitlines()
    names = ["file", *(field.name for field in fields(knownfiles.Known))]
    name, value = next(iter(json.loads(f"{{{row}}}").items()))
    cells = json.loads(lines[0])
    cells[names.index(name)] = value
    table.write_text("\n".join([header, json.dumps(cells), *lines[1:]]))
    assert folder.songs(music, "mine", ears=listening) == first


def test_a_tag_that_is_written_with_the_file_s_old_time_is_seen(music, listening):
    folder.songs(music, "mine", ears=listening)
    path = next(music.rglob("*.flac"))
    before = path.stat()
    file = mutagen.File(path)
    file["INITIALKEY"] = "G#m"
    file.save()
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    with listening.known("mine") as known:
        assert known.of(path).keys is None


def test_packing_anew_with_overwrite_believes_nothing_that_was_known(called, music, tmp_path):
    place = settings(tmp_path, "audio.sample_rate=8000", "prepare.interval_seconds=1.0")
    command = ["pack", "folder", music, *place]
    assert called(shards.main, *command).returncode == 0
    (table,) = tmp_path.rglob("files-*.jsonl")
    known = table.read_text()
    (identity,) = {json.loads(line)[5] for line in known.splitlines() if "1.flac" in line}
    table.write_text(known.replace(identity, "0" * 16))  # as a clock that jumped leaves it
    for words, believed in (([], True), (["--overwrite"], False)):
        assert called(shards.main, *command, *words).returncode == 0
        assert ("0" * 16 in table.read_text()) == believed
