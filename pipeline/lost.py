"""The intervals that a pass could not read: each counted once, told to all workers, bounded."""

import logging
import multiprocessing
from collections.abc import Collection

import numpy as np
from accelerate.utils import gather_object

from songkey.counted import counted
from songkey.errors import AudioKeyError

NAMED = 10  # intervals of a pass that a warning names; the others are counted

logger = logging.getLogger(__name__)


class StreamError(AudioKeyError):
    """Data that cannot make a batch, or too many intervals that could not be read."""


class Lost:
    """What a pass could not read, as the numbers of intervals; shared by a process's workers."""

    def __init__(self, limit: int, total: int, known: Collection[int]):
        """Of `total` intervals `limit` may be lost; `known` are, of a pass that goes on."""
        self.limit = limit
        self._known = len(known)
        self._numbers = multiprocessing.Array("q", max(min(limit, total), self._known) + 1)
        self._numbers[: self._known] = list(known)
        self._count = multiprocessing.RawValue("q", self._known)
        self._seen: set[int] = set()  # of these, what this worker knows of

    def __len__(self) -> int:
        return self._count.value

    @property
    def numbers(self) -> np.ndarray:
        """Those lost so far, (n,) int64."""
        return np.frombuffer(memoryview(self._numbers.get_obj()), np.int64)[: len(self)]

    def __contains__(self, number: int) -> bool:
        if len(self._seen) < len(self):
            self._seen.update(self.numbers[len(self._seen) :].tolist())
        return number in self._seen

    @property
    def too_many(self) -> bool:
        """Whether nothing more is to be read."""
        return len(self) > self.limit

    def add(self, number: int, what: str) -> None:
        """Count an interval once, whichever worker comes upon it; `what` names it and says why."""
        with self._numbers.get_lock():
            count = len(self)
            if number in self or count == len(self._numbers):
                return
            self._numbers[count] = number
            self._count.value = count + 1
        if count - self._known < NAMED:
            logger.warning("bad sample left out: %s", what)
        elif count - self._known == NAMED:
            logger.warning(
                "more than %d samples left out; the others are counted, not named", NAMED
            )

    def check(self) -> None:
        """Raise StreamError where this process has lost too many."""
        _check(len(self), self.limit)

    def tell_rest(self) -> None:
        """Say, at the end of a pass, how many were not named."""
        unnamed = len(self) - self._known - NAMED
        if unnamed > 0:
            logger.warning("%d more left out, %d in all", unnamed, len(self))

    def of_all(self) -> list[int]:
        """The numbers that any of the processes lost, on each of them; StreamError for too many."""
        numbers = sorted(set(gather_object(self.numbers.tolist())))
        _check(len(numbers), self.limit)
        return numbers


def _check(count: int, limit: int) -> None:
    if count > limit:
        raise StreamError(
            f"{counted(count, 'interval')} could not be read (stream.max_bad_samples = {limit}); "
            "see the warnings above, and python -m shards check"
        )
