"""Damage files of every container, and see that songkey answers each or says what is wrong with it.

just fuzz
just fuzz --files 100000 --seed 7 --keep found

Exits 1, and with --keep leaves the file there, where one is neither answered nor named, or its tags
cannot be read.
"""

import argparse
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from encoded import CODECS, RATE, encode
from mutated import mutated

from settings.command import run
from songkey.errors import AudioError, AudioKeyError
from songkey.guard import GuardedDetector
from songs.tags import key_tags

SOUNDFILES = (".aiff", ".au", ".caf", ".flac", ".mp3", ".ogg", ".w64", ".wav")
ENDINGS = tuple(sorted({*CODECS, *SOUNDFILES}))
SECONDS = 1.5  # of sound in each: the shorter, the more of a file is header
QUIET_SECONDS, MEMORY_MB = 20.0, 500
ANSWERED = "answered"
FAULTS = ("decoder failed", "unnamed", "tags")


def main() -> None:
    """Damage so many files; print what became of them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=1_000, metavar="N", help="default: 1000")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="default: 0")
    parser.add_argument("--keep", metavar="FOLDER", help="copy the files that show a fault there")
    arguments = parser.parse_args()
    began = time.perf_counter()
    counted = fuzz(arguments.files, arguments.seed, arguments.keep and Path(arguments.keep))
    for outcome, count in counted.most_common():
        print(f"{count:7}  {outcome}")
    print(f"{sum(counted.values()):7}  files in {time.perf_counter() - began:.0f} s")
    if faults := sum(counted[one] for one in FAULTS):
        raise AudioKeyError(f"{faults} files show a fault of songkey; --keep FOLDER keeps them")


def fuzz(files: int, seed: int, keep: Path | None = None) -> Counter[str]:
    """What became of so many damaged files, counted."""
    counted: Counter[str] = Counter()
    limits = {"seconds": QUIET_SECONDS, "megabytes": MEMORY_MB}
    with tempfile.TemporaryDirectory() as folder, GuardedDetector(**limits) as detector:
        for path in damaged(Path(folder), files, seed):
            outcome = outcome_of(path, detector)
            counted[outcome] += 1
            if keep and outcome in FAULTS:
                keep.mkdir(parents=True, exist_ok=True)
                path.replace(keep / path.name)
    return counted


def damaged(folder: Path, files: int, seed: int) -> Iterator[Path]:
    """One file after the other, of each container in turn; it is gone when the next one comes."""
    chance = random.Random(seed)
    waveform = 0.2 * np.sin(2 * np.pi * 440 * np.arange(round(SECONDS * RATE)) / RATE)
    whole = [encode(folder / f"whole{ending}", waveform).read_bytes() for ending in ENDINGS]
    for number in range(files):
        place = number % len(ENDINGS)
        path = folder / f"seed{seed}-{number}{ENDINGS[place]}"
        path.write_bytes(mutated(whole[place], chance.choice(whole), chance))
        yield path
        path.unlink(missing_ok=True)


def outcome_of(path: Path, detector: GuardedDetector) -> str:
    """ANSWERED, or the countable part of why not; one of FAULTS where that is our own."""
    try:
        key_tags(path)
    except Exception as error:  # whatever it is: that is what is looked for
        print(f"{path.name}: tags: {error!r}")
        return "tags"
    try:
        detector.estimate(path)
    except AudioError as error:
        reason = error.reason.partition(":")[0]
        if error.where != str(path) or reason in FAULTS or "\n" in str(error):
            print(error)
            return reason if reason in FAULTS else "unnamed"
        return reason
    except Exception as error:
        print(f"{path.name}: {error!r}")
        return "unnamed"
    return ANSWERED


if __name__ == "__main__":
    run(main)
