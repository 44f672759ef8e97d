"""Laws of comparing with other programs, of which a stand-in for Essentia plays one."""

import sys
from pathlib import Path

import pytest
import soundfile

from model.run_folder import resolve
from songkey.keys import KEYS
from songs import synthetic
from study import essentia_keys, peers

RATE = 11_025
STAND_IN = '''
"""Answers by the number in a file's name, "bgate" a semitone higher; cannot read what has none."""
import os

class MonoLoader:
    def __init__(self, filename, sampleRate):
        self.filename = filename

    def __call__(self):
        with open(os.environ["ASKED"], "a") as asked:
            asked.write(self.filename + "\\n")
        if "bad" in self.filename:
            raise RuntimeError("AudioLoader: cannot read")
        return int(os.path.basename(self.filename).split(".")[0])

class KeyExtractor:
    def __init__(self, profileType):
        self.shift = profileType == "bgate"

    def __call__(self, waveform):
        return "C C# D Eb E F".split()[waveform + self.shift], "minor", 0.5
'''


@pytest.fixture
def python(tmp_path, monkeypatch) -> Path:
    """A Python that has a stand-in for Essentia."""
    package = tmp_path / "libraries/essentia"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(
        "from types import SimpleNamespace\nlog = SimpleNamespace()\n"
    )
    (package / "standard.py").write_text(STAND_IN)
    program = tmp_path / "python"
    there = f"PYTHONPATH={package.parent} exec {sys.executable}"
    program.write_text(f'#!/bin/sh\n[ "$1" = -I ] && shift\n{there} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("ASKED", str(tmp_path / "asked"))
    return program


@pytest.fixture
def folder(tmp_path) -> Path:
    """Four songs in C minor to Eb minor and one that Essentia cannot read, in folders of keys."""
    folder = tmp_path / "music"
    for number in range(5):
        key = KEYS[12 + number]
        path = folder / f"{'pop' if number < 4 else 'bad'}/{key}/{number}.wav"
        path.parent.mkdir(parents=True)
        song = synthetic.render(f"synthetic:3:{number}:4", RATE)
        soundfile.write(path, 0.5 * song, RATE)
    return folder


@pytest.fixture
def asked(folder, python, trained, tmp_path) -> list:
    model = resolve(trained).with_suffix(".onnx")
    return [folder, "--model", model, "--essentia", python, "--work", tmp_path / "work"]


def rows_of(output: str) -> dict[str, list[str]]:
    """The numbers of each system."""
    lines = [line.split("  ") for line in output.splitlines()]
    return {line[0]: [cell.strip() for cell in line[1:] if cell.strip()] for line in lines}


def test_the_table_has_us_each_profile_and_each_given_file(called, asked, tmp_path):
    theirs = tmp_path / "theirs.tsv"
    theirs.write_text("".join(f"{n}.wav\t{KEYS[12 + n]}\n" for n in range(5)))
    done = called(peers.main, *asked, "--answers", f"theirs={theirs}")
    assert done.returncode == 0, done.stderr
    rows = rows_of(done.stdout)
    systems = ["songkey", *(f"Essentia {p}" for p in essentia_keys.PROFILES), "theirs"]
    assert [name for name in rows if name in systems] == systems
    assert rows["theirs"][:4] == ["5", "100.0", "100.0 to 100.0", "100.0"]
    assert rows["Essentia edma"][:2] == ["5", "80.0"]  # what it cannot read is no key
    assert rows["Essentia bgate"][:2] == ["5", "0.0"]
    for name in systems[1:]:
        difference = float(rows["songkey"][1]) - float(rows[name][1])
        assert float(rows[name][4]) == pytest.approx(difference, abs=0.11)


def test_essentia_is_not_asked_again_and_a_broken_line_is(called, asked, tmp_path):
    first = called(peers.main, *asked).stdout
    requests = (tmp_path / "asked").read_text().splitlines()
    assert len(requests) == len(set(requests)) == 5
    assert called(peers.main, *asked).stdout == first
    assert len((tmp_path / "asked").read_text().splitlines()) == 5
    answers = tmp_path / "work/essentia.jsonl"
    answers.write_bytes(answers.read_bytes()[:-20])
    assert called(peers.main, *asked).stdout == first
    assert len((tmp_path / "asked").read_text().splitlines()) == 6


def test_a_part_of_a_folder_can_be_named(called, asked):
    rows = rows_of(called(peers.main, *asked, "--under", "pop/").stdout)
    assert rows["Essentia edma"][:2] == ["4", "100.0"]
    done = called(peers.main, *asked, "--under", "jazz/")
    assert done.returncode == 1 and "no labelled song under jazz/ in it" in done.stderr


def test_what_is_missing_or_fails_ends_in_one_line(called, asked, python, tmp_path):
    done = called(peers.main, *asked, "--essentia", tmp_path / "gone")
    assert done.returncode == 1
    assert "gone: no Essentia there; `just compare-peers` installs it" in done.stderr
    python.write_text("#!/bin/sh\nexit 3\n")
    done = called(peers.main, *asked)
    assert done.returncode == 1 and "Essentia ended with exit code 3, see above" in done.stderr
    done = called(peers.main, *asked, "--answers", "theirs.tsv")
    assert done.returncode == 1 and "give a name and a table, as NAME=FILE.tsv" in done.stderr
