"""Pictures of how answers are wrong: matplotlib figures, drawn without pyplot's global state."""

import io
from collections.abc import Sequence
from typing import cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.projections.polar import PolarAxes

from evaluation.answers import SongAnswer
from evaluation.calibration import Reliability
from songkey.counted import counted
from songkey.keys import KEYS

# Along the circle of fifths from C major, then from its relative, A minor.
FIFTHS_ORDER = tuple(sorted(KEYS, key=lambda key: (key.mode, key.fifths_above_c)))
DISTANCES = ("0", "+1", "+2", "+3", "+4", "+5", "±6", "-5", "-4", "-3", "-2", "-1")  # in fifths
BLUE, ORANGE = "#3b6ea5", "#d98232"
DOTS_PER_INCH = 100


def confusion_counts(songs: Sequence[SongAnswer]) -> np.ndarray:
    """(24 true keys, 24 answers), how many songs; both in the order of `FIFTHS_ORDER`."""
    place = {key: index for index, key in enumerate(FIFTHS_ORDER)}
    counts = np.zeros((len(KEYS), len(KEYS)), int)
    for song in songs:
        counts[place[song.key], place[song.estimate.key]] += 1
    return counts


def fifths_counts(songs: Sequence[SongAnswer]) -> np.ndarray:
    """(2, 12): answers in the true mode and in the other, by how many fifths up they lie.

    Distances are those of the key signatures: [0, 0] is right, [1, 0] the relative key.
    """
    counts = np.zeros((2, 12), int)
    for song in songs:
        answer = song.estimate.key
        fifths = (answer.fifths_above_c - song.key.fifths_above_c) % 12
        counts[int(answer.mode != song.key.mode), fifths] += 1
    return counts


def confusion_figure(songs: Sequence[SongAnswer]) -> Figure:
    """The confusion matrix, 24 x 24: true keys downwards, answers to the right."""
    counts = confusion_counts(songs)
    figure = Figure(figsize=(8.5, 8), layout="constrained")
    axes = figure.add_subplot()
    # Square roots: beside the diagonal a single error must be seen.
    norm = PowerNorm(0.5, vmin=0, vmax=max(1, counts.max()))
    axes.imshow(counts, cmap="Blues", norm=norm)
    for row, column in np.argwhere(counts):
        color = "white" if norm(counts[row, column]) > 0.6 else "black"
        axes.text(
            column, row, str(counts[row, column]), color=color, ha="center", va="center", fontsize=7
        )
    names = [str(key) for key in FIFTHS_ORDER]
    axes.set_xticks(range(24), names, rotation=90, fontsize=8)
    axes.set_yticks(range(24), names, fontsize=8)
    axes.axhline(11.5, color="grey", linewidth=0.8)
    axes.axvline(11.5, color="grey", linewidth=0.8)
    title = f"True keys and answers: {counted(counts.sum(), 'song')}"
    axes.set(xlabel="answer", ylabel="true key", title=title)
    return figure


def fifths_figure(songs: Sequence[SongAnswer]) -> Figure:
    """Errors on the circle of fifths: how many fifths from the true key, and in which mode."""
    counts = fifths_counts(songs)
    total, right = int(counts.sum()), int(counts[0, 0])
    errors = counts.copy()
    errors[0, 0] = 0
    figure = Figure(figsize=(6.5, 6.5), layout="constrained")
    axes = cast(PolarAxes, figure.add_subplot(projection="polar"))
    axes.set_theta_zero_location("N")
    axes.set_theta_direction(-1)
    angles = 2 * np.pi * np.arange(12) / 12  # (12,)
    longest = max(1, errors.max())
    _ring(axes, angles - 0.1, errors[0], longest, BLUE, "true mode")
    _ring(axes, angles + 0.1, errors[1], longest, ORANGE, "other mode")
    axes.set_xticks(angles, DISTANCES, fontsize=9)
    axes.set_yticks([])
    axes.set_rlim(-0.25 * longest, 1.12 * longest)
    axes.legend(loc="lower right", bbox_to_anchor=(1.12, -0.1))
    axes.set_title(
        f"Errors by their distance in fifths: {total - right} of {total} songs\n"
        "(0 in the other mode: relative key)",
        fontsize=11,
    )
    return figure


def reliability_figure(bins: Reliability, what: str) -> Figure:
    """The reliability diagram: how often answers of a confidence are right, and how many.

    `what` the answers are of: songs or intervals.
    """
    figure = Figure(figsize=(6, 6), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    centres = (bins.edges[:-1] + bins.edges[1:]) / 2
    width = 0.95 * (bins.edges[1] - bins.edges[0])
    upper.bar(centres, np.nan_to_num(bins.accuracy), width, color=BLUE, label="right answers")
    upper.plot([0, 1], [0, 1], color="grey", linestyle="--", label="perfectly calibrated")
    upper.plot(bins.confidence, bins.accuracy, "o", color=ORANGE, label="mean confidence")
    upper.legend(loc="upper left")
    title = f"Confidence of {what}: expected calibration error {100 * bins.error:.1f}%"
    upper.set(ylim=(0, 1), ylabel="share of right answers", title=title)
    lower.bar(centres, bins.counts, width, color="grey")
    lower.set(xlim=(0, 1), xlabel="confidence", ylabel=what)
    return figure


def png_bytes(figure: Figure) -> bytes:
    """The figure as a PNG file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DOTS_PER_INCH)
    return buffer.getvalue()


def _ring(
    axes: Axes, angles: np.ndarray, errors: np.ndarray, longest: int, color: str, label: str
) -> None:
    """Bars of one mode around the circle, with their counts at their ends."""
    axes.bar(angles, errors, width=0.19, color=color, label=label)
    for angle, count in zip(angles, errors, strict=True):
        if count:
            end = count + 0.05 * longest
            axes.text(angle, end, str(count), ha="center", va="center", fontsize=8)
