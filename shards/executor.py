"""Where the tasks of preparation run: in this process, in local ones, or on a Dask cluster."""

import os
from collections.abc import Callable, Generator, Sequence
from typing import Literal

from shards.disk_error import writing_to
from shards.processes import Result, Task, run_in_processes, shard_path


def worker_count(setting: Literal["auto"] | int) -> int:
    """The number of local processes that 'auto' or a number stands for."""
    if setting != "auto":
        return setting
    # Not every system tells which cores a process may use.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_tasks(
    function: Callable[[Task], Result], tasks: Sequence[Task], workers: int, scheduler: str = ""
) -> Generator[Result, None, None]:
    """What `function` gives for each task, as they end.

    With a `scheduler` (tcp://host:8786) the tasks run on its Dask cluster, else in `workers` local
    processes, or with one in this process. A task whose worker dies is tried again. An error of a
    task ends the run: tasks that have not begun are dropped, finished ones keep what they wrote.
    Close the iterator (contextlib.closing) to stop the workers at once.
    """
    if scheduler:
        from shards.cluster import run_on_cluster  # takes a second to load

        yield from run_on_cluster(function, tasks, scheduler)
    elif workers == 1 or len(tasks) <= 1:
        for task in tasks:
            with writing_to(shard_path(task)):
                result = function(task.as_guarded())
            yield result
    else:
        yield from run_in_processes(function, tasks, workers)
