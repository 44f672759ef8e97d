"""Laws of many files at once: the same answers, and no file or process costs another its own."""

import json
import os
import pty
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from conftest import MUSIC_SONGS, ROOT, run_program
from encoded import encode

RATE = 22_050


def test_more_workers_give_the_same_table_in_the_same_order(songkey, music):
    one, three = (songkey(music, "--workers", n, "--tuning") for n in (1, 3))
    assert one.stdout == three.stdout and one.stdout.count("\n") == MUSIC_SONGS + 1


@pytest.mark.parametrize("workers", [1, 2])
def test_files_without_a_key_cost_no_other_its_answer(songkey, music, tmp_path, workers):
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"no music")
    done = songkey(bad, music, tmp_path / "gone.wav", "--json", "--workers", workers)
    assert done.returncode == 1 and [one["path"] for one in json.loads(done.stdout)] == in_folder(
        music
    )
    errors = sorted(done.stderr.splitlines())
    assert errors[0] == "error: 2 files could not be used, see above"
    assert errors[1].startswith(f"no key: {bad}: not audio")
    assert errors[2].startswith(f"no key: {tmp_path}/gone.wav: file not found")


def in_folder(music: Path) -> list[str]:
    return sorted(map(str, music.rglob("*.*")))


def start(*words: str | Path, **options) -> subprocess.Popen:
    command = [sys.executable, "-m", "songkey", *map(str, words)]
    return subprocess.Popen(command, cwd=ROOT, text=True, start_new_session=True, **options)


def workers_of(program: subprocess.Popen) -> list[psutil.Process]:
    """The processes that listen for a program, once all two are there."""
    while True:
        children = psutil.Process(program.pid).children()
        found = [one for one in children if "songkey.guarded" in " ".join(one.cmdline())]
        if len(found) == 2:
            return found
        assert program.poll() is None
        time.sleep(0.01)


@pytest.fixture(scope="module")
def long_list(music) -> list[str]:
    """So many files that a program is still at work when it is looked at."""
    return in_folder(music) * 40


def test_a_worker_that_dies_costs_at_most_the_first_file_of_its_life(network, long_list):
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    program = start("--model", network, "--jsonl", "--workers", 2, *long_list, **pipes)
    workers = workers_of(program)
    first = program.stdout.readline()
    workers[0].kill()
    output, errors = program.stdout.read(), program.stderr.read()  # communicate() loses what
    program.wait(300)  # readline() has read ahead
    failed = [line for line in errors.splitlines() if line.startswith("no key: ")]
    assert len((first + output).splitlines()) == len(long_list) - len(failed)
    assert program.returncode == len(failed) <= 1
    assert all("decoder crashed: SIGKILL" in line for line in failed)


def test_an_interrupted_run_ends_at_once_with_its_workers(network, long_list):
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    program = start("--model", network, "--jsonl", "--workers", 2, *long_list, **pipes)
    workers = workers_of(program)
    program.stdout.readline()
    os.killpg(program.pid, signal.SIGINT)
    program.stdout.read()
    errors = program.stderr.read()
    program.wait(60)
    assert (program.returncode, errors) == (130, "interrupted; the files above are answered\n")
    assert not any(worker.is_running() for worker in workers)


def test_a_reader_that_has_read_enough_ends_the_run_without_a_word(network, long_list):
    for form in ("--jsonl", "--tuning"):
        program = start(
            "--model", network, form, *long_list, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        program.stdout.readline()
        program.stdout.close()
        assert program.wait(60) == 1 and program.stderr.read() == ""
        program.stderr.close()


def seen_on_a_terminal(*words: str | Path) -> str:
    """What a program writes to stderr where that is a terminal of 90 columns."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 90))
    program = start(*words, stdout=subprocess.DEVNULL, stderr=theirs)
    os.close(theirs)
    seen = b""
    try:
        while part := os.read(ours, 4096):
            seen += part
    except OSError:  # the other end is closed
        pass
    program.wait(60)
    os.close(ours)
    return seen.decode()


def test_a_terminal_has_a_bar_for_many_files_and_nothing_else_has(network, music):
    assert f"{MUSIC_SONGS}/{MUSIC_SONGS}" in seen_on_a_terminal("--model", network, music)
    assert seen_on_a_terminal("--model", network, music / "00.flac") == ""
    assert run_program("-m", "songkey", "--model", str(network), str(music)).stderr == ""


def test_a_name_that_the_terminal_cannot_print_is_escaped(network, tmp_path):
    path = encode(tmp_path / "白鳥.wav", 0.1 * np.sin(np.arange(RATE) / 9), RATE)
    done = run_program(
        "-m", "songkey", "--model", str(network), str(path), PYTHONIOENCODING="ascii"
    )
    assert done.returncode == 0 and done.stdout.rstrip().endswith(r"\u767d\u9ce5.wav")
