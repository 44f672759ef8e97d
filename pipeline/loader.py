"""The batches of a stream, read ahead by processes of their own, whatever becomes of these."""

import atexit
import multiprocessing
import signal
import time
from collections.abc import Iterable, Iterator, Sequence

from torch._C import _error_if_any_worker_fails
from torch.utils.data import DataLoader, IterableDataset, get_worker_info
from torch.utils.data._utils import signal_handling

from pipeline.allocator import return_freed_memory
from pipeline.buffers import Buffers
from pipeline.sample import Batch
from pipeline.stream import Stream

# Or the worker in whose buffers it lies, and at which place; PyTorch makes a list of these.
Handed = Batch | Sequence[int]


def loader(stream: Stream, workers: int, pin_memory: bool) -> Iterator[Batch]:
    """Batches of `stream` in the order of its steps, read ahead by `workers` processes.

    Raises StreamError as soon as any of them has lost too many.

    Not to go through accelerator.prepare: it would shard the stream again, and each process would
    silently lose a part of its intervals (huggingface/accelerate#4144).
    """
    if not workers and not pin_memory:
        return _checked(stream, stream)
    atexit.unregister(_kill_workers)  # so that it is called once
    atexit.register(_kill_workers)
    # Else torch raises for a killed worker between any two instructions: where that is behind the
    # taking of a lock, the end of its loader waits for it forever (1 of 700 kills). Without, it
    # looks for dead workers where it waits for a batch, every 5 s.
    signal_handling._SIGCHLD_handler_set = True
    buffers = []
    if workers:
        return_freed_memory()  # they are forked when the loader is iterated
        # PyTorch pins only what it hands over itself.
        if not pin_memory and multiprocessing.get_start_method() == "fork":
            buffers = [stream.buffers(shared=True) for _ in range(workers)]
    handing: Iterable[Handed] = DataLoader(
        _Worker(stream, buffers), batch_size=None, num_workers=workers, pin_memory=pin_memory,
        worker_init_fn=_leave_signals_to_the_parent,
    )  # fmt: skip
    if workers:
        handing = _handed_over(handing)
    return _checked(stream, (_received(stream, buffers, handed) for handed in handing))


class _Worker(IterableDataset):
    """A stream as one of its workers has it, or this process."""

    def __init__(self, stream: Stream, buffers: list[Buffers]):
        self.stream, self.buffers = stream, buffers

    def __len__(self) -> int:
        return len(self.stream)

    def __iter__(self) -> Iterator[Handed]:
        info = get_worker_info()
        worker, workers = (info.id, info.num_workers) if info else (0, 1)
        if not self.buffers:
            yield from self.stream.part(worker, workers)
            return
        for memory in self.stream.filled(self.buffers[worker], worker, workers):
            place = memory.place
            yield self.stream.batch(memory) if place is None else (worker, place)


def _received(stream: Stream, buffers: list[Buffers], handed: Handed) -> Batch:
    if isinstance(handed, Batch):
        return handed
    worker, place = handed
    return stream.batch(buffers[worker].lent(place))


def _handed_over(batches: Iterable[Handed]) -> Iterator[Handed]:
    """Batches of workers; torch's error, too, where one is killed just while it hands a batch over.

    That ends its connection before the system says that it was killed.
    """
    try:
        yield from batches
    except (EOFError, OSError):
        for _ in range(10):
            _error_if_any_worker_fails()
            time.sleep(0.1)
        raise


def _checked(stream: Stream, batches: Iterable[Batch]) -> Iterator[Batch]:
    left = len(stream)
    for batch in batches:
        stream.check(batch)
        left -= 1
        if not left:  # all workers are done, and nobody may ask for what comes after the last
            stream.lost.tell_rest()
        yield batch


def _leave_signals_to_the_parent(_worker: int) -> None:
    """A terminal or Slurm signals workers too: the parent still needs them to finish its step."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def _kill_workers() -> None:
    """At exit multiprocessing would wait forever for workers that ignore SIGTERM."""
    for process in multiprocessing.active_children():
        if process.daemon:
            process.kill()
