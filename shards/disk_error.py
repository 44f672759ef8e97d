"""A disk that is full, read-only or gone: one line that says where, and how to go on."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from songkey.errors import AudioKeyError

ADVICE = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space, or ask for a larger quota",
    errno.EFBIG: "lift the limit on a file's size (ulimit -f), or lower prepare.max_shard_bytes",
    errno.EROFS: "name a folder that can be written to (--set prepare.shards_dir=...)",
    errno.EACCES: "name a folder that you may write to (--set prepare.shards_dir=...)",
    errno.EPERM: "name a folder that you may write to (--set prepare.shards_dir=...)",
}


class TargetError(AudioKeyError):
    """A folder that shards cannot be written to."""


@contextmanager
def writing_to(place: object) -> Iterator[None]:
    """Say of a system's error, which may name no file, that `place` could not be written."""
    try:
        yield
    except OSError as error:
        advice = ADVICE.get(error.errno or 0, "mend the cause")
        raise TargetError(
            f"{place}: cannot be written ({error.strerror or error}); {advice}, then run the same "
            "command again to go on"
        ) from error
