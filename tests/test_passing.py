"""Laws of failures that may pass: tried again, then the run stops with the file's name.

They are never written down as a fault of the file.
"""

import errno
import os
import shutil
import signal
from pathlib import Path
from threading import Timer

import numpy as np
import pytest
import soundfile
from conftest import ROOT, contents, run_program, settings
from decoders import Decoders
from foreign import write_by_webdataset

import songkey.passing
from songkey.decode import mono_blocks
from songkey.errors import AudioError
from songkey.guard import Guard
from songkey.passing import PASSING, PassingAudioError, patiently, read_failure
from songs import folder

KILLED_RATE = 12_346  # of tests/deadly_python.py, which no test process is to load
OFTEN = 1_000  # more than anybody tries
WHOLE = ["split.valid_fraction=0.0", "split.test_fraction=0.0"]


@pytest.fixture
def failing(tmp_path) -> dict[str, str]:
    """The environment of tests/failing_python.py."""
    (tmp_path / "site").mkdir()
    (tmp_path / "counts").mkdir()
    shutil.copy(ROOT / "tests/failing_python.py", tmp_path / "site/sitecustomize.py")
    path = f"{tmp_path / 'site'}{os.pathsep}{ROOT}"
    return {"PYTHONPATH": path, "FAILING_COUNTS": str(tmp_path / "counts")}


def music_in(place: Path, *odd: str) -> Path:
    """Two files, and others of those names, in a folder that is named by a key."""
    (place / "C minor").mkdir(parents=True)
    for number, name in enumerate(("0", "1", *odd)):
        tone = 0.3 * np.sin(np.arange(5 * 11_025) * (0.05 + 0.01 * number))
        soundfile.write(place / "C minor" / f"{name}.wav", tone, 11_025)
    return place


def pack(target: Path, music: Path, workers: int, **environment: str):
    several = [f"prepare.workers={workers}", "prepare.songs_per_shard=2"]
    command = ["-m", "shards", "pack", "folder", str(music)]
    return run_program(*command, *settings(target, *several, *WHOLE), **environment)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> tuple[Path, dict[str, bytes]]:
    """A folder of music with files that can fail, and its shards where nothing does."""
    folder = tmp_path_factory.mktemp("undisturbed")
    odd = ("EIO 2", "READ 2", "KILLED 2", "MEMORY 1", f"READ {OFTEN}")
    music = music_in(folder / "music", *(f"fails {one}" for one in odd))
    assert pack(folder, music, 1).returncode == 0
    return music, contents(folder / "shards")


@pytest.mark.parametrize("workers", [1, 2])
def test_what_fails_is_tried_again_then_ends_the_run_and_is_packed_once_it_is_well(
    undisturbed, failing, tmp_path, workers
):
    music, shards = undisturbed
    done = pack(tmp_path, music, workers, **failing)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    told = f"fails READ {OFTEN}.wav: not readable: Input/output error; disk, network or memory"
    assert told in done.stderr and "run the same command again" in done.stderr
    assert not list(tmp_path.rglob("left_out.tsv")) and not list(tmp_path.rglob(".*.tmp"))
    for number in range(OFTEN):  # from now on that one is well
        (tmp_path / f"counts/READ {number}").touch()
    done = pack(tmp_path, music, workers, **failing)
    assert done.returncode == 0, done.stderr
    counts = {path.name for path in (tmp_path / "counts").iterdir()}
    assert {"EIO 0", "EIO 1", "KILLED 0", "KILLED 1", "MEMORY 0"} <= counts
    assert contents(tmp_path / "shards") == shards


@pytest.mark.parametrize(
    "failure, told",
    [
        ("EMFILE", "not readable: Too many open files"),
        ("KILLED", "decoder was ended: SIGKILL, from outside, as where memory is short"),
    ],
)
def test_a_song_that_fails_again_and_again_is_named_and_never_left_out(
    failing, tmp_path, failure, told
):
    music = music_in(tmp_path / "music", f"fails {failure} {OFTEN}")
    done = pack(tmp_path, music, 1, **failing)
    name = f"error: {music}/C minor/fails {failure} {OFTEN}.wav: {told}; "
    assert done.returncode == 1 and done.stderr.startswith(name), done.stderr
    assert not list(tmp_path.rglob("left_out.tsv")) and not list(tmp_path.rglob(".*.tmp"))


@pytest.mark.parametrize("workers", [1, 2])
def test_a_sample_of_others_whose_decoder_is_killed_stops_indexing_and_is_named(tmp_path, workers):
    (tmp_path / "site").mkdir()
    shutil.copy(ROOT / "tests/deadly_python.py", tmp_path / "site/sitecustomize.py")
    for number in range(4):
        rate = KILLED_RATE if number == 1 else 11_025
        soundfile.write(tmp_path / f"{number}.wav", np.full(rate, 0.3), rate)
    rows = [{"wav": path.read_bytes(), "txt": b"Cm"} for path in sorted(tmp_path.glob("*.wav"))]
    write_by_webdataset(tmp_path / "in", rows, 2)
    done = run_program(
        "-m", "shards", "index", str(tmp_path / "in"),
        *settings(tmp_path, f"prepare.workers={workers}"),
        PYTHONPATH=f"{tmp_path / 'site'}{os.pathsep}{ROOT}",
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("error: 000000/00001: decoder was ended: SIGKILL"), done.stderr
    assert not list(tmp_path.rglob("left_out.tsv"))


def test_a_folder_whose_file_fails_while_it_is_listed_names_it_and_goes_on_when_it_is_well(
    tmp_path, monkeypatch
):
    music = music_in(tmp_path / "music")
    listed, _ = folder.songs(music, "mine")
    monkeypatch.setattr(songkey.passing, "WAITS_SECONDS", (0.0,))
    stat, failures = os.stat, [errno.ESTALE]

    def stat_or_fail(path, *arguments, **options):
        if str(path).endswith("1.wav") and failures:
            raise OSError(failures[0], os.strerror(failures.pop()), str(path))
        return stat(path, *arguments, **options)

    monkeypatch.setattr(os, "stat", stat_or_fail)
    assert folder.songs(music, "mine") == (listed, [])
    assert not failures
    failures += [errno.ESTALE, errno.ETIMEDOUT]
    with pytest.raises(PassingAudioError, match="C minor/1.wav: not readable: Stale file handle"):
        folder.songs(music, "mine")
    failures[:] = [errno.EACCES]
    found, left_out = folder.songs(music, "mine")
    assert len(found) == 1 and [one.reason for one in left_out] == [
        "not readable: Permission denied"
    ]


@pytest.mark.parametrize("ending", ["wav", "flac"])
def test_a_disk_that_fails_in_the_middle_of_a_song_is_not_taken_for_a_cut_file(tmp_path, ending):
    path = tmp_path / f"a.{ending}"
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, 30 * 11_025), 11_025)
    with open(path, "rb", buffering=0) as file, open(tmp_path / "b", "wb") as unreadable:
        blocks = mono_blocks(file, "a", 1.0, file.fileno())
        next(blocks)
        os.dup2(unreadable.fileno(), file.fileno())  # from now on read() fails
        with pytest.raises(OSError, match="Input/output error") as failed:
            list(blocks)
    assert type(read_failure(path, failed.value)) is PassingAudioError


def test_only_what_may_pass_is_tried_again_and_only_so_often(monkeypatch):
    monkeypatch.setattr(songkey.passing, "WAITS_SECONDS", (0.0, 0.0))
    for number in (*PASSING, errno.EACCES, errno.EINVAL):
        tries = []

        def fail(tries=tries, number=number):
            tries.append(number)
            raise read_failure("a.mp3", OSError(number, "failed"))

        with pytest.raises(AudioError, match="a.mp3: not readable: failed") as failed:
            patiently(fail)
        may_pass = number in PASSING
        assert (len(tries), type(failed.value) is PassingAudioError) == (1 + 2 * may_pass, may_pass)


def test_a_machine_short_of_memory_is_told_from_a_file_that_takes_too_much():
    with Guard(Decoders, megabytes=200) as guard:
        with pytest.raises(AudioError, match="too large: decoding it takes more than 200 MB"):
            guard.call("take_all_at_once", "a.mp3")
        with pytest.raises(PassingAudioError, match="the machine has too little memory"):
            guard.call("lack_memory_as_all_do", "a.mp3")


def test_a_decoder_that_is_killed_as_it_begins_may_be_begun_again(tmp_path):
    with Guard(Decoders) as guard:
        guard.start()
        child = guard._child.popen.pid
        os.kill(child, signal.SIGSTOP)  # so that it has not yet begun when it is killed
        killing = Timer(0.3, os.kill, (child, signal.SIGKILL))
        killing.start()
        with pytest.raises(PassingAudioError, match="a.wav: decoder was ended as it began: SIGK"):
            guard.call("answer", "a.wav")
        killing.join()
        assert guard.call("answer", "a.wav")[0] == "a.wav"
