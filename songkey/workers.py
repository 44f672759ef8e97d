"""Many files at once: each worker is a process with a network of its own, and none waits."""

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from queue import SimpleQueue

from songkey.errors import AudioKeyError
from songkey.guard import GuardedDetector
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


class Apart:
    """A worker, in a process of its own: whatever a file does to its decoder, others are heard."""

    def __init__(self, order: Order):
        self.order = order
        self.detector = GuardedDetector(order.model, order.minor_prior)
        self.detector.start()

    def listen(self, path: Path) -> Listening:
        """What is heard in a file. Raises AudioKeyError."""
        order = self.order
        return self.detector.listen(path, timeline=order.timeline, picture=order.picture)

    def close(self) -> None:
        """End the process, whatever it is doing."""
        self.detector.close()


def answer_of(worker: Apart, path: Path) -> Answer:
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
def hired(order: Order, count: int) -> Iterator[list[Apart]]:
    """So many workers, ended with the block. Raises AudioKeyError where there is no network."""
    workers: list[Apart] = []
    try:
        while len(workers) < count:
            workers.append(Apart(order))
        workers[0].detector.ready()  # what is wrong with the network is said once
        yield workers
    finally:
        for worker in workers:
            worker.close()


def answers(files: Mapping[int, Path], workers: Sequence[Apart]) -> Iterator[tuple[int, Answer]]:
    """The answer to each file by its number, as soon as it is there."""
    if len(workers) == 1:  # in this thread, which Ctrl-C interrupts
        for number, path in files.items():
            yield number, answer_of(workers[0], path)
        return
    idle: SimpleQueue[Apart] = SimpleQueue()
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
