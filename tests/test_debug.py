"""The law of the recipe `debug`: where an error is raised, a debugger opens on it."""

import os
import subprocess
import sys

from conftest import ROOT, settings

COMMAND = [sys.executable, "-m", "pdb", "-c", "continue", "train.py"]  # as in the Justfile


def test_the_debugger_opens_where_the_error_was_raised(packed):
    done = subprocess.run(
        [*COMMAND, "--set", "stream.workers=0", *settings(packed, "model.name=keynett")],
        input="p 'name here is ' + name\nq\nq\n", cwd=ROOT, capture_output=True, text=True,
        timeout=300, env={**os.environ, "AKC_DEBUG": "1"},
    )  # fmt: skip
    assert "AudioKeyError: model.name: unknown network 'keynett'" in done.stdout + done.stderr
    assert "name here is keynett" in done.stdout


def test_the_recipe_is_this_command():
    justfile = (ROOT / "Justfile").read_text("utf-8")
    assert f"AKC_DEBUG=1 {{{{bin}}}}/python {' '.join(COMMAND[1:])} " in justfile
