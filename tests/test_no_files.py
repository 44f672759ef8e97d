"""Laws of what lies in a folder of music and is no file to be read: named, and passed over."""

import json
import os
import socket
import subprocess
import sys

import numpy as np
import pytest
import soundfile
from closed import close_folder
from mutagen.apev2 import APEv2

from songkey.errors import AudioKeyError
from songs import folder, musicfolder
from songs.song import LeftOut

TIMEOUT_SECONDS = 60
PROGRAM = """import json, sys
from songs import folder
songs, left_out = folder.songs(sys.argv[1], "mine")
print(json.dumps([[one.song_id for one in songs], {one.song_id: one.reason for one in left_out}]))
"""


@pytest.fixture
def music(tmp_path):
    (tmp_path / "C minor").mkdir()
    soundfile.write(tmp_path / "C minor" / "a.flac", np.ones(10), 8_000)
    return tmp_path / "C minor"


def listed(music):
    songs, left_out = folder.songs(music.parent, "mine")
    return [one.song_id for one in songs], {one.song_id: one.reason for one in left_out}


def listed_in_time(music):
    """By another process, since this one would wait for ever where a pipe is opened."""
    command = [sys.executable, "-c", PROGRAM, music.parent]
    done = subprocess.run(command, timeout=TIMEOUT_SECONDS, stdout=subprocess.PIPE, check=True)
    return tuple(json.loads(done.stdout))


def test_pipes_sockets_and_links_to_nothing_are_named_and_none_is_waited_for(music, monkeypatch):
    os.mkfifo(music / "pipe.wav")
    os.symlink("pipe.wav", music / "link.wav")
    os.symlink("gone", music / "dangling.mp3")
    os.symlink("loop.mp3", music / "loop.mp3")
    os.symlink(music.parent, music / "back.mp3")
    with socket.socket(socket.AF_UNIX) as made, monkeypatch.context() as context:
        context.chdir(music)  # a socket's path may not be long
        made.bind("socket.wav")
    songs, left_out = listed_in_time(music)
    pipe = "not a file: it is a pipe; give a file of music"
    assert songs == ["C minor/a.flac"]
    assert left_out == {
        "C minor/dangling.mp3": "file not found",
        "C minor/link.wav": pipe,
        "C minor/loop.mp3": f"not readable: {os.strerror(40)}",
        "C minor/pipe.wav": pipe,
        "C minor/socket.wav": "not a file: it is a socket; give a file of music",
    }


def test_a_pipe_that_bears_a_tables_name_is_not_read(music):
    for name in ("rekordbox.xml", "collection.nml", "mixxxdb.sqlite"):
        os.mkfifo(music.parent / name)
    assert listed_in_time(music) == (["C minor/a.flac"], {})


def test_a_folder_that_may_not_be_read_is_named_and_the_rest_is_listed(music, monkeypatch):
    (music / "closed").mkdir()
    close_folder(monkeypatch, "closed")
    songs, left_out = listed(music)
    reason = "folder not readable: Permission denied; what is in it is left out"
    assert (songs, left_out) == (["C minor/a.flac"], {str(music / "closed"): reason})


def test_a_file_that_goes_while_the_folder_is_listed_is_left_out(music, monkeypatch):
    find = musicfolder.audio_files

    def found(root):
        files = find(root)
        (music / "b.flac").unlink()
        return files

    (music / "b.flac").write_bytes((music / "a.flac").read_bytes())
    monkeypatch.setattr(musicfolder, "audio_files", found)
    assert listed(music) == (["C minor/a.flac"], {"C minor/b.flac": "file not found"})


def test_a_name_that_is_no_text_is_shown_with_its_bytes(music):
    name = os.fsencode(music) + b"/\xff.flac"
    with open(name, "wb") as file:
        file.write((music / "a.flac").read_bytes())
    assert listed(music)[0] == ["C minor/\\xff.flac", "C minor/a.flac"]


def test_a_table_that_may_not_be_read_is_named(music, monkeypatch):
    path = music.parent / "rekordbox.xml"
    path.write_text("<DJ_PLAYLISTS/>")
    opened = open

    def refusing(name, *options, **more):
        if name == path:
            raise PermissionError(13, "Permission denied", str(path))
        return opened(name, *options, **more)

    monkeypatch.setattr("builtins.open", refusing)
    with pytest.raises(AudioKeyError, match=r"rekordbox\.xml: not readable: Permission denied"):
        listed(music)


def test_a_song_whose_tags_disagree_is_left_out_and_damaged_ones_are_none(music):
    for name, text in (("b.mp3", "9A"), ("c.mp3", "Am")):
        path = music.parent / name
        soundfile.write(path, np.ones(8_000), 8_000)
        tags = APEv2()
        tags["INITIALKEY"] = text
        tags.save(path)
        data = b"ID3\3\0\0\0\0\0\x0dTKEY\0\0\0\3\0\0\0Am" + path.read_bytes()
        path.write_bytes(data)
    (music.parent / "d.wv").write_bytes(b"APETAGEX".rjust(1_000, b"\0").ljust(1_024, b"\0"))
    songs, left_out = folder.songs(music.parent, "mine")
    assert [(one.song_id, str(one.key)) for one in songs] == [
        ("C minor/a.flac", "C minor"), ("c.mp3", "A minor")
    ]  # fmt: skip
    assert left_out == [
        LeftOut("b.mp3", "conflicting labels: 'Am', '9A'"), LeftOut("d.wv", "no label")
    ]  # fmt: skip
