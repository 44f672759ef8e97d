"""Laws of how recipes start programs: as `accelerate launch` does, but without its notice."""

import logging
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from accelerate.commands import launch
from conftest import ROOT, run_program

from training.launcher import _is_news

ASKING = "import os, sys; print(os.environ['ACCELERATE_MIXED_PRECISION'], *sys.argv[1:])"
VARIABLES = {
    "ACCELERATE_MIXED_PRECISION": "bf16",
    "ACCELERATE_USE_CPU": "True",
    "ACCELERATE_DYNAMO_BACKEND": "EAGER",
    "ACCELERATE_DYNAMO_MODE": "max-autotune",
    "ACCELERATE_DYNAMO_USE_FULLGRAPH": "True",
    "ACCELERATE_DYNAMO_USE_DYNAMIC": "True",
    "ACCELERATE_DYNAMO_USE_REGIONAL_COMPILATION": "True",
}
TELLING = f"import os; print(*(os.environ[name] for name in {list(VARIABLES)}))"
LAUNCHER = f"exec {sys.executable} -m training.launcher --quiet"
SAVING = """import signal, sys, time
def save(number, _frame):
    print("saved")
    sys.exit(128 + number)
signal.signal({number}, save)
print("begun", flush=True)
time.sleep(20)
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


@pytest.mark.parametrize(
    "words, precision", [([], "bf16"), (["--mixed_precision", "fp16"], "fp16")]
)
def test_what_the_users_variables_say_reaches_the_program_unless_an_argument_says_other(
    tmp_path, words, precision
):
    program = tmp_path / "program.py"
    program.write_text(TELLING)
    done = run_program("-m", "training.launcher", "--quiet", *words, str(program), **VARIABLES)
    told = f"{precision} True EAGER max-autotune True True True\n"
    assert (done.returncode, done.stdout, done.stderr) == (0, told, "")


def test_a_variable_that_is_neither_true_nor_false_ends_in_one_line():
    done = run_program("-m", "training.launcher", "program.py", ACCELERATE_USE_CPU="maybe")
    error = "error: ACCELERATE_USE_CPU: 'maybe' is neither true nor false\n"
    assert (done.returncode, done.stderr) == (1, error)


def of_a_recipe() -> str:
    """The words by which the Justfile starts a program, with this Python."""
    if not (just := shutil.which("just")):
        pytest.skip("needs just")
    words = [just, "--set", "bin", Path(sys.executable).parent, "--evaluate", "launch"]
    return subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("launcher", [lambda: LAUNCHER, of_a_recipe], ids=["itself", "recipe"])
def test_a_signal_to_what_was_started_is_the_programs_and_so_is_the_exit_code(
    tmp_path, number, launcher: Callable[[], str]
):
    (tmp_path / "program.py").write_text(SAVING.format(number=number))
    with subprocess.Popen(
        ["sh", "-cu", f'{launcher()} "$0"', tmp_path / "program.py"], cwd=ROOT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as running:  # fmt: skip
        assert running.stdout.readline() == "begun\n"
        running.send_signal(number)
        assert running.communicate(timeout=60) == ("saved\n", "")
    assert running.returncode == 128 + number


def test_what_is_more_than_the_defaults_of_one_process_is_told(monkeypatch, caplog):
    monkeypatch.setattr(launch.logger, "filters", [_is_news])
    notice = "The following values were not passed to `accelerate launch` and had defaults used:\n"
    several = notice + "\t\tMore than one GPU was found, enabling multi-GPU training."
    with caplog.at_level(logging.WARNING):
        for message in (notice, several, "Environment variables are set"):
            launch.logger.warning(message)
    assert caplog.messages == [several, "Environment variables are set"]
