"""Laws of the guard: whatever a decoder does, it costs one file, is named, and leaves nothing."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest
import soundfile
from conftest import ROOT
from decoders import Decoders, end_at_the_start, refuse_to_start, wait_at_the_start

import songkey.guard
from songkey.detector import Detector
from songkey.errors import AudioError, AudioKeyError
from songkey.footprint import resident_bytes
from songkey.guard import Guard, GuardedDetector
from songkey.networkfile import NetworkFileError

BAD = "a.mp3: {}; get it again, or convert it to another format"


@pytest.fixture(scope="module")
def guard():
    with Guard(Decoders, megabytes=300) as one:
        yield one


def refusal(guard: Guard, method: str) -> str:
    """Why a file has no answer; the next one has."""
    with pytest.raises(AudioError) as refused:
        guard.call(method, "a.mp3")
    assert guard.call("answer", "b.mp3")[0] == "b.mp3"
    assert refused.value.where == "a.mp3"
    return str(refused.value)


@pytest.mark.parametrize(
    "method, end",
    [("crash", "SIGSEGV"), ("abort", "SIGABRT"), ("exit", "exit code 3")],
)
def test_a_decoder_that_crashes_costs_its_file(guard, method, end):
    assert refusal(guard, method) == BAD.format(f"decoder crashed: {end}")


@pytest.mark.parametrize("method", ["hang", "hang_in_c"])
def test_a_decoder_that_hangs_costs_its_file(method):
    with Guard(Decoders) as guard:
        guard.ready()
        guard.seconds = 0.5
        with pytest.raises(
            AudioError, match=BAD.format("decoder hangs: nothing came of it for 0.5 s")
        ):
            guard.call(method, "a.mp3")
        guard.seconds = 60.0
        assert guard.call("answer", "b.mp3")[0] == "b.mp3"


def test_a_song_may_take_longer_than_its_decoder_may_be_quiet():
    with Guard(Decoders, seconds=3.0) as guard:
        assert guard.call("take_its_time", "mix.mp3", seconds=4.0, blocks=40) == "mix.mp3"


def test_a_decoder_that_goes_in_circles_costs_its_file(guard, monkeypatch):
    monkeypatch.setattr(songkey.guard, "MOST_SIGNS", 2)
    reason = "endless: decoding it takes more than 2 s"
    assert refusal(guard, "go_in_circles") == BAD.format(reason)


@pytest.mark.parametrize("method", ["hoard", "take_all_at_once", "lack_memory"])
def test_a_decoder_that_takes_too_much_memory_costs_its_file(guard, method):
    reason = "too large: decoding it takes more than 300 MB"
    assert refusal(guard, method) == BAD.format(reason)


def test_what_is_wrong_with_a_file_is_said_as_without_a_guard(guard):
    assert refusal(guard, "refuse") == "a.mp3: silent: nothing in it"


@pytest.mark.parametrize("method, fault", [("fail", "IndexError"), ("fail_strangely", "Unpick")])
def test_a_fault_of_ours_costs_its_file_and_keeps_its_traceback(guard, method, fault):
    with pytest.raises(AudioError, match=f"decoder failed: .*{fault}.*report it") as failure:
        guard.call(method, "a.mp3")
    told = [str(failure.value.__cause__), *getattr(failure.value.__cause__, "__notes__", [])]
    assert "decoders.py" in "".join(told)


def test_what_a_decoder_prints_is_no_answer_and_comes_to_no_terminal(guard, capfd):
    assert guard.call("chatter", "a.mp3") == "a.mp3"
    assert guard.call("answer", "b.mp3")[0] == "b.mp3"
    assert capfd.readouterr() == ("", "")


def test_hundreds_of_files_go_through_one_process(guard):
    answers = [guard.call("answer", f"{number}.mp3") for number in range(500)]
    assert [path for path, _ in answers] == [f"{number}.mp3" for number in range(500)]
    assert len({process for _, process in answers}) == 1


def test_any_path_comes_across(guard):
    for path in (Path("a/ü \U0001f3b5.mp3"), "line\nbreak.mp3", os.fsdecode(b"caf\xe9.mp3")):
        assert guard.call("answer", path)[0] == str(path)


def test_a_process_that_dies_between_two_files_is_replaced(guard):
    _, first = guard.call("answer", "a.mp3")
    os.kill(first, signal.SIGKILL)
    path, second = guard.call("answer", "b.mp3")
    assert path == "b.mp3" and second != first


def test_no_file_is_blamed_for_the_damage_that_another_did(guard):
    guard.call("damage", "a.mp3")
    assert guard.call("answer", "b.mp3")[0] == "b.mp3"


def test_two_guards_work_at_once(tmp_path):
    places = [str(tmp_path / name) for name in "ab"]
    with Guard(Decoders) as one, Guard(Decoders) as two, ThreadPoolExecutor(2) as threads:
        met = threads.map(
            lambda guard, path, other: guard.call("meet", path, other=other),
            (one, two), places, reversed(places),
        )  # fmt: skip
        assert list(met) == places


def test_threads_that_share_a_guard_get_their_own_answers(guard):
    names = [f"{number}.mp3" for number in range(100)]
    with ThreadPoolExecutor(4) as threads:
        answers = threads.map(lambda name: guard.call("answer", name)[0], names)
        assert list(answers) == names


def test_what_keeps_the_other_process_from_starting_is_said():
    with Guard(refuse_to_start) as guard, pytest.raises(AudioKeyError, match="best.onnx: not an"):
        guard.ready()
    reason = "the process that decodes did not start: exit code 9; see whether"
    with Guard(end_at_the_start) as guard, pytest.raises(AudioKeyError, match=reason):
        guard.call("answer", "a.mp3")
    with Guard(wait_at_the_start) as guard, pytest.MonkeyPatch.context() as patch:
        patch.setattr(songkey.guard, "START_SECONDS", 0.5)
        with pytest.raises(AudioKeyError, match="did not start: not within 0 s; see whether"):
            guard.ready()


def test_a_guard_that_was_closed_starts_no_process():
    with Guard(Decoders) as guard:
        _, process = guard.call("answer", "a.mp3")
    assert not runs(process)
    with pytest.raises(RuntimeError, match="closed"):
        guard.call("answer", "a.mp3")


def test_a_guard_that_nobody_has_any_more_leaves_no_process():
    guard = Guard(Decoders)
    _, process = guard.call("answer", "a.mp3")
    del guard
    assert not runs(process)


def runs(process: int) -> bool:
    """A dead one that nobody has waited for does not."""
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    return False


HOST = """
import os, signal, sys
from decoders import Decoders
from songkey.guard import Guard
guard = Guard(Decoders)
print(guard.call("answer", "a.mp3")[1], flush=True)
{end}
"""


@pytest.mark.parametrize(
    "end",
    [
        "pass",
        "raise SystemExit(3)",
        "os._exit(0)",
        "os.kill(os.getpid(), signal.SIGKILL)",
        "os.kill(os.getpid(), signal.SIGTERM)",
        "guard.call('kill_whoever_asks_and_hang', 'b.mp3')",
        "guard.call('interrupt_whoever_asks_and_hang', 'b.mp3')",
    ],
)
def test_the_other_process_ends_however_its_host_does(end):
    host = subprocess.run(
        [sys.executable, "-c", HOST.format(end=end)], cwd=ROOT, capture_output=True,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT}/tests"}, timeout=100,
    )  # fmt: skip
    process = int(host.stdout)
    while runs(process):
        time.sleep(0.01)
    assert b"Fatal" not in host.stderr


def test_ctrl_c_is_for_the_host_alone_which_may_go_on(guard, capfd):
    with pytest.raises(KeyboardInterrupt):
        guard.call("interrupt_whoever_asks_and_hang", "a.mp3")
    assert guard.call("answer", "b.mp3")[0] == "b.mp3"
    _, process = guard.call("answer", "c.mp3")
    os.kill(process, signal.SIGINT)
    assert guard.call("answer", "d.mp3") == ("d.mp3", process)
    assert capfd.readouterr() == ("", "")


def test_nothing_is_imported_from_the_folder_where_the_music_is(tmp_path, monkeypatch):
    for name in ("pickle", "numpy", "queue"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('not the library')\n")
    monkeypatch.chdir(tmp_path)
    with Guard(Decoders) as guard:
        assert guard.call("answer", "a.mp3")[0] == "a.mp3"


def test_a_guard_needs_nothing_that_windows_lacks(tmp_path, monkeypatch):
    hide = "import os, sys; sys.modules |= dict.fromkeys(('fcntl', 'resource'))\n"
    hide += "for name in ('fork', 'pread', 'killpg', 'memfd_create'): delattr(os, name)\n"
    (tmp_path / "sitecustomize.py").write_text(hide)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with Guard(Decoders, megabytes=100) as guard:
        with pytest.raises(AudioError, match="a.mp3: too large"):
            guard.call("hoard", "a.mp3")
        assert guard.call("has_all_of_posix", "b.mp3") is False


def test_the_memory_that_a_process_holds_is_what_the_system_says():
    assert resident_bytes() == pytest.approx(psutil.Process().memory_info().rss, rel=0.2)


@pytest.fixture(scope="module")
def song(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("song") / "a.flac"
    time = np.arange(45 * 44_100) / 44_100
    waveform = sum(0.1 * np.sin(2 * np.pi * hz * time) for hz in (220.0, 261.63, 329.63))
    soundfile.write(path, np.stack([waveform, waveform], axis=1), 44_100)
    return path


def test_a_guarded_detector_answers_as_a_detector_does(song, tmp_path):
    text = tmp_path / "text.mp3"
    text.write_text("no audio " * 100)
    plain = Detector(minor_prior=0.7)
    with GuardedDetector(minor_prior=0.7) as guarded:
        assert guarded.estimate(song) == plain.estimate(song)
        np.testing.assert_array_equal(guarded.logits(song), plain.logits(song))
        for path in (text, tmp_path / "gone.mp3"):
            with pytest.raises(AudioError) as unguarded:
                plain.estimate(path)
            with pytest.raises(AudioError) as refused:
                guarded.estimate(path)
            assert refused.value.args == unguarded.value.args


def test_a_guarded_detector_without_a_network_says_so(tmp_path):
    model = tmp_path / "a.onnx"
    model.write_bytes(b"no network")
    with GuardedDetector(model) as guarded, pytest.raises(NetworkFileError, match="not an ONNX"):
        guarded.ready()


def test_a_detector_shows_each_block_of_a_file_as_a_sign_of_life(song):
    samples: list[int] = []
    detector = Detector(on_block=lambda block: samples.append(len(block)))
    detector.estimate(song)
    assert len(samples) >= 4 and sum(samples) == pytest.approx(
        45 * detector.info.sample_rate, abs=2
    )


def test_the_guarding_process_loads_nothing_large():
    program = "import sys, songkey.guard; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    loaded = set(done.stdout.split())
    assert "songkey.guard" in loaded, done.stderr
    assert not loaded & {"numpy", "onnxruntime", "av", "soundfile", "soxr"}
