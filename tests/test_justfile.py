"""Laws of the recipes: what is typed after a recipe's name reaches the program as it was typed."""

import re
import shutil
import subprocess

import pytest
from conftest import ROOT

just = shutil.which("just")


@pytest.fixture
def echoing(tmp_path):
    """A copy of the Justfile whose programs print their arguments, one a line."""
    (tmp_path / ".venv/bin").mkdir(parents=True)
    shutil.copy(ROOT / "Justfile", tmp_path)
    (tmp_path / "requirements.txt").touch()
    (tmp_path / ".venv/installed").touch()
    for name in ("python", "accelerate", "tensorboard"):
        program = tmp_path / ".venv/bin" / name
        program.write_text('#!/bin/sh\nfor word in "$@"; do printf "%s\\n" "$word"; done\n')
        program.chmod(0o755)
    (tmp_path / "requirements.txt").write_text("")
    subprocess.run(["touch", "-d", "2000-01-01", tmp_path / "requirements.txt"], check=True)
    return tmp_path


@pytest.mark.skipif(just is None, reason="just is not on the path")
@pytest.mark.parametrize(
    "recipe", [["train"], ["eval"], ["predict"], ["prepare-shards", "png", "folder"], ["test"]]
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
def test_without_words_a_recipe_packs_what_the_program_takes_by_itself(echoing):
    done = subprocess.run([just, "prepare-shards"], cwd=echoing, capture_output=True, text=True)
    assert done.stdout.splitlines() == ["-m", "shards", "pack", "--format", "audio"]


def test_readme_s_table_and_the_justfile_name_the_same_recipes():
    recipes = set(re.findall(r"^([a-z][\w-]*).*:(?!=)", (ROOT / "Justfile").read_text(), re.M))
    table = (ROOT / "README.md").read_text().split("\n## Recipes\n")[1].split("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| `")]
    named = [name for row in rows for name in re.findall(r"`([\w-]+)", row.split(" | ")[0])]
    assert len(named) == len(set(named))
    assert set(named) == recipes - {"default"}
