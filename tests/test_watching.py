"""Laws of what `just soak` judges by: growth is found, and what only looks like it is not."""

import sys

import numpy as np
import pytest

from benchmarks.watching import TOGETHER, Watched, growth

SECONDS = np.arange(0.0, 900.0, 1.0)
HOLDING = """
import os, time
held = [bytes(30_000_000)]
for _ in range(80):
    {}
    time.sleep(0.05)
"""
GROWING = "held += [os.urandom(2_000_000), open(os.devnull)]"


def test_growth_is_what_is_gained_after_warm_up_whatever_a_few_samples_say() -> None:
    slow = 100 + SECONDS / 100
    assert growth(SECONDS, slow) == pytest.approx(6, rel=0.02)
    spiked = np.where(np.arange(900) % 10 == 3, 2 * slow, slow)
    assert growth(SECONDS, spiked) == pytest.approx(6, rel=0.1)
    assert growth(SECONDS, np.minimum(SECONDS, 300)) == 0


def test_a_program_that_grows_is_told_from_one_that_does_not() -> None:
    for doing, leaks in (("pass", False), (GROWING, True)):
        program = Watched([sys.executable, "-c", HOLDING.format(doing)], every_seconds=0.05)
        assert program.exit_code == 0, program.errors
        judged = program.judged()
        assert len(judged) == 2 and TOGETHER in judged
        for series in judged.values():
            told = " ".join(series.complaints("it"))
            assert ("memory grows" in told) == ("more open files" in told) == leaks, series.line("")


def test_a_child_is_judged_too_and_work_is_counted_in_time_and_processor_time() -> None:
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {HOLDING!r}])"
    program = Watched(
        [sys.executable, "-c", child.format(f"{GROWING}; print(1, flush=True)")], every_seconds=0.05
    )
    grown = [
        name
        for name, series in program.judged().items()
        if list(series.complaints(name)) and name != TOGETHER
    ]
    assert len(grown) == 1 and len(program.judged()) == 3
    assert len(program.lines) == 80
    ends, rates, dear = program.rates(program.lines, range(80))
    assert np.median(rates) == pytest.approx(79 / (program.lines[-1] - program.lines[0]), rel=0.5)
    assert len(ends) == len(dear) and (dear >= 0).all()


def test_a_program_without_an_end_is_interrupted() -> None:
    program = Watched([sys.executable, "-c", "while True: pass"], 1.0, every_seconds=0.1)
    assert program.exit_code == -2
    assert "KeyboardInterrupt" in program.errors
    assert 0.9 < program.seconds < 60
