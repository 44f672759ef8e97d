"""Many files at once: each worker is a process with a network of its own, and none waits."""

import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from typing import Protocol

from songkey.audio import printable
from songkey.decode import AudioError
from songkey.detector import Detector
from songkey.errors import AudioKeyError
from songkey.listening import Listening

MOST_WORKERS = 8  # by default: each takes some 150 MB
FILES_A_WORKER = 8  # at least: a process takes as long to start as to answer a few files

Answer = Listening | AudioKeyError


@dataclass(frozen=True)
class Order:
    """What to listen with, and what for beside the key: all that a worker needs to know."""

    model: str | Path | None = None
    minor_prior: float | None = None
    timeline: bool = False
    picture: bool = False


class Worker(Protocol):
    """Listens to one file after the other; what is wrong with one is an AudioKeyError."""

    def listen(self, path: Path) -> Listening: ...
    def close(self) -> None: ...


class Here:
    """A worker in this process."""

    def __init__(self, order: Order):
        self.order = order
        self.detector = Detector(order.model, minor_prior=order.minor_prior)

    def listen(self, path: Path) -> Listening:
        """What is heard in a file."""
        order = self.order
        return self.detector.listen(path, timeline=order.timeline, picture=order.picture)

    def close(self) -> None:
        """Nothing is to be ended."""


class Apart:
    """A worker in a process of its own: if that dies, one file has no answer, and another starts.

    Spawned, not forked: Windows knows nothing else, and a copy of onnxruntime's threads hangs.
    """

    def __init__(self, order: Order):
        self.order, self.closed = order, False
        self._start()

    def _start(self) -> None:
        spawning = get_context("spawn")
        self.connection, theirs = spawning.Pipe()
        self.process = spawning.Process(target=_serve, args=(theirs, self.order), daemon=True)
        self.process.start()
        theirs.close()

    def listen(self, path: Path) -> Listening:
        """What is heard in a file, of whichever process answers."""
        try:
            self.connection.send(path)
            answer: Answer = self.connection.recv()
        except (EOFError, OSError) as error:
            if not self.closed:
                self._end()
                self._start()
            reason = "its decoder crashed: damaged, or too large; convert it to another format"
            raise AudioError(printable(path), reason) from error
        if isinstance(answer, AudioKeyError):
            raise answer
        return answer

    def close(self) -> None:
        """End the process, whatever it is doing."""
        self.closed = True
        self._end()

    def _end(self) -> None:
        self.process.kill()
        self.process.join()
        self.connection.close()


def _serve(connection: Connection, order: Order) -> None:
    """What a worker's process does: hear the files whose paths come, until no more can."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started this one
    here = Here(order)
    with suppress(EOFError):
        while True:
            connection.send(answer_of(here, connection.recv()))


def answer_of(worker: Worker, path: Path) -> Answer:
    """What a worker hears in a file, or why it hears nothing."""
    try:
        return worker.listen(path)
    except AudioKeyError as error:
        return error


def worker_count(files: int) -> int:
    """As many workers as this machine and so many files make good use of."""
    if hasattr(os, "sched_getaffinity"):  # Linux alone knows which cores this process may use
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    return max(1, min(cores, MOST_WORKERS, files // FILES_A_WORKER))


@contextmanager
def hired(order: Order, count: int) -> Iterator[list[Worker]]:
    """So many workers; one is this process, and more are others, ended with the block."""
    here = Here(order)  # of many too: what is wrong with the network is said once
    workers: list[Worker] = [here] if count == 1 else []
    try:
        while len(workers) < count:
            workers.append(Apart(order))
        yield workers
    finally:
        for worker in workers:
            worker.close()


def answers(files: Mapping[int, Path], workers: Sequence[Worker]) -> Iterator[tuple[int, Answer]]:
    """The answer to each file by its number, as soon as it is there."""
    if len(workers) == 1:  # in this thread, which Ctrl-C interrupts
        for number, path in files.items():
            yield number, answer_of(workers[0], path)
        return
    idle: SimpleQueue[Worker] = SimpleQueue()
    for worker in workers:
        idle.put(worker)

    def one(number: int, path: Path) -> tuple[int, Answer]:
        worker = idle.get()
        try:
            return number, answer_of(worker, path)
        finally:
            idle.put(worker)

    threads = ThreadPoolExecutor(len(workers))
    waiting = iter(files.items())
    running: set[Future[tuple[int, Answer]]] = set()
    try:
        while True:
            more = islice(waiting, 2 * len(workers) - len(running))
            running |= {threads.submit(one, number, path) for number, path in more}
            if not running:
                return
            ended, running = wait(running, return_when=FIRST_COMPLETED)
            for future in ended:
                yield future.result()
    finally:  # of an interrupted run: what has not begun never does, and nobody waits for the rest
        threads.shutdown(wait=False, cancel_futures=True)
