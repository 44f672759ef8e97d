"""Where a step's time goes: a trace of some steps of a run, and its dearest operators."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch.optim.optimizer import register_optimizer_step_post_hook
from torch.profiler import ProfilerActivity, profile, schedule, tensorboard_trace_handler

from songkey.errors import AudioKeyError

WARM_UP_STEPS, TRACED_STEPS = 5, 10
OPERATORS = 10


@contextmanager
def profiled(folder: Path) -> Iterator[None]:
    """Trace some of the optimizer steps made within, after warm-up; prints a table.

    Writes `folder/*.pt.trace.json` in Chrome's trace format. The rest of the run is not slowed.
    """
    on_cuda = torch.cuda.is_available()
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_cuda else [])]
    write_trace = tensorboard_trace_handler(str(folder))
    tables = []

    def finish(profiler: profile) -> None:
        write_trace(profiler)
        order = "self_cuda_time_total" if on_cuda else "self_cpu_time_total"
        tables.append(profiler.key_averages().table(sort_by=order, row_limit=OPERATORS))

    steps = schedule(wait=0, warmup=WARM_UP_STEPS, active=TRACED_STEPS, repeat=1)
    with profile(
        activities=activities, schedule=steps, on_trace_ready=finish, acc_events=True
    ) as profiler:
        # Every optimizer calls it: the loop over steps need not know that it is watched.
        hook = register_optimizer_step_post_hook(lambda *_: profiler.step())
        try:
            yield
        finally:
            hook.remove()
    if not tables:
        raise AudioKeyError(
            f"a profile needs more than {WARM_UP_STEPS} steps; raise train.epochs or "
            "train.limit_fraction"
        )
    print(tables[0])
    print(f"trace in {folder}, for ui.perfetto.dev, chrome://tracing or torch-tb-profiler")
