"""What an evaluation prints: scores, what was not scored, which of two systems is better."""

from collections.abc import Sequence
from pathlib import Path

from evaluation.answers import Answers
from evaluation.keyfiles import lost_intervals
from evaluation.paired import RESAMPLES, compare_systems
from evaluation.predictions import compare
from evaluation.temperature import COLDEST, HOTTEST, Fit
from model.metrics import format_table
from songkey.counted import counted

NAMES_IN_A_MESSAGE = 3
AMBIGUOUS_IN_A_MESSAGE = 10
REPEATED = "song given more than once with the same key, counted once"


def named(what: str, names: Sequence[str]) -> list[str]:
    """How many there are and the first of them, in one line; none for none."""
    more = ", ..." if len(names) > NAMES_IN_A_MESSAGE else ""
    first = ", ".join(names[:NAMES_IN_A_MESSAGE])
    return [f"{counted(len(names), what)}: {first}{more}"] if names else []


def lost_notes(answers: Answers) -> list[str]:
    """How many intervals of each data set could not be read, and whose are all lost."""
    lost = answers.lost_by_dataset
    sets = ", ".join(f"{count} of {dataset}" for dataset, count in lost.items())
    unanswered = [f"{song.dataset}/{song.song_id}" for song in answers.unanswered]
    return [
        *([f"{counted(lost.total(), 'interval')} could not be read: {sets}"] if sets else []),
        *named("song without a readable interval, not scored", unanswered),
    ]


def trained_notes(answers: Answers) -> list[str]:
    """How many of the songs are no test of the network, and why that may be more; none for none."""
    total, seen = len(answers.songs) + len(answers.unanswered), answers.seen
    music = seen.unlabelled
    return [
        *([f"{seen.songs} of {total} songs were trained on"] if seen.songs else []),
        *([f"{music} of {total} songs were heard without labels"] if music else []),
        *([f"copies of what trained cannot be known: {seen.unknown}"] if seen.unknown else []),
        *filter(None, [seen.contradictions]),
    ]


def of_intervals(count: int, lost: int) -> str:
    """How many intervals that is, and how many more there would be."""
    return counted(count, "interval") + (f"; {lost} more could not be read" if lost else "")


def _incomplete(*files: Path) -> list[str]:
    return [
        f"{counted(count, 'interval')} of the songs in {file.name} could not be read"
        for file in files
        if (count := lost_intervals(file))
    ]


def scored(predictions: Path, annotations: Path) -> list[str]:
    """The score of a file of answers on true keys, and what of the two could not be scored."""
    comparison = compare(predictions, annotations)
    keyless = comparison.answers_without_key
    return [
        format_table({annotations.absolute().name: comparison.score}),
        *named("song without an answer, not scored", comparison.without_answer),
        *named("answer to songs that are not there", comparison.without_truth),
        *named("song without a key there, not scored", comparison.keyless),
        *named("song whose key there does not parse, not scored", comparison.unreadable_truth),
        *named("answer to songs that lie in other folders there", comparison.in_other_folders),
        *named(REPEATED, comparison.repeated),
        *([counted(keyless, "answer without a key, counted as other")] if keyless else []),
        *_incomplete(predictions),
        *_ambiguous(comparison.ambiguous),
    ]


def _ambiguous(answers: Sequence[str]) -> list[str]:
    """Answers that a person would take for right, and what to do about them."""
    if not answers:
        return []
    more = ", ..." if len(answers) > AMBIGUOUS_IN_A_MESSAGE else ""
    first = ", ".join(answers[:AMBIGUOUS_IN_A_MESSAGE])
    return [
        f"{len(answers)} of the answers without a key may mean several: {first}{more}; write one "
        "for each song, such as 'C', 'C minor', 'Cm' or '5A'"
    ]


def compared(first: Path, second: Path, annotations: Path | None) -> list[str]:
    """The scores of two files of answers, A and B, and whether and by how much A is better."""
    paired = compare_systems(first, second, annotations)
    difference, (only_a, only_b) = paired.difference, paired.only_right
    names = (f"A: {first.name}", f"B: {second.name}")
    return [
        format_table(dict(zip(names, paired.scores, strict=True))),
        f"A minus B, weighted: {difference.points:+.1f} points, 95% interval {difference.low:+.1f} "
        f"to {difference.high:+.1f}, p = {difference.p_value:.2g} (paired bootstrap, {RESAMPLES:,} "
        f"draws of {paired.scores[0].total} songs)",
        f"exactly right: {counted(only_a, 'song')} by A only, {only_b} by B only; "
        f"p = {paired.mcnemar_p_value:.2g} (McNemar's exact test)",
        *named("song answered by A only, not compared", paired.only_answered[0]),
        *named("song answered by B only, not compared", paired.only_answered[1]),
        *named("song without a true key, not compared", paired.without_truth),
        *named(REPEATED, paired.repeated),
        *_incomplete(first, second),
    ]


def fit_notes(fit: Fit) -> list[str]:
    """What a fitted temperature changes on the intervals it was fitted on."""
    at_bound = min(fit.temperature / COLDEST, HOTTEST / fit.temperature) < 1.01
    return [
        f"temperature {fit.temperature:.3f}, fitted on the valid split: "
        + of_intervals(fit.intervals, fit.lost_intervals),
        f"their loss {fit.loss_before:.3f} -> {fit.loss:.3f}, expected calibration error "
        f"{100 * fit.before.error:.1f}% -> {100 * fit.after.error:.1f}%",
        *(["that is the bound: too few songs, or all or none are right"] if at_bound else []),
    ]
