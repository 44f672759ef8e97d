"""Laws of how recipes start programs: as `accelerate launch` does, but without its notice."""

import logging
import os
import signal
import subprocess
import sys

import pytest
from accelerate.commands import launch
from conftest import ROOT, run_program

from training.launcher import _is_news

ASKING = "import os, sys; print(os.environ['ACCELERATE_MIXED_PRECISION'], *sys.argv[1:])"
SAVING = """import time
try:
    print("begun", flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    time.sleep(1)
    print("saved")
    raise SystemExit(130)
"""
CONFIG = """compute_environment: LOCAL_MACHINE
distributed_type: 'NO'
mixed_precision: bf16
num_machines: 1
num_processes: 1
use_cpu: true
"""


@pytest.mark.parametrize("config, precision", [("", "no"), (CONFIG, "bf16")])
def test_a_program_is_launched_in_silence_and_what_accelerate_config_wrote_counts(
    tmp_path, config, precision
):
    program, written = tmp_path / "program.py", tmp_path / "accelerate/default_config.yaml"
    program.write_text(ASKING)
    written.parent.mkdir()
    if config:
        written.write_text(config)
    words = ("--quiet", program, "--name", "a b")
    done = run_program("-m", "training.launcher", *map(str, words), HF_HOME=str(tmp_path))
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{precision} --name a b\n", "")


def test_ctrl_c_is_left_to_the_program_whose_end_is_waited_for(tmp_path):
    (tmp_path / "program.py").write_text(SAVING)
    with subprocess.Popen(
        [sys.executable, "-m", "training.launcher", "--quiet", tmp_path / "program.py"],
        cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    ) as running:  # fmt: skip
        assert running.stdout.readline() == "begun\n"
        os.killpg(running.pid, signal.SIGINT)
        assert running.communicate(timeout=60) == ("saved\n", "")
    assert running.returncode == 1


def test_what_is_more_than_the_defaults_of_one_process_is_told(monkeypatch, caplog):
    monkeypatch.setattr(launch.logger, "filters", [_is_news])
    notice = "The following values were not passed to `accelerate launch` and had defaults used:\n"
    several = notice + "\t\tMore than one GPU was found, enabling multi-GPU training."
    with caplog.at_level(logging.WARNING):
        for message in (notice, several, "Environment variables are set"):
            launch.logger.warning(message)
    assert caplog.messages == [several, "Environment variables are set"]
