"""Where the tasks of preparation run: in local processes."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import Literal, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


class WorkerDiedError(ValueError):
    """A worker process that ended before its task did."""


def worker_count(setting: Literal["auto"] | int) -> int:
    """The number of local processes that 'auto' or a number stands for."""
    if setting != "auto":
        return setting
    # Not every system tells which cores a process may use.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_tasks(
    function: Callable[[Task], Result], tasks: Sequence[Task], workers: int
) -> Iterator[Result]:
    """What `function` gives for each task, as they end; with one worker, in this process.

    An error of a task ends the run: tasks that have not begun are dropped, finished ones keep what
    they wrote.
    """
    if workers == 1 or len(tasks) <= 1:
        yield from map(function, tasks)
        return
    # Not by fork: the parent has threads (torch, progress bar), and a forked lock may stay locked.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(workers, len(tasks)), mp_context=context)
    try:
        for future in as_completed([pool.submit(function, task) for task in tasks]):
            yield future.result()
    except BrokenProcessPool:
        raise WorkerDiedError(
            "a worker process died (out of memory, or killed); run the same command again to go "
            "on, with fewer workers (--set prepare.workers=1) if memory was short"
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)
