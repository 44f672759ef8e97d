"""Our answers beside those of other systems, each compared with ours song by song: one table."""

from collections.abc import Mapping

from evaluation.paired import PairedComparison
from model.metrics import MirexScore, aligned, bootstrap_interval

HEADER = [
    "system", "songs", "weighted", "95% interval", "accuracy", "ours better by", "95% interval",
    "p", "right alone", "ours alone", "p (McNemar)",
]  # fmt: skip


def comparison_table(ours: str, compared: Mapping[str, PairedComparison]) -> str:
    """A line a system, on the songs that it and we answer; ours, on the most songs, comes first."""
    fullest = max(compared.values(), key=lambda paired: paired.scores[0].total)
    rows = [HEADER, [ours, *_scored(fullest.scores[0]), *[""] * 6]]
    for name, paired in compared.items():
        difference, (ours_alone, alone) = paired.difference, paired.only_right
        rows.append(
            [
                name, *_scored(paired.scores[1]), f"{difference.points:+.1f}",
                f"{difference.low:+.1f} to {difference.high:+.1f}", f"{difference.p_value:.2g}",
                str(alone), str(ours_alone), f"{paired.mcnemar_p_value:.2g}",
            ]
        )  # fmt: skip
    return aligned(rows)


def _scored(score: MirexScore) -> list[str]:
    low, high = bootstrap_interval(score)
    interval = f"{low:.1f} to {high:.1f}"
    return [str(score.total), f"{score.weighted:.1f}", interval, f"{score.accuracy:.1f}"]
