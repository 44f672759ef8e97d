"""Timing several ways of doing the same in turns, so that a busy machine slows all alike."""

import statistics
import time
from collections.abc import Callable, Sequence


def median_seconds(calls: Sequence[Callable[[], object]], runs: int) -> list[float]:
    """The median time of each call over `runs` rounds, after one round that is not counted."""
    seconds: list[list[float]] = [[] for _ in calls]
    for _ in range(runs + 1):
        for call, times in zip(calls, seconds, strict=True):
            start = time.perf_counter()
            call()
            times.append(time.perf_counter() - start)
    return [statistics.median(times[1:]) for times in seconds]


def report(what: str, ours: float, bare: float, least: float) -> None:
    """One line: how fast we are beside the bare way, and the least that is asked for."""
    print(f"{what:<58} {bare / ours:6.0%} of the rate (>= {least:.0%})", flush=True)
