"""Answers as a table for people."""

from collections.abc import Callable

from songkey.errors import one_line, printable
from songkey.row import Columns, Row

NO_CLEAR_KEY = "no clear key"


class Table:
    """Aligned columns, a line for each file and below it one for each span of its timeline."""

    def __init__(self, columns: Columns, line: Callable[[str], None]):
        self.columns, self.line = columns, line

    def begin(self) -> None:
        """The names of the columns."""
        self._print(
            "key", "Camelot", "conf.", "cents", "next candidates", "mixes as", "tag", "path"
        )

    def add(self, row: Row) -> None:
        """One file's line."""
        columns, estimate, cents = self.columns, row.heard.estimate, row.heard.tuning_cents
        answer, camelot = columns.spell(estimate.key), estimate.key.camelot
        candidates = estimate.candidates(columns.top)[1:]
        if not estimate.is_clear:
            answer, camelot = NO_CLEAR_KEY, "-"
            candidates = estimate.candidates(columns.top - 1)
        following = ", ".join(f"{columns.spell(key)} {share:.0%}" for key, share in candidates)
        tuning = "-" if cents is None else f"{cents:+.0f}"
        tag = f"{row.tag} {row.tag_state}" if row.tag else "-"
        self._print(
            answer, camelot, f"{estimate.confidence:.1%}", tuning, following, row.match or "", tag,
            one_line(printable(row.path)),
        )  # fmt: skip
        for span in row.heard.spans or () if columns.timeline else ():
            key = columns.spell(span.key) if span.is_clear else NO_CLEAR_KEY
            times = f"{_clock(span.start_seconds)} to {_clock(span.end_seconds)}"
            self.line(f"  {times:>18}  {key:<12} {span.confidence:>6.1%}")

    def end(self) -> None:
        """Nothing follows."""

    def _print(
        self, key: str, camelot: str, confidence: str, tuning: str, following: str, match: str,
        tag: str, path: str,
    ) -> None:  # fmt: skip
        columns = self.columns
        cells = [f"{key:<12} {camelot:<8} {confidence:>6}"]
        cells += [f"{tuning:>5}"] * columns.tuning
        cells += [f"{following:<{16 * (columns.top - 1)}}"] * (columns.top > 1)
        cells += [f"{match:<22}"] * columns.matches + [f"{tag:<20}"] * columns.tags
        self.line("  ".join(cells) + f" {path}")


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
