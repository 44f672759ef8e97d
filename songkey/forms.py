"""Answers for programs: one JSON list, a JSON line a file, or CSV."""

import csv
import io
import json
import sys
from collections.abc import Callable
from typing import Any

from songkey.row import Columns, Row


class JsonList:
    """One JSON list of all files."""

    def __init__(self, columns: Columns, line: Callable[[str], None]):
        self.columns, self.line = columns, line
        self.rows: list[dict[str, Any]] = []

    def begin(self) -> None:
        """Nothing comes before."""

    def add(self, row: Row) -> None:
        """Kept until the end."""
        self.rows.append(self.columns.fields(row))

    def end(self) -> None:
        """The list."""
        self.line(_json(self.rows, indent=2))


class JsonLines:
    """One JSON object a line."""

    def __init__(self, columns: Columns, line: Callable[[str], None]):
        self.columns, self.line = columns, line

    def begin(self) -> None:
        """Nothing comes before."""

    def add(self, row: Row) -> None:
        """One file's line."""
        self.line(_json(self.columns.fields(row)))

    def end(self) -> None:
        """Nothing follows."""


class Csv:
    """One line a file, or with a timeline one a span; the first names the columns."""

    def __init__(self, columns: Columns, line: Callable[[str], None]):
        self.columns, self.line = columns, line

    def begin(self) -> None:
        """The names of the columns."""
        keys = ["key", "clear", "camelot", "open_key", "confidence"]
        if self.columns.timeline:
            self._print(["path", "start_seconds", "end_seconds", *keys])
            return
        following = [
            f"{what}_{place}"
            for place in range(2, self.columns.top + 1)
            for what in ("key", "probability")
        ]
        matches = ["mixes_as"] * self.columns.matches
        tags = ["tag", "tag_state"] if self.columns.tags else []
        self._print(["path", *keys, "tuning_cents", *matches, *tags, *following])

    def add(self, row: Row) -> None:
        """One file's lines."""
        fields = self.columns.fields(row)
        if self.columns.timeline:
            for span in fields["timeline"]:
                self._print([fields["path"], *span.values()])
            return
        following = fields.pop("candidates")[1:]
        shares = [value for one in following for value in (one["key"], one["probability"])]
        self._print([*fields.values(), *shares])

    def end(self) -> None:
        """Nothing follows."""

    def _print(self, values: list[Any]) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="").writerow(
            [str(value).lower() if isinstance(value, bool) else value for value in values]
        )
        self.line(text.getvalue())


def _json(value: object, indent: int | None = None) -> str:
    """JSON text; where stdout is in an encoding that lacks letters, names stand in it escaped."""
    has_all = (sys.stdout.encoding or "utf-8").lower().startswith("utf")
    return json.dumps(value, indent=indent, ensure_ascii=not has_all)
