"""report.html: all that an evaluation found, on one page that needs no other file."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from evaluation.answers import Answers, SongAnswer, reliability_of
from evaluation.calibration import Reliability
from evaluation.plots import confusion_figure, fifths_figure, png_bytes, reliability_figure
from evaluation.strata import (
    ALL,
    Sets,
    by_dataset,
    by_genre,
    by_label_source,
    interval_scores,
    song_scores,
)
from model.metrics import table_rows
from songkey.counted import counted
from songkey.keys import relation
from storage.whole import write_whole

TEMPLATE = Path(__file__).with_name("report.html.j2")
WORST_SONGS = 20
SCORES = (
    "MIREX weights: correct 1, fifth 0.5, relative 0.3, parallel 0.2; all numbers in percent. "
    "The headline counts fifths in both directions, 'ascending only' is mir_eval's rule. "
    "The 95% interval is a bootstrap over songs or over intervals; as the intervals of one song "
    "are alike, that of intervals is too narrow."
)
STRATA = "Sets of few songs have wide intervals: a difference between them may be chance."
CALIBRATION = (
    "An answer of 80% confidence should be right in 80% of the cases. The expected calibration "
    "error is the mean gap between confidence and share of right answers, over 15 bins. A song's "
    "confidence is the mean over its intervals; eval.py --calibrate fits the temperature."
)
LOST = "These could not be read. A song without a readable interval is not scored."
ERRORS = "The wrong answers with the highest confidence: wrong labels are often among them."


@dataclass(frozen=True)
class Table:
    """A table with its header as the first row; its first `names` columns are text."""

    title: str
    rows: Sequence[Sequence[str]]
    names: int = 1


@dataclass(frozen=True)
class Section:
    """A chapter of the page."""

    title: str
    note: str = ""
    tables: Sequence[Table] = ()
    pictures: Mapping[str, str] = field(default_factory=dict)  # PNGs in base64, by their titles


def write_report(path: Path, facts: Mapping[str, str], answers: Answers, split: str) -> None:
    """Write the page; `facts` say what was evaluated, in the words of its first table."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, report_html(facts, answers, split).encode())


def report_html(facts: Mapping[str, str], answers: Answers, split: str) -> str:
    """The page as text; names in it are escaped, whatever they hold."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATE.parent), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True,
    )  # fmt: skip
    sets = by_dataset(answers.songs)
    title = f"Evaluation: {', '.join(name for name in sets if name != ALL)} {split}"
    page = environment.get_template(TEMPLATE.name)
    return page.render(title=title, facts=facts, sections=_sections(answers, sets, split))


def _sections(answers: Answers, sets: Sets, split: str) -> Iterable[Section]:
    intervals = _interval_reliability(answers)
    songs = table_rows(song_scores(sets, split), "songs")
    pieces = table_rows(interval_scores(sets, split), "intervals")
    yield Section("Scores", SCORES, [Table("Full songs", songs), Table("Intervals", pieces)])
    if strata := list(_strata(answers, split)):
        yield Section("Strata", STRATA, strata)
    yield Section("Calibration", CALIBRATION, [_calibration(sets, intervals)])
    for name, members in sets.items():
        yield Section(f"{name} {split}", pictures=_pictures(name, members, intervals[name]))
    yield Section("Most confident errors", ERRORS, [_worst(answers.songs)])
    if answers.lost_intervals:
        yield Section("Lost intervals", LOST, [_lost(answers)])


def _strata(answers: Answers, split: str) -> Iterable[Table]:
    for what, strata in (("label source", by_label_source), ("genre", by_genre)):
        if sets := strata(answers.songs):
            yield Table(f"By {what}", table_rows(song_scores(sets, split), "songs"))


def _interval_reliability(answers: Answers) -> dict[str, Reliability]:
    """Of each data set, and of all together."""
    first, *more = answers.interval_reliability.values()
    return {**answers.interval_reliability, ALL: sum(more, first)}


def _calibration(sets: Sets, intervals: Mapping[str, Reliability]) -> Table:
    rows = [["set", "answers", "mean confidence", "accuracy", "expected calibration error"]]
    for name, songs in sets.items():
        for what, bins in (("songs", reliability_of(songs)), ("intervals", intervals[name])):
            total = bins.counts.sum()
            shares = (bins.confidences.sum() / total, bins.hits.sum() / total, bins.error)
            percents = [f"{100 * share:.1f}" for share in shares]
            rows.append([f"{name}, {what}", f"{total:.0f}", *percents])
    return Table("Confidence and accuracy", rows)


def _pictures(name: str, songs: Sequence[SongAnswer], intervals: Reliability) -> dict[str, str]:
    """Of a data set; the titles are what a reader without pictures reads."""
    figures = {
        f"{name}: confusion matrix": confusion_figure(songs),
        f"{name}: errors on the circle of fifths": fifths_figure(songs),
        f"{name}: reliability of songs": reliability_figure(reliability_of(songs), "songs"),
        f"{name}: reliability of intervals": reliability_figure(intervals, "intervals"),
    }
    return {what: base64.b64encode(png_bytes(one)).decode() for what, one in figures.items()}


def _worst(songs: Sequence[SongAnswer]) -> Table:
    """The most confident of the wrong answers."""
    wrong = [song for song in songs if song.estimate.key != song.key]
    wrong.sort(key=lambda song: -song.estimate.confidence)
    header = ["data set", "song", "true key", "answer", "relation", "confidence", "true key's"]
    rows = [_error_row(song) for song in wrong[:WORST_SONGS]]
    return Table(f"{len(rows)} of {len(wrong)} wrong answers", [header, *rows], names=5)


def _lost(answers: Answers) -> Table:
    """The songs that lack intervals, those without any first."""
    rows = [[*song[:2], str(song.lost_intervals), "0"] for song in answers.unanswered]
    rows += [
        [song.dataset, song.song_id, str(song.lost_intervals), str(song.intervals.total)]
        for song in answers.songs
        if song.lost_intervals
    ]
    title = f"{counted(answers.lost_intervals, 'interval')} of {counted(len(rows), 'song')}"
    return Table(title, [["data set", "song", "lost", "read"], *rows], names=2)


def _error_row(song: SongAnswer) -> list[str]:
    estimate = song.estimate
    return [
        song.dataset, song.song_id, str(song.key), str(estimate.key),
        str(relation(estimate.key, song.key)), f"{estimate.confidence:.1%}",
        f"{estimate.probabilities[song.key.id]:.1%}",
    ]  # fmt: skip
