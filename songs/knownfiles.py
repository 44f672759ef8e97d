"""What was read of a data set's files before, so that listing them again takes their times alone.

A table in `stream.cache_dir`, for it can be made anew. It holds paths and times: machines that see
the same files under the same paths may share it. A file counts as known while its path, size and
time of change are the same.
"""

import hashlib
import json
import logging
import time
from contextlib import suppress
from dataclasses import dataclass, fields
from io import BytesIO
from itertools import chain
from operator import attrgetter
from pathlib import Path
from typing import Self

from storage.whole import write_whole

SAVE_SECONDS = 60  # between two writings of the table while files are heard
VERSION = 6  # to be raised with what is read of a file: which tags, which digest

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Known:
    """What is known of one file; None is not read yet."""

    bytes: int
    changed_ns: int
    keys: list[str] | None = None  # of its tags
    name: str | None = None  # artist and title of its tags, "" if none
    identity: str | None = None  # of its sound, "" if it has none
    seconds: float = 0.0  # that it lasts by its header, read with the identity; 0 if unknown


values_of = attrgetter(*(field.name for field in fields(Known)))  # many times faster than astuple


class KnownFiles:
    """The table of one data set, written when the block ends, and by `save_now_and_then`.

    Without a path nothing is kept from one listing to the next.
    """

    def __init__(self, path: Path | None = None, afresh: bool = False):
        """What was known before is not believed where all is to be read `afresh`."""
        self._path, self._header = path, [VERSION]
        self._digest = b""  # of the table as it lies there
        self._saved = time.monotonic()
        self._before = self._read(path) if path and not afresh else {}
        self._now: dict[str, Known] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type | None, *_: object) -> None:
        # Of a listing that was broken off, the rest of the files may still be there.
        self._write(self._now if kind is None else self._before | self._now)

    def of(self, file: Path) -> Known:
        """What is known of a file as it is now; to be filled by who reads more of it."""
        stat = file.stat()
        known = self._now.get(str(file)) or self._before.get(str(file))
        # Not st_mtime_ns, which programs that write tags may set back.
        if not known or (known.bytes, known.changed_ns) != (stat.st_size, stat.st_ctime_ns):
            known = Known(stat.st_size, stat.st_ctime_ns)
        self._now[str(file)] = known
        return known

    def save_now_and_then(self) -> None:
        """Write what is known so far, if that was not done lately: a killed run loses little."""
        if time.monotonic() - self._saved > SAVE_SECONDS:
            self._write(self._before | self._now)
            self._saved = time.monotonic()

    def _write(self, rows: dict[str, Known]) -> None:
        if not self._path:
            return
        known = ([file, *values_of(one)] for file, one in rows.items())
        text = b"".join(f"{json.dumps(line)}\n".encode() for line in chain([self._header], known))
        if (digest := hashlib.sha256(text).digest()) == self._digest:
            return
        try:
            write_whole(self._path, text)
            self._digest = digest
        except OSError as error:  # no reason to stop: the next listing is slower
            logger.warning("%s: not written (%s)", self._path, error.strerror or error)

    def _read(self, path: Path) -> dict[str, Known]:
        """The rows; none where the table is of another version, or damaged."""
        with suppress(OSError, ValueError, TypeError, RecursionError):
            text = path.read_bytes()
            self._digest = hashlib.sha256(text).digest()
            rows = map(json.loads, BytesIO(text))
            if next(rows, None) == self._header:
                return {file: _checked(Known(*known)) for file, *known in rows}
        return {}


def _checked(known: Known) -> Known:
    """A row whose values are what they should be; TypeError for any other."""
    texts = [known.name, known.identity, *(known.keys or [])]
    if not all(isinstance(text, str | None) for text in texts):
        raise TypeError("a text is none")
    if not isinstance(known.keys, list | None):
        raise TypeError("keys are no list")
    if not isinstance(known.seconds, float):
        raise TypeError("seconds are no number")
    return known
