"""The law of all errors: what a user can mend is said in one line, any other has its traceback."""

import ast
import importlib
import pickle
import subprocess
import sys

import pytest
from conftest import ROOT as ROOT_FOLDER
from conftest import run_program
from test_imports import TREES

from settings.command import run
from songkey.errors import AudioError, AudioKeyError

ROOT = "songkey.errors"
# Validators of pydantic, which makes its own error of a ValueError, and misuse by our own code.
MAY_RAISE_VALUE_ERRORS = {
    "settings.sections", "pipeline.manifest", "pipeline.pack_settings", "pipeline.record",
    "pipeline.strict", "songkey.keys", "model.metrics", "synthesis.harmony",
}  # fmt: skip
OURS = [
    (module, node)
    for module, tree in TREES.items()
    if not module.startswith("benchmarks")
    for node in ast.walk(tree)
]


def test_no_error_but_the_root_is_a_value_error_by_itself():
    kinds = [(m, n.name) for m, n in OURS if isinstance(n, ast.ClassDef) and _bases(n)]
    assert kinds == [(ROOT, "AudioKeyError")]


def _bases(node: ast.ClassDef) -> bool:
    return any(ast.unparse(base) in ("ValueError", "Exception") for base in node.bases) and (
        node.name.endswith("Error")
    )


def test_value_errors_are_raised_only_where_they_are_for_pydantic_or_of_our_own_making():
    raising = {
        module
        for module, node in OURS
        if isinstance(node, ast.Raise) and node.exc and ast.unparse(node.exc).startswith("ValueErr")
    }
    assert raising == MAY_RAISE_VALUE_ERRORS


def errors() -> list[AudioKeyError]:
    """One of each kind that the project has."""
    kinds = [
        getattr(importlib.import_module(module), node.name)
        for module, node in OURS
        if isinstance(node, ast.ClassDef) and node.name.endswith("Error")
    ]
    assert len(kinds) > 30 and all(issubclass(kind, AudioKeyError) for kind in kinds)
    both = ("song.mp3", "truncated: mend it")
    return [k(*both) if issubclass(k, AudioError) else k(": ".join(both)) for k in kinds]


def test_each_of_our_errors_crosses_processes_and_ends_a_program_in_one_line(monkeypatch):
    monkeypatch.delenv("AKC_DEBUG", raising=False)
    for error in errors():
        same = pickle.loads(pickle.dumps(error))
        assert (type(same), str(same)) == (type(error), str(error))

        def fail(error=error):
            raise error

        with pytest.raises(SystemExit, match=r"^error: song.mp3: truncated: mend it$"):
            run(fail)


@pytest.mark.parametrize(
    "does, says",
    [
        ("print('x' * 10_000_000)", ""),
        ("raise BrokenPipeError(32, 'Broken pipe')", "error: [Errno 32] Broken pipe\n"),
    ],
)
def test_a_program_ends_without_a_word_where_nobody_reads_on(does, says):
    program = f"from settings.command import run; run(lambda: exec({does!r}))"
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT_FOLDER, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as ended:  # fmt: skip
        if not says:
            ended.stdout.close()
        assert ended.stderr.read() == says
        assert ended.wait(30) == 1


@pytest.mark.parametrize(
    "error, told",
    [
        (
            OSError(28, "No space left on device", "runs/a/last.safetensors"),
            "error: [Errno 28] No space left on device: 'runs/a/last.safetensors'; free some "
            "space: --resume goes on",
        ),
        (
            RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed. "),
            "error: a process that reads ahead was killed (out of memory?); if memory is short, "
            "set stream.workers lower; --resume goes on",
        ),
    ],
)
def test_a_full_disk_and_a_reader_that_is_killed_are_told_with_how_to_go_on(error, told):
    def fail():
        raise error

    with pytest.raises(SystemExit) as end:
        run(fail, going_on="--resume goes on")
    assert end.value.code == told
    error.add_note("runs/a goes on")
    with pytest.raises(SystemExit) as end:
        run(fail, going_on="--resume goes on")
    assert end.value.code == told.replace("--resume", "runs/a")

    def fail_otherwise():
        try:
            fail()
        except RuntimeError:
            raise KeyError("a thread's table") from None

    if isinstance(error, RuntimeError):
        with pytest.raises(SystemExit, match="reads ahead was killed"):
            run(fail_otherwise)
    with pytest.raises(RuntimeError, match="another"):
        run(lambda: (_ for _ in ()).throw(RuntimeError("another")))


@pytest.mark.parametrize(
    "statement, debug, traceback",
    [
        ("numpy.zeros(3).reshape(2, 2)", "", True),
        ("int('x')", "", True),
        ("raise AudioKeyError('a: wrong; mend it')", "", False),
        ("raise AudioKeyError('a: wrong; mend it')", "1", True),
        ("open('/gone')", "", False),
    ],
)
def test_what_a_user_cannot_mend_shows_its_traceback(statement, debug, traceback):
    imports = "import numpy\nfrom settings.command import run\nfrom songkey.errors import *\n"
    program = f"{imports}def main(): {statement}\nrun(main)"
    done = run_program("-c", program, AKC_DEBUG=debug)
    assert done.returncode == 1
    assert ("Traceback" in done.stderr) is traceback
    assert traceback or (done.stderr.startswith("error: ") and done.stderr.count("\n") == 1)
