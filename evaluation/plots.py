"""Pictures of how answers are wrong: matplotlib figures, drawn without pyplot's global state."""

import io
from collections.abc import Sequence
from typing import cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.projections.polar import PolarAxes

from evaluation.answers import SongAnswer
from evaluation.calibration import Reliability
from songkey.keys import KEYS

# Along the circle of fifths from C major, then from its relative, A minor.
FIFTHS_ORDER = tuple(sorted(KEYS, key=lambda key: (key.mode, key.fifths_above_c)))
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
    figure = _figure(8.5, 8)
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
    axes.set_xlabel("answer")
    axes.set_ylabel("true key")
    axes.set_title(f"True keys and answers: {counts.sum()} songs")
    return figure


def fifths_figure(songs: Sequence[SongAnswer]) -> Figure:
    """Errors on the circle of fifths: how many fifths from the true key, and in which mode."""
    counts = fifths_counts(songs)
    total, right = int(counts.sum()), int(counts[0, 0])
    errors = counts.copy()
    errors[0, 0] = 0
    figure = _figure(6.5, 6.5)
    axes = cast(PolarAxes, figure.add_subplot(projection="polar"))
    axes.set_theta_zero_location("N")
    axes.set_theta_direction(-1)
    angles = 2 * np.pi * np.arange(12) / 12  # (12,)
    longest = max(1, errors.max())
    _ring(axes, angles - 0.1, errors[0], longest, BLUE, "true mode")
    _ring(axes, angles + 0.1, errors[1], longest, ORANGE, "other mode")
    axes.set_xticks(angles, [_fifths_name(fifths) for fifths in range(12)], fontsize=9)
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
    figure = _figure(6, 6)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    centres = (bins.edges[:-1] + bins.edges[1:]) / 2
    width = 0.95 * (bins.edges[1] - bins.edges[0])
    upper.bar(centres, np.nan_to_num(bins.accuracy), width, color=BLUE, label="right answers")
    upper.plot([0, 1], [0, 1], color="grey", linestyle="--", label="perfectly calibrated")
    upper.plot(bins.confidence, bins.accuracy, "o", color=ORANGE, label="mean confidence")
    upper.set_ylim(0, 1)
    upper.set_ylabel("share of right answers")
    upper.legend(loc="upper left")
    upper.set_title(f"Confidence of {what}: expected calibration error {100 * bins.error:.1f}%")
    _count_bars(lower, centres, bins.counts, width, what)
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


def _count_bars(
    axes: Axes, centres: np.ndarray, counts: np.ndarray, width: float, what: str
) -> None:
    axes.bar(centres, counts, width, color="grey")
    axes.set_xlim(0, 1)
    axes.set_xlabel("confidence")
    axes.set_ylabel(what)


def _fifths_name(fifths: int) -> str:
    """How far that is the shorter way round: '0', '+1', ..., '±6', ..., '-1'."""
    if fifths in (0, 6):
        return "0" if fifths == 0 else "±6"
    return f"{fifths:+d}" if fifths < 6 else f"{fifths - 12:+d}"


def _figure(width_inches: float, height_inches: float) -> Figure:
    figure = Figure(figsize=(width_inches, height_inches), layout="constrained")
    FigureCanvasAgg(figure)
    return figure
