"""Laws of profiling: a trace of real steps is written, and the run is the same as without it."""

import json

import pytest
import torch
from conftest import settings
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import train
from songkey.errors import AudioKeyError
from training.profiler import TRACED_STEPS, WARM_UP_STEPS, profiled


def traced(folder) -> list[dict]:
    """The events of the one trace in a folder."""
    (trace,) = folder.glob("*.pt.trace.json")
    return json.loads(trace.read_text("utf-8"))["traceEvents"]


def test_a_profiled_run_leaves_a_trace_of_its_steps_and_prints_the_dearest_operators(
    called, packed, trained, tmp_path
):
    words = settings(packed, f'train.runs_dir="{tmp_path}"', "stream.workers=0")
    done = called(train.main, *words, "--profile", "--name", "watched")
    assert done.returncode == 0
    assert "Self CPU" in done.stdout and "aten::" in done.stdout and str(tmp_path) in done.stdout
    (run,) = tmp_path.iterdir()
    events = traced(run)
    operators = {event["name"] for event in events if event.get("cat") == "cpu_op"}
    assert {"aten::convolution", "aten::cross_entropy_loss"} <= operators
    losses = [
        [point.value for point in EventAccumulator(str(folder)).Reload().Scalars("train/loss")]
        for folder in (run, trained)
    ]
    assert losses[0] == losses[1]


@pytest.mark.parametrize("steps", [WARM_UP_STEPS + 1, 100])
def test_each_traced_step_holds_one_step_of_the_optimizer(tmp_path, steps):
    weight = torch.nn.Parameter(torch.ones(3))
    optimizer = torch.optim.SGD([weight], lr=0.1)
    with profiled(tmp_path):
        for _ in range(steps):
            weight.square().sum().backward()
            optimizer.step()
    names = [event.get("name", "") for event in traced(tmp_path)]
    count = sum(name.startswith("Optimizer.step") for name in names)
    assert count == min(TRACED_STEPS, steps - WARM_UP_STEPS)
    optimizer.step()  # nobody watches any longer


def test_a_run_too_short_for_a_profile_says_so(tmp_path):
    message = "needs more than 5 steps; raise train.epochs"
    with pytest.raises(AudioKeyError, match=message), profiled(tmp_path):
        pass
