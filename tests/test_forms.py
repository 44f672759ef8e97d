"""Laws of what is printed: every form says the same, and holds what was asked for."""

import csv
import io
import json
import re
import sys

import numpy as np
import pytest
from conftest import ROOT
from PIL import Image

from songkey import cli
from songkey.keys import parse_key
from songkey.matches import Match, match


def test_json_lines_and_csv_say_what_the_json_list_says(songkey, music, tmp_path):
    expected = json.loads(songkey(music, "--json", "--top", 4).stdout)
    lines = songkey(music, "--jsonl", "--top", 4, "--workers", 2).stdout.splitlines()
    assert sorted(map(json.loads, lines), key=lambda one: one["path"]) == expected
    songkey(music, "--csv", tmp_path / "a.csv", "--top", 4)
    text = (tmp_path / "a.csv").read_text("utf-8")
    assert text == songkey(music, "--csv", "-", "--top", 4).stdout
    rows = list(csv.DictReader(io.StringIO(text)))
    for row, found in zip(rows, expected, strict=True):
        assert (row["path"], row["key"], row["clear"]) == (found["path"], found["key"], "true")
        assert float(row["tuning_cents"] or "nan") == pytest.approx(
            float("nan") if found["tuning_cents"] is None else found["tuning_cents"], nan_ok=True
        )
        for place, candidate in enumerate(found["candidates"][1:], start=2):
            assert row[f"key_{place}"] == candidate["key"]
            assert float(row[f"probability_{place}"]) == candidate["probability"]


@pytest.mark.parametrize("top", [1, 2, 24, 99])
def test_as_many_keys_are_named_as_were_asked_for(songkey, music, top):
    (found,) = json.loads(songkey(music / "00.flac", "--json", "--top", top).stdout)
    assert len({one["key"] for one in found["candidates"]}) == min(top, 24)
    line = songkey(music / "00.flac", "--top", top).stdout.splitlines()[1]
    assert line.count("%") == min(top, 24) and line.endswith(f" {music}/00.flac")


def test_keys_are_written_in_the_notation_that_was_asked_for(songkey, music):
    (plain,) = json.loads(songkey(music / "00.flac", "--json").stdout)
    key = parse_key(plain["key"])
    for notation, text in (("camelot", key.camelot), ("openkey", key.open_key)):
        (found,) = json.loads(songkey(music / "00.flac", "--json", "--notation", notation).stdout)
        assert found["key"] == found["candidates"][0]["key"] == text
        table = songkey(music / "00.flac", "--notation", notation).stdout
        assert table.splitlines()[1].startswith(f"{text} ")
    done = songkey(music / "00.flac", "--notation", "H")
    assert done.returncode == 1 and "error: notation H: give standard, flats" in done.stderr


def test_the_table_and_csv_have_a_row_for_each_span_of_a_timeline(songkey, music):
    (found,) = json.loads(songkey(music / "00.flac", "--json", "--timeline").stdout)
    spans = found["timeline"]
    assert spans[0]["start_seconds"] < 0.5 and spans[-1]["end_seconds"] == pytest.approx(9, abs=0.5)
    rows = list(
        csv.DictReader(songkey(music / "00.flac", "--csv", "-", "--timeline").stdout.split("\n"))
    )
    assert [(row["path"], row["key"]) for row in rows] == [
        (found["path"], one["key"]) for one in spans
    ]
    assert [float(row["end_seconds"]) for row in rows] == [one["end_seconds"] for one in spans]
    _, line, *below = songkey(music / "00.flac", "--timeline").stdout.splitlines()
    assert len(below) == len(spans) and below[-1].strip().startswith(("0:00 to 0:", "0:0"))
    assert found["key"] in line


def test_a_picture_shows_the_song_under_its_keys(songkey, music, tmp_path):
    picture = tmp_path / "a.png"
    done = songkey(music / "00.flac", "--timeline-picture", picture)
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.count("\n") == 2
    pixels = np.asarray(Image.open(picture).convert("RGB")).astype(int)
    height, width, _ = pixels.shape
    assert width > 1600 and height > 500
    cqt, keys = pixels[60:-60, 60:], pixels[10, 60:-60]
    assert cqt.std() > 20  # neither black nor of one colour
    assert (keys != 255).any(axis=1).mean() > 0.8  # the strip of keys covers the song
    done = songkey(music, "--timeline-picture", picture)
    assert done.returncode == 1 and "draws one song: give one, not 12" in done.stderr


def test_what_mixes_with_a_song_comes_best_first_and_without_it(songkey, music):
    playing = music / "00.flac"
    (own,) = json.loads(songkey(playing, "--json").stdout)
    everything = {
        one["path"]: parse_key(one["key"]) for one in json.loads(songkey(music, "--json").stdout)
    }
    found = json.loads(songkey(music, "--json", "--compatible-with", playing).stdout)
    kinds = {path: match(key, parse_key(own["key"])) for path, key in everything.items()}
    expected = {path for path, kind in kinds.items() if kind} - {str(playing)}
    assert {one["path"] for one in found} == expected and expected
    assert all(one["mixes_as"] == kinds[one["path"]] for one in found)
    places = [list(Match).index(one["mixes_as"]) for one in found]
    assert places == sorted(places)
    table = songkey(music, "--compatible-with", playing).stdout.splitlines()
    assert [line.split()[-1] for line in table[1:]] == [one["path"] for one in found]
    done = songkey(music, "--compatible-with", music / "gone.wav")
    assert done.returncode == 1 and "error: " in done.stderr and "gone.wav: file not" in done.stderr


def test_every_option_stands_in_the_help_and_in_the_readme(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["songkey", "--help"])
    with pytest.raises(SystemExit):
        cli.main()
    options = set(re.findall(r"--[a-z-]+", capsys.readouterr().out)) - {"--help"}
    assert len(options) > 15
    readme = (ROOT / "README.md").read_text("utf-8")
    assert [option for option in sorted(options) if f"`{option}" not in readme] == []


def test_a_table_that_cannot_be_written_is_named_before_anything_is_heard(songkey, music, tmp_path):
    done = songkey(music, "--csv", tmp_path / "gone/a.csv")
    assert done.returncode == 1 and not done.stdout
    assert re.fullmatch(
        r"error: --csv .*gone/a.csv: cannot be written .*; name a file in a folder that is there\n",
        done.stderr,
    )
