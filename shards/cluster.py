"""Tasks on a Dask cluster: any number of machines that see the same files and this project.

The workers run the project from their own checkout (docs/scale.md): nothing is uploaded.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import islice

from distributed import Client, Future, KilledWorker, as_completed

from pipeline.allocator import keep_freed_memory
from shards.disk_error import writing_to
from shards.processes import Result, Task, WorkerDiedError, shard_path
from songkey.errors import AudioKeyError
from songkey.passing import PassingAudioError

RETRIES = 2  # of a task that fails by no fault of its input; Dask gives a dead worker's to another
IN_FLIGHT = 1000  # tasks the scheduler holds: enough for as many workers, little memory
TOGETHER = 100  # tasks that it is given at once: one by one they cost it several times the work
CONNECT_SECONDS = 10
WORKER_SECONDS = 60  # to wait for the first worker
CLOSE_SECONDS = 2


class ClusterError(AudioKeyError):
    """A cluster that cannot be reached, has no worker, or does not know the project."""


def outcome(function: Callable[[Task], Result], task: Task) -> Result | AudioKeyError:
    """`function` as it runs on a worker; an error of ours is given: no other would do better."""
    # Dask starts workers with MALLOC_TRIM_THRESHOLD_=65536: each array would pay for fresh
    # pages, and packing run at two thirds of its rate (measured).
    keep_freed_memory()
    try:
        return function(task)
    except PassingAudioError:  # another worker may have a better disk
        raise
    except AudioKeyError as error:
        return error


def run_on_cluster(
    function: Callable[[Task], Result], tasks: Iterable[Task], scheduler: str
) -> Iterator[Result]:
    """What `function` gives for each task, as they end."""
    waiting = iter(tasks)
    with _client(scheduler) as client:
        running: dict[Future, Task] = {}

        def submit(count: int) -> list[Future]:
            new = [task.as_guarded() for task in islice(waiting, count)]
            call = partial(outcome, function)
            futures: list[Future] = client.map(call, new, pure=False, retries=RETRIES)
            running.update(zip(futures, new, strict=True))
            return futures

        ended = as_completed(submit(IN_FLIGHT), loop=client.loop)
        for future in ended:
            yield _result(future, shard_path(running.pop(future)), scheduler)
            future.release()
            if len(running) <= IN_FLIGHT - TOGETHER:
                ended.update(submit(TOGETHER))


def _result(future: Future[Result | AudioKeyError], name: str, scheduler: str) -> Result:
    if future.cancelled():
        raise ClusterError(
            f"{scheduler}: the scheduler ended or dropped its tasks; run the same command again to "
            "go on"
        )
    try:
        with writing_to(name):
            result = future.result()
    except KilledWorker:
        raise WorkerDiedError(
            f"{name}: each worker that packed it died (out of memory, or killed); run the same "
            "command again to go on, with more memory a worker"
        ) from None
    except ModuleNotFoundError as error:
        raise ClusterError(
            f"{scheduler}: a worker cannot import {error.name}; start workers with the project's "
            "folder as PYTHONPATH, from the same .venv"
        ) from None
    if isinstance(result, AudioKeyError):
        raise result
    return result


@contextmanager
def _client(scheduler: str) -> Iterator[Client]:
    """A connection to the cluster, closed within seconds whatever happens."""
    for name in ("distributed", "distributed.client"):  # the latter has a level of its own
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        client = Client(scheduler, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise ClusterError(
            f"{scheduler}: no Dask scheduler answers ({error}); start one (just dask-up), or check "
            "the address: tcp://host:8786"
        ) from None
    try:
        try:
            client.wait_for_workers(1, timeout=WORKER_SECONDS)
        except TimeoutError:
            raise ClusterError(
                f"{scheduler}: has no worker after {WORKER_SECONDS} s; start some: "
                f"dask worker {scheduler} --nworkers 2 --nthreads 1"
            ) from None
        yield client
    finally:
        client.close(timeout=CLOSE_SECONDS)
