"""Laws of the recipes: what is typed after a recipe's name reaches the program as it was typed."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT

just = shutil.which("just")


@pytest.fixture
def echoing(tmp_path):
    """A copy of the Justfile whose programs print their arguments, one a line."""
    (tmp_path / ".venv/bin").mkdir(parents=True)
    shutil.copy(ROOT / "Justfile", tmp_path)
    (tmp_path / ".venv/installed-dev").touch()
    (tmp_path / ".venv-peers").mkdir()
    (tmp_path / ".venv-peers/installed").touch()
    for name in ("python", "accelerate", "tensorboard"):
        program = tmp_path / ".venv/bin" / name
        program.write_text('#!/bin/sh\nfor word in "$@"; do printf "%s\\n" "$word"; done\n')
        program.chmod(0o755)
    (tmp_path / "requirements.txt").write_text("")
    subprocess.run(["touch", "-d", "2000-01-01", tmp_path / "requirements.txt"], check=True)
    return tmp_path


@pytest.mark.skipif(just is None, reason="just is not on the path")
@pytest.mark.parametrize(
    "recipe",
    [["train"], ["eval"], ["predict"], ["prepare-shards", "png", "folder"], ["export"], ["test"]],
)
def test_arguments_pass_through_as_they_are(echoing, recipe):
    typed = ["a song.mp3", 'train.datasets=["mine"]', "$(echo no); 'x'"]
    done = subprocess.run(
        [just, *recipe, *typed], cwd=echoing, capture_output=True, text=True, check=True
    )
    words = done.stdout.splitlines()
    start = words.index(typed[0])
    assert words[start : start + 3] == typed
    if recipe[0] == "prepare-shards":
        assert words == ["-m", "shards", "pack", "folder", *typed, "--format", "png"]


@pytest.mark.skipif(just is None, reason="just is not on the path")
def test_a_recipe_installs_what_it_needs_when_that_is_not_there_or_old(echoing):
    def installed(recipe: str) -> list[str]:
        """What pip was asked to install."""
        done = subprocess.run([just, recipe, "x"], cwd=echoing, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        words = done.stdout.splitlines()
        return [
            after for word, after in zip(words, words[1:], strict=False) if word == "--editable"
        ]

    assert installed("predict") == installed("train") == []  # with all, nothing is missing
    (echoing / ".venv/installed-dev").unlink()
    assert (installed("predict"), installed("predict")) == ([".[tags,pictures]"], [])
    assert (installed("train"), installed("export")) == ([".[train]"], [])
    (echoing / "pyproject.toml").touch()
    os.utime(echoing / "pyproject.toml", (2**31, 2**31))
    assert installed("predict") == [".[tags,pictures]"]
    os.utime(echoing / "pyproject.toml", (0, 0))
    (echoing / ".venv").rename(echoing / "another")
    (echoing / ".venv").symlink_to(echoing / "another")
    assert installed("train") == []
    done = subprocess.run([just, "test"], cwd=echoing, capture_output=True, text=True)
    assert (
        done.returncode == 1 and "error: .venv is a link; run setup where it leads" in done.stderr
    )


@pytest.mark.skipif(just is None, reason="just is not on the path")
def test_every_recipe_that_takes_arguments_passes_them_on_last(echoing):
    dump = subprocess.run([just, "--dump", "--dump-format", "json"], cwd=ROOT, capture_output=True)
    description = json.loads(dump.stdout)
    groups = {"train", "eval", "experiments", "check"}
    taking = [
        name
        for name, recipe in description["recipes"].items()
        if any(parameter["kind"] == "star" for parameter in recipe["parameters"])
        and {"group": "prepare"} not in recipe["attributes"]
    ]
    assert {"train-audio", "compare", "experiments-nf", "eval-images-gs_key-only"} <= set(taking)
    typed = ["a file", "b's", 'train.datasets=["mine"]']
    for name in [*taking, *description["aliases"]]:
        done = subprocess.run(
            [just, name, *typed], cwd=echoing, capture_output=True, text=True, check=True
        )
        assert done.stdout.splitlines()[-3:] == typed, name
    for name, recipe in description["recipes"].items():
        if groups & {a["group"] for a in recipe["attributes"] if "group" in a}:
            assert recipe["doc"], name


@pytest.mark.skipif(just is None, reason="just is not on the path")
@pytest.mark.parametrize(
    "recipe, settings",
    [
        ("train-audio", ["stream.format=audio", 'train.datasets=["ncs", "gs_mtg"]']),
        ("train-images-gs_mtg-only", ["stream.format=png", 'train.datasets=["gs_mtg"]']),
        ("eval-audio", ["stream.format=audio", 'eval.datasets=["gs_key", "ncs"]']),
        ("eval-images-gs_mtg-only", ["stream.format=png", 'eval.datasets=["gs_key"]']),
    ],
)
def test_a_recipe_s_settings_are_what_its_name_says(echoing, recipe, settings):
    done = subprocess.run([just, recipe], cwd=echoing, capture_output=True, text=True, check=True)
    words = done.stdout.splitlines()
    assert [words[i + 1] for i, word in enumerate(words) if word == "--set"] == settings


@pytest.mark.skipif(just is None, reason="just is not on the path")
@pytest.mark.parametrize("recipe", ["prepare-audio", "prepare-spectrograms"])
def test_the_data_set_that_may_lack_labels_comes_after_the_others(echoing, recipe):
    done = subprocess.run([just, recipe], cwd=echoing, capture_output=True, text=True, check=True)
    words = [word for word in done.stdout.split() if word in {"ncs", "gs_mtg", "gs_key"}]
    turns = ["gs_mtg", "gs_mtg", "gs_key", "gs_key", "ncs", "ncs"]
    assert words == turns + ["gs_mtg", "gs_key", "ncs"] * (recipe == "prepare-spectrograms")


@pytest.mark.skipif(just is None, reason="just is not on the path")
def test_cleaning_leaves_data_and_asks_before_runs_go(echoing):
    for path in ("runs/first/config.toml", "runs/mine/notes.txt", "data/__pycache__/song.pyc",
                 "model/__pycache__/a.pyc", ".ruff_cache/b"):  # fmt: skip
        (echoing / path).parent.mkdir(parents=True, exist_ok=True)
        (echoing / path).touch()

    def clean(recipe: str, answer: str) -> str:
        return subprocess.run(
            [just, recipe], cwd=echoing, input=answer, capture_output=True, text=True
        ).stdout

    clean("clean", "")
    assert not (echoing / "model/__pycache__").exists() and not (echoing / ".ruff_cache").exists()
    clean("clean-logs", "n\n")
    assert (echoing / "runs/first").exists() and (echoing / "data/__pycache__/song.pyc").exists()
    assert clean("clean-logs", "y\n") == "runs/first\n"
    assert not (echoing / "runs/first").exists() and (echoing / "runs/mine/notes.txt").exists()


def test_a_commit_s_hooks_mend_a_file_without_a_network(tmp_path):
    for name in (".pre-commit-config.yaml", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv/bin").symlink_to(os.path.dirname(sys.executable))
    (tmp_path / "ugly.py").write_text('import os\nx = {  "a":1 }\n')
    nowhere = {"PRE_COMMIT_HOME": str(tmp_path / "home"), "https_proxy": "http://127.0.0.1:9"}

    def hooks() -> int:
        command = [sys.executable, "-m", "pre_commit", "run", "--all-files"]
        return subprocess.run(command, cwd=tmp_path, env={**os.environ, **nowhere}).returncode

    for command in (["init", "-q"], ["add", "ugly.py", ".pre-commit-config.yaml"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    assert hooks() == 1
    assert (tmp_path / "ugly.py").read_text() == 'x = {"a": 1}\n'
    assert hooks() == 0


def test_without_words_a_recipe_packs_what_the_program_takes_by_itself(echoing):
    done = subprocess.run([just, "prepare-shards"], cwd=echoing, capture_output=True, text=True)
    assert done.stdout.splitlines() == ["-m", "shards", "pack", "--format", "audio"]


def test_the_page_of_recipes_and_the_justfile_name_the_same():
    recipes = set(re.findall(r"^([a-z][\w-]*).*:(?!=)", (ROOT / "Justfile").read_text(), re.M))
    table = (ROOT / "docs/recipes.md").read_text()
    rows = [line for line in table.splitlines() if line.startswith("| `")]
    named = [name for row in rows for name in re.findall(r"`([\w-]+)", row.split(" | ")[0])]
    assert len(named) == len(set(named))
    assert set(named) == recipes - {"default"}
