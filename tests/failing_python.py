"""As sitecustomize.py: Python on a system that fails at files named "fails ERROR N.ext" N times.

ERROR is EIO, EMFILE and so on: opening the file fails; READ: a read by libsndfile fails; MEMORY:
decoding lacks memory; KILLED: the process is killed. The times are counted for all processes
together, by files in the folder that FAILING_COUNTS names.
"""

import builtins
import errno
import os
import signal
import time
from pathlib import Path

import soundfile

COUNTS = os.environ.get("FAILING_COUNTS", "")
open_file, sound_read, sleep = builtins.open, soundfile.SoundFile.read, time.sleep


def failure_of(name: object) -> str:
    """What fails at a file now, "" if nothing does; counted."""
    words = Path(str(name)).stem.split()
    if not COUNTS or len(words) != 3 or words[0] != "fails":
        return ""
    for number in range(int(words[2])):
        try:
            os.close(os.open(f"{COUNTS}/{words[1]} {number}", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            continue
        return words[1]
    return ""


def open_or_fail(file, *arguments, **options):
    failure = failure_of(file) if isinstance(file, str | Path) else ""
    if number := getattr(errno, failure, 0):
        raise OSError(number, os.strerror(number), str(file))
    opened = open_file(file, *arguments, **options)
    if failure:
        coming[opened.fileno()] = failure
    return opened


def read_or_fail(file, *arguments, **options):
    failure = coming.pop(file.name, "") if isinstance(file.name, int) else ""
    if failure == "READ":
        raise soundfile.LibsndfileError(2)
    if failure == "MEMORY":
        raise MemoryError
    if failure == "KILLED":
        os.kill(os.getpid(), signal.SIGKILL)
    return sound_read(file, *arguments, **options)


coming: dict[int, str] = {}  # failures by the descriptor at which they are to happen
builtins.open, soundfile.SoundFile.read = open_or_fail, read_or_fail
time.sleep = lambda seconds: sleep(seconds / 50)  # between two tries
