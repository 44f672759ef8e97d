"""Laws of the command line that writes tags, and of options that do not go together."""

import json
from pathlib import Path

import numpy as np
import pytest
from encoded import encode

from evaluation.export import export
from model.run_folder import resolve
from songkey import cli
from songkey.keys import parse_key
from songs.tags import key_tags

RATE = 22_050


def test_keys_are_written_into_tags_as_they_are_answered(songkey, copy):
    answers = {
        Path(one["path"]): parse_key(one["key"])
        for one in json.loads(songkey(copy, "--json").stdout)
    }
    planned = songkey(copy, "--json", "--write-tags", "--dry-run")
    assert {one["tag_state"] for one in json.loads(planned.stdout)} == {"to be written"}
    assert not any(map(key_tags, answers))
    done = songkey(copy, "--write-tags")
    assert done.returncode == 0 and done.stdout.count(" written ") == 2
    for path, key in answers.items():
        assert [parse_key(text) for text in key_tags(path)] == [key]
    kept = songkey(copy, "--json", "--write-tags", "--keep-existing", "--tag-notation", "camelot")
    assert {one["tag_state"] for one in json.loads(kept.stdout)} == {"kept"}
    songkey(copy, "--write-tags", "--tag-notation", "camelot")
    assert [key_tags(path) for path in answers] == [[key.camelot] for key in answers.values()]


def test_no_tag_is_written_where_no_key_is_clear(called, copy, trained):
    unsure = copy / "unsure.onnx"
    export(resolve(trained), unsure, {"clear_threshold": 0.999})
    before = (copy / "00.flac").read_bytes()
    done = called(cli.main, "--model", unsure, copy / "00.flac", "--write-tags", "--json")
    (found,) = json.loads(done.stdout)
    assert (found["tag"], found["tag_state"], found["clear"]) == ("", "", False)
    assert (copy / "00.flac").read_bytes() == before
    done = called(cli.main, "--model", unsure, copy, "--compatible-with", copy / "00.flac")
    assert (
        done.returncode == 1 and "00.flac: no clear key, so nothing is known to mix" in done.stderr
    )


def test_a_file_that_has_no_tags_is_answered_and_named(songkey, copy):
    path = encode(copy / "a.au", 0.1 * np.sin(np.arange(RATE) / 9), RATE)
    done = songkey(path, copy / "00.flac", "--write-tags")
    assert done.returncode == 1 and done.stdout.count("\n") == 3
    assert done.stderr.splitlines() == [
        f"no tag: {path}: no tag for a key in this kind of file; convert it, or leave it be",
        "error: 1 file did not get a tag, see above",
    ]


@pytest.mark.parametrize(
    "words, message",
    [
        (["--dry-run"], "--dry-run goes with --write-tags"),
        (["--keep-existing"], "--keep-existing goes with --write-tags"),
        (["--tag-notation", "camelot"], "--tag-notation goes with --write-tags"),
        (["--csv", "song.MP3"], "--csv song.MP3 would overwrite music; name the table to write"),
        (
            ["--timeline-picture", "a.jpg"],
            "--timeline-picture a.jpg: give a name that ends in .png",
        ),
        (["--top", "0"], "argument --top: 0: give 1 or more"),
        (["--json", "--csv", "-"], "not allowed with argument --json"),
    ],
)
def test_options_that_do_not_go_together_are_refused(songkey, music, words, message):
    done = songkey(music, *words)
    assert done.returncode == 2 and message in done.stderr and done.stdout == ""
