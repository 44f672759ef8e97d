"""Small tasks that say what was done to them, for the tests of where tasks run.

In a file of their own, so that a worker process loads little else.
"""

import os
import signal
import time
from dataclasses import dataclass

from shards.processes import ShardTask
from songkey.errors import AudioKeyError
from storage.places import RemotePath
from storage.staging import staged


@dataclass(frozen=True)
class Errand(ShardTask):
    """A task that leaves a file for each time it is begun, named by it and by how it is begun."""

    deadly: int = 0  # times that it kills its process

    def begun(self) -> int:
        return len(list(self.folder.glob(f"{self.name} *")))


def run_errand(errand: Errand) -> str:
    begun = errand.begun()
    (errand.folder / f"{errand.name} {begun}").touch()
    if begun < errand.deadly:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.05)
    return errand.name


def refuse(errand: Errand) -> str:
    (errand.folder / f"{errand.name} {errand.begun()}").touch()
    raise AudioKeyError(f"{errand.name}: wrong label; mend it")


def find_the_disk_full(errand: Errand) -> str:
    (errand.folder / f"{errand.name} {errand.begun()}").touch()
    raise OSError(28, "No space left on device")


def die_while_staging(_: Errand) -> None:
    with staged(RemotePath("memory://shards")) as folder:
        (folder / "000000.tar").touch()
        os.kill(os.getpid(), signal.SIGKILL)
