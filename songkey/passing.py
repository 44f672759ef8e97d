"""Failures of the system that may pass, and are no fault of the file at which they show.

Nothing may be concluded from them: a file that met one is tried again, and never counts as bad.
"""

import errno
import time
from collections.abc import Callable
from typing import Any, TypeVar

from songkey.errors import AudioError, printable

PASSING = frozenset(
    {
        errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ESTALE, errno.ETIMEDOUT,
        errno.EAGAIN, errno.EBUSY, errno.ENOTCONN, errno.ECONNRESET, errno.EHOSTUNREACH,
        errno.ENETUNREACH,
    }
)  # fmt: skip
WAITS_SECONDS = (0.5, 1.5, 4.0)  # before the second, third and fourth try
REMEDY = "disk, network or memory failed, not the file; mend that, then run the same command again"

Result = TypeVar("Result")


class PassingAudioError(AudioError):
    """A file that could not be used for now."""


def read_failure(path: object, error: OSError) -> AudioError:
    """A file that cannot be read: a PassingAudioError where that may pass."""
    reason = f"not readable: {error.strerror or error}"
    if error.errno in PASSING:
        return PassingAudioError(printable(path), f"{reason}; {REMEDY}")
    return AudioError(printable(path), reason)


def patiently(action: Callable[..., Result], *arguments: Any) -> Result:
    """What `action` gives; what may pass is tried again, later each time."""
    for wait_seconds in WAITS_SECONDS:
        try:
            return action(*arguments)
        except PassingAudioError:
            time.sleep(wait_seconds)
    return action(*arguments)


def lacks_memory(error: BaseException | None) -> bool:
    """Whether that is what is behind an error, whatever it was taken for."""
    while error and not isinstance(error, MemoryError):
        error = error.__cause__ or error.__context__
    return error is not None
