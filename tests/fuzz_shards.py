"""Damage every byte of small shards in turn, and much of them at once; see what is read of them.

just fuzz-shards
just fuzz-shards --every 1 --rounds 100000 --seed 7

Each sample has to be the one that was packed, or counted as lost, or refused by a named error; and
`python -m shards check` has to name what is damaged. Exits 1, and prints the case, where not.
"""

import argparse
import logging
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from mutated import mutated
from small_split import FAULTS, SmallSplit, limits

from settings.command import run
from songkey.errors import AudioKeyError

KINDS: dict[str, tuple] = {
    "FLAC": ("audio",), "PNG": ("png",), "WAV without an index": ("audio", "wav", False),
}  # fmt: skip


def main() -> None:
    """Damage the shards; print what became of them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--every", type=int, default=7, metavar="K", help="each K-th byte or bit, default: 7"
    )
    parser.add_argument("--rounds", type=int, default=2_000, metavar="N", help="default: 2000")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="default: 0")
    arguments = parser.parse_args()
    began = time.perf_counter()
    counted: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for kind, shape in KINDS.items():
            split = SmallSplit(Path(folder) / kind, *shape)
            counted += fuzz(split, arguments.every, arguments.rounds, arguments.seed)
    for outcome, count in counted.most_common():
        print(f"{count:7}  {outcome}")
    print(f"{sum(counted.values()):7}  damages in {time.perf_counter() - began:.0f} s")
    if faults := sum(counted[one] for one in FAULTS):
        raise AudioKeyError(f"{faults} damages show a fault of the pipeline, see above")


def fuzz(split: SmallSplit, every: int, rounds: int, seed: int) -> Counter[str]:
    """What became of the split with each k-th byte or bit changed, and damaged at random."""
    counted: Counter[str] = Counter()
    logging.disable(logging.WARNING)  # of each bad sample
    try:
        for case, path, data in damages(split.folder, every, rounds, seed):
            whole = path.read_bytes()
            path.write_bytes(data)
            with limits():
                outcome, reason = split.outcome()
            path.write_bytes(whole)
            counted[outcome] += 1
            if outcome in FAULTS:
                print(f"{split.format} {path.name}, {case}: {outcome}: {reason}")
    finally:
        logging.disable(logging.NOTSET)
    return counted


def damages(folder: Path, every: int, rounds: int, seed: int) -> Iterator[tuple[str, Path, bytes]]:
    """What is done, to which file, and its bytes thereafter."""
    chance = random.Random(seed)
    files = {path: path.read_bytes() for path in sorted(folder.iterdir())}
    for path, whole in files.items():
        # Of the small files each bit, of the tars, which are mostly sound or picture, each byte.
        places = len(whole) * (1 if path.suffix == ".tar" else 8)
        for place in range(chance.randrange(every), places, every):
            byte, change = place, chance.randrange(1, 256)
            if path.suffix != ".tar":
                byte, change = place // 8, 1 << place % 8
            damaged = bytearray(whole)
            damaged[byte] ^= change
            yield f"byte {byte} ^ {change}", path, bytes(damaged)
    for number in range(rounds):
        path, other = chance.choice(list(files)), chance.choice(list(files.values()))
        yield f"round {number} of seed {seed}", path, mutated(files[path], other, chance)


if __name__ == "__main__":
    run(main)
