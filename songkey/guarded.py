"""The other process of a guard: it answers what comes by stdin, until nobody asks any more.

Messages are pickles. First comes what makes the object whose methods are asked for, and how much
memory a file may take; then requests: a method, the bytes of a path, and options.
"""

import os
import pickle
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from threading import Event, Thread
from typing import Any

from songkey.carried import Carrier, Parcel
from songkey.errors import AudioKeyError
from songkey.footprint import can_take, limit_memory, resident_bytes
from songkey.passing import lacks_memory

ANSWER, ERROR, ALIVE = "answer", "error", "alive"  # kinds of replies
OUT_OF_MEMORY = 77  # an exit code that nothing else has, of a file that takes too much
MEMORY_IS_SHORT = 78  # and of a machine that has less than a file may take
ALIVE_SECONDS = 1.0  # at least, from one sign of life to the next: each wakes the other process
WATCH_SECONDS = 0.1


def serve(shared: int | None = None) -> None:
    """What this process does, with the descriptor of memory that it shares."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started this one
    _Server(Carrier(shared)).serve()


class _Server:
    def __init__(self, carrier: Carrier) -> None:
        self.carrier = carrier
        self.requests = sys.stdin.buffer
        self.replies = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)  # what a decoder prints would be taken for a reply
        self.working = Event()
        self.answerer: Any = None
        self.most_bytes = 0
        self.last_sign_seconds = 0.0

    def serve(self) -> None:
        """Make what answers, then answer."""
        self._reply(self._make)
        for request in self._incoming():
            self.working.set()
            self._reply(self._answer, *request)
            self.working.clear()

    def _make(self) -> None:
        make, arguments, megabytes = pickle.load(self.requests)
        self.answerer = make(*arguments, on_block=self._live)
        self.most_bytes = resident_bytes() + 1_000_000 * megabytes
        limit_memory(
            2 * self.most_bytes
        )  # for what is taken in one go, or while the watch cannot run
        Thread(target=self._watch, daemon=True).start()

    def _answer(self, method: str, path: bytes, options: dict[str, Any]) -> Any:
        self.last_sign_seconds = time.monotonic()
        return getattr(self.answerer, method)(os.fsdecode(path), **options)

    def _live(self, _: object) -> None:
        now = time.monotonic()
        if now >= self.last_sign_seconds + ALIVE_SECONDS:
            self.last_sign_seconds = now
            self._send((pickle.dumps((ALIVE, None)), ()))

    def _reply(self, function: Callable[..., Any], *arguments: Any) -> None:
        try:
            reply = self.carrier.packed((ANSWER, function(*arguments)))
        except Exception as error:
            if lacks_memory(error):
                os._exit(OUT_OF_MEMORY if can_take(self.most_bytes) else MEMORY_IS_SHORT)
            reply = _as_reply(error), ()
        self._send(reply)

    def _send(self, reply: Parcel) -> None:
        self.replies.write(pickle.dumps(reply))
        self.replies.flush()

    def _incoming(self) -> Iterator[tuple[str, bytes, dict[str, Any]]]:
        """The requests. This process ends with who sends them, even where a decoder hangs."""
        waiting: SimpleQueue[Any] = SimpleQueue()

        def receive() -> None:
            try:
                while True:
                    waiting.put(pickle.load(self.requests))
            finally:
                os._exit(0)

        Thread(target=receive, daemon=True).start()
        while True:
            yield waiting.get()

    def _watch(self) -> None:
        """Decoders take memory in C, where Python's other threads run on."""
        while self.working.wait():
            time.sleep(WATCH_SECONDS)
            if resident_bytes() > self.most_bytes:
                os._exit(OUT_OF_MEMORY)


def _as_reply(error: Exception) -> bytes:
    """The error, with its traceback if it is a fault of ours."""
    if not isinstance(error, AudioKeyError):
        error.add_note("in the other process:\n" + traceback.format_exc())
    try:
        reply = pickle.dumps((ERROR, error))
        pickle.loads(reply)
    except Exception:  # of others, whose exceptions do not survive it
        return pickle.dumps((ERROR, RuntimeError("".join(traceback.format_exception(error)))))
    return reply
