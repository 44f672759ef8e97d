"""Laws of what a command line names: files, folders, patterns, and lists on stdin."""

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from encoded import encode

RATE = 22_050


def paths_of(done: subprocess.CompletedProcess) -> list[str]:
    """The paths of a list in JSON."""
    return [one["path"] for one in json.loads(done.stdout)]


def in_folder(music: Path) -> list[str]:
    return sorted(map(str, music.rglob("*.*")))


def test_patterns_folders_and_files_mean_their_files(songkey, music):
    flac, wav = (sorted(map(str, music.rglob(f"*.{kind}"))) for kind in ("flac", "wav"))
    for words, expected in (
        ([music / "*.flac"], flac),
        ([music / "**" / "*.wav"], wav),
        ([music / "b", music / "0[02].flac"], wav + flac[:2]),
        ([music / "?"], wav),  # a pattern that a folder fits
    ):
        assert paths_of(songkey("--json", *words)) == expected


def test_a_pattern_or_folder_that_means_nothing_is_named_and_the_rest_answered(
    songkey, music, tmp_path
):
    done = songkey(tmp_path / "*.mp3", music / "00.flac", tmp_path, "--json")
    assert done.returncode == 1 and paths_of(done) == [str(music / "00.flac")]
    assert done.stderr.splitlines() == [
        f"no key: {tmp_path}/*.mp3: no file fits this pattern: check it",
        next(
            one for one in done.stderr.splitlines() if one.startswith(f"no key: {tmp_path}: no a")
        ),
        "error: 2 files could not be used, see above",
    ]


def test_a_file_whose_name_looks_like_a_pattern_is_a_file(songkey, tmp_path):
    path = encode(tmp_path / "what[is]this*.wav", 0.1 * np.sin(np.arange(RATE) / 9), RATE)
    assert paths_of(songkey("--json", path)) == [str(path)]


@pytest.mark.parametrize("end", ["\n", "\0", "\r\n"])
def test_a_dash_is_a_list_of_paths_on_stdin(songkey, music, monkeypatch, end):
    names = [str(music / "02.flac"), str(music / "b"), "~/00.flac"]
    monkeypatch.setenv("HOME", str(music))
    monkeypatch.setenv("USERPROFILE", str(music))
    stdin = io.TextIOWrapper(io.BytesIO("".join(name + end for name in names).encode()))
    monkeypatch.setattr(sys, "stdin", stdin)
    expected = [names[0], *in_folder(music / "b"), str(music / "00.flac")]
    assert paths_of(songkey("--json", "-")) == expected
