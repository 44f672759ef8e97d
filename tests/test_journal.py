"""Laws of kept answers: as good as new ones, and whole wherever a run was killed."""

import os

import numpy as np
from conftest import MUSIC_SONGS

from songkey import cli
from songkey.detector import Detector
from songkey.journal import Journal


def test_kept_answers_are_printed_as_if_they_were_computed(songkey, music, tmp_path):
    kept = tmp_path / "kept"
    words = [music, "--timeline", "--tuning", "--resume", kept]
    first = songkey(*words)
    size = kept.stat().st_size
    assert songkey(*words).stdout == first.stdout and kept.stat().st_size == size
    content = kept.read_bytes()
    forged = content.replace(
        b'"clear": true', b'"clear": false'
    )  # so that a look shows whose it is
    kept.write_bytes(forged)
    assert songkey(*words).stdout.count("no clear key") == MUSIC_SONGS


def test_what_has_changed_is_computed_again_and_so_is_what_was_not_heard_for(songkey, copy):
    kept = copy / "kept"
    songkey(copy, "--resume", kept)
    kept.write_bytes(kept.read_bytes().replace(b'"clear": true', b'"clear": false'))
    os.utime(copy / "00.flac", (1e9, 1e9))
    lines = songkey(copy, "--resume", kept).stdout.splitlines()
    assert [line.startswith("no clear key") for line in lines[1:]] == [False, True]
    assert "no clear key" not in songkey(copy, "--resume", kept, "--timeline").stdout
    songkey(copy, "--resume", kept, "--write-tags")
    size = kept.stat().st_size
    songkey(copy, "--resume", kept)  # a tag that we wrote is no change
    assert kept.stat().st_size == size


def test_from_wherever_a_run_was_killed_the_next_gives_the_same(songkey, music, tmp_path):
    """The file cut after any number of bytes."""
    kept, files = tmp_path / "kept", [music / "00.flac", music / "02.flac"]
    expected = songkey(*files, "--resume", kept).stdout
    content = kept.read_bytes()
    for length in [0, 1, 50, *np.linspace(51, len(content), 9).astype(int)]:
        kept.write_bytes(content[:length])
        done = songkey(*files, "--resume", kept)
        assert (done.stdout, done.stderr) == (expected, "")
        assert kept.read_bytes() == content


def test_a_file_that_holds_other_answers_or_none_is_not_touched(songkey, called, music, copy):
    kept = copy / "kept"
    songkey(music / "00.flac", "--resume", kept)
    for words, message in (
        (
            [kept, "--minor-prior", "0.8"],
            "answers of another network or --minor-prior; give another",
        ),
        ([copy / "00.flac"], "00.flac: holds no answers of songkey; give another name to --resume"),
    ):
        before = words[0].read_bytes()
        done = songkey(music / "00.flac", "--resume", *words)
        assert done.returncode == 1 and message in done.stderr
        assert words[0].read_bytes() == before
    done = called(cli.main, music / "00.flac", "--resume", kept)
    assert done.returncode == 1 and "answers of another network" in done.stderr


def test_kept_answers_are_the_numbers_that_were_heard(network, music, tmp_path):
    path = music / "00.flac"
    heard = Detector(network).listen(path, timeline=True)
    with Journal(tmp_path / "kept", network, None) as journal:
        assert journal.answer(path, timeline=False) is None
        journal.keep(path, heard)
        assert journal.answer(path, timeline=True) == heard
    with Journal(tmp_path / "kept", network, None) as journal:
        assert journal.answer(path, timeline=True) == heard
        journal.keep(music / "gone.wav", heard)
        assert journal.answer(music / "gone.wav", timeline=False) is None
