"""Local worker processes, a task at a time each: one that dies loses its task, no other's."""

import multiprocessing
import pickle
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import islice
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Generic, Self, TypeVar, cast

from shards.disk_error import writing_to
from songkey.errors import AudioKeyError
from storage.places import Place
from storage.staging import remove_unfinished

ATTEMPTS = 3  # of a task whose worker dies


@dataclass(frozen=True)
class ShardTask:
    """A task that makes a shard."""

    folder: Place
    name: str  # of the tar, without its ending
    guarded: bool = field(default=False, kw_only=True)  # against what decoders do to a process

    def as_guarded(self) -> Self:
        """The same task, with guards: slower where all cores work."""
        return replace(self, guarded=True)


Task = TypeVar("Task", bound=ShardTask)
Result = TypeVar("Result")


def shard_path(task: ShardTask) -> str:
    """The tar that a task makes, for messages."""
    return f"{task.folder / task.name}.tar"


class WorkerDiedError(AudioKeyError):
    """A task whose worker process ended before it did, each time it was tried."""


class Worker(Generic[Task]):
    """A process that runs `function` on one task after the other, the first one `task`."""

    def __init__(self, function: Callable[[Task], object], task: Task, attempt: int = 1):
        # Not by fork: the parent has threads (torch, progress bar), and a forked lock may stay
        # locked.
        context = multiprocessing.get_context("spawn")
        self.connection, far_end = context.Pipe()
        self._process = context.Process(target=_serve, args=(function, far_end), daemon=True)
        # Ctrl-C reaches all processes of a terminal. A blocked signal stays blocked in the child,
        # so that the parent alone answers it. The tracker would lift the block when it starts.
        resource_tracker.ensure_running()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self._process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        far_end.close()  # the child's alone: the connection ends when the child does
        self.begin(task, attempt)

    def begin(self, task: Task, attempt: int = 1) -> None:
        """Give the process a task, for the time number `attempt`."""
        self.task, self.attempt = task, attempt
        with suppress(ConnectionError):  # it died without a task: its answer says so
            self.connection.send(task)

    def end(self) -> None:
        """End the process at once, and remove what its task has not finished."""
        self.connection.close()
        self._process.kill()
        self._process.join()
        remove_unfinished(self.task.folder, cast(int, self._process.pid))


def run_in_processes(
    function: Callable[[Task], Result], tasks: Sequence[Task], workers: int
) -> Iterator[Result]:
    """What `function` gives for each task, as they end; raises a task's error as it is."""
    waiting = iter(tasks)
    crew: dict[object, Worker[Task]] = {}
    try:
        for task in islice(waiting, workers):
            worker = Worker(function, task)
            crew[worker.connection] = worker
        while crew:
            for connection in cast(list[Connection], wait([w.connection for w in crew.values()])):
                worker = crew[connection]
                try:
                    error, result = connection.recv()
                except (EOFError, OSError):
                    crew.pop(connection).end()
                    again = worker.task.as_guarded()  # a decoder may have killed it
                    worker = Worker(function, again, _next_attempt(worker))
                    crew[worker.connection] = worker
                    continue
                if error:
                    with writing_to(shard_path(worker.task)):
                        raise error
                if following := next(waiting, None):
                    worker.begin(following)
                else:
                    crew.pop(connection).end()
                yield result
    finally:
        for worker in crew.values():
            worker.end()


def _next_attempt(worker: Worker) -> int:
    """The number of the next attempt of a task whose worker died, if there may be one."""
    if worker.attempt >= ATTEMPTS:
        raise WorkerDiedError(
            f"{shard_path(worker.task)}: its worker process died {worker.attempt} times (out of "
            "memory, or killed); run the same command again to go on, with fewer workers "
            "(--set prepare.workers=1) if memory was short"
        )
    return worker.attempt + 1


def _serve(function: Callable[[Task], object], connection: Connection) -> None:
    """A worker's life: answer each task with (None, result) or (error, None)."""
    with suppress(EOFError, ConnectionError):  # the parent is gone
        while True:
            task = connection.recv()
            answer: tuple[Exception | None, object]
            try:
                answer = None, function(task)
            except Exception as error:  # every kind: the parent raises it again
                answer = _portable(error), None
            connection.send(answer)


def _portable(error: Exception) -> Exception:
    """The error itself where it survives the way to another process, else one with its text."""
    try:
        pickle.loads(pickle.dumps(error))
    except (pickle.PicklingError, TypeError, AttributeError):
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
