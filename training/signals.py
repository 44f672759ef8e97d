"""Ctrl-C and SIGTERM: the step at which all processes of a run agree to stop."""

import signal
import time

import torch
from torch import distributed

SIGNALS = (signal.SIGINT, signal.SIGTERM)
SECONDS_OF_ONE_REQUEST = 2.0  # torchrun passes on what Slurm has sent to each process already


class Stopped(Exception):
    """Raised where a run has saved everything and ends, as a signal asked."""

    def __init__(self, number: int):
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.exit_code = 128 + number


class Signals:
    """Within it, the first signal is remembered; a second one ends the process at once.

    A handler that only sets a number cannot be lost: an exception that is raised while a
    DataLoader forks its workers would be swallowed.
    """

    def __init__(self, processes: int):
        self._received, self._received_at = 0, 0.0
        # A group of its own on the CPU: nothing waits for the GPU.
        self._group = distributed.new_group(backend="gloo") if processes > 1 else None

    def __enter__(self) -> "Signals":
        self._before = {number: signal.signal(number, self._receive) for number in SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def agreed(self) -> int:
        """The signal that any process received, 0 for none: the same answer for all of them.

        Every process has to ask at the same points.
        """
        if self._group is None:
            return self._received
        number = torch.tensor(self._received)
        distributed.all_reduce(number, distributed.ReduceOp.MAX, group=self._group)
        return int(number)

    def _receive(self, number: int, _frame: object) -> None:
        if self._received and time.monotonic() - self._received_at > SECONDS_OF_ONE_REQUEST:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        elif not self._received:
            self._received, self._received_at = number, time.monotonic()
