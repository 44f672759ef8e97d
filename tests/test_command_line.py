"""Laws of every program: wrong input ends in one line that says what, where and what to do."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from conftest import run_program, settings, small_config
from safetensors.torch import save_file

import eval
import predict
import train
from evaluation.listener import network_of
from model.checkpoint import load_checkpoint, save_checkpoint
from model.run_folder import resolve
from shards import __main__ as shards

PACK, CHECK = (shards.main, "pack"), (shards.main, "check")


def assert_refused(done: subprocess.CompletedProcess, *messages: str) -> None:
    """Exit code 1, and at the end of stderr the one line that says `messages`."""
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr and done.stderr.count("error:") == 1
    last = done.stderr.rstrip("\n").splitlines()[-1]
    assert last.startswith("error: ") and all(message in last for message in messages), last


def tone(path: Path, seconds: float, rate: int = 11_025) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.3 * np.sin(np.arange(round(seconds * rate)) * 0.05), rate)
    return path


@pytest.fixture
def copy(packed, tmp_path) -> Path:
    """A folder with a copy of all shards, to be damaged."""
    shutil.copytree(packed / "shards", tmp_path / "shards")
    return tmp_path


@pytest.fixture
def song(tmp_path) -> Path:
    return tone(tmp_path / "song.wav", 5)


def test_every_program_refuses_wrong_input_in_one_line(packed, trained, tmp_path):
    (tmp_path / "no music").mkdir()
    assert_refused(
        run_program("-m", "shards", "pack", "folder", f"{tmp_path}/no music"),
        f"{tmp_path}/no music: no audio file in it",
    )
    wrong = ["--set", "trian.epochs=3"]
    assert_refused(run_program("train.py", *wrong), "unknown section 'trian'; did you mean 'train'")
    nowhere = ["--set", f"prepare.shards_dir={tmp_path}"]
    assert_refused(
        run_program("eval.py", "--checkpoint", str(trained), *nowhere),
        f"{tmp_path}/audio/synthetic/test/manifest.json.zst: not there; pack this data set first",
    )
    checkpoint = str(resolve(trained))
    done = run_program("predict.py", "--checkpoint", checkpoint, checkpoint, "gone.wav")
    assert_refused(done, "error: 2 files could not be used, see above")
    assert done.stderr.splitlines()[1] == "no key: gone.wav: file not found: check the path"


def test_a_word_the_command_line_does_not_know_exits_2(called):
    for main in (train.main, eval.main, predict.main, shards.main):
        assert called(main, "--unknown").returncode == 2


def test_help_shows_the_examples_of_every_program(called):
    for main in (train.main, eval.main, predict.main, shards.main):
        done = called(main, "--help")
        assert done.returncode == 0
        examples = (
            "python predict.py",
            "python eval.py",
            "launch --quiet train.py",
            "python -m shards",
        )
        assert any(done.stdout.count(example) >= 2 for example in examples)


@pytest.mark.parametrize("program", [PACK, CHECK, (train.main,), (eval.main,)])
@pytest.mark.parametrize(
    "change, message",
    [
        ("train.epoch=3", "unknown setting 'epoch'; did you mean 'epochs'?"),
        ("train.epochs=none", "train.epochs = 'none': input should be a valid integer"),
        ("epochs", "write it as section.name=value"),
    ],
)
def test_every_program_refuses_unknown_settings(called, program, change, message):
    main, *command = program
    needs = {"pack": ["synthetic"], eval.main: ["--checkpoint", "x"]}
    needed = needs.get(command[0] if command else main, [])
    assert_refused(called(main, *command, *needed, "--set", change), message)


@pytest.mark.parametrize("content", [b"[train", b"\xff\xfe", None])
def test_a_settings_file_that_is_none_is_named(called, tmp_path, content):
    file = tmp_path / "mine.toml"
    if content:
        file.write_bytes(content)
    expected = f"{file}: not a TOML file" if content else f"{file}: cannot be read"
    assert_refused(called(train.main, "--config", file), expected)


def test_a_label_that_does_not_parse_is_counted_and_named(called, tmp_path):
    for name in ("good.wav", "odd.wav", "odder.wav", "two keys.wav", "unlabelled.wav"):
        tone(tmp_path / "my music" / name, 5)
    lines = ["good.wav,8A", "odd.wav,dorian", "odder.wav,sad", "two keys.wav,C major / A minor"]
    (tmp_path / "my music" / "labels.csv").write_text("\n".join(["path,key", *lines]))
    place = settings(tmp_path, "split.valid_fraction=0.0", "split.test_fraction=0.0")
    done = called(shards.main, "pack", "folder", tmp_path / "my music", *place)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("1 song, ") and "A minor 1" in done.stdout
    assert "2 label does not parse (odd.wav, odder.wav)" in done.stdout
    assert "1 ambiguous label (two keys.wav)" in done.stdout
    assert "1 no label (unlabelled.wav)" in done.stdout
    listed = (tmp_path / "shards/audio/folder/left_out.tsv").read_text()
    assert "two keys.wav\tambiguous label: 'C major / A minor' names several keys: " in listed


def test_a_folder_in_which_nothing_is_usable_ends_with_the_reasons(called, tmp_path):
    tone(tmp_path / "music" / "H dur" / "one.wav", 5)
    done = called(shards.main, "pack", "folder", tmp_path / "music", *settings(tmp_path))
    assert_refused(done, "folder: no song has a usable label", "1 no label (H dur/one.wav)")
    for name, content in (("a.mp3", b"<html>404</html>"), ("b.wav", b"")):
        (tmp_path / "music" / "H dur" / name).write_bytes(content)
    (tmp_path / "music" / "H dur").rename(tmp_path / "music" / "B minor")
    tone(tmp_path / "music" / "B minor" / "one.wav", 0)
    done = called(shards.main, "pack", "folder", tmp_path / "music", *settings(tmp_path))
    assert_refused(done, "folder: no song could be packed", "1 not audio (", "1 empty file (")


def test_a_word_that_is_no_data_set_is_refused_before_anything_is_packed(called, tmp_path):
    for words in (["synthetic", tmp_path], ["synthetic", "gs_keys"], ["folder", "music", "more"]):
        for command in ("pack", "merge"):
            done = called(shards.main, command, *words, *settings(tmp_path))
            assert_refused(
                done, f"'{words[-1]}' is no data set; known: synthetic, scores, folder, gs_key"
            )
    assert not list(tmp_path.iterdir())


def test_two_folders_are_refused_for_they_would_be_one_data_set(called, tmp_path):
    for command in ("pack", "merge"):
        words = [command, "folder", tmp_path / "a", "folder", tmp_path / "b"]
        done = called(shards.main, *words, *settings(tmp_path))
        assert_refused(done, "folder is named twice", "one at a time, each with its own name")
    assert not list(tmp_path.iterdir())


def test_several_data_sets_are_packed_in_turn_up_to_the_first_that_fails(called, tmp_path):
    tone(tmp_path / "music" / "C minor" / "one.wav", 5)
    place = [*settings(tmp_path, "datasets.synthetic.songs=24"), "--format", "png"]
    place += ["--set", f"download.dir={tmp_path}/downloads"]
    named = ["folder", tmp_path / "music", "synthetic"]
    assert_refused(called(shards.main, "pack", *named[:2], "gs_key", "synthetic", *place), "gs_key")
    packed = sorted(path.name for path in (tmp_path / "shards/png").iterdir())
    assert packed == ["folder"]
    for command in ("pack", "merge"):
        done = called(shards.main, command, *named, *place)
        lines = [line for line in done.stdout.splitlines() if re.search(" shards?, ", line)]
        assert [line.split()[0] for line in lines] == ["1", "24"], done.stderr


def test_without_a_name_the_synthetic_songs_are_packed(called, packed):
    done = called(shards.main, "pack", *settings(packed))
    assert done.stdout.startswith("48 songs, 144 intervals in "), done.stderr


def test_shards_of_other_settings_are_refused_with_what_differs(called, packed, trained):
    other = settings(packed, "audio.sample_rate=8000")
    done = called(shards.main, "pack", "synthetic", *other)
    assert_refused(done, "sample_rate: 11025 there, 8000 today", "--overwrite")
    assert_refused(called(train.main, *other), "sample_rate: 11025 there, 8000 today")
    png = settings(packed, "stream.format=png", "cqt.range_db=60.0")
    assert_refused(called(train.main, *png), "cqt: ", "there", "today")


def damage(tar: Path, how: str) -> str:
    """Damages a shard and gives what is to be said of it."""
    if how == "missing":
        tar.unlink()
        return f"{tar}: not there, the manifest says"
    data = tar.read_bytes()
    tar.write_bytes(data[: len(data) // 2])
    return f"{tar}: {len(data) // 2} bytes long, the manifest says"


@pytest.mark.parametrize("how", ["missing", "halved"])
def test_a_shard_missing_or_cut_in_half_is_refused_by_name(called, copy, trained, how):
    place = settings(copy)
    message = damage(copy / "shards/audio/synthetic/test/000000.tar", how)
    assert_refused(called(eval.main, "--checkpoint", trained, *place), message)
    message = damage(copy / "shards/audio/synthetic/train/000001.tar", how)
    assert_refused(called(train.main, *place), message)
    assert not list(copy.glob("runs/*"))
    done = called(shards.main, "check", copy / "shards/audio")
    assert_refused(done, "2 problems in 3 splits")
    assert sorted("000001.tar" in line for line in done.stdout.splitlines()) == [False, True]


@pytest.mark.parametrize(
    "name, kept",
    [
        *(("manifest.json.zst", kept) for kept in ("none", "half", "garbage")),
        *(("index.safetensors", kept) for kept in ("none", "half", "garbage")),
    ],
)
def test_a_manifest_or_index_that_is_not_whole_is_refused_by_name(
    called, copy, trained, name, kept
):
    path = copy / "shards/audio/synthetic/test" / name
    data = path.read_bytes()
    path.write_bytes({"none": b"", "half": data[: len(data) // 2], "garbage": b"\0" * 99}[kept])
    done = called(eval.main, "--checkpoint", trained, *settings(copy))
    assert_refused(done, f"error: {path}: ")
    path.unlink()
    done = called(eval.main, "--checkpoint", trained, *settings(copy))
    assert_refused(done, f"error: {path}: not there")


def checkpoints(run: Path, folder: Path) -> Iterable[tuple[Path, str]]:
    """Files that are no checkpoint, and what is said of each."""
    text, half, foreign = (folder / name for name in ("notes.txt", "half.st", "foreign.st"))
    text.write_text("these are no weights")
    yield text, "damaged or not a safetensors file"
    whole = resolve(run).read_bytes()
    half.write_bytes(whole[: len(whole) // 2])
    yield half, "damaged or not a safetensors file"
    save_file({"weight": torch.zeros(3)}, foreign)
    yield foreign, "not a checkpoint of audio-key-classification"
    yield folder / "gone", "no such checkpoint or run folder"
    yield folder, "no checkpoints/best.safetensors in this folder"
    network = network_of(small_config(folder, "model.channels=16"))
    for name, change, message in (
        ("shape.st", {}, "saved from another network: shape: stem.0.weight is (16, 1, 5, 5)"),
        ("name.st", {"name": "allkonv"}, "model.name: unknown network 'allkonv'; known: keynet"),
        ("setting.st", {"heads": 3}, "[model]: unknown setting 'heads'"),
    ):
        config = load_checkpoint(resolve(run)).config
        config["model"] |= change
        save_checkpoint(folder / name, network, config, {})
        yield folder / name, message


def test_a_file_that_is_no_checkpoint_of_this_network_is_refused_by_name(
    called, packed, trained, song
):
    for path, message in checkpoints(trained, song.parent):
        done = called(predict.main, "--checkpoint", path, song)
        assert_refused(done, f"error: {path}", message)
        assert done.stdout == ""
        assert_refused(called(eval.main, "--checkpoint", path, *settings(packed)), message)


def test_a_data_set_that_was_never_packed_is_refused(called, packed, trained):
    arguments = ["--checkpoint", trained, "--datasets", "synthetic", "gs_key", *settings(packed)]
    assert_refused(called(eval.main, *arguments), "gs_key/test/manifest.json.zst: not there; pack")


def test_what_is_asked_for_and_done_exits_0(called, packed, trained, song):
    done = called(predict.main, "--checkpoint", trained, "--json", song)
    assert (done.returncode, done.stderr) == (0, "") and len(json.loads(done.stdout)) == 1
    assert called(shards.main, "check", packed / "shards").returncode == 0
    assert called(shards.main, "pack", "synthetic", *settings(packed)).returncode == 0
