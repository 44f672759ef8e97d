"""Timing several ways of doing the same in turns, so that a busy machine slows all alike."""

import statistics
import time
from collections.abc import Callable, Sequence


def seconds_of(call: Callable[[], object]) -> float:
    """How long one call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def median_seconds(calls: Sequence[Callable[[], object]], runs: int) -> list[float]:
    """The median time of each call over `runs` rounds, after one round that is not counted."""
    rounds = [[seconds_of(call) for call in calls] for _ in range(runs + 1)]
    return [statistics.median(times) for times in zip(*rounds[1:], strict=True)]


def report(what: str, ours: float, bare: float, least: float) -> None:
    """One line: how fast we are beside the bare way, and the least that is asked for."""
    print(f"{what:<58} {bare / ours:6.0%} of the rate (>= {least:.0%})", flush=True)
