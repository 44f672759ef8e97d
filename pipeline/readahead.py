"""Shards at an address, fetched before they are needed, by a few threads of each reading process.

Which, and in what turn, follows from the numbers of the samples that the process will read. What
fails is tried again later, so that a server may be away for a while.
"""

import logging
import math
import os
import time
from collections import deque
from collections.abc import Callable, Iterable
from io import FileIO
from pathlib import Path
from threading import Condition, Thread
from typing import NamedTuple, Protocol, TypeVar, cast

import numpy as np
from torch.utils.data import get_worker_info

from pipeline.fetching import nothing_to_fetch, plan_of, uses_of
from pipeline.manifest import ManifestShard
from storage.cache import Cache
from storage.places import Place, StorageError, UnreachableError

logger = logging.getLogger(__name__)

FETCHERS = 4  # threads of a process, as long as there is something to fetch
BUSY_SECONDS = 0.02  # before another look at what another process is fetching
WAITS_SECONDS = (5, 30, 120)  # after each failure of a shard, then the last again and again

Got = TypeVar("Got")


class UnreachableShard(StorageError):
    """A shard that cannot be had, which ends the run."""

    def __init__(self, message: str):
        # A DataLoader puts "Caught UnreachableShard in worker 0", and a traceback, before it.
        super().__init__(message.rpartition(f"{type(self).__name__}: ")[2].strip())


class Failure(NamedTuple):
    """What is known of a shard that could not be fetched."""

    reason: str
    tries: int
    most_tries: int  # before a run is ended for it
    again_at: float  # of time.monotonic(); infinite while it is tried

    def after(self, error: StorageError) -> "Failure":
        """With one more try, which gave `error`; what no waiting mends is tried twice only."""
        waits = WAITS_SECONDS if isinstance(error, UnreachableError) else WAITS_SECONDS[:1]
        again_at = time.monotonic() + waits[min(self.tries, len(waits) - 1)]
        return Failure(str(error), self.tries + 1, len(waits) + 1, again_at)


UNTRIED = Failure("", 0, 0, 0)


class Tars(Protocol):
    """Where shards lie, by their number."""

    def __call__(self, shard: int) -> tuple[Place, ManifestShard]:
        """Where the shard lies, and its line in the manifest."""


class ReadAhead:
    """Opens shards at an address in one process, and has the next ones fetched meanwhile."""

    def __init__(self, tars: Tars, cache: Cache, unreachable: str):
        """A shard that stays `unreachable` ends the run ("stop"), or is gone without."""
        self._tars, self._cache, self._unreachable = tars, cache, unreachable
        self._plan = nothing_to_fetch()
        self._turns: dict[int, int] = {}  # of each shard its place in the plan
        self._asked = 0  # how many shards of the plan were asked for
        self._waiting: deque[int] = deque()
        self._threads = 0
        self._tried_now: set[int] = set()
        self._failures: dict[int, Failure] = {}
        self._changed = Condition()  # guards all of these

    def expect(self, chunks: Iterable[np.ndarray], ends: np.ndarray, lanes: int) -> int:
        """Plan to fetch what these samples need, which will be read in that order.

        Gives how many shards at most are read in turns at the same time.

        `ends` (shards,) is one past the number of each shard's last sample.
        """
        tars = map(self._tars, range(len(ends)))
        sizes = np.array([0 if isinstance(place, Path) else line.bytes for place, line in tars])
        most_bytes = self._cache.most_bytes // int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
        self._plan = plan_of(uses_of(chunks, ends), sizes, max(lanes, FETCHERS), most_bytes)
        self._turns = {shard: place for place, shard in enumerate(self._plan.shards.tolist())}
        worker = get_worker_info()
        if self._plan.most_bytes > most_bytes and (worker is None or worker.id == 0):
            logger.warning(
                "shards of %.3g GB are read at the same time, but stream.cache_gigabytes leaves "
                "%.3g GB to this process: they will be fetched again and again; make it twice as "
                "much, or stream.block_intervals or stream.lanes smaller",
                self._plan.most_bytes / 1e9, most_bytes / 1e9,
            )  # fmt: skip
        return self._plan.most

    def close(self) -> None:
        """Fetch no more, so that the threads end."""
        with self._changed:
            self._plan = nothing_to_fetch()
            self._waiting.clear()
            self._changed.notify_all()

    def open(self, shard: int) -> FileIO:
        """The whole tar, here.

        Raises UnreachableShard where it stays away, or, with "leave_out", StorageError while it
        does; then it is tried again meanwhile.
        """
        self._ask(shard)
        while True:
            with self._changed:
                self._changed.wait_for(
                    lambda: shard not in self._tried_now or self._left_out(shard)
                )
                if failure := self._failures.get(shard):
                    self._give_up(failure)
                self._tried_now.add(shard)
            if failure:
                _wait(failure)
            if file := self._tried(shard, self._cache.open):
                return file

    def _left_out(self, shard: int) -> bool:
        return self._unreachable == "leave_out" and shard in self._failures

    def _give_up(self, failure: Failure) -> None:
        """Raise where this failure is not to be waited for."""
        if self._unreachable == "leave_out":
            raise StorageError(failure.reason)
        is_due = failure.again_at == math.inf or failure.again_at <= time.monotonic()
        if failure.tries >= failure.most_tries and not is_due:
            raise UnreachableShard(
                f"{failure.reason} (tried {failure.tries} times); go on later, or "
                'without it by stream.unreachable="leave_out"'
            )

    def _ask(self, shard: int) -> None:
        """Have fetched what comes after this shard, and what failed some time ago."""
        with self._changed:
            place = self._turns.get(shard)
            until = self._asked if place is None else int(self._plan.until[place])
            self._waiting.extend(self._plan.shards[self._asked : until].tolist())
            self._asked = max(self._asked, until)
            now = time.monotonic()
            for failed, failure in self._failures.items():
                if failure.again_at <= now:
                    self._failures[failed] = failure._replace(again_at=math.inf)
                    self._waiting.append(failed)
            self._changed.notify_all()
            for _ in range(min(FETCHERS, len(self._waiting)) - self._threads):
                self._threads += 1
                Thread(target=self._fetch_ahead, daemon=True).start()

    def _fetch_ahead(self) -> None:
        """Fetch what waits, in turn, until nothing more will."""
        while (shard := self._next()) is not None:
            if self._tried(shard, self._cache.fetch) is False:  # another process is at it
                time.sleep(BUSY_SECONDS)
                with self._changed:
                    self._waiting.append(shard)

    def _next(self) -> int | None:
        """The next shard to fetch, waited for; None where no more will come."""
        with self._changed:
            while self._waiting or self._asked < len(self._plan.shards):
                if not self._waiting:
                    self._changed.wait()
                elif self._may_be_tried(shard := self._waiting.popleft()):
                    self._tried_now.add(shard)
                    return shard
            self._threads -= 1
            return None

    def _may_be_tried(self, shard: int) -> bool:
        """Not what lies here, not by two threads, and after a failure when it is time."""
        failure = self._failures.get(shard)
        if isinstance(self._tars(shard)[0], Path):  # beside others at an address
            return False
        return shard not in self._tried_now and (not failure or failure.again_at == math.inf)

    def _tried(self, shard: int, get: Callable[[Place, int, str], Got]) -> Got | None:
        """What `get` gives for the shard; None where it fails, which is remembered."""
        place, line = self._tars(shard)
        got, failed = None, cast(StorageError | None, None)
        try:
            got = get(place, line.bytes, line.sha256)
        except StorageError as error:
            failed = error
        except Exception as error:  # of a library that storage/filesystem.py does not know
            failed = StorageError(f"{place}: failed ({type(error).__name__}: {error})")
        finally:
            with self._changed:
                self._tried_now.remove(shard)
                if failed:
                    self._failures[shard] = self._failures.get(shard, UNTRIED).after(failed)
                elif got:
                    self._failures.pop(shard, None)
                self._changed.notify_all()
        return got


def _wait(failure: Failure) -> None:
    """Wait until the shard is to be tried again."""
    pause_seconds = failure.again_at - time.monotonic()
    if 0 < pause_seconds < math.inf:
        logger.warning("%s; trying again in %.0f s", failure.reason, pause_seconds)
        time.sleep(pause_seconds)
