"""How much of a song's answer its opening should be, tried on whole made songs.

python -m study.opening
python -m study.opening mine.onnx --songs 2000

Give what suits to `python -m evaluation.export --temperature --opening-share`, after a look at real
songs: made ones begin at home more surely than those do.
"""

import settings.extras  # noqa: F401  # isort: skip

import argparse
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context

import numpy as np
from tqdm import tqdm

from evaluation.answers import score_of
from evaluation.heard import Heard, answered
from settings.command import run
from shards.executor import worker_count
from songkey.detector import Detector
from songkey.estimate import AnswerRule
from songs import synthetic

TEMPERATURES = (1.0, 2.0, 3.0)
SHARES = (0.0, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6)
LENGTHS = {"up to 3": (1, 3), "4 to 6": (4, 6), "7 and more": (7, 10_000)}  # intervals


def main() -> None:
    """Parse the command line, compose and hear the songs, print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", nargs="?", help="an exported network; default: songkey's own")
    parser.add_argument("--songs", type=int, default=600, metavar="N")
    parser.add_argument("--seed", type=int, default=2, help="of the songs; training has 1")
    arguments = parser.parse_args()
    tasks = [(arguments.model, arguments.seed, number) for number in range(arguments.songs)]
    with ProcessPoolExecutor(worker_count("auto"), get_context("spawn")) as pool:
        heard = list(
            tqdm(pool.map(_heard, tasks, chunksize=4), total=len(tasks), unit="songs", disable=None)
        )
    print(table(heard))


def table(songs: Sequence[Heard]) -> str:
    """Weighted scores for each temperature and share, of all songs and by their intervals."""
    groups = {"all": songs} | {
        name: [song for song in songs if first <= len(song.logits) <= last]
        for name, (first, last) in LENGTHS.items()
    }
    heads = [f"{name} ({len(group)})" for name, group in groups.items()]
    lines = ["temperature  opening share  " + "  ".join(heads)]
    for temperature in TEMPERATURES:
        for share in SHARES:
            rule = AnswerRule(temperature, share)
            scores = [score_of(answered(group, rule)).weighted for group in groups.values()]
            columns = [f"{s:{len(head)}.1f}" for s, head in zip(scores, heads, strict=True)]
            lines.append("  ".join([f"{temperature:<11}  {share:<13}", *columns]))
    return "\n".join(lines)


def _heard(task: tuple[str | None, int, int]) -> Heard:
    model, seed, number = task
    detector = _detector(model)
    rate = detector.info.sample_rate
    waveform = synthetic.whole_song(seed, number, rate)
    waveform = np.clip(waveform, -1, 1)
    song = f"whole-{seed}-{number:06d}"
    return Heard("whole", song, synthetic.key_of(seed, number), detector.logits(waveform, rate))


@cache
def _detector(model: str | None) -> Detector:
    return Detector(model)


if __name__ == "__main__":
    run(main)
