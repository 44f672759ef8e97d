"""Laws of guarded decoding: the same sound and errors, and no hang that lasts."""

import os
import signal
import subprocess
import sys
from contextlib import closing
from itertools import zip_longest

import numpy as np
import pytest
from conftest import ROOT
from encoded import encode

import songkey.audio
from songkey.audio import to_int16, waveform_blocks
from songkey.blocks import GuardedBlocks, watched_blocks
from songkey.errors import AudioError

SECONDS = 35  # several blocks of ten seconds


@pytest.fixture(scope="module")
def decoder():
    with GuardedBlocks() as one:
        yield one


@pytest.fixture(scope="module", params=[".flac", ".m4a"])
def path(request, tmp_path_factory):
    waveform = np.random.default_rng(0).normal(0, 0.1, SECONDS * 22_050)
    return encode(tmp_path_factory.mktemp("sound") / f"a{request.param}", waveform, 22_050)


def assert_same(ours, theirs) -> None:
    ours, theirs = list(ours), list(theirs)
    assert len(ours) == len(theirs) > 2
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(to_int16(one), to_int16(other))


@pytest.mark.parametrize("sample_rate", [22_050, 11_025])
def test_sound_comes_unchanged_from_another_process(decoder, path, sample_rate):
    assert_same(decoder.blocks(path, sample_rate), waveform_blocks(path, sample_rate))
    assert_same(watched_blocks(path, sample_rate), waveform_blocks(path, sample_rate))


def test_a_file_left_in_its_middle_can_be_read_again(decoder, path):
    with closing(decoder.blocks(path, 22_050)) as blocks:
        next(blocks)
    assert_same(decoder.blocks(path, 22_050), waveform_blocks(path, 22_050))


def test_a_process_that_is_lost_in_the_middle_of_a_song_is_replaced(path):
    with GuardedBlocks() as decoder:
        blocks = decoder.blocks(path, 22_050)
        found = [next(blocks), next(blocks)]
        os.kill(decoder._child.popen.pid, signal.SIGKILL)
        assert_same([*found, *blocks], waveform_blocks(path, 22_050))


def test_two_files_read_in_turns_keep_their_own_sound(decoder, path):
    one, other = decoder.blocks(path, 22_050), decoder.blocks(path, 11_025)
    ones, others = zip(*zip_longest(one, other), strict=True)
    assert_same(filter(exists, ones), waveform_blocks(path, 22_050))
    assert_same(filter(exists, others), waveform_blocks(path, 11_025))


def exists(block: np.ndarray | None) -> bool:
    return block is not None


def test_what_is_wrong_with_a_file_is_said_as_elsewhere(decoder, tmp_path):
    (tmp_path / "a.wav").write_bytes(b"no music at all, but some text")
    for place in (tmp_path / "a.wav", tmp_path / "gone.wav"):
        said = set()
        for decode in (waveform_blocks, decoder.blocks, watched_blocks):
            with pytest.raises(AudioError) as refused:
                list(decode(place, 22_050))
            said.add(str(refused.value))
        assert len(said) == 1


def test_a_fault_of_ours_costs_its_song(path, monkeypatch):
    monkeypatch.setattr(songkey.audio, "waveform_blocks", lambda *_, **__: (1 / 0 for _ in "x"))
    with pytest.raises(AudioError, match="decoder failed: ZeroDivisionError.*report it"):
        list(watched_blocks(path, 22_050))


HANGING = """
import songkey.audio, songkey.blocks, sys, time
def blocks(path, sample_rate, hear):
    yield 1
    time.sleep(1_000)
songkey.audio.waveform_blocks, songkey.blocks.QUIET_SECONDS = blocks, float(sys.argv[1])
for block in songkey.blocks.watched_blocks("a.mp3", 22_050):
    time.sleep(1.0)  # of its user, which is no hang
    print("used")
"""


def test_a_process_ends_where_its_decoder_hangs_and_not_where_its_user_does():
    command = [sys.executable, "-u", "-c", HANGING, "0.5"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stdout, done.stderr) == (1, "used\n", "")
