"""Laws of files that harm whoever reads them: one has no answer, and is named; all others have."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import ROOT, run_program, settings
from foreign import write_by_webdataset

DEADLY_RATE = 12_345  # of tests/deadly_python.py, which no test process is to load


@pytest.fixture(scope="module")
def deadly(tmp_path_factory) -> dict[str, str]:
    """The environment in which a file of DEADLY_RATE kills its decoder."""
    folder = tmp_path_factory.mktemp("deadly")
    shutil.copy(ROOT / "tests/deadly_python.py", folder / "sitecustomize.py")
    return {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}


@pytest.fixture(scope="module")
def songs(tmp_path_factory) -> Path:
    """Four files in a folder that is named by a key; the second is deadly."""
    folder = tmp_path_factory.mktemp("songs")
    (folder / "C minor").mkdir()
    for number in range(4):
        rate = DEADLY_RATE if number == 1 else 22_050
        tone = 0.3 * np.sin(np.arange(5 * rate) * (0.05 + 0.01 * number))
        soundfile.write(folder / "C minor" / f"{number}.wav", tone, rate)
    return folder


@pytest.mark.parametrize("workers", ["1", "3"])
@pytest.mark.parametrize("program", [["-m", "songkey"], ["predict.py"]])
def test_a_file_that_kills_its_decoder_costs_no_other_its_key(
    deadly, songs, network, program, workers
):
    asked = [*program, str(songs), "--model", str(network), "--json", "--workers", workers]
    done = run_program(*asked, **deadly)
    answered = [Path(one["path"]).name for one in json.loads(done.stdout)]
    assert answered == ["0.wav", "2.wav", "3.wav"] and done.returncode == 1
    assert done.stderr.splitlines() == [
        f"no key: {songs}/C minor/1.wav: decoder crashed: SIGABRT; get it again, or convert it to "
        "another format",
        "error: 1 file could not be used, see above",
    ]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_song_that_kills_its_decoder_is_left_out_of_the_shards(deadly, songs, tmp_path, workers):
    several = [f"prepare.workers={workers}", "prepare.songs_per_shard=2"]
    whole = ["split.valid_fraction=0.0", "split.test_fraction=0.0"]
    command = ["-m", "shards", "pack", "folder", str(songs)]
    done = run_program(*command, *settings(tmp_path, *several, *whole), **deadly)
    assert done.returncode == 0, done.stderr
    table = (tmp_path / "shards/audio/folder/left_out.tsv").read_text()
    assert table.splitlines()[1:] == [
        "C minor/1.wav\tdecoder crashed: SIGABRT; get it again, or convert it to another format"
    ]
    assert "left out 1 of 4 songs: 1 decoder crashed (C minor/1.wav)" in done.stdout + done.stderr


@pytest.mark.parametrize("workers", [1, 2])
def test_a_sample_that_kills_its_decoder_is_left_out_of_an_index(deadly, songs, tmp_path, workers):
    samples = ({"wav": path.read_bytes(), "txt": b"Cm"} for path in sorted(songs.rglob("*.wav")))
    write_by_webdataset(tmp_path / "in", samples, 2)
    command = ["-m", "shards", "index", str(tmp_path / "in")]
    done = run_program(*command, *settings(tmp_path, f"prepare.workers={workers}"), **deadly)
    assert done.returncode == 0, done.stderr
    table = (tmp_path / "shards/audio/foreign/train/left_out.tsv").read_text()
    assert table.splitlines()[1:] == [
        "000000/00001\tdecoder crashed: SIGABRT; get it again, or convert it to another format"
    ]
    assert "3 songs, 3 intervals in 2 shards" in done.stdout
