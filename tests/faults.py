"""Kill, stop, fill and starve every work of ours at random moments; see what is lost.

just test-faults
just test-faults 100 --only training --seed 7

After each trial the work goes on as a user would, and its outcome has to be that of a run that
nothing disturbed: shards, weights and answers byte for byte, every interval and trial once. Files
half taken, hangs, processes left and ends without one line count as faults. Exits 1 where there are
any.
Packing is of small WAV files, its clock and all others' that of the program and what it forks.
"""

import argparse
import gc
import os
import random
import shutil
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from disturbed import (
    Skipped,
    Trial,
    at_store,
    full_cache,
    full_disk,
    jump,
    kill_main,
    kill_rank,
    kill_saving,
    kill_worker,
    leave_alone,
    outcome,
    stop_worker,
    store_gone,
    two_at_once,
)
from works import (
    APPENDING,
    EVALUATING,
    PACKING,
    STREAMING,
    SWEEPING,
    TRAINING,
    TRAINING_BY_TWO,
    Work,
    stages,
)

from settings.command import run
from songkey.counted import counted
from songkey.errors import AudioKeyError

AWAY_SECONDS = 30.0  # that the store is gone
LANES = 3  # one of which mostly waits for the store
MOST_FAULTS = 100  # that a lane tells
KINDS: dict[str, tuple[Work, Callable[[Trial], None]]] = {
    "streaming, store gone": (STREAMING, at_store(store_gone)),
    "streaming, store slow": (STREAMING, at_store(leave_alone, "slow")),
    "streaming, store answers 500": (STREAMING, at_store(leave_alone, "failing")),
    "streaming, store cuts bodies": (STREAMING, at_store(leave_alone, "truncating")),
    "packing, main killed": (PACKING, kill_main),
    "packing, worker killed": (PACKING, kill_worker),
    "packing, worker stopped": (PACKING, stop_worker),
    "packing, disk full": (PACKING, full_disk),
    "packing, clock jumps": (PACKING, jump),
    "packing, two at once": (PACKING, two_at_once),
    "appending, main killed": (APPENDING, kill_main),
    "appending, worker killed": (APPENDING, kill_worker),
    "appending, disk full": (APPENDING, full_disk),
    "appending, two at once": (APPENDING, two_at_once),
    "streaming, main killed": (STREAMING, at_store(kill_main)),
    "streaming, worker killed": (STREAMING, at_store(kill_worker)),
    "streaming, worker stopped": (STREAMING, stop_worker),
    "streaming, cache full": (STREAMING, at_store(full_cache)),
    "streaming, clock jumps": (STREAMING, jump),
    "training, main killed": (TRAINING, kill_main),
    "training, worker killed": (TRAINING, kill_worker),
    "training, worker stopped": (TRAINING, stop_worker),
    "training, rank killed": (TRAINING_BY_TWO, kill_rank),
    "training, disk full": (TRAINING, full_disk),
    "training, clock jumps": (TRAINING, jump),
    "checkpointing, main killed": (TRAINING, kill_saving),
    "evaluating, main killed": (EVALUATING, kill_main),
    "evaluating, worker killed": (EVALUATING, kill_worker),
    "evaluating, disk full": (EVALUATING, full_disk),
    "sweeping, main killed": (SWEEPING, kill_main),
    "sweeping, worker killed": (SWEEPING, kill_worker),
    "sweeping, disk full": (SWEEPING, full_disk),
    "sweeping, two at once": (SWEEPING, two_at_once),
}


def main() -> None:
    """Try all kinds; print how each went."""
    arguments = _parser().parse_args()
    if arguments.trials < 1:
        raise AudioKeyError(f"{arguments.trials} trials of each kind show nothing; give 1 or more")
    began = time.perf_counter()
    kinds = [name for name in KINDS if arguments.only in name]
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        lab = Lab(Path(folder), arguments.away_seconds, arguments.seed)
        gc.freeze()  # what is loaded is not looked at in each fork
        faults = in_lanes(lab, kinds, arguments.trials)
    seconds = time.perf_counter() - began
    each = counted(arguments.trials, "trial of each")
    print(f"{counted(len(kinds), 'kind')}, {each}: {seconds:.0f} s")
    if faults or not kinds:
        trials = counted(faults, "trial with a fault, see above")
        raise AudioKeyError(trials if kinds else "no such kind")


def in_lanes(lab: "Lab", kinds: Sequence[str], trials: int) -> int:
    """How many trials show a fault; each lane, a process, takes a kind after the other."""
    source, waiting = os.pipe()
    os.write(waiting, bytes(range(len(kinds))))
    os.close(waiting)
    lanes = []
    for lane in range(min(LANES, len(kinds))):
        if pid := os.fork():
            lanes.append(pid)
            continue
        code = MOST_FAULTS
        try:
            lab.folder, faults = lab.folder / str(lane), 0
            while taken := os.read(source, 1):
                faults += lab.tried(kinds[taken[0]], trials)
            code = min(faults, MOST_FAULTS)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(source)
    return sum(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in lanes)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("trials", nargs="?", type=int, default=20, help="of each kind, default: 20")
    parser.add_argument("--only", default="", metavar="WORDS", help="kinds whose name has these")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="default: 0")
    parser.add_argument(
        "--away-seconds", type=float, default=AWAY_SECONDS, help="that the store is gone"
    )
    return parser


class Lab:
    """The folders in which works begin, and what they give undisturbed."""

    def __init__(self, folder: Path, away_seconds: float, seed: int):
        self.folder, self.away_seconds, self.seed = folder, away_seconds, seed
        self.stages = stages(folder)
        self.known: dict[str, tuple[float, set[bytes], object]] = {}  # by work

    def tried(self, kind: str, trials: int) -> int:
        """How many trials of a kind show a fault; prints a line of it."""
        work, disturb = KINDS[kind]
        seconds, known, truth = self.undisturbed(work)
        faults, told, began = 0, Counter[str](), time.perf_counter()
        for number in range(trials):
            chance = random.Random(f"{kind} {number} {self.seed}")
            trial = Trial(self.folder / "trial", work, seconds, chance, self.away_seconds)
            shutil.copytree(self.stages[work.stage], trial.folder)
            try:
                outcome(trial, disturb, known, truth)
            except AudioKeyError as error:
                faults += 1
                print(f"{kind}, trial {number} of seed {self.seed}: {error}", flush=True)
            except Skipped as why:
                print(f"{kind:32} skipped: {why}", flush=True)
                return 0
            finally:
                trial.end()
            told.update(trial.told)
        took = time.perf_counter() - began
        print(f"{kind:32} {trials - faults:4} of {trials} well, {took:5.0f} s", flush=True)
        for line, count in told.most_common(3):
            print(f"{'':32} {count} times told: {line}", flush=True)
        return faults

    def undisturbed(self, work: Work) -> tuple[float, set[bytes], object]:
        """Seconds that a work takes, the files before and after it, and its outcome."""
        if work.name not in self.known:
            place = self.folder / "undisturbed" / work.name
            shutil.copytree(self.stages[work.stage], place)
            known = _bytes_in(place)
            began = time.perf_counter()
            for program in work.begin(place):
                if program.wait(120):
                    raise AudioKeyError(f"{work.name} fails undisturbed: {program.told}")
            seconds = time.perf_counter() - began
            self.known[work.name] = seconds, known | _bytes_in(place), work.found(place)
        return self.known[work.name]


def _bytes_in(folder: Path) -> set[bytes]:
    return {path.read_bytes() for path in folder.rglob("*") if path.is_file()}


if __name__ == "__main__":
    run(main)
