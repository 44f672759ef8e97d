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
import torch
from conftest import ROOT, contents, pack_synthetic, run_program, settings, small_config
from test_pack import song, tone

import train
from shards import __main__ as shards
from shards.outcome import summary
from shards.pack import pack_shard
from shards.plan import plan
from shards.prepare import prepare

IMPORTING = """import time
print("importing", flush=True)
time.sleep(60)
"""
FEW = ("datasets.synthetic.songs=16", "prepare.songs_per_shard=2")
GOES_ON = "interrupted; the same command goes on from what is finished"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> dict[str, bytes]:
    """All files of a run that nothing disturbs."""
    folder = tmp_path_factory.mktemp("undisturbed")
    pack_synthetic(small_config(folder, *FEW))
    return contents(folder / "shards")


def start(folder: Path, workers: int) -> subprocess.Popen:
    """Begin to pack the synthetic songs in a process group of its own."""
    command = [sys.executable, "-m", "shards", "pack", "synthetic"]
    return subprocess.Popen(
        [*command, *settings(folder, *FEW, f"prepare.workers={workers}")], cwd=ROOT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def finish(running: subprocess.Popen) -> subprocess.CompletedProcess:
    output, errors = running.communicate(timeout=300)
    return subprocess.CompletedProcess(running.args, running.returncode, output, errors)


def wait_for_a_record(folder: Path, running: subprocess.Popen) -> None:
    while not list((folder / "shards").rglob("[0-9]*.json")):
        assert running.poll() is None, finish(running).stderr
        time.sleep(0.01)


def workers_of(running: subprocess.Popen) -> list[psutil.Process]:
    children = psutil.Process(running.pid).children()
    return [child for child in children if "spawn_main" in " ".join(child.cmdline())]


def wait_until_gone(group: int) -> None:
    """Until no process of the group is left; fails after a minute."""
    for _ in range(6000):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.01)
    raise AssertionError("some processes are left")


def run_again(folder: Path) -> dict[str, bytes]:
    """All files after a run that nothing disturbs."""
    pack_synthetic(small_config(folder, *FEW))
    return contents(folder / "shards")


def assert_one_line(done: subprocess.CompletedProcess, *texts: str) -> None:
    assert done.returncode == 1, done.stdout + done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ") and all(text in line for text in texts), line


@pytest.mark.parametrize(
    "program, library",
    [
        ("-m training.launcher", "accelerate"),
        ("-m training.launcher", "numpy"),
        ("train.py", "accelerate"),
        ("eval.py", "numpy"),
        ("predict.py", "numpy"),
    ],
)
def test_ctrl_c_while_a_program_imports_ends_it_in_one_line(tmp_path, program, library):
    (tmp_path / f"{library}.py").write_text(IMPORTING)
    with subprocess.Popen(
        [sys.executable, *program.split()], cwd=ROOT, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(tmp_path)},
    ) as running:  # fmt: skip
        assert running.stdout.readline() == "importing\n"
        running.send_signal(signal.SIGINT)
        output, errors = running.communicate(timeout=60)
    told = "interrupted; nothing was begun; give the same command again\n"
    assert (running.returncode, output, errors) == (130, "", told)


@pytest.mark.parametrize(
    "workers, stop, sign",
    [
        (1, os.killpg, signal.SIGINT),
        (2, os.killpg, signal.SIGINT),
        (2, os.kill, signal.SIGTERM),
        (2, os.killpg, signal.SIGTERM),
    ],
)
def test_ctrl_c_and_sigterm_stop_cleanly_and_say_how_to_go_on(
    undisturbed, tmp_path, workers, stop, sign
):
    running = start(tmp_path, workers)
    wait_for_a_record(tmp_path, running)
    stop(running.pid, sign)
    done = finish(running)
    assert (done.returncode, done.stderr.splitlines()) == (130, [GOES_ON])
    wait_until_gone(running.pid)
    assert not list(tmp_path.rglob("manifest*")) and not list(tmp_path.rglob(".*.tmp"))
    assert run_again(tmp_path) == undisturbed


def test_ctrl_c_while_the_workers_start_is_answered_by_the_parent_alone(undisturbed, tmp_path):
    running = start(tmp_path, 2)
    while not workers_of(running):
        assert running.poll() is None
        time.sleep(0.01)
    time.sleep(0.2)
    os.killpg(running.pid, signal.SIGINT)
    done = finish(running)
    assert (done.returncode, done.stderr.splitlines()) == (130, [GOES_ON])
    wait_until_gone(running.pid)
    assert run_again(tmp_path) == undisturbed


def test_a_worker_killed_by_the_system_costs_its_task_only(undisturbed, tmp_path):
    running = start(tmp_path, 2)
    wait_for_a_record(tmp_path, running)
    workers_of(running)[0].kill()
    done = finish(running)
    assert (done.returncode, done.stderr) == (0, "")
    assert contents(tmp_path / "shards") == undisturbed


def test_workers_whose_parent_is_killed_end_too(undisturbed, tmp_path):
    running = start(tmp_path, 2)
    wait_for_a_record(tmp_path, running)
    running.kill()
    finish(running)
    wait_until_gone(running.pid)
    assert run_again(tmp_path) == undisturbed


def test_a_file_that_cannot_grow_ends_in_one_line(undisturbed, called, tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        done = called(shards.main, "pack", "synthetic", *settings(tmp_path, *FEW))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    place = f"{tmp_path}/shards/audio/synthetic/train/000000.tar"
    assert_one_line(done, f"{place}: cannot be written (File too large)", "run the same command")
    assert not list(tmp_path.rglob("*.tar")) and not list(tmp_path.rglob(".*.tmp"))
    assert run_again(tmp_path) == undisturbed


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


def test_a_full_disk_ends_in_one_line_and_holds_nothing_unfinished(undisturbed, disk):
    folder = disk("size=1m")
    done = finish(start(folder, 2))
    assert_one_line(done, f"{folder}/shards/audio", "(No space left on device); free some space")
    assert not list(folder.rglob(".*.tmp"))
    disk("size=64m")
    assert run_again(folder) == undisturbed


@pytest.mark.parametrize("room, saved", [("40k", False), ("200k", True)])
def test_a_training_that_fills_the_disk_says_what_there_is_to_go_on_from(packed, disk, room, saved):
    runs = disk(f"size={room}")
    every_step = settings(packed, f'train.runs_dir="{runs}"', "train.checkpoint_every_steps=1")
    done = run_program("train.py", *every_step)
    (run,) = runs.iterdir()
    assert (run / "checkpoints/last.safetensors").exists() is saved
    told = (
        f"go on with --resume {run}" if saved else "nothing was saved; give the same command again"
    )
    assert done.stderr.splitlines()[-1].endswith(f"; free some space: {told}"), done.stderr
    assert done.returncode == 1


@pytest.mark.parametrize("named", ["", "checkpoints/epoch-0001.safetensors"])
def test_a_run_that_is_interrupted_before_it_goes_on_is_told_as_it_was_named(
    trained, called, monkeypatch, named
):
    def interrupt(_seed: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "manual_seed", interrupt)  # while the run is read again
    before = contents(trained)
    done = called(train.main, "--resume", trained / named)
    told = f"interrupted; go on with --resume {trained / named}\n"
    assert (done.returncode, done.stderr) == (130, told)
    assert contents(trained) == before


def test_a_read_only_target_ends_in_one_line_at_any_point(undisturbed, called, disk):
    folder = disk("ro,size=64m")
    command = [shards.main, "pack", "synthetic", *settings(folder, *FEW)]
    place = f"{folder}/shards/audio/synthetic"
    reason = "cannot be written (Read-only file system); name a folder that can be written to"
    assert_one_line(called(*command), f"{place}/t", reason)
    disk("rw")
    pack_synthetic(small_config(folder, *FEW))
    Path(place, "train/manifest.json.zst").unlink()
    disk("ro")
    assert_one_line(called(*command), f"{place}: {reason}")
    disk("rw")
    Path(place, "train/000001.json").unlink()
    disk("ro")
    assert_one_line(called(*command), f"{place}/t", reason)
    disk("rw")
    assert run_again(folder) == undisturbed


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
    made = plan("mine", songs, "audio", config).splits
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


def test_a_manifest_is_gone_while_a_shard_that_it_names_is_packed_again(tmp_path):
    config = small_config(tmp_path)
    songs = [song(tone(tmp_path / "a.flac", 8), "a")]
    prepare("mine", songs, [], "audio", config)
    before = contents(tmp_path / "shards")
    (done,) = [one for one in plan("mine", songs, "audio", config).splits if one.names]
    assert not done.missing and not done.is_damaged
    (done.folder / "000000.tar").unlink()
    (damaged,) = [one for one in plan("mine", songs, "audio", config).splits if one.names]
    assert [task.name for task in damaged.missing] == ["000000"]
    damaged.begin()
    assert not (done.folder / "manifest.json.zst").exists()
    prepare("mine", songs, [], "audio", config)
    assert contents(tmp_path / "shards") == before
