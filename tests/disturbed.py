"""What happens to a work in a trial of `just test-faults`, and what there has to be after it."""

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from forked import HUNG, Forked
from store import Store
from works import Work

from model.checkpoint import CheckpointError, load_checkpoint
from songkey.errors import AudioKeyError

LONGEST_SECONDS = 60.0  # from a disturbance to the end of the work
ENDING_SECONDS = 30.0  # of what is left of a work whose main process is gone
FULL_SECONDS = 2.0  # that a disk stays full for who waits for it
AGAIN = 3  # times that a user goes on, at most
DAYS_SECONDS = 86_400
GROWING = (".db", ".db-journal", ".log", ".toml", ".html", ".onnx", ".lock")  # with times, names


class Skipped(Exception):
    """A disturbance that cannot be made here, and why."""


@dataclass
class Trial:
    """A work in its folder, the time that it takes if nothing disturbs it, and what chance says."""

    folder: Path
    work: Work
    seconds: float
    chance: random.Random
    away_seconds: float  # that the store is gone
    told: list[str] = field(default_factory=list)
    store: Store | None = None  # that the work reads from

    def begin(self, **how) -> list[Forked]:
        if self.store:
            how["shards_dir"] = self.store.address
        return self.work.begin(self.folder, **how)

    def end(self) -> None:
        """Leave nothing behind."""
        if self.store:
            self.store.end()
        unmount(self.folder)
        shutil.rmtree(self.folder)

    def pause(self) -> None:
        """Wait for a random part of the work's time."""
        time.sleep(self.chance.uniform(0, self.seconds))

    def settle(self, programs: list[Forked], must_do: bool = False) -> None:
        """Wait for the end of the programs; raises AudioKeyError where it is no good end."""
        for program in programs:
            if program.wait(LONGEST_SECONDS) == HUNG:
                raise AudioKeyError(f"hung: {program.told[-2_000:]}")
            if program.leaves(ENDING_SECONDS):
                raise AudioKeyError("processes are left")
            lines = program.told.strip().splitlines()
            if program.code and program.code > 0:
                told = [line for line in lines if line.startswith("error: ")]
                if not told:  # threads of libraries may show tracebacks beside it
                    raise AudioKeyError(f"told as a fault of ours: {program.told[-3_000:]}")
                self.told += told
            if must_do and program.code:
                raise AudioKeyError(f"exit code {program.code}: {program.told[-2_000:]}")
        for program in programs:
            program.log.unlink(missing_ok=True)


def kill_main(trial: Trial) -> None:
    (program,) = trial.begin()
    trial.pause()
    with suppress(ProcessLookupError):
        os.kill(program.pid, signal.SIGKILL)
    trial.settle([program])


def kill_saving(trial: Trial) -> None:
    """While a checkpoint is being written."""
    (program,) = trial.begin()
    number = trial.chance.randrange(1, 6)
    seen: set[str] = set()
    while program.is_running and len(seen) < number:
        with suppress(FileNotFoundError):  # it was saved in this moment
            seen |= {f"{p}{p.stat().st_ino}" for p in _unfinished(trial.folder)}
    with suppress(ProcessLookupError):
        os.kill(program.pid, signal.SIGKILL)
    trial.settle([program])


def _unfinished(folder: Path) -> list[Path]:
    return [path for path in folder.glob("runs/*/checkpoints/.*.tmp") if path.exists()]


def _a_worker(trial: Trial, program: Forked):
    """A process that the work has started, at a random moment; None once it has ended."""
    trial.pause()
    while program.is_running:
        children = program.children()
        workers = [one for one in children if "resource_tracker" not in " ".join(_words(one))]
        if workers:
            return trial.chance.choice(workers)
        time.sleep(0.002)
    return None


def _words(process) -> list[str]:
    with suppress(Exception):
        return process.cmdline()
    return []


def kill_worker(trial: Trial) -> None:
    (program,) = trial.begin(**_several(trial))
    if worker := _a_worker(trial, program):
        with suppress(ProcessLookupError):
            os.kill(worker.pid, signal.SIGKILL)
    trial.settle([program])


def stop_worker(trial: Trial) -> None:
    """For a second."""
    (program,) = trial.begin(**_several(trial))
    if worker := _a_worker(trial, program):
        with suppress(ProcessLookupError):
            os.kill(worker.pid, signal.SIGSTOP)
            time.sleep(1)
            os.kill(worker.pid, signal.SIGCONT)
    trial.settle([program], must_do=True)


def _several(trial: Trial) -> dict[str, int]:
    """Packing alone has no workers unless it is told to."""
    return {"workers": 2} if trial.work.name in ("packing", "appending") else {}


def kill_rank(trial: Trial) -> None:
    """One of two; the other is ended as torchrun ends it."""
    ranks = trial.begin()
    trial.pause()
    killed = trial.chance.choice(ranks)
    with suppress(ProcessLookupError):
        os.kill(killed.pid, signal.SIGKILL)
    for rank in ranks:
        with suppress(ProcessLookupError):
            os.kill(rank.pid, signal.SIGTERM)
    for rank in ranks:
        if rank.wait(10) == HUNG:  # as torchrun does after 30 s: it waits for the lost one
            trial.told.append("torchrun ended the other process")
        rank.leaves(ENDING_SECONDS)
        rank.log.unlink(missing_ok=True)


def two_at_once(trial: Trial) -> None:
    first = trial.begin()
    time.sleep(trial.chance.uniform(0, trial.seconds / 2))
    trial.settle([*first, *trial.begin()])


def jump(trial: Trial) -> None:
    """The clock of the program and of what it forks, at a random moment, by days or years."""
    days = trial.chance.choice((-400, -1, 1, 400))
    moment = time.monotonic() + trial.chance.uniform(0, trial.seconds)
    now = time.time

    def jumping() -> None:
        time.time = lambda: now() + DAYS_SECONDS * days * (time.monotonic() > moment)
        time.time_ns = lambda: int(1e9 * time.time())

    (program,) = trial.begin(before=jumping)
    trial.settle([program], must_do=True)


def full_disk(trial: Trial) -> None:
    """A small disk at what the work writes to, which is made larger before it goes on."""
    places = _small_disks(trial)
    trial.settle(trial.begin())
    for place in places:
        _mount(place, "remount,size=64m")


def full_cache(trial: Trial) -> None:
    """A small disk at the cache, which is made larger while the work waits for that."""
    places = _small_disks(trial)
    programs = trial.begin()
    time.sleep(trial.seconds + FULL_SECONDS)
    for place in places:
        _mount(place, "remount,size=64m")
    trial.settle(programs, must_do=True)


def _small_disks(trial: Trial) -> list[Path]:
    """A disk in place of each folder that the work writes to, with little room beside its files."""
    places = [trial.folder / name for name in trial.work.makes]
    kept = trial.folder / "kept"
    for place in places:
        place.mkdir(exist_ok=True)
        place.rename(kept)
        place.mkdir()
        used = sum(path.stat().st_size + 4096 for path in kept.rglob("*"))
        _mount(place, f"size={used // 1024 + trial.chance.randrange(8, 400)}k")
        shutil.copytree(kept, place, dirs_exist_ok=True)
        shutil.rmtree(kept)
    return places


def _mount(place: Path, options: str) -> None:
    command = ["mount", "-o", options, "-t", "tmpfs", "tmpfs", str(place)]
    if not shutil.which("mount") or subprocess.run(command, capture_output=True).returncode:
        raise Skipped("needs the right to mount a disk")


def unmount(folder: Path) -> None:
    """What a trial has mounted there."""
    for place in folder.iterdir() if folder.is_dir() else ():
        if os.path.ismount(place):
            subprocess.run(["umount", "--lazy", place], check=True)


def at_store(disturb: Callable[[Trial], None], mood: str = "well") -> Callable[[Trial], None]:
    """The same, of a work that reads its shards from a store, which is in that mood."""

    def disturb_there(trial: Trial) -> None:
        trial.store = Store(trial.folder / "shards", mood, trial.chance.random())
        trial.store.start()
        disturb(trial)

    return disturb_there


def leave_alone(trial: Trial) -> None:
    trial.settle(trial.begin(), must_do=True)


def store_gone(trial: Trial) -> None:
    """From a random moment on; it comes back at the same address."""
    (program,) = trial.begin()
    trial.pause()
    trial.store.end()
    time.sleep(trial.away_seconds)
    trial.store.start()
    trial.settle([program])


def outcome(trial: Trial, disturb: Callable[[Trial], None], known: set[bytes], truth) -> None:
    """Disturb the work, go on as a user would; raises AudioKeyError where not all is as without."""
    disturb(trial)
    refuse_halves(trial.folder, trial.work, known)
    for _ in range(AGAIN):
        programs = trial.begin()
        trial.settle(programs)
        if not any(program.code for program in programs):
            break
    else:
        raise AudioKeyError(f"does not go on: {trial.told[-1]}")
    if trial.work.found(trial.folder) != truth:
        raise AudioKeyError("another outcome than without the disturbance")


def refuse_halves(folder: Path, work: Work, known: set[bytes]) -> None:
    """Raise AudioKeyError for a file under its name that is not as it is without a disturbance."""
    for path in (path for name in work.makes for path in (folder / name).rglob("[!.]*")):
        if path.parent.name == "checkpoints" and path.suffix == ".safetensors":
            try:
                load_checkpoint(path)
            except CheckpointError as error:
                raise AudioKeyError(f"half taken: {error}") from error
        elif path.is_file() and not _is_growing(path) and path.read_bytes() not in known:
            raise AudioKeyError(f"half taken: {path.relative_to(folder)}")


def _is_growing(path: Path) -> bool:
    return path.suffix in GROWING or "tfevents" in path.name
