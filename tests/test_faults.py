"""A short form of `just test-faults`: each kind once."""

import pytest
from conftest import run_program


@pytest.mark.slow
def test_no_kill_full_disk_or_lost_store_loses_or_doubles_anything():
    done = run_program("tests/faults.py", "1", "--away-seconds", "3", PYTHONPATH=".")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(" 1 of 1 well") + done.stdout.count(" skipped: ") == 33, done.stdout
