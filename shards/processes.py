"""Local worker processes, a task at a time each: one that dies loses its task, no other's."""

import multiprocessing
import pickle
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Generic, Protocol, TypeVar, cast

from shards.disk_error import writing_to
from songkey.errors import AudioKeyError
from storage.places import Place
from storage.staging import remove_unfinished

ATTEMPTS = 3  # of a task whose worker dies
END_SECONDS = 2  # that a worker has to clean up


class ShardTask(Protocol):
    """A task that makes a shard."""

    @property
    def folder(self) -> Place: ...

    @property
    def name(self) -> str: ...  # of the tar, without its ending


Task = TypeVar("Task", bound=ShardTask)
Result = TypeVar("Result")


class Died(Exception):
    """A worker process that ended while it had a task."""


class WorkerDiedError(AudioKeyError):
    """A task whose worker process ended before it did, each time it was tried."""


@dataclass
class Attempt(Generic[Task]):
    """A task that waits or runs, and how often it was begun."""

    task: Task
    number: int = 0


class Worker(Generic[Task, Result]):
    """A process that runs `function` on one task after the other."""

    attempt: Attempt[Task]  # the last that was begun

    def __init__(self, function: Callable[[Task], Result]):
        # Not by fork: the parent has threads (torch, progress bar), and a forked lock may stay
        # locked.
        context = multiprocessing.get_context("spawn")
        self.connection, far_end = context.Pipe()
        self.process = context.Process(target=_serve, args=(function, far_end), daemon=True)
        # Ctrl-C reaches all processes of a terminal. A blocked signal stays blocked in the child,
        # so that the parent alone answers it. The tracker would lift the block when it starts.
        resource_tracker.ensure_running()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self.process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        far_end.close()  # the child's alone: the connection ends when the child does
        self.busy = False

    def begin(self, attempt: Attempt[Task]) -> None:
        """Give the worker a task."""
        attempt.number += 1
        self.attempt, self.busy = attempt, True
        with suppress(ConnectionError):  # it died without a task: `result` finds that out
            self.connection.send(attempt.task)

    def result(self) -> Result:
        """The result of the task it was given, or its error; Died when the process has ended."""
        try:
            succeeded, value = self.connection.recv()
        except (EOFError, OSError) as error:
            raise Died from error
        self.busy = False
        if not succeeded:
            raise value
        return value

    def end(self) -> None:
        """Let the process remove what its task has not finished, and end."""
        self.connection.close()
        self.process.terminate()

    def wait(self) -> None:
        """Until the process has ended, which is soon: a slow one is killed, its files removed."""
        pid = self.process.pid
        self.process.join(END_SECONDS)
        self.process.kill()
        self.process.join()
        self.process.close()
        if self.busy and pid:
            remove_unfinished(self.attempt.task.folder, pid)


def run_in_processes(
    function: Callable[[Task], Result],
    tasks: Sequence[Task],
    workers: int,
    name_of: Callable[[Task], str],
) -> Iterator[Result]:
    """What `function` gives for each task, as they end; raises a task's error as it is."""
    waiting = deque(Attempt(task) for task in tasks)
    crew: dict[Connection, Worker] = {}
    try:
        while waiting or crew:
            while waiting and len(crew) < workers:
                _hire(crew, function).begin(waiting.popleft())
            for connection in cast(list[Connection], wait(list(crew))):
                worker = crew[connection]
                attempt = worker.attempt
                try:
                    with writing_to(name_of(attempt.task)):
                        result = worker.result()
                except Died:
                    _dismiss(crew, worker)
                    _refuse_a_deadly_task(attempt, name_of)
                    waiting.appendleft(attempt)
                    continue
                if waiting:
                    worker.begin(waiting.popleft())
                else:
                    _dismiss(crew, worker)
                yield result
    finally:
        for worker in crew.values():
            worker.end()
        for worker in crew.values():
            worker.wait()


def _hire(crew: dict[Connection, Worker], function: Callable) -> Worker:
    worker = Worker(function)
    crew[worker.connection] = worker
    return worker


def _dismiss(crew: dict[Connection, Worker], worker: Worker) -> None:
    del crew[worker.connection]
    worker.end()
    worker.wait()


def _refuse_a_deadly_task(attempt: Attempt[Task], name_of: Callable[[Task], str]) -> None:
    if attempt.number >= ATTEMPTS:
        raise WorkerDiedError(
            f"{name_of(attempt.task)}: its worker process died {attempt.number} times (out of "
            "memory, or killed); run the same command again to go on, with fewer workers "
            "(--set prepare.workers=1) if memory was short"
        )


def _serve(function: Callable[[Task], Result], connection: Connection) -> None:
    """A worker's life: answer each task with (True, result) or (False, error)."""
    while True:
        try:
            task = connection.recv()
        except EOFError:  # the parent is gone
            return
        signal.signal(signal.SIGTERM, _leave)
        answer: tuple[bool, object]
        try:
            answer = True, function(task)
        except Exception as error:  # every kind: the parent raises it again
            answer = False, _portable(error)
        finally:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        try:
            connection.send(answer)
        except ConnectionError:
            return


def _leave(*_: object) -> None:
    """Leave the task by an exception, so that it removes its unfinished files."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise SystemExit


def _portable(error: Exception) -> Exception:
    """The error itself where it survives the way to another process, else one with its text."""
    try:
        pickle.loads(pickle.dumps(error))
    except (pickle.PicklingError, TypeError, AttributeError):
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
