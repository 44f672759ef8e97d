"""What the shipped network has to reach, and what a network did reach of it."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from evaluation.answers import SongAnswer, reliability_of, score_of
from evaluation.conditions import CENTS, SEMITONES, Condition
from evaluation.strata import Sets
from model.metrics import mirex_score
from songkey.keys import Key

LEAST: dict[str, tuple[float, float | None]] = {  # weighted score, and accuracy if it has a target
    "pop": (99.0, 98.3),
    "piano": (93.0, 88.0),
    "real.npz": (84.0, 79.0),
    "real.npz, edm": (77.0, None),
    "real.npz, genres": (88.0, None),
    "real.npz, folk": (90.0, None),
    "real.npz, jazz": (92.0, None),
}
LEAST_TRANSPOSED = 98.0  # percent of the answers that turn with the song
MOST_LOST = {"cents": 1.0, "bits a second": 1.0, "first seconds": 4.0}  # points
MOST_BETWEEN_MODES = 4.0  # points of recall
MOST_CALIBRATION_ERROR = 5.0  # percent
MOST_UNCLEAR = 3.0  # percent of songs


class Target(NamedTuple):
    """A number that has to be at least, or at most, a bound."""

    name: str
    reached: float
    bound: float
    at_most: bool = False

    @property
    def is_met(self) -> bool:
        """Whether it is; nan is not."""
        return self.reached <= self.bound if self.at_most else self.reached >= self.bound


def score_targets(sets: Sets) -> list[Target]:
    """The scores of the sets that have one."""
    found = []
    for name, (weighted, accuracy) in LEAST.items():
        if name in sets:
            score = score_of(sets[name])
            found.append(Target(f"{name}: weighted", score.weighted, weighted))
            if accuracy is not None:
                found.append(Target(f"{name}: accuracy", score.accuracy, accuracy))
    return found


def honesty_targets(sets: Sets) -> list[Target]:
    """Both modes recalled alike, confidences to be believed, and songs taken for songs."""
    found = []
    for name in ("pop", "real.npz"):
        if name in sets:
            error = 100 * reliability_of(sets[name]).error
            calibration = f"{name}: expected calibration error, %"
            found.append(Target(calibration, error, MOST_CALIBRATION_ERROR, at_most=True))
    if "pop" in sets:
        major, minor = (
            score_of([song for song in sets["pop"] if song.key.mode == mode]).accuracy
            for mode in ("major", "minor")
        )
        recall = f"pop: recall of major {major:.1f}, of minor {minor:.1f}: apart"
        found.append(Target(recall, abs(major - minor), MOST_BETWEEN_MODES, at_most=True))
        unclear = 100 * float(np.mean([not song.estimate.is_clear for song in sets["pop"]]))
        found.append(Target("pop: without a clear key, %", unclear, MOST_UNCLEAR, at_most=True))
    return found


def condition_targets(
    name: str, songs: Sequence[SongAnswer], keys: Mapping[Condition, Sequence[Key]]
) -> list[Target]:
    """Whether the answers for a set's songs turn with them, and what poor sound costs."""
    turned = [
        key == song.estimate.key.transpose(semitones)
        for semitones in SEMITONES
        for key, song in zip(keys["semitones", semitones], songs, strict=True)
    ]
    found = [
        Target(f"{name}: transposed answers, %", 100 * float(np.mean(turned)), LEAST_TRANSPOSED)
    ]
    truth, plain = [song.key.id for song in songs], score_of(songs).weighted
    lost: dict[str, float] = {}
    for (what, _), answers in keys.items():
        points = plain - mirex_score([key.id for key in answers], truth).weighted
        lost[what] = max(points, lost.get(what, points))
    found += [
        Target(f"{name}: points lost by {described}", lost[what], MOST_LOST[what], at_most=True)
        for what, described in {
            "cents": f"{min(CENTS)} to {max(CENTS)} cents",
            "bits a second": "mp3 of 64 kbit/s",
            "first seconds": "hearing 30 s alone",
        }.items()
    ]
    return found


def target_table(targets: Sequence[Target]) -> str:
    """A line each: what, how much of it, and the bound with whether it is kept."""
    width = max(len(target.name) for target in targets)
    return "\n".join(f"{target.name:<{width}}  {_judged(target)}" for target in targets)


def _judged(target: Target) -> str:
    bound = f"at {'most' if target.at_most else 'least'} {target.bound:g}"
    return f"{target.reached:5.1f}  {bound}{'' if target.is_met else ': missed'}"
