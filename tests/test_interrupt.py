"""Laws of interruptions: a clear end within seconds, and a second run that gives the same bytes."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from conftest import ROOT, contents, pack_synthetic, settings, small_config
from test_pack import song, tone

from pipeline.manifest import ManifestError, read_manifest
from shards.pack import pack_shard
from shards.plan import plans
from shards.prepare import prepare
from shards.summary import summary

GOES_ON = "interrupted; the same command goes on from what is finished"


def start(folder: Path, workers: int, **options) -> subprocess.Popen:
    """Begin to pack the synthetic songs in a process group of its own."""
    command = [sys.executable, "-m", "shards", "pack", "synthetic"]
    return subprocess.Popen(
        [*command, *settings(folder, f"prepare.workers={workers}")], cwd=ROOT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"}, **options,
    )  # fmt: skip


def finish(running: subprocess.Popen) -> subprocess.CompletedProcess:
    output, errors = running.communicate(timeout=120)
    return subprocess.CompletedProcess(running.args, running.returncode, output, errors)


def wait_for_a_record(folder: Path, running: subprocess.Popen) -> None:
    while not list((folder / "shards").rglob("[0-9]*.json")):
        assert running.poll() is None, finish(running).stderr
        time.sleep(0.01)


def workers_of(running: subprocess.Popen) -> list[psutil.Process]:
    children = psutil.Process(running.pid).children()
    return [child for child in children if "spawn_main" in " ".join(child.cmdline())]


def wait_until_gone(group: int) -> None:
    """Until no process of the group is left; fails after ten seconds."""
    for _ in range(1000):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.01)
    raise AssertionError("some processes are left")


def assert_a_run_completes(folder: Path, packed: Path) -> None:
    """A run now gives what an undisturbed one gives, and leaves nothing else."""
    pack_synthetic(small_config(folder))
    assert contents(folder / "shards/audio") == contents(packed / "shards/audio")


def assert_one_line(done: subprocess.CompletedProcess, *texts: str) -> None:
    assert done.returncode == 1, done.stdout + done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ") and all(text in line for text in texts), line


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    "stop, sign",
    [(os.killpg, signal.SIGINT), (os.kill, signal.SIGTERM), (os.killpg, signal.SIGTERM)],
    ids=["ctrl-c", "terminate", "terminate all"],
)
def test_ctrl_c_and_sigterm_stop_within_seconds_and_say_how_to_go_on(
    packed, tmp_path, workers, stop, sign
):
    running = start(tmp_path, workers)
    wait_for_a_record(tmp_path, running)
    began = time.monotonic()
    stop(running.pid, sign)
    done = finish(running)
    assert time.monotonic() - began < 5
    assert (done.returncode, done.stderr.splitlines()) == (130, [GOES_ON])
    wait_until_gone(running.pid)
    assert not list(tmp_path.rglob("manifest*"))
    assert_a_run_completes(tmp_path, packed)


def test_ctrl_c_while_the_workers_start_is_answered_by_the_parent_alone(packed, tmp_path):
    running = start(tmp_path, 2)
    while not workers_of(running):
        assert running.poll() is None
        time.sleep(0.01)
    time.sleep(0.2)
    os.killpg(running.pid, signal.SIGINT)
    done = finish(running)
    assert (done.returncode, done.stderr.splitlines()) == (130, [GOES_ON])
    wait_until_gone(running.pid)
    assert_a_run_completes(tmp_path, packed)


def test_a_worker_killed_by_the_system_costs_its_task_only(packed, tmp_path):
    running = start(tmp_path, 2)
    wait_for_a_record(tmp_path, running)
    workers_of(running)[0].kill()
    done = finish(running)
    assert (done.returncode, done.stderr) == (0, "")
    assert contents(tmp_path / "shards/audio") == contents(packed / "shards/audio")


def test_workers_whose_parent_is_killed_end_too(packed, tmp_path):
    running = start(tmp_path, 2)
    wait_for_a_record(tmp_path, running)
    running.kill()
    finish(running)
    wait_until_gone(running.pid)
    assert_a_run_completes(tmp_path, packed)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_file_that_cannot_grow_ends_in_one_line(packed, tmp_path, workers):
    limits = (200_000, 200_000)
    done = finish(
        start(
            tmp_path, workers, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        )
    )
    place = f"{tmp_path}/shards/audio/synthetic/train/00000"
    assert_one_line(done, place, "cannot be written (File too large)", "then run the same command")
    assert not list(tmp_path.rglob("*.tar")) and not list(tmp_path.rglob(".*.tmp"))
    assert_a_run_completes(tmp_path, packed)


@pytest.fixture
def disk(tmp_path) -> Iterator[Callable[[str], Path]]:
    """Mounts a small disk with options such as "size=1m", again with others; needs root."""
    folder, options = tmp_path / "disk", ["-t", "tmpfs", "tmpfs"]
    folder.mkdir()

    def mount(option: str) -> Path:
        again = f"remount,{option}" if os.path.ismount(folder) else option
        done = subprocess.run(["mount", "-o", again, *options, folder], capture_output=True)
        if done.returncode:
            pytest.skip("needs the right to mount a disk")
        return folder

    if not shutil.which("mount"):
        pytest.skip("needs the program mount")
    yield mount
    if os.path.ismount(folder):
        subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_full_disk_ends_in_one_line(packed, disk, workers):
    folder = disk("size=1m")
    done = finish(start(folder, workers))
    assert_one_line(done, f"{folder}/shards/audio", "(No space left on device); free some space")
    assert not list(folder.rglob(".*.tar.*"))
    disk("size=64m")
    assert_a_run_completes(folder, packed)


def test_a_read_only_target_ends_in_one_line_at_any_point(packed, disk):
    folder = disk("ro,size=64m")
    expected = ["cannot be written (Read-only file system); name a folder that can be written to"]
    assert_one_line(finish(start(folder, 1)), f"{folder}/shards/audio/synthetic/", *expected)
    disk("rw")
    running = start(folder, 1)
    wait_for_a_record(folder, running)
    running.kill()
    finish(running)
    disk("ro")
    assert_one_line(finish(start(folder, 1)), f"{folder}/shards/audio/synthetic/", *expected)
    disk("rw")
    assert_a_run_completes(folder, packed)


def test_a_song_that_vanished_before_packing_is_counted_and_named(tmp_path):
    paths = [tone(tmp_path / f"{name}.flac", 8) for name in "abc"]
    songs = [song(path, Path(path).stem) for path in paths]
    Path(paths[1]).unlink()
    done = prepare("mine", songs, [], "audio", small_config(tmp_path))
    assert [(one.song_id, one.kind) for one in done.left_out] == [("b", "file not found")]
    assert "left out 1 of 3 songs: 1 file not found (b)" in summary(done)


def test_a_song_that_vanished_while_packing_is_packed_once_it_is_back(tmp_path):
    paths = [tone(tmp_path / f"{name}.flac", 8) for name in "abc"]
    songs = [song(path, Path(path).stem) for path in paths]
    prepare("mine", songs, [], "audio", small_config(tmp_path / "undisturbed"))
    config = small_config(tmp_path)
    hidden = Path(paths[1]).rename(tmp_path / "hidden")
    Path(paths[1]).symlink_to(hidden)  # planned with the file there
    made = plans("mine", songs, "audio", config)
    Path(paths[1]).unlink()
    for task in made[0].tasks:
        task.folder.mkdir(parents=True)
        assert pack_shard(task).left_out == 1
    hidden.rename(paths[1])
    done = prepare("mine", songs, [], "audio", config)
    assert not done.left_out
    assert contents(tmp_path / "shards") == contents(tmp_path / "undisturbed/shards")


def test_what_was_left_out_is_named_again_by_a_run_with_nothing_to_do(tmp_path):
    good, bad = tone(tmp_path / "good.flac", 8), tmp_path / "bad.flac"
    bad.write_bytes(b"<html>404</html>")
    songs = [song(good, "good"), song(bad, "bad")]
    config = small_config(tmp_path)
    once = prepare("mine", songs, [], "audio", config)
    before = contents(tmp_path / "shards")
    again = prepare("mine", songs, [], "audio", config)
    assert once.left_out == again.left_out and once.manifests == again.manifests
    assert contents(tmp_path / "shards") == before


def test_a_manifest_is_gone_while_one_of_its_shards_is_packed_again(tmp_path):
    config = small_config(tmp_path)
    songs = [song(tone(tmp_path / "a.flac", 8), "a")]
    prepare("mine", songs, [], "audio", config)
    (split,) = [plan for plan in plans("mine", songs, "audio", config) if plan.tasks]
    assert split.missing() == [] and read_manifest(split.folder).shards
    (split.folder / "000000.tar").unlink()
    assert split.missing() == list(split.tasks)
    Path(songs[0].audio_path).unlink()
    with pytest.raises(ManifestError, match="songs: 1 songs, .* there"):
        prepare("mine", songs, [], "audio", config)
