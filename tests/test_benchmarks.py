"""Which benchmarks `just bench` runs; each is run by itself, outside the tests."""

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import run_program

from benchmarks import __main__ as benchmarks

HERE = Path(benchmarks.__file__).parent


def begun(monkeypatch: pytest.MonkeyPatch, *words: str) -> list[str]:
    """The programs that the command line begins."""
    programs: list[str] = []
    monkeypatch.setattr(sys, "argv", ["benchmarks", *words])
    monkeypatch.setattr(
        subprocess, "run", lambda command, check: programs.append(command[-1].split()[1])
    )
    benchmarks.main()
    return programs


def test_all_are_run_in_order_where_none_is_named_else_those(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert begun(monkeypatch) == [f"benchmarks.{name}" for name in benchmarks.NAMES]
    assert begun(monkeypatch, "packing", "cqt") == ["benchmarks.packing", "benchmarks.cqt"]
    every = benchmarks.NAMES + benchmarks.LONG
    assert begun(monkeypatch, *every) == [f"benchmarks.{name}" for name in every]
    assert all((HERE / f"{name}.py").is_file() for name in every)


def test_every_benchmark_loads() -> None:
    every = ", ".join(f"benchmarks.{name}" for name in benchmarks.NAMES + benchmarks.LONG)
    done = run_program("-c", f"import {every}")
    assert done.returncode == 0, done.stderr


def test_a_name_that_is_none_is_refused_with_those_there_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        begun(monkeypatch, "speed")
    assert "'speed' is none of cqt, streaming" in capsys.readouterr().err
